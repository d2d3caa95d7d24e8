import sys
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from transformers import AutoModelForImageClassification, Trainer, TrainingArguments

from hf_dynsel.models import image_classifier

NAMES = ["ant", "bee", "cat"]


def test_the_weights_are_those_of_timm() -> None:
    """transformers' own initialisation would undo the zeros that timm puts into the last norms."""
    torch.default_generator.manual_seed(5)
    expected = timm.create_model("small_resnet18", num_classes=3, in_chans=1).state_dict()
    model = image_classifier("small_resnet18", label_names=NAMES, in_chans=1, seed=5)
    own = model.timm_model.state_dict()
    assert own.keys() == expected.keys()
    assert all(torch.equal(own[name], expected[name]) for name in own)
    assert not own["layer1.0.bn2.weight"].any()


def test_the_seed_sets_the_weights() -> None:
    first, same, other = (
        image_classifier("small_cnn", label_names=NAMES, seed=seed).state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(
        first["timm_model.features.0.weight"], other["timm_model.features.0.weight"]
    )


def test_the_callers_random_numbers_are_not_touched() -> None:
    before = torch.get_rng_state()
    image_classifier("small_cnn", label_names=NAMES)
    assert torch.equal(torch.get_rng_state(), before)


def test_channels_last_is_the_same_model_in_another_layout() -> None:
    plain, other = (
        image_classifier("small_cnn", label_names=NAMES, channels_last=wanted).eval()
        for wanted in (False, True)
    )
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    weights = other.timm_model.features[4].weight
    assert weights.is_contiguous(memory_format=torch.channels_last) and not weights.is_contiguous()
    torch.testing.assert_close(other(images).logits, plain(images).logits)


def test_labels_and_shape_are_in_the_configuration() -> None:
    config = image_classifier("small_cnn", label_names=NAMES, in_chans=1).config
    assert config.id2label == {0: "ant", 1: "bee", 2: "cat"}
    assert config.label2id == {"ant": 0, "bee": 1, "cat": 2}
    assert config.num_labels == 3
    assert config.model_args == {"in_chans": 1}


def test_a_saved_model_loads_by_auto_class(tmp_path: Path) -> None:
    model = image_classifier("small_vit_small", label_names=NAMES, img_size=8, in_chans=1).eval()
    model.save_pretrained(tmp_path)
    loaded = AutoModelForImageClassification.from_pretrained(tmp_path).eval()
    images = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(loaded(images).logits, model(images).logits)
    assert loaded.config.id2label == model.config.id2label


def test_it_trains_in_the_trainer(tmp_path: Path) -> None:
    """One black and one white image are told apart after a few steps."""
    rows = [{"pixel_values": torch.full((1, 8, 8), float(i)), "labels": i} for i in (0, 1)] * 8
    model = image_classifier("small_cnn", label_names=["black", "white"], in_chans=1)
    arguments = TrainingArguments(
        tmp_path, num_train_epochs=5, learning_rate=0.01, report_to="none", use_cpu=True
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows)
    trainer.train()
    model.eval()
    with torch.no_grad():
        logits = model(torch.stack([row["pixel_values"] for row in rows[:2]])).logits
    assert logits.argmax(-1).tolist() == [0, 1]


def test_model_arguments_reach_the_architecture() -> None:
    model = image_classifier("small_cnn", label_names=NAMES, model_args={"drop_rate": 0.5})
    assert model.timm_model.head.drop.p == 0.5


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    network = timm.create_model("small_cnn", num_classes=7, in_chans=3)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_a_checkpoint_with_other_classes_keeps_all_but_the_head(checkpoint: Path) -> None:
    model = image_classifier("small_cnn", label_names=NAMES, checkpoint=checkpoint)
    expected = timm.models.load_state_dict(str(checkpoint))
    own = model.timm_model.state_dict()
    assert all(torch.equal(own[n], expected[n]) for n in own if not n.startswith("head"))
    assert own["head.fc.weight"].shape == (3, 128)


def test_a_checkpoint_with_the_same_classes_is_taken_whole(checkpoint: Path) -> None:
    model = image_classifier("small_cnn", label_names=list("abcdefg"), checkpoint=checkpoint)
    expected = timm.models.load_state_dict(str(checkpoint))
    own = model.timm_model.state_dict()
    assert all(torch.equal(own[name], expected[name]) for name in own)


def test_a_colour_checkpoint_serves_grey_images(checkpoint: Path) -> None:
    """timm sums the first layer over the channels: grey is red, green and blue alike."""
    model = image_classifier("small_cnn", label_names=NAMES, in_chans=1, checkpoint=checkpoint)
    colour = timm.models.load_state_dict(str(checkpoint))["features.0.weight"]
    torch.testing.assert_close(
        model.timm_model.state_dict()["features.0.weight"], colour.sum(1, keepdim=True)
    )


def test_weights_of_a_saved_model_are_a_checkpoint(tmp_path: Path) -> None:
    saved = image_classifier("small_cnn", label_names=list("ab"), seed=1)
    saved.save_pretrained(tmp_path)
    model = image_classifier(
        "small_cnn", label_names=NAMES, checkpoint=tmp_path / "model.safetensors"
    )
    name = "timm_model.features.0.weight"
    assert torch.equal(model.state_dict()[name], saved.state_dict()[name])


def test_a_checkpoint_of_another_architecture_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="no weights 'conv1.weight', the first layer of small_res"):
        image_classifier("small_resnet18", label_names=NAMES, checkpoint=checkpoint)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint file .*nowhere.pth"):
        image_classifier("small_cnn", label_names=NAMES, checkpoint=tmp_path / "nowhere.pth")


def test_two_sources_of_weights_are_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="give one of them"):
        image_classifier("small_cnn", label_names=NAMES, checkpoint=checkpoint, pretrained=True)


def test_an_unknown_architecture_is_answered_with_close_names() -> None:
    with pytest.raises(ValueError, match=r"no architecture 'smal_resnet18'; did you mean small_"):
        image_classifier("smal_resnet18", label_names=NAMES)


@pytest.mark.parametrize("names", [[], ["one"], ["a", "b", "a"]])
def test_label_names_must_be_classes(names: list[str]) -> None:
    with pytest.raises(ValueError, match="two or more different names"):
        image_classifier("small_cnn", label_names=names)


def test_without_timm_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ImportError, match=r"'timm'.*pip install 'hf-dynsel\[vision\]'"):
        image_classifier("small_cnn", label_names=NAMES)
