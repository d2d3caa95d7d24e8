"""Small autoencoders with given weights."""

from collections.abc import Callable

import pytest
import torch

from hf_dynsel.sae import SparseAutoencoder, SparseAutoencoderConfig
from unchecked_kit import unchecked as unchecked

Build = Callable[..., SparseAutoencoder]


@pytest.fixture
def build() -> Build:
    """Makes a model that takes its inputs as they are, from lists of weights."""

    def make(weight, encoder_bias=None, decoder_bias=None, k=1, mode="relu"):
        rows = torch.tensor(weight)
        config = SparseAutoencoderConfig(rows.shape[1], rows.shape[0], k, mode, normalize=False)
        sae = SparseAutoencoder(config)
        with torch.no_grad():
            sae.weight.copy_(rows)
            if encoder_bias is not None:
                sae.encoder_bias.copy_(torch.tensor(encoder_bias))
            if decoder_bias is not None:
                sae.decoder_bias.copy_(torch.tensor(decoder_bias))
        return sae

    return make
