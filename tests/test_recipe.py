"""Recipes are checked whole, before anything is built."""

from pathlib import Path

import pytest

from hf_dynsel.recipe import RecipeError, check, load
from hf_dynsel.selectors import RepDiv

RECIPES = Path(__file__).parents[1] / "recipes"
QUICKSTART = RECIPES / "quickstart_digits.yaml"


def faults(*overrides):
    with pytest.raises(RecipeError) as caught:
        load(QUICKSTART, overrides)
    return caught.value.faults


def test_all_faults_are_listed_at_once():
    found = faults(
        "selector.penlty=1",
        "trainer.learnin_rate=1",
        "sae.from=folder",
        "metrics=[accurcy]",
        "dataset.loader=digit",
        "colour=red",
        "scores.Divers={}",
        "selector.keep=much",
    )
    assert sorted(found) == sorted(
        [
            "recipe.colour: Recipe has no 'colour'; it has: adapters, compare, dataset, features, "
            "hub, metrics, mixing, model, name, output_dir, proxy, sae, scores, seed, selector, "
            "trainer, tune",
            "dataset.loader: hf_dynsel has no 'digit'; did you mean 'digits'?",
            "sae.expansion: an autoencoder loaded 'from' somewhere is not trained; leave it out",
            "sae.k: an autoencoder loaded 'from' somewhere is not trained; leave it out",
            "scores.Divers: hf_dynsel has no 'Divers'; did you mean 'Diversity'?",
            "selector.keep: 'much' is not of type float",
            "selector.penlty: RepDiv has no 'penlty'; did you mean 'penalty'?",
            "trainer.learnin_rate: DynamicSelectionArguments has no 'learnin_rate'; did you mean "
            "'learning_rate'?",
            "metrics: hf_dynsel has no 'accurcy'; did you mean 'accuracy'?",
        ]
    )


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("selector.keep=0", "selector: keep must be in (0, 1], got 0"),
        (
            "dataset.label_noise={share: 2.0}",
            "dataset.label_noise: share must be in [0, 1], got 2.0",
        ),
        (
            "dataset.long_tail=0.5",
            "dataset.long_tail: ratio must be at least 1, got 0.5",
        ),
        ("selector.keep=1.2", "selector: keep must be in (0, 1], got 1.2"),
        ("selector.quota=fair", "selector.quota: 'fair' is not one of"),
        (
            "selector.representativeness=el2n",
            "selector: reads the score 'el2n', which is not made; add proxy.scores.EL2N",
        ),
        ("selector.usage=1", "selector.usage: RepDiv has no 'usage'"),
        ("trainer.num_train_epochs=many", "trainer.num_train_epochs: 'many' is not"),
        ("trainer.optim=best", "trainer: best is not a valid OptimizerNames"),
        ("trainer.lr_follows=batch", "trainer: lr_follows must be one of"),
        ("trainer.output_dir=x", "trainer.output_dir: follows from the recipe's own keys"),
        ("features=null", "sae: works on features; add the section 'features'"),
        ("sae=null", "scores.Representativeness: reads sparse codes; add the sections"),
        ("features.backbone=TrainedModel", "features.backbone: hf_dynsel has no 'TrainedModel'"),
        ("model.text_encoder=x", "model: needs 'architecture' for images or 'text_encoder'"),
        ("model.in_chans=grey", "model.in_chans: 'grey' is not of type int"),
        ("model.std=[0.1, wide]", "model.std: [0.1, 'wide'] is not one of"),
        ("dataset.evaluate_on=train", "dataset.evaluate_on: 'train' is not"),
        ("dataset.label_noise={shares: 0.1}", "dataset.label_noise.shares: add_label_noise has no"),
        (
            "scores={from: x, Diversity: {}}",
            "scores.Diversity: scores loaded 'from' somewhere are not computed",
        ),
        ("seed=first", "recipe.seed: 'first' is not of type int"),
        ("trainer.fsdp=full_shard", "trainer.fsdp: 'full_shard' is not of type bool"),
        ("model.shorter_side=8", "model: shorter_side must be at least size"),
        ("model=small_cnn", "recipe.model: 'small_cnn' is not one of"),
    ],
)
def test_each_fault_names_its_key_and_the_rule(override, fault):
    found = faults(override)
    assert any(line.startswith(fault) for line in found), found


ADAPTERS = "adapters={texts: TransformersText, model: folder}"


def consistent(*overrides):
    own = ["sae=null", "scores={Consistency: {}}", ADAPTERS]
    return [*own, "selector={name: TopScore, score: consistency}", *overrides]


