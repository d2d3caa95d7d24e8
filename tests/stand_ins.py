"""Local stand-ins for what the recipes download: the same columns, types and kinds of encoders."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from datasets import ClassLabel, Dataset, Features, Image
from PIL import Image as Pictures
from safetensors.torch import save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import RobertaConfig, RobertaForMaskedLM, RobertaTokenizer

from hf_dynsel import yaml_files
from rsd_posts import posts, small, write

RECIPES = Path(__file__).parents[1] / "recipes"
CLIP = "stand-in-clip"
CLIP_CONFIG = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 8, "head_width": 4, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}
TRAINER = (
    "trainer.num_train_epochs=2",
    "trainer.per_device_train_batch_size=8",
    "trainer.bf16=false",
    "trainer.dataloader_num_workers=0",
    "trainer.dataloader_persistent_workers=false",
)
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@dataclass(frozen=True)
class Pictured:
    """The schema of a dataset of images on the Hub, with fewer classes.

    Args:
        image: name of the column.
        labels: class names by column.
        splits: whether its rows have labels, by name; -1 stands for none.
        sides: heights and widths, in pixels.
    """

    image: str
    labels: Mapping[str, list[str]]
    splits: Mapping[str, bool]
    sides: tuple[int, ...]

    def split(self, rows: int, labelled: bool, seed: int) -> Dataset:
        """Returns noise, the classes of each kind in turn."""
        rng = np.random.default_rng(seed)
        sizes = rng.choice(self.sides, (rows, 2))
        columns: dict[str, list[Any]] = {
            self.image: [_picture(rng.integers(0, 256, (*size, 3))) for size in sizes]
        }
        for name, classes in self.labels.items():
            columns[name] = [row % len(classes) if labelled else -1 for row in range(rows)]
        kinds = {name: ClassLabel(names=classes) for name, classes in self.labels.items()}
        return Dataset.from_dict(columns, features=Features({self.image: Image(), **kinds}))


def _picture(pixels: np.ndarray) -> Any:
    return Pictures.fromarray(pixels.astype(np.uint8))


def _wordnet_ids() -> list[str]:
    recipe = yaml_files.read(RECIPES / "paper_b" / "table9" / "tiny_imagenet_vgg16.yaml")
    return list(recipe["adapters"]["descriptions"])


def _datasets() -> dict[str, Pictured]:
    both = {"train": True, "test": True}
    fine, coarse = ["apple", "aquarium_fish", "baby"], ["fish", "fruit_and_vegetables"]
    imagenet = {"label": ["tench, Tinca tinca", "goldfish, Carassius auratus", "cock"]}
    return {
        "uoft-cs/cifar10": Pictured("img", {"label": ["airplane", "bird", "cat"]}, both, (32,)),
        "uoft-cs/cifar100": Pictured(
            "img", {"fine_label": fine, "coarse_label": coarse}, both, (32,)
        ),
        "zh-plus/tiny-imagenet": Pictured(
            "image", {"label": _wordnet_ids()}, {"train": True, "valid": True}, (64,)
        ),
        "ILSVRC/imagenet-1k": Pictured(
            "image", imagenet, {"train": True, "validation": True, "test": False}, (30, 40, 60)
        ),
    }


def hub_dataset(name: str, folder: Path, rows: int = 24) -> Path:
    """Returns a folder that `load_dataset` reads as the dataset of this name on the Hub."""
    kind = _datasets()[name]
    rows = max(rows, *map(len, kind.labels.values()))
    (folder / "data").mkdir(parents=True)
    for seed, (split, labelled) in enumerate(kind.splits.items()):
        file = folder / "data" / f"{split}-00000-of-00001.parquet"
        kind.split(rows, labelled, seed).to_parquet(file)
    return folder


def image_folder(folder: Path, rows: int = 24) -> Path:
    """Returns a folder of ImageNet's layout: train/<class>/<image> and val/<class>/<image>."""
    for seed, split in enumerate(("train", "val")):
        part = _datasets()["ILSVRC/imagenet-1k"].split(rows, True, seed)
        for number, row in enumerate(part):
            place = folder / split / f"n0000000{row['label']}"
            place.mkdir(parents=True, exist_ok=True)
            row["image"].save(place / f"{number}.JPEG")
    return folder


def clip(folder: Path) -> str:
    """Registers a tiny architecture of CLIP's kind, and returns a file with weights of it."""
    folder.mkdir(parents=True)
    (folder / f"{CLIP}.json").write_text(json.dumps(CLIP_CONFIG))
    open_clip.add_model_config(folder / f"{CLIP}.json")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(open_clip.create_model(CLIP).state_dict(), folder / "clip.safetensors")
    return str(folder / "clip.safetensors")


def roberta(folder: Path) -> str:
    """Returns a folder with a tiny RoBERTa, saved as the real one is, and a tokenizer of its kind.

    The real one was saved as a masked language model: without a pooler or a head to classify.
    """
    words = ByteLevelBPETokenizer()
    texts = [post[1] for post in posts(dict.fromkeys(["Attempt"], 50), users=5)]
    words.train_from_iterator(texts, vocab_size=400, special_tokens=SPECIAL, show_progress=False)
    saved = json.loads(words.to_str())["model"]
    tokenizer = RobertaTokenizer(
        vocab=saved["vocab"], merges=[tuple(pair) for pair in saved["merges"]], model_max_length=512
    )
    tokenizer.save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=514,
        type_vocab_size=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        RobertaForMaskedLM(config).save_pretrained(folder)
    return str(folder)


@dataclass
class StandIns:
    """Makes what recipes would download when it is first asked for, all in one folder."""

    folder: Path

    def overrides(self, content: Mapping[str, Any]) -> list[str]:
        """Returns what makes a recipe run offline, at a small size, in two epochs on a CPU."""
        given = [*TRAINER, *self._data(content["dataset"])]
        if not content["trainer"].get("load_best_model_at_end"):
            given.append("trainer.save_strategy=no")
        if content.get("features"):
            given += [f"features.{key}" for key in self._encoder(content["features"])]
        if content.get("adapters"):
            given += [f"adapters.{key}" for key in self._encoder(content["adapters"])[:2]]
        if content.get("sae"):
            given += ["sae.expansion=4", "sae.k=4", "sae.epochs=2"]
        if "text_encoder" in content["model"]:
            given.append(f"model.text_encoder={self._made('roberta', roberta)}")
        if content.get("proxy"):
            given.append("proxy.epochs=2")
        return given

    def _data(self, section: Mapping[str, Any]) -> list[str]:
        if section["loader"] == "hub":
            name = section["path"]
            made = self._made(name.replace("/", "_"), lambda folder: hub_dataset(name, folder))
        else:
            made = self._made("posts.csv", lambda file: write(file, posts(small(0.015), users=40)))
        return [f"dataset.path={made}"]

    def _encoder(self, section: Mapping[str, Any]) -> list[str]:
        if section.get("backbone") == "TransformersText":
            return [f"model={self._made('roberta', roberta)}", "batch_size=16"]
        weights = self._made("clip", clip) / "clip.safetensors"
        own = [f"architecture={CLIP}", f"pretrained={weights}"]
        return [*own, "batch_size=16", "num_workers=0"]

    def _made(self, name: str, make: Callable[[Path], Any]) -> Path:
        if not (place := self.folder / name).exists():
            make(place)
        return place
