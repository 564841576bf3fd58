import dataclasses
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from sentiment_lstm import bundle as module
from sentiment_lstm.bundle import (
    FILES,
    FORMAT_VERSION,
    Bundle,
    expected_shapes,
    fingerprint,
    is_bundle,
    load_bundle,
    save_bundle,
)
from sentiment_lstm.errors import BundleError, SentimentError
from sentiment_lstm.settings import ModelSettings, Settings


@pytest.fixture
def saved(tmp_path, bundle):
    save_bundle(tmp_path / "model", bundle)
    return tmp_path / "model"


def edit_config(folder: Path, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_weights(folder: Path, **changes) -> None:
    """Replace arrays (`_` for `.` in names). None removes an array."""
    path = folder / "model.safetensors"
    arrays = safetensors.numpy.load_file(path)
    for name, array in changes.items():
        arrays[name.replace("_", ".", 1)] = array
    kept = {name: array for name, array in arrays.items() if array is not None}
    path.write_bytes(safetensors.numpy.save(kept))


def test_round_trip(saved, bundle):
    read = load_bundle(saved)
    assert read.config == bundle.config
    assert read.tokenizer.to_json() == bundle.tokenizer.to_json()
    assert read.metrics == bundle.metrics
    assert read.weights.keys() == bundle.weights.keys()
    for name, array in bundle.weights.items():
        np.testing.assert_array_equal(read.weights[name], array)
    assert sorted(path.name for path in saved.iterdir()) == sorted(FILES)


def test_saving_a_loaded_bundle_changes_no_byte(saved, tmp_path):
    save_bundle(tmp_path / "again", load_bundle(saved))
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()


def test_config_names_labels_both_ways(saved):
    config = json.loads((saved / "config.json").read_text())
    assert config["architecture"] == "lstm-classifier"
    assert config["format_version"] == 1  # no wide path
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    assert config["label2id"] == {"negative": 0, "positive": 1}


def test_a_card_is_written_unless_the_bundle_has_one(saved, bundle, tmp_path):
    assert "validation_accuracy" in load_bundle(saved).card
    save_bundle(tmp_path / "other", dataclasses.replace(bundle, card="# Mine"))
    assert load_bundle(tmp_path / "other").card == "# Mine"


def test_half_precision_takes_half_the_space_and_is_read_as_float32(saved, bundle, tmp_path):
    save_bundle(tmp_path / "half", dataclasses.replace(bundle, half=True))
    stored = safetensors.numpy.load_file(tmp_path / "half" / "model.safetensors")
    assert {array.dtype.name for array in stored.values()} == {"float16"}
    read = load_bundle(tmp_path / "half")
    for name, array in read.weights.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, bundle.weights[name].astype(np.float16))
    save_bundle(tmp_path / "again", read)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("half", "again")]
    assert weights[0] == weights[1]


def test_graphs_are_kept_and_graphs_of_another_model_are_dropped(bundle, tmp_path):
    folder = tmp_path / "model"
    save_bundle(folder, dataclasses.replace(bundle, graphs={"model.int8.onnx": b"graph"}))
    assert load_bundle(folder).graphs == {"model.int8.onnx": b"graph"}
    save_bundle(folder, bundle)
    assert load_bundle(folder).graphs == {}


@pytest.mark.parametrize("graphs", [["model.onnx"], ["../x"], "model.onnx", [{}]])
def test_graphs_that_are_missing_or_unknown_are_refused(saved, graphs):
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | {"graphs": graphs}))
    with pytest.raises(BundleError, match="Expected"):
        load_bundle(saved)


