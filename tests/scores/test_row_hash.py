import io
import string

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image, List, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from hf_dynsel.data import digits
from hf_dynsel.scores.row_hash import content_columns, row_hashes

PRINTABLE = st.text(string.ascii_letters + " ,;'\"\n%é漢", min_size=1)
NUMBERS = st.integers(-(2**53), 2**53)
REALS = st.floats(-1e6, 1e6, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3)


def hashes(dataset, *columns):
    return row_hashes(dataset, columns or content_columns(dataset, ["label"])).to_pylist()


def file_of(pixels, kind, **options):
    file = io.BytesIO()
    Picture.fromarray(pixels).save(file, kind, **options)
    return {"bytes": file.getvalue(), "path": None}


def images(*files):
    return Dataset.from_dict({"image": list(files)}, features=Features(image=Image()))


def test_the_content_is_neither_classes_nor_what_this_package_made():
    columns = dict.fromkeys(("text", "id", "label", "score_a", "sae_values", "features"), [0])
    assert content_columns(Dataset.from_dict(columns), ["label"]) == ["text", "id"]


def test_equal_rows_and_only_they_have_equal_hashes():
    rows = [("ab", "c"), ("a", "bc"), ("ab", "c"), ("c", "ab"), ("", "abc"), (None, "abc")]
    found = hashes(Dataset.from_dict({"x": [a for a, _ in rows], "y": [b for _, b in rows]}))
    assert found[0] == found[2]
    assert len(set(found)) == 5
    assert all(len(one) == 32 for one in found)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(PRINTABLE, NUMBERS, REALS), min_size=1, max_size=5))
@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "arrow"])
def test_hashes_survive_another_format(kind, tmp_path_factory, rows):
    texts, numbers, reals = zip(*rows, strict=True)
    features = Features(text=Value("string"), number=Value("int64"), real=Value("float32"))
    columns = {"text": texts, "number": numbers, "real": reals}
    dataset = Dataset.from_dict({k: list(v) for k, v in columns.items()}, features=features)
    path = str(tmp_path_factory.mktemp("data") / "rows")
    if kind == "arrow":
        dataset.save_to_disk(path)
        again = Dataset.load_from_disk(path)
    else:
        getattr(dataset, f"to_{kind}")(path)
        cache = str(tmp_path_factory.mktemp("cache"))
        again = getattr(Dataset, f"from_{kind}")(path, cache_dir=cache)
    assert hashes(again) == hashes(dataset)


def test_a_number_counts_as_its_value_whatever_its_type():
    kinds = ["int8", "int64", "uint16", "float16", "float32", "float64"]
    found = [
        hashes(Dataset.from_dict({"x": [3]}, features=Features(x=Value(kind)))) for kind in kinds
    ]
    assert all(one == found[0] for one in found)
    labels = Dataset.from_dict({"x": [3]}, features=Features(x=ClassLabel(num_classes=5)))
    assert hashes(labels) == found[0]


def test_zero_has_one_hash_and_so_has_nan():
    found = hashes(Dataset.from_dict({"x": [0.0, -0.0, float("nan"), -float("nan"), 1e300]}))
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert len(set(found)) == 3


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_an_image_of_a_lossless_format_counts_as_its_pixels(kind):
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert hashes(images(file_of(pixels, kind)))[0] in (
        hashes(images(file_of(pixels, "PPM")))[0],
        hashes(images(file_of(np.asarray(Picture.fromarray(pixels).convert("RGBA")), "PNG")))[0],
    )


def test_another_pixel_shape_or_mode_is_another_image():
    flat = np.zeros((4, 4), np.uint8)
    spot = flat.copy()
    spot[3, 3] = 1
    pixels = [flat, spot, flat.reshape(2, 8), np.zeros((4, 4, 3), np.uint8)]
    assert len(set(hashes(images(*(file_of(p, "PNG") for p in pixels))))) == 4


def test_an_image_of_a_lossy_format_counts_as_its_file():
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16), np.uint8)
    one, same, other = (file_of(pixels, "JPEG", quality=q) for q in (90, 90, 80))
    found = hashes(images(one, same, other))
    assert found[0] == found[1] != found[2]


def test_images_on_disk_count_as_those_in_the_table(tmp_path):
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Picture.fromarray(pixels).save(tmp_path / "one.png")
    on_disk = Dataset.from_dict({"image": [str(tmp_path / "one.png")]}).cast_column(
        "image", Image()
    )
    assert hashes(on_disk) == hashes(images(file_of(pixels, "PPM")))


def test_images_are_the_same_with_a_transform_and_without_decoding():
    some = digits()["train"].select(range(20))
    plain = hashes(some)
    assert hashes(some.with_transform(lambda rows: {"x": [0] * len(rows["image"])})) == plain
    assert hashes(some.cast_column("image", Image(decode=False))) == plain
    assert len(set(plain)) == 20


def test_lists_and_records_count_with_their_structure():
    rows = [[[1, 2], [3]], [[1], [2, 3]], [[1, 2, 3]], [[1, 2], [3]]]
    found = hashes(Dataset.from_dict({"x": rows}))
    assert found[0] == found[3]
    assert len(set(found)) == 3
    records = Dataset.from_dict({"x": [{"a": 1, "b": 2}, {"a": 2, "b": 1}]})
    assert len(set(hashes(records))) == 2


def test_a_table_of_numbers_counts_whatever_its_column_type():
    rows = np.arange(12.0).reshape(2, 6).tolist()
    fixed = Dataset.from_dict({"x": rows}, features=Features(x=List(Value("float32"), length=6)))
    assert hashes(fixed) == hashes(Dataset.from_dict({"x": rows}))


def test_more_rows_than_a_batch_are_hashed_in_order():
    dataset = Dataset.from_dict({"x": list(range(2500))})
    assert hashes(dataset)[1700] == hashes(dataset.select([1700]))[0]
