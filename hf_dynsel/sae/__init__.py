"""The sparse autoencoder: model, training, code columns, and the layouts of other libraries."""

from hf_dynsel.sae.config import SparseAutoencoderConfig as SparseAutoencoderConfig
from hf_dynsel.sae.config import TrainingSummary as TrainingSummary
from hf_dynsel.sae.encode import add_codes as add_codes
from hf_dynsel.sae.model import SparseAutoencoder as SparseAutoencoder
from hf_dynsel.sae.saelens import load_saelens as load_saelens
from hf_dynsel.sae.saelens import save_saelens as save_saelens
from hf_dynsel.sae.sparse import SparseCodes as SparseCodes
from hf_dynsel.sae.sparsify import load_sparsify as load_sparsify
from hf_dynsel.sae.sparsify import save_sparsify as save_sparsify
from hf_dynsel.sae.train import train_sae as train_sae

__all__ = [
    "SparseAutoencoder",
    "SparseAutoencoderConfig",
    "SparseCodes",
    "TrainingSummary",
    "add_codes",
    "load_saelens",
    "load_sparsify",
    "save_saelens",
    "save_sparsify",
    "train_sae",
]