@pytest.mark.parametrize("pooling", ["last", "max+mean", "max+mean+last", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("layers", "classes"), [(1, 2), (3, 4)])
def test_expected_shapes_are_the_classifiers(pooling, bidirectional, layers, classes):
    from sentiment_lstm.model.classifier import LSTMClassifier

    settings = ModelSettings(5, 3, layers, bidirectional, pooling)
    tensors = LSTMClassifier(settings, 7, classes).state_dict()
    expected = expected_shapes(settings, 7, classes)
    assert expected == {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.parametrize("classes", [("a", "b"), ("x", "y", "z")])
def test_every_shape_of_model_is_saved_and_read(tmp_path, make_bundle, classes):
    made = make_bundle(classes, layers=1, bidirectional=True, pooling="attention")
    save_bundle(tmp_path / "model", made)
    assert load_bundle(tmp_path / "model").config.classes == classes


@pytest.mark.parametrize("name", FILES[:-1])
def test_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(BundleError, match=f"Expected the file {name} in"):
        load_bundle(saved)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BundleError, match="found no such folder; name another"):
        load_bundle(tmp_path / "nowhere")


def test_a_file_is_no_model_folder(tmp_path):
    (tmp_path / "film.txt").write_text("a film")
    with pytest.raises(BundleError, match=r"found a file; name a folder\.$"):
        load_bundle(tmp_path / "film.txt")


def test_several_missing_files_are_named(saved):
    for name in FILES[:2]:
        (saved / name).unlink()
    with pytest.raises(BundleError, match=rf"Expected the files {FILES[0]}, {FILES[1]} in"):
        load_bundle(saved)


def test_an_unfinished_run_says_how_to_resume_it(saved):
    (saved / "config.json").unlink()
    (saved / "settings.json").write_text("{}")
    with pytest.raises(BundleError, match=f"not finished; continue with .*--resume {saved}`"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format_version": FORMAT_VERSION + 1}, "at most format version 2 .* found 3; upgrade"),
        ({"format_version": "1"}, "a format version .* found '1'"),
        ({"format_version": 0}, "a format version .* found 0"),
        ({"architecture": "transformer"}, "'lstm-classifier' .* found 'transformer'"),
        ({"temperature": 0}, "a temperature from 0.01 to 100"),
        ({"temperature": "warm"}, "a temperature from 0.01 to 100 .* found 'warm'"),
        ({"temperature": True}, "a temperature from 0.01 to 100"),
        ({"temperature": float("nan")}, "a temperature from 0.01 to 100"),
        ({"model": {"hidden": 0}}, "model.hidden_size to be at least 1"),
        ({"model": {"gates": 5}}, "found 'model.gates'"),
        ({"model": None}, "'model' as an object"),
        ({"training": []}, "'training' as an object"),
        ({"id2label": {"0": "negative"}, "label2id": {"negative": 0}}, "id2label and label2id"),
        ({"id2label": {"0": "a", "2": "b"}}, "id2label and label2id"),
        ({"id2label": {"0": ["a"], "1": "b"}}, "id2label and label2id"),
        ({"label2id": {"negative": 1, "positive": 0}}, "id2label and label2id"),
        (
            {
                "id2label": {"0": "a", "1": "b", "2": "c"},
                "label2id": {"a": 0, "b": 1, "c": 2},
            },
            r"an output of \(3,\) for 3 labels .* found \(1,\)",
        ),
        ({"model": {"embedding": 4, "hidden": 5, "layers": 2}}, "of shape"),
        ({"model": {"embedding": 4, "hidden": 3, "layers": 1}}, "a difference in .*ahead.1"),
    ],
)
def test_a_config_with_wrong_values_is_refused(saved, changes, sentence):
    edit_config(saved, **changes)
    with pytest.raises(BundleError, match=sentence):
        load_bundle(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff", '{"a": ' * 100_000])
def test_a_config_that_is_no_json_object_is_refused(saved, text):
    (saved / "config.json").write_text(text, errors="surrogateescape")
    with pytest.raises(BundleError, match=r"Expected (a )?JSON"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"output_bias": np.array([np.nan], np.float32)}, "finite numbers for output.bias"),
        ({"output_bias": np.array([np.inf], np.float16)}, "finite numbers for output.bias"),
        ({"output_bias": np.zeros(1, np.float64)}, "output.bias in float32 or float16"),
        ({"output_bias": np.zeros(1, np.int8)}, "output.bias in float32 or float16"),
        ({"output_bias": None}, r"a difference in \['output.bias'\]"),
        ({"output_extra": np.zeros(1, np.float32)}, r"a difference in \['output.extra'\]"),
        ({"output_weight": np.zeros((1, 9), np.float32)}, r"output.weight of shape \(1, 3\)"),
        ({"embedding_weight": np.zeros((2, 4), np.float32)}, "an embedding of the tokenizer's"),
    ],
)
def test_weights_of_other_shapes_are_refused(saved, changes, sentence):
    edit_weights(saved, **changes)
    with pytest.raises(BundleError, match=sentence):
        load_bundle(saved)