def test_adapters_make_consistency_without_an_autoencoder():
    everything = (
        "adapters={texts: OpenClipText, architecture: ViT-B-32, pretrained: openai, "
        "templates: openai, descriptions: {zero: nothing}, kind: mlp, epochs: 5, batch_size: 64, "
        "learning_rate: 1e-4, weight_decay: 0, seed: 3}"
    )
    for section in (ADAPTERS, everything, "adapters={from: user/adapters, revision: v1}"):
        recipe = load(QUICKSTART, consistent(section))
        assert recipe.scores == {"Consistency": {}}
        assert "adapters" in recipe.plain()


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        (
            "adapters=null",
            "scores.Consistency: reads the cosine with class texts; add the sections 'features' "
            "and 'adapters'",
        ),
        ("features=null", "adapters: works on features; add the section 'features'"),
        ("adapters={kind: mlp}", "adapters: needs 'texts', one of OpenClipText, Transformers"),
        ("adapters.texts=TransformerText", "adapters.texts: hf_dynsel has no 'TransformerText'"),
        ("adapters.texts=TimmImage", "adapters.texts: hf_dynsel has no 'TimmImage'"),
        ("adapters={texts: TransformersText}", "adapters: TransformersText needs 'model'"),
        ("adapters.max_length=long", "adapters.max_length: 'long' is not of type int"),
        ("adapters.column=text", "adapters.column: TransformersText has no 'column'"),
        ("adapters.epoch=3", "adapters.epoch: TransformersText has no 'epoch'; did you mean 'ep"),
        ("adapters.device=cpu", "adapters.device: TransformersText has no 'device'"),
        ("adapters.kind=deep", "adapters.kind: 'deep' is not one of"),
        ("adapters.epochs=-1", "adapters: epochs must be at least 0, got -1"),
        ("adapters.weight_decay=-1", "adapters: weight_decay must be at least 0, got -1"),
        ("adapters.templates=a photo of a {}", "adapters.templates: 'a photo of a {}' is not one"),
        ("adapters.templates=[a photo]", "adapters: template 'a photo' has 0 places for the class"),
        ("adapters.templates=[]", "adapters: templates must be a list such as"),
        ("adapters.descriptions=[zero]", "adapters.descriptions: ['zero'] is not"),
        ("adapters.descriptions={zero: 0}", "adapters.descriptions: {'zero': 0} is not"),
        ("adapters={from: x, kind: mlp}", "adapters.kind: adapters loaded 'from' somewhere are"),
        ("adapters={from: 3}", "adapters.from: 3 is not of type str"),
        ("scores={Consistency: {}, Diversity: {}}", "scores.Diversity: reads sparse codes; add"),
        ("selector.score=consistent", "selector: the pool has no score column 'consistent'"),
    ],
)
def test_each_fault_of_adapters_names_its_key_and_the_rule(override, fault):
    found = faults(*consistent(override))
    assert any(line.startswith(fault) for line in found), found


def test_missing_sections_are_named():
    with pytest.raises(RecipeError) as caught:
        check({"name": "x"}, "here")
    needed = {f"recipe: Recipe needs '{n}'" for n in ("dataset", "model", "selector", "trainer")}
    assert needed <= set(caught.value.faults)


def test_overrides_change_and_add_values():
    recipe = load(QUICKSTART, ["selector.keep=0.5", "seed=3", "trainer.learning_rate=1e-4"])
    assert recipe.build_selector() == RepDiv(keep=0.5, seed=3)
    assert recipe.build_arguments().learning_rate == 1e-4
    assert str(recipe.folder) == "outputs/quickstart_digits/seed-3"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("selector.keep", "an override looks like trainer.learning_rate=0.1"),
        ("name.first=x", "'name' holds a value, not keys"),
    ],
)
def test_overrides_that_cannot_be_are_refused(override, message):
    with pytest.raises(RecipeError, match=message):
        load(QUICKSTART, [override])


def test_a_recipe_may_shard_its_model_and_stays_as_it_was_written():
    settings = {"transformer_layer_cls_to_wrap": "BasicBlock"}
    recipe = load(QUICKSTART, ["trainer.fsdp=true", f"trainer.fsdp_config={settings}"])
    args = recipe.build_arguments()
    assert args.fsdp is True and args.fsdp_plugin_args["fsdp_version"] == 2
    assert recipe.trainer["fsdp_config"] == settings


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match="there is no recipe nowhere.yaml"):
        load("nowhere.yaml")


def test_a_recipe_runs_no_code(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ValueError, match="is not valid YAML"):
        load(path)


def test_a_list_is_no_recipe(tmp_path):
    path = tmp_path / "list.yaml"
    path.write_text("- name\n")
    with pytest.raises(RecipeError, match="must hold keys and values"):
        load(path)


def test_image_settings_out_of_range_are_found_before_anything_is_scored():
    assert faults("model.std=[0.0]") == ["model: std must be above 0, got [0.0]"]


SPARSE = "selector={name: DensityConsistency, keep: 0.5, consistency: null}"


def test_images_that_are_marked_get_trivial_augment_with_the_models_normalisation():
    marked = load(QUICKSTART, [SPARSE])
    augmenter = marked.build_augmenter()
    assert augmenter is not None and list(augmenter.mean) == list(marked.build_transform().mean)
    assert load(QUICKSTART).build_augmenter() is None


def test_texts_have_no_light_augmentation():
    found = faults_of_texts(SPARSE)
    assert any("selector.augment: marks samples" in fault for fault in found)
    assert not faults_of_texts(SPARSE[:-1] + ", augment: false}")


def faults_of_texts(*overrides):
    try:
        load(RECIPES / "fortunes_minilm_repdiv.yaml", overrides)
    except RecipeError as error:
        return error.faults
    return []


def test_batches_are_mixed_if_the_recipe_says_so():
    recipe = load(QUICKSTART, ["mixing={mixup_alpha: 0.2, cutmix_alpha: 1.0}"])
    mixing = recipe.build_mixing(10)
    assert (mixing.num_classes, mixing.mixup_alpha, mixing.cutmix_alpha) == (10, 0.2, 1.0)
    assert load(QUICKSTART).build_mixing(10) is None


@pytest.mark.parametrize(
    ("mixing", "fault"),
    [
        ("{mixup: 0.2}", "mixing.mixup: Mixing has no 'mixup'"),
        ("{num_classes: 10, mixup_alpha: 0.2}", "mixing.num_classes"),
        ("{prob: 0.5}", "mixing: mixup_alpha and cutmix_alpha must not be negative"),
    ],
)
def test_bad_mixing_is_a_fault(mixing, fault):
    with pytest.raises(RecipeError, match=fault):
        load(QUICKSTART, [f"mixing={mixing}"])


def test_texts_are_not_mixed():
    assert any("joins images" in fault for fault in faults_of_texts("mixing={mixup_alpha: 0.2}"))
