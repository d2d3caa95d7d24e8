"""The sparse autoencoder: model, training, and code columns for datasets."""

from hf_dynsel.sae.config import SparseAutoencoderConfig as SparseAutoencoderConfig
from hf_dynsel.sae.config import TrainingSummary as TrainingSummary
from hf_dynsel.sae.encode import add_codes as add_codes
from hf_dynsel.sae.model import SparseAutoencoder as SparseAutoencoder
from hf_dynsel.sae.sparse import SparseCodes as SparseCodes
from hf_dynsel.sae.train import train_sae as train_sae

__all__ = [
    "SparseAutoencoder",
    "SparseAutoencoderConfig",
    "SparseCodes",
    "TrainingSummary",
    "add_codes",
    "train_sae",
]
