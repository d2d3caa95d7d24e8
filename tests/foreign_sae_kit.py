"""The published forward passes of other libraries, written out for tests, and models to run.

`saelens` follows decoderesearch/SAELens @ bd29287b0d3e and 2ad7a455a481 (`process_sae_in`, `encode`
and `decode` of a top-k model), `sparsify` EleutherAI/sparsify @ d8520b4d660d and 31fc0580d90a.
Both were compared with the released classes, SAELens 6.54.12 and eai-sparsify 1.3.3: on 200 rows
in float32, codes and reconstructions differ by at most 4e-6 at lengths around 15.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig


def model(normalize: bool = True, seed: int = 0, dtype: torch.dtype = torch.float32, **settings):
    config = SparseAutoencoderConfig(6, 20, 4, normalize=normalize, **settings)
    sae = SparseAutoencoder(config, seed).to(dtype)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for tensor in (sae.encoder_bias, sae.decoder_bias, sae.mean):
            tensor.normal_(0, 0.3, generator=generator)
    return sae


def rows(dtype: torch.dtype = torch.float32, seed: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(50, 6, generator=generator, dtype=torch.float64).to(dtype)


def top_k(pre: Tensor, k: int) -> Tensor:
    values, indices = pre.topk(k, dim=-1)
    return torch.zeros_like(pre).scatter(-1, indices, values.relu())


def saelens(config: dict[str, Any], w: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the codes and the reconstruction of a SAELens model of architecture topk."""
    scale = torch.ones(len(x), 1, dtype=x.dtype)
    if config["normalize_activations"] == "constant_norm_rescale":
        scale = config["d_in"] ** 0.5 / x.norm(dim=-1, keepdim=True)
    sae_in = x * scale - w["b_dec"] * config["apply_b_dec_to_input"]
    pre, norms = sae_in @ w["W_enc"] + w["b_enc"], torch.ones_like(w["b_enc"])
    if config["rescale_acts_by_decoder_norm"]:
        norms = w["W_dec"].norm(dim=-1)
    codes = top_k(pre * norms, config["k"])
    return codes, ((codes / norms) @ w["W_dec"] + w["b_dec"]) / scale


def sparsify(config: dict[str, Any], w: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the codes and the reconstruction of a sparsify autoencoder."""
    pre = torch.nn.functional.linear(x - w["b_dec"], w["encoder.weight"], w["encoder.bias"]).relu()
    codes = top_k(pre, config["k"])
    return codes, codes @ w["W_dec"] + w["b_dec"]


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    weights = next(folder.glob("*.safetensors"))
    return json.loads((folder / "cfg.json").read_text()), load_file(weights)


def rewrite(folder: Path, settings: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Changes values of a saved model; a setting of `...` and a tensor of None are removed."""
    config, weights = read(folder)
    kept = {name: value for name, value in (config | settings).items() if value is not ...}
    (folder / "cfg.json").write_text(json.dumps(kept))
    path = next(folder.glob("*.safetensors"))
    merged = {n: t.clone().contiguous() for n, t in (weights | tensors).items() if t is not None}
    path.unlink()  # the file may still be mapped into memory
    save_file(merged, path)
