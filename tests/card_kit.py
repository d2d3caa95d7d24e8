"""Facts for cards, as the parts of the library hand them over, and how to read a card."""

from pathlib import Path
from typing import Any

import yaml

from hf_dynsel.cards import RunFacts, adapter_card, sae_card, scores_card, selections_card
from hf_dynsel.report.canvas import chart
from hf_dynsel.report.picture import Picture

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
TEXTS = {
    "backbone": "TransformersText",
    "model": MINILM,
    "revision": None,
    "weights": "0f" * 16,
    "max_length": 64,
    "pooling": "mean",
}
IMAGES = {"backbone": "TimmImage", "architecture": "tf_efficientnet_lite0", "weights": "1e" * 16}
SOURCE = {
    "name": "Fashion-MNIST",
    "hub_id": "zalandoresearch/fashion_mnist",
    "license": "mit",
    "redistribution": True,
    "task": "image-classification",
}
ORIGIN = {
    "dataset": {**SOURCE, "fingerprint": "ab" * 16, "rows": 12000},
    "encoder": IMAGES,
    "library_version": "0.1.0",
}
SAE = {"input_dim": 1280, "num_latents": 10240, "k": 32, "topk_mode": "relu", "normalize": True}
SAE_TRAINING = {
    "num_items": 12000,
    "epochs": 50,
    "steps": 800,
    "seconds": 61.5,
    "fvu": 0.1025,
    "l0": 31.75,
    "dead_share": 0.0039,
    "unit_frequency": {"min": 0.0, "5%": 0.001, "median": 0.002, "95%": 0.04, "max": 0.91},
}
ADAPTERS = {
    "kind": "linear",
    "sample_dim": 1280,
    "text_dim": 384,
    "classes": ["T-shirt/top", "Trouser"],
    "words": ["t-shirt", "trouser"],
    "templates": ["a photo of a {}"],
    "sample_encoder": IMAGES,
    "text_encoder": TEXTS,
    "seed": 0,
}
ADAPTER_TRAINING = {
    "num_items": 12000,
    "epochs": 15,
    "steps": 360,
    "seconds": 4.25,
    "loss": 1.875,
    "temperature": 0.0525,
    "texts_cut": 0.25,
}
FIGURE = Picture("scores", "Histograms of the scores.", "Median 0.25; a long caption.", chart()[0])
NOTES = {
    "dataset_fingerprint": "ab" * 16,
    "num_rows": 12000,
    "labels": ["label"],
    "content": ["image"],
    "columns": {"sae": {}},
    "source": SOURCE,
    "scores": {
        "diversity": {
            "class": "Diversity",
            "config": {"normalize": "minmax"},
            "library_version": "0.1.0",
            "features": IMAGES,
            "sae": {"sae_fingerprint": "cd" * 16, "source": f"user/sae@{'12' * 20}"},
        }
    },
}
RUN = RunFacts(
    selector="RepDiv",
    settings={"keep": 0.3, "penalty": 0.2},
    size=12000,
    epochs=3,
    samples_per_epoch=[3600, 3600, 12000],
    samples_forwarded=19200,
    samples_swept=0,
    optimizer_steps=302,
    seconds={"features": 60.5, "sae": 20.0, "scores": 1.5, "select": 0.5, "train": 100.0},
    usage={"never_used": 0.125, "gini": 0.08, "max": 3},
    results={"accuracy": 0.8574},
    split="test",
    source=SOURCE,
    scores={"diversity": "Diversity"},
    recipe="name: fashion\nselector:\n  name: RepDiv\n",
    log="user/run-selections",
)


def render(kind: str, **changes: Any) -> str:
    """Returns a card of a kind; `changes` replace facts."""
    sae = {"settings": SAE, "training": SAE_TRAINING, "origin": ORIGIN, "repo_id": "user/sae"}
    pair = {**sae, "settings": ADAPTERS, "training": ADAPTER_TRAINING, "repo_id": "user/pair"}
    table = {"notes": NOTES, "repo_id": "user/scores", "figures": [FIGURE]}
    log = {"facts": RUN, "repo_id": "user/run-selections", "model": "user/run"}
    match kind:
        case "sae":
            return sae_card(**{**sae, **changes})
        case "adapters":
            return adapter_card(**{**pair, **changes})
        case "scores":
            return scores_card(**{**table, **changes})
        case _:
            return selections_card(**{**log, **changes})


def metadata(card: str) -> dict[str, Any]:
    """Returns the front matter, read as the Hub does."""
    _, block, _ = card.split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(block)
    return found


def save(card: str, folder: Path) -> Path:
    """Returns the path of the card as a README.md."""
    path = folder / "README.md"
    path.write_text(card, encoding="utf-8")
    return path
