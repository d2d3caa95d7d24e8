"""The symmetric contrastive loss in which samples of one class are no negatives of each other."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def contrastive_loss(
    samples: Float[Tensor, "b d"],
    texts: Float[Tensor, "classes d"],
    labels: Int[Tensor, " b"],
    scale: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """Returns the mean of two cross-entropies: samples to class texts, and class texts to samples.

    A sample is to find the text of its class among the classes in the batch. Each of these texts
    is to find the samples of its class, all to equal shares, among the samples of the batch.

    Args:
        samples: vectors of unit length.
        texts: one vector of unit length per class, also for classes that are not in the batch.
        labels: class of each sample.
        scale: one over the temperature.

    Reference:
        Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
        ICML 2021, figure 3. There each row has one positive; here the targets follow the class.
    """
    present, own = torch.unique(labels, return_inverse=True)
    logits = scale * samples @ texts[present].T
    to_texts: Tensor = F.cross_entropy(logits, own)
    log_shares = logits.log_softmax(dim=0).gather(1, own[:, None]).squeeze(1)
    shares = 1 / torch.bincount(own).to(logits.dtype)
    to_samples = -(shares[own] * log_shares).sum() / len(present)
    return (to_texts + to_samples) / 2
