"""What is public is listed, sorted and importable, and costs no heavy import before it is used."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import hf_dynsel

INNER = [f"hf_dynsel.{m.name}" for m in pkgutil.iter_modules(hf_dynsel.__path__) if m.ispkg]
PACKAGES = {name: importlib.import_module(name) for name in ("hf_dynsel", *INNER)}
every_package = pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES)
HEAVY = ("torch", "transformers", "datasets", "accelerate", "timm", "open_clip", "torchvision")
DRAWING = ("matplotlib", "jinja2", "PIL", "sklearn", "evaluate", "pandas")


def test_there_are_packages_to_check():
    assert {"hf_dynsel.selectors", "hf_dynsel.scores", "hf_dynsel.data"} <= PACKAGES.keys()


@every_package
def test_public_names_are_sorted_and_importable(package):
    names = package.__all__
    assert list(names) == sorted(set(names))
    assert all(hasattr(package, public) for public in names)
    assert set(names) <= set(dir(package))


@every_package
def test_what_is_public_says_what_it_is(package):
    assert package.__doc__
    for public in package.__all__:
        member = getattr(package, public)
        if callable(member):
            assert member.__doc__, public


def test_the_names_of_the_design_are_there():
    fixed = {
        "DynamicSelectionArguments",
        "DynamicSelectionTrainer",
        "Feedback",
        "Pool",
        "Selection",
        "SelectionSampler",
        "Selector",
        "SparseAutoencoder",
        "add_scores",
        "attach",
        "load_scores",
        "push_scores",
        "simulate",
        "train",
    }
    assert fixed <= set(hf_dynsel.__all__)


def test_the_methods_of_the_design_are_there():
    fixed = (
        "ClipPowered D2Pruning DatasetPruning DensityConsistency DynamicRandom EpsilonGreedy "
        "FullData Herding InfoBatch InfoMax KCenter Moderate Prototypes RCAP "
        "RandomWithoutReplacement RepDiv SAEGreedy SAESimScale SelectiveBackprop StaticRandom "
        "TopScore UCB"
    )
    assert set(fixed.split()) <= set(PACKAGES["hf_dynsel.selectors"].__all__)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'hf_dynsel' has no attribute 'Trainer'"):
        _ = hf_dynsel.Trainer
    with pytest.raises(ImportError, match="cannot import name 'Trainer'"):
        from hf_dynsel import Trainer  # noqa: F401


def loaded_by(statement):
    """The top-level modules that a statement loads in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import hf_dynsel",
        "from hf_dynsel import Pool, simulate; import hf_dynsel.selectors, hf_dynsel.signatures",
    ],
)
def test_selecting_needs_neither_torch_nor_transformers(statement):
    assert loaded_by(statement).isdisjoint({*HEAVY, *DRAWING})


def test_optional_packages_are_not_loaded_by_what_does_not_need_them():
    """Backbones load timm or open_clip, and figures matplotlib, when they are built."""
    statement = "import hf_dynsel.features, hf_dynsel.report, hf_dynsel.sae, hf_dynsel.scores"
    assert loaded_by(statement).isdisjoint({"open_clip", "timm", "torchvision", "matplotlib"})
