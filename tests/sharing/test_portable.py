"""What is published names no folder of the machine it comes from."""

import pytest

from hf_dynsel import yaml_files
from hf_dynsel.sharing.portable import portable, without_folders


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/home/someone/weights.pth", "weights.pth"),
        ("~/weights.pth", "weights.pth"),
        ("C:\\Users\\someone\\weights.pth", "weights.pth"),
        ("user/model", "user/model"),
        ("user/model@1234", "user/model@1234"),
        ("a photo of a {}", "a photo of a {}"),
        (3, 3),
        (None, None),
    ],
)
def test_an_absolute_path_is_its_last_name(path, kept):
    assert without_folders({"a": [path]}) == {"a": [kept]}


def test_a_recipe_stays_a_recipe():
    text = "name: a\noutput_dir: /home/someone/a\ntrainer: {learning_rate: 2e-4, save: no}\n"
    kept = {"name": "a", "trainer": {"learning_rate": 2e-4, "save": "no"}}
    assert yaml_files.parse(portable(text), "it") == kept


def test_what_is_no_recipe_is_refused():
    with pytest.raises(ValueError, match="must hold keys and values"):
        portable("- a")
