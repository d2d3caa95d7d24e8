import pytest
import timm
import torch

import hf_dynsel.models  # noqa: F401  registers the networks

# Known counts for CIFAR-10: github.com/kuangliu/pytorch-cifar has the same ResNets and VGG-16.
PARAMETERS = {
    "small_resnet18": 11_173_962,
    "small_resnet34": 21_282_122,
    "small_resnet50": 23_520_842,
    "small_vgg16_bn": 14_728_266,
}


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameter_counts_are_the_well_known_ones(name: str, count: int) -> None:
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=10, in_chans=3)
    assert sum(p.numel() for p in network.parameters()) == count


def test_vit_has_the_parameters_of_its_parts() -> None:
    """12 blocks of width d=384: 12 d^2 + 13 d each; patches 48 d + d; class token d, 64 positions
    and the class token's d each; last norm 2 d; head 10 d + 10."""
    d = 384
    blocks = 12 * (12 * d * d + 13 * d)
    rest = (48 * d + d) + d + 65 * d + 2 * d + (10 * d + 10)
    network = timm.create_model("small_vit_small", num_classes=10)
    assert sum(p.numel() for p in network.parameters()) == blocks + rest


def test_the_small_network_has_the_parameters_of_its_parts() -> None:
    """Convolutions 9 ab + b, normalisations 2 b, one linear layer 128 * 10 + 10."""
    layers = ((3, 32), (32, 64), (64, 128))
    expected = sum(9 * a * b + b + 2 * b for a, b in layers) + 128 * 10 + 10
    network = timm.create_model("small_cnn", num_classes=10, in_chans=3)
    assert sum(p.numel() for p in network.parameters()) == expected == 94_986


@pytest.mark.parametrize("size", [8, 28, 32, 64])
@pytest.mark.parametrize("name", ["small_cnn", "small_resnet18", "small_vgg16_bn"])
def test_every_size_of_image_gives_logits(name: str, size: int) -> None:
    network = timm.create_model(name, num_classes=5, in_chans=1).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 1, size, size)).shape == (2, 5)


@pytest.mark.parametrize(("img_size", "patches"), [(28, 49), (32, 64)])
def test_vit_takes_the_size_it_is_made_for(img_size: int, patches: int) -> None:
    network = timm.create_model("small_vit_small", num_classes=5, in_chans=1, img_size=img_size)
    network.eval()
    with torch.no_grad():
        features = network.forward_features(torch.zeros(1, 1, img_size, img_size))
    assert features.shape == (1, 1 + patches, 384)


@pytest.mark.parametrize(
    ("name", "shape"), [("small_resnet18", (512, 4, 4)), ("small_vgg16_bn", (512, 1, 1))]
)
def test_a_cifar_image_is_halved_as_in_the_literature(name: str, shape: tuple[int, ...]) -> None:
    network = timm.create_model(name).eval()
    with torch.no_grad():
        assert network.forward_features(torch.zeros(1, 3, 32, 32)).shape[1:] == shape


def test_vgg_keeps_images_whose_sides_halve_exactly_as_plain_pooling_does() -> None:
    network = timm.create_model("small_vgg16_bn").eval()
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        rounded_up = network(images)
        for layer in network.features:
            if isinstance(layer, torch.nn.MaxPool2d):
                layer.ceil_mode = False
        torch.testing.assert_close(network(images), rounded_up)


def test_resnet_reports_the_reductions_it_has() -> None:
    network = timm.create_model("small_resnet18", features_only=True).eval()
    with torch.no_grad():
        maps = network(torch.zeros(1, 3, 32, 32))
    assert [32 // m.shape[-1] for m in maps] == network.feature_info.reduction() == [1, 1, 2, 4, 8]


@pytest.mark.parametrize("name", ["small_cnn", "small_resnet18", "small_vgg16_bn"])
def test_the_head_can_be_taken_off(name: str) -> None:
    network = timm.create_model(name, num_classes=0).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, network.num_features)


@pytest.mark.parametrize("name", [*PARAMETERS, "small_cnn", "small_vit_small"])
def test_as_an_encoder_it_sees_all_of_an_image(name: str) -> None:
    with torch.device("meta"):
        config = timm.data.resolve_model_data_config(timm.create_model(name))
    assert (config["input_size"], config["crop_pct"]) == ((3, 32, 32), 1.0)


def test_there_are_no_published_weights() -> None:
    with pytest.raises(RuntimeError, match="No pretrained weights exist for small_cnn"):
        timm.create_model("small_cnn", pretrained=True)
