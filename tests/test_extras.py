import sys

import pytest

from hf_dynsel.extras import require


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules, by name, that can then be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)

    yield write
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_an_installed_module_is_returned():
    assert require("json.decoder", "vision") is sys.modules["json.decoder"]


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.inner.part"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(module):
    with pytest.raises(
        ImportError, match=r"package 'no_such_package', .*pip install 'hf-dynsel\[vision\]'"
    ):
        require(module, "vision")


@pytest.mark.parametrize("missing", ["unrelated_and_missing", "acme"])
def test_what_an_installed_package_misses_is_not_blamed_on_the_extra(missing, modules):
    """As torchvision without torch: its name begins with that of what is missing."""
    modules(acme_vision=f"import {missing}")
    with pytest.raises(ModuleNotFoundError, match=f"^No module named '{missing}'$"):
        require("acme_vision", "vision")


def test_a_package_that_breaks_while_importing_shows_its_own_error(modules):
    modules(broken_package="raise ImportError('built for another torch')")
    with pytest.raises(ImportError, match="^built for another torch$"):
        require("broken_package", "vision")