def test_truncated_weights_are_refused(saved):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="Expected weights in"):
        load_bundle(saved)


def test_a_damaged_tokenizer_is_refused(saved):
    (saved / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleError, match="tokenizer"):
        load_bundle(saved)


def test_a_bundle_that_could_not_be_read_is_not_written(tmp_path, bundle):
    weights = {**bundle.weights, "output.bias": np.array([np.nan], np.float32)}
    with pytest.raises(BundleError, match="finite numbers"):
        save_bundle(tmp_path / "model", dataclasses.replace(bundle, weights=weights))
    assert not (tmp_path / "model").exists()


def test_saving_into_a_run_folder_keeps_its_files(tmp_path, bundle):
    (tmp_path / "settings.json").write_text("{}")
    assert not is_bundle(tmp_path)
    save_bundle(tmp_path, bundle)
    assert is_bundle(tmp_path)
    assert (tmp_path / "settings.json").read_text() == "{}"


def test_an_interrupted_save_over_a_bundle_is_completed(saved, bundle, monkeypatch):
    """New weights are never read with an old config: until then there is no config."""
    weights = {name: array + 1 for name, array in bundle.weights.items()}
    changed = dataclasses.replace(bundle, weights=weights, metrics={"validation_accuracy": 0.25})
    replace, left = Path.replace, [3]

    def fail_at_last(self, target):
        left[0] -= 1
        if not left[0]:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_at_last)
    with pytest.raises(SentimentError, match="No space left"):
        save_bundle(saved, changed)
    assert not (saved / "config.json").exists()
    loaded = load_bundle(saved)
    assert loaded.metrics == changed.metrics
    assert all(np.array_equal(loaded.weights[name], weights[name]) for name in weights)
    assert not [path.name for path in saved.iterdir() if path.name.startswith(".")]


def test_a_bundle_can_be_saved_into_the_current_folder(tmp_path, bundle: Bundle, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_bundle(Path(), bundle)
    assert load_bundle(Path()).config == bundle.config


def test_files_are_written_with_config_last():
    assert FILES[-1] == module.CONFIG == "config.json"


def test_a_moved_bundle_still_opens(saved, tmp_path):
    shutil.move(saved, tmp_path / "elsewhere")
    assert load_bundle(tmp_path / "elsewhere").config.classes == ("negative", "positive")


def test_config_json_has_the_setting_names_of_format_1(tmp_path: Path, bundle: Bundle):
    """So older versions, which know only these names, read new bundles."""
    provenance = {"settings": Settings(model=bundle.config.model).to_dict()}
    changed = dataclasses.replace(
        bundle, config=dataclasses.replace(bundle.config, provenance=provenance)
    )
    save_bundle(tmp_path, changed)
    config = json.loads((tmp_path / "config.json").read_text())
    for model in (config["model"], config["training"]["settings"]["model"]):
        assert (model["embedding"], model["hidden"]) == (4, 3)
        assert not {"embedding_size", "hidden_size"} & model.keys()
    assert load_bundle(tmp_path).config.model == bundle.config.model


def test_the_fingerprint_counts_what_lowers_scores(bundle):
    provenance = {**bundle.config.provenance, "familiarity": {"unknown": 0.1}}
    other = replace(bundle, config=replace(bundle.config, provenance=provenance))
    assert fingerprint(bundle) == fingerprint(replace(bundle))
    assert fingerprint(other) != fingerprint(bundle)
