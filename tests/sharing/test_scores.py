import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, Image, load_dataset
from PIL import Image as Picture

from hf_dynsel.data import digits, rsd15k
from hf_dynsel.data.rsd15k import RISKS
from hf_dynsel.features import Pixels, extract
from hf_dynsel.hub import HubError
from hf_dynsel.provenance import recorded
from hf_dynsel.sae import add_codes, train_sae
from hf_dynsel.scores import (
    Diversity,
    Representativeness,
    add_scores,
    attach,
    load_scores,
    save_scores,
)
from hf_dynsel.scores.row_hash import row_hashes
from hf_dynsel.sharing import download_scores, push_scores

REPO = "alice/digits-scores"


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Real images with features, codes and scores."""
    train = digits()["train"].select(range(300))
    featured = extract(train, Pixels(), cache_dir=tmp_path_factory.mktemp("features"))
    coded = add_codes(featured, train_sae(featured, expansion=2, k=4, epochs=2))
    return add_scores(coded, [Representativeness(common_frac=0.5), Diversity()])


@pytest.fixture
def plain():
    return digits()["train"].select(range(300))


def scores_of(dataset):
    names = ["score_representativeness", "score_diversity"]
    return np.stack([dataset[name][:] for name in names])


def test_scores_come_back_bit_equal_on_the_same_data(hub, scored, plain):
    pushed = push_scores(scored, REPO)
    loaded = load_scores(REPO)
    assert loaded.source == f"{REPO}@{pushed.commit}"
    np.testing.assert_array_equal(scores_of(attach(plain, loaded)), scores_of(scored))


def test_scores_find_their_rows_in_another_order(hub, scored, plain):
    push_scores(scored, REPO)
    order = np.random.default_rng(0).permutation(300)[:100]
    attached = attach(plain.select(order), load_scores(REPO))
    np.testing.assert_array_equal(scores_of(attached), scores_of(scored)[:, order])


def test_the_repository_and_its_commit_are_noted_with_each_score(hub, scored, plain):
    pushed = push_scores(scored, REPO)
    entry = recorded(attach(plain, load_scores(REPO)))["scores"]["diversity"]
    assert entry["attached"] == {"from": f"{REPO}@{pushed.commit}"}
    assert entry["class"] == "Diversity"


def test_a_revision_pins_the_scores(hub, scored, plain):
    first = push_scores(scored, REPO)
    push_scores(scored.remove_columns("score_diversity"), REPO)
    assert load_scores(REPO).columns == ["score_representativeness"]
    assert len(load_scores(REPO, first.commit).columns) == 2


def test_no_image_is_uploaded_unless_it_is_asked_for(hub, scored):
    pushed = push_scores(scored, REPO)
    names = ["README.md", "figures/scores.png", "figures/scores_joint.png", "scores.json",
             "scores.parquet"]  # fmt: skip
    assert sorted(pushed.files) == names
    file = hub.repo(REPO, "dataset").at("main").files["scores.parquet"].data
    assert "image" not in pq.read_schema(io.BytesIO(file)).names


def test_images_asked_for_by_name_are_uploaded_and_load_with_datasets(hub, scored):
    push_scores(scored, REPO, originals=["image", "label"])
    originals = load_dataset(REPO, "originals", split="train")
    assert row_hashes(originals, ["image"]) == row_hashes(scored, ["image"])
    assert originals["label"][:] == scored["label"][:]


def test_codes_and_features_are_uploaded_if_asked_and_serve_for_further_scores(hub, scored, plain):
    push_scores(scored, REPO, also=["codes", "features"])
    attached = attach(plain, load_scores(REPO, also=["codes", "features"]))
    again = add_scores(attached, [Representativeness(common_frac=0.5), Diversity()])
    np.testing.assert_array_equal(scores_of(again), scores_of(scored))


def test_scores_alone_are_downloaded_where_codes_are_not_asked_for(hub, scored):
    push_scores(scored, REPO, also=["codes"])
    push_scores(scored, REPO)
    with pytest.raises(HubError, match=r"has no codes.parquet"):
        load_scores(REPO, also=["codes"])


def test_the_score_dataset_loads_with_datasets(hub, scored):
    push_scores(scored, REPO)
    loaded = load_dataset(REPO, split="train")
    np.testing.assert_array_equal(scores_of(loaded), scores_of(scored))


def test_the_card_names_the_data_and_how_to_use_the_scores(hub, scored):
    push_scores(scored, REPO, recipe="name: own\n", license="mit")
    card = hub.repo(REPO, "dataset").at("main").files["README.md"].data.decode()
    for part in ("license: mit", "hf-dynsel", "load_scores(", "name: own", "1K", "@"):
        assert part in card, part


def test_folders_of_this_machine_are_not_uploaded(hub, scored, tmp_path):
    push_scores(scored, REPO)
    notes = json.loads(hub.repo(REPO, "dataset").at("main").files["scores.json"].data)
    assert "/home" not in json.dumps(notes)
    assert str(tmp_path.parent) not in json.dumps(notes)


def test_a_dry_run_lists_the_files_and_sends_nothing(hub, scored):
    pushed = push_scores(scored, REPO, dry_run=True)
    assert pushed.commit is None
    assert pushed.files["scores.parquet"] > 1000
    with pytest.raises(HubError):
        load_scores(REPO)


def test_downloaded_scores_are_a_folder_like_a_saved_one(hub, scored, plain, tmp_path):
    pushed = push_scores(scored, REPO)
    assert download_scores(REPO, tmp_path / "own") == f"{REPO}@{pushed.commit}"
    attached = attach(plain, load_scores(tmp_path / "own"))
    np.testing.assert_array_equal(scores_of(attached), scores_of(scored))


@pytest.fixture
def posts(tmp_path):
    rows = [f"u{i},post {i},{RISKS[i % 4]},2020" for i in range(80)]
    path = tmp_path / "posts.csv"
    path.write_text("\n".join(["users,text,sentiment,time", *rows]))
    train = rsd15k(path)["train"]
    codes = {"sae_indices": np.tile(np.int32([0, 1]), (len(train), 1)),
             "sae_values": np.random.default_rng(0).random((len(train), 2))}  # fmt: skip
    for name, column in codes.items():
        train = train.add_column(name, list(column))
    return add_scores(train, [Diversity()])


@pytest.mark.parametrize("asked", [{"originals": ["text"]}, {"also": ["codes"]}])
def test_rsd15k_is_not_passed_on(hub, posts, asked):
    with pytest.raises(ValueError, match="RSD_15K may not be passed on"):
        push_scores(posts, REPO, **asked)


def test_rsd15k_is_known_by_its_classes_where_the_note_was_lost(hub, posts):
    posts.info.description = "\n".join(
        line.replace('"redistribution": false', '"redistribution": true')
        for line in posts.info.description.split("\n")
    )
    with pytest.raises(ValueError, match="RSD_15K may not be passed on"):
        push_scores(posts, REPO, originals=["text"])


def test_scores_of_rsd15k_are_shared_without_a_word_of_a_post(hub, posts):
    push_scores(posts, REPO)
    for name, file in hub.repo(REPO, "dataset").at("main").files.items():
        assert b"post 1" not in file.data, name
    bare = posts.remove_columns(["score_diversity", "sae_indices", "sae_values"])
    attached = attach(bare.shuffle(seed=1), load_scores(REPO))
    assert sorted(attached["score_diversity"]) == sorted(posts["score_diversity"])


def test_originals_of_unknown_columns_are_refused(hub, scored):
    with pytest.raises(ValueError, match="'picture', which the dataset does not have"):
        push_scores(scored, REPO, originals=["picture"])


def test_a_token_and_folders_in_a_recipe_stay_here(hub, scored):
    recipe = (
        "trainer: {hub_token: hf_secret}\n"
        "features: {architecture: 'local-dir:/home/alice.secret/m', weights: ../alice.secret/w}\n"
    )
    push_scores(scored, REPO, recipe=recipe)
    for name, file in hub.repo(REPO, "dataset").at("main").files.items():
        assert b"secret" not in file.data, name


def test_images_named_by_path_are_uploaded_and_their_folders_not(hub, tmp_path, scored):
    paths = [str(tmp_path / f"{i}.png") for i in range(2)]
    for level, path in enumerate(paths):
        Picture.fromarray(np.full((4, 4), level, np.uint8)).save(path)
    codes = {"sae_indices": [[0], [1]], "sae_values": [[1.0], [2.0]]}
    named = Dataset.from_dict({"image": paths, **codes}).cast_column("image", Image())
    push_scores(add_scores(named, [Diversity()]), REPO, originals=["image"])
    originals = load_dataset(REPO, "originals", split="train")
    assert row_hashes(originals, ["image"]) == row_hashes(named, ["image"])
    file = hub.repo(REPO, "dataset").at("main").files["originals.parquet"].data
    assert str(tmp_path).encode() not in file


def test_classes_of_rsd15k_are_hashed_and_not_listed(hub, posts):
    push_scores(posts, REPO)
    loaded = load_scores(REPO)
    assert "label" not in loaded.rows.column_names
    bare = posts.remove_columns(["score_diversity", "sae_indices", "sae_values"])
    attached = attach(bare.select([5, 2]), loaded)
    assert attached["score_diversity"][:] == [
        posts["score_diversity"][5],
        posts["score_diversity"][2],
    ]
    moved = bare.map(lambda row: {"label": (row["label"] + 1) % 4})
    with pytest.raises(ValueError, match="of other data"):
        attach(moved, loaded)


@pytest.mark.parametrize("again", ["plain", "csv"])
def test_rsd15k_is_known_after_a_copy_to_which_its_scores_were_attached(
    hub, posts, tmp_path, again
):
    push_scores(posts, REPO)
    bare = posts.remove_columns(["score_diversity", "sae_indices", "sae_values"])
    if again == "plain":
        copy = Dataset.from_dict(bare.to_dict())
    else:
        bare.to_csv(tmp_path / "copy.csv")
        copy = Dataset.from_csv(str(tmp_path / "copy.csv"), cache_dir=str(tmp_path))
    with pytest.raises(ValueError, match="RSD_15K may not be passed on"):
        push_scores(attach(copy, load_scores(REPO)), REPO, originals=["text"])


def test_rsd15k_is_known_by_the_words_of_its_classes(hub, posts):
    columns = {name: posts[name][:] for name in ("text", "sae_indices", "sae_values")}
    words = [RISKS[label].lower() for label in posts["label"]]
    copy = Dataset.from_dict({**columns, "label": words})
    with pytest.raises(ValueError, match="RSD_15K may not be passed on"):
        push_scores(add_scores(copy, [Diversity()]), REPO, originals=["text"])


def test_a_repository_cannot_make_you_upload_your_texts(hub, scored):
    """It says that its score reads the column `text` as classes."""
    push_scores(scored, REPO)
    files = {name: f.data for name, f in hub.repo(REPO, "dataset").at("main").files.items()}
    notes = json.loads(files["scores.json"])
    notes["scores"]["diversity"]["label"] = "text"
    hub.add("eve/scores", {**files, "scores.json": json.dumps(notes).encode()}, "dataset")
    with pytest.raises(ValueError, match="reads the classes 'text', but the table has no such"):
        load_scores("eve/scores")


def test_another_license_is_one_that_the_hub_takes(hub, scored):
    push_scores(scored, REPO, license="other")
    card = hub.repo(REPO, "dataset").at("main").files["README.md"].data.decode()
    assert "license: other\n" in card and "license_name: other\n" in card


def test_parts_of_several_processes_are_downloaded(hub, tmp_path):
    """Put there by hand; `push_scores` makes one file of them."""
    rows = Dataset.from_dict({"x": [0, 1, 2], "sae_indices": [[0]] * 3, "sae_values": [[1.0]] * 3})
    save_scores(add_scores(rows, [Diversity()], label=None), tmp_path / "one")
    whole = pq.read_table(tmp_path / "one" / "scores.parquet")
    notes = json.loads((tmp_path / "one" / "scores.json").read_text())
    files = {"scores.json": json.dumps(notes | {"parts": [1, 2]}).encode()}
    for part, (start, size) in enumerate([(0, 1), (1, 2)]):
        sink = io.BytesIO()
        pq.write_table(whole.slice(start, size), sink)
        files[f"scores-0000{part}-of-00002.parquet"] = sink.getvalue()
    hub.add(REPO, files, "dataset")
    download_scores(REPO, tmp_path / "own")
    assert {path.name for path in (tmp_path / "own").iterdir()} == set(files)
    assert load_scores(tmp_path / "own").rows.equals(whole)
