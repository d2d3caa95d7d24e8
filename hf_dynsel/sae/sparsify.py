"""Writes and reads sparse autoencoders in the layout of EleutherAI's sparsify."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_dynsel import model_files
from hf_dynsel.json_files import read_object
from hf_dynsel.model_location import find
from hf_dynsel.sae.config import SparseAutoencoderConfig
from hf_dynsel.sae.model import SparseAutoencoder
from hf_dynsel.sae.untied import Untied, tie, untie

FILES = model_files.Files("cfg.json", "sae.safetensors")
NOTE, UNIT_LENGTH = "hf_dynsel", "normalize"


@dataclass(frozen=True)
class SparsifyConfig:
    """What a `cfg.json` of sparsify says, and our note in it; the defaults are its own.

    Raises:
        TypeError: if a value has another type.
        ValueError: if it describes a model that ours cannot hold.
    """

    d_in: int
    num_latents: int = 0
    k: int = 32
    activation: str = "topk"
    skip_connection: bool = False
    transcode: bool = False
    expansion_factor: int = 32
    normalize_decoder: bool = True
    multi_topk: bool = False
    hf_dynsel: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        allowed = {"activation": ("topk",), "skip_connection": (False,), "transcode": (False,)}
        model_files.check_choices(self, allowed)
        for name in ("d_in", "num_latents", "expansion_factor"):
            if type(getattr(self, name)) is not int:
                raise TypeError(f"{name} must be an int, got {getattr(self, name)!r}")
        if self.hf_dynsel is not None and not isinstance(self.hf_dynsel, Mapping):
            raise TypeError(f"{NOTE} must be an object, got {self.hf_dynsel!r}")
        self.ours()

    def ours(self) -> SparseAutoencoderConfig:
        """Returns the settings of our model."""
        units = self.num_latents or self.d_in * self.expansion_factor
        normalize = (self.hf_dynsel or {}).get(UNIT_LENGTH, False)
        return SparseAutoencoderConfig(self.d_in, units, self.k, "relu", normalize)


def save_sparsify(sae: SparseAutoencoder, folder: str | Path) -> None:
    """Saves a model so that `sparsify.SparseCoder.load_from_disk` gives the same codes.

    Sparsify scales no inputs: of a model with `normalize`, scale the features to unit length
    before you hand them over. The config notes that under `hf_dynsel`, which sparsify passes over
    and `load_sparsify` reads. It reconstructs these inputs where we reconstruct the standardized
    ones. Which of two units that tie for the last place is kept, it leaves open.

    Args:
        sae: of topk_mode "relu"; it is written in float32.
        folder: gets `cfg.json` and `sae.safetensors`.

    Raises:
        ValueError: if the model keeps negative values.

    Reference:
        EleutherAI/sparsify @ d8520b4d660d, `sparsify/sparse_coder.py`, and @ 31fc0580d90a,
        `sparsify/fused_encoder.py`; run against release 1.3.3.
    """
    form, config = untie(sae), sae.config
    settings = {
        "activation": "topk",
        "expansion_factor": max(1, config.num_latents // config.input_dim),
        # Our rows have any length: training on must not scale the decoder's to one.
        "normalize_decoder": False,
        "num_latents": config.num_latents,
        "k": config.k,
        "multi_topk": False,
        "skip_connection": False,
        "transcode": False,
        "d_in": config.input_dim,
        NOTE: {UNIT_LENGTH: config.normalize, "fingerprint": sae.fingerprint()},
    }
    tensors = {
        "encoder.weight": form.encoder,
        "encoder.bias": form.encoder_bias,
        "W_dec": form.decoder,
        "b_dec": form.bias,
    }
    model_files.write(Path(folder), settings, tensors, FILES)


def load_sparsify(
    name: str | Path, *, subfolder: str = "", revision: str | None = None
) -> SparseAutoencoder:
    """Returns a sparsify model as one of ours, with the same codes; every value is checked first.

    It must be a top-k autoencoder in float32 whose decoder is the transpose of its encoder,
    without a skip connection. The bias that it subtracts becomes our mean. How it was trained is
    not read. Features are taken as they are, unless `save_sparsify` noted something else.

    Args:
        name: a folder, or a repository on the Hub.
        subfolder: of the folder or repository, where it holds one model per hookpoint.
        revision: branch, tag or commit of the repository.

    Raises:
        ValueError: if a file is missing or damaged, or describes a model that ours cannot hold.
        OSError: if the Hub refuses the repository or cannot be reached.

    Reference:
        EleutherAI/sparsify @ d8520b4d660d, `sparsify/sparse_coder.py`, and @ 31fc0580d90a,
        `sparsify/fused_encoder.py`; run against release 1.3.3.
    """
    found = find(name, FILES.inside(subfolder), "a sparsify autoencoder", revision)
    ours = model_files.build(SparsifyConfig, read_object(found.config), found.config).ours()
    units, dim = ours.num_latents, ours.input_dim
    shapes = {
        "encoder.weight": (units, dim),
        "encoder.bias": (units,),
        "W_dec": (units, dim),
        "b_dec": (dim,),
    }
    path = found.weights(shapes)
    tensors = model_files.read_tensors(path, shapes)
    form = Untied(*(tensors[name] for name in shapes))
    sae = tie(form, ours.k, ours.normalize, path)
    sae.source = found.source
    return sae
