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

# Behind a word, for a file of text alone does not tell "TRUE" or "7" from the value.
PRINTABLE = st.text(string.ascii_letters + " ,;'\"\n%é漢").map("text {}".format)
NUMBERS = st.integers(-(2**53), 2**53)
REALS = st.integers(-(2**20), 2**20).map(lambda n: n / 8)  # JSON keeps ten decimals


def hashes(dataset, *columns):
    return row_hashes(dataset, columns or content_columns(dataset, ["label"])).to_pylist()


def file_of(pixels, kind, **options):
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Picture.Image) else Picture.fromarray(pixels)
    picture.save(file, kind, **options)
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
    grey, colour = (Picture.fromarray(pixels).convert(mode) for mode in ("L", "RGB"))
    same = colour if kind == "GIF" else grey  # which has a palette
    assert hashes(images(file_of(pixels, kind))) == hashes(images(file_of(same, "PPM")))


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


def test_real_numbers_count_in_their_shortest_form():
    """Exactly in their own precision; a file of text gives float32 back as float64."""
    single = Features(x=Value("float32"))
    found = hashes(Dataset.from_dict({"x": [0.1, 2.5e-7]}, features=single))
    assert found == hashes(Dataset.from_dict({"x": [0.1, 2.5e-7]}))
    near = Dataset.from_dict({"x": [1700000000.25, 1700000060.5, 1.00000001]})
    assert len(set(hashes(near))) == 3


def test_images_inside_lists_count_by_what_they_hold(tmp_path):
    for name, level in (("a", 1), ("b", 2)):
        Picture.fromarray(np.full((2, 2), level, np.uint8)).save(tmp_path / f"{name}.png")
    paths = [[str(tmp_path / "a.png")], [str(tmp_path / "b.png")]]
    pages = Dataset.from_dict({"x": paths}, features=Features(x=List(Image())))
    before = hashes(pages)
    assert before[0] != before[1]
    (tmp_path / "a.png").rename(tmp_path / "c.png")
    (tmp_path / "b.png").rename(tmp_path / "a.png")
    (tmp_path / "c.png").rename(tmp_path / "b.png")
    assert hashes(pages) == before[::-1]


def test_a_picture_counts_as_it_is_seen_upright():
    pixels = np.arange(4, dtype=np.uint8).reshape(2, 2)
    turned = Picture.Exif()
    turned[0x0112] = 3  # upside down
    found = hashes(images(file_of(pixels, "PNG"), file_of(pixels[::-1, ::-1], "PNG", exif=turned)))
    assert found[0] == found[1]
    assert found[0] != hashes(images(file_of(pixels[::-1, ::-1], "PNG")))[0]


@pytest.mark.parametrize("mode", ["P", "1"])
def test_palettes_and_bits_count_as_the_colours_they_stand_for(mode):
    picture = Picture.fromarray(np.uint8([[0, 255], [255, 0]])).convert(mode)
    plain = picture.convert("RGB" if mode == "P" else "L")
    assert hashes(images(file_of(picture, "PNG"))) == hashes(images(file_of(plain, "PPM")))


def test_deep_grey_counts_as_its_numbers():
    deep = np.uint16([[0, 40000], [65535, 3]])
    assert hashes(images(file_of(deep, "PNG"))) == hashes(images(file_of(deep, "PPM")))


def test_an_image_that_cannot_be_read_is_named_by_row_and_column():
    broken = images(file_of(np.zeros((2, 2), np.uint8), "PNG"), {"bytes": b"no", "path": None})
    with pytest.raises(ValueError, match="row 1 has no readable image in 'image'"):
        hashes(broken)


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
