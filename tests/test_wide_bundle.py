"""Bundles with a wide path: format 2."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from sentiment_lstm.bundle import (
    FILES,
    SHIPPED,
    Bundle,
    expected_shapes,
    fingerprint,
    load_bundle,
    save_bundle,
    with_temperature_one,
)
from sentiment_lstm.errors import BundleError
from sentiment_lstm.inference.predictor import Predictor, open_torch
from sentiment_lstm.weights_file import HASHES, WIDE


@pytest.fixture
def bundle(make_bundle) -> Bundle:
    return make_bundle(("a", "b", "c"), wide=True)


@pytest.fixture
def saved(tmp_path, bundle) -> Path:
    save_bundle(tmp_path / "model", bundle)
    return tmp_path / "model"


def format_of(folder: Path) -> int:
    version: int = json.loads((folder / "config.json").read_text())["format_version"]
    return version


def stored(folder: Path) -> dict[str, np.ndarray]:
    return safetensors.numpy.load_file(folder / "model.safetensors")


def test_round_trip(saved, bundle):
    read = load_bundle(saved)
    assert format_of(saved) == 2
    np.testing.assert_array_equal(read.tokenizer.hashes, bundle.tokenizer.hashes)
    assert read.weights.keys() == bundle.weights.keys()
    for name, array in bundle.weights.items():
        np.testing.assert_array_equal(read.weights[name], array)
    assert stored(saved)[WIDE].dtype == np.float16
    assert stored(saved)["output.bias"].dtype == np.float32
    assert not read.half


@pytest.mark.parametrize("half", [False, True])
def test_saving_a_loaded_bundle_changes_no_byte(tmp_path, bundle, half):
    save_bundle(tmp_path / "model", dataclasses.replace(bundle, half=half))
    read = load_bundle(tmp_path / "model")
    assert read.half == half
    save_bundle(tmp_path / "again", read)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_a_model_without_a_wide_path_is_saved_as_format_1(tmp_path, make_bundle):
    save_bundle(tmp_path / "model", make_bundle())
    assert format_of(tmp_path / "model") == 1
    assert not {WIDE, HASHES} & stored(tmp_path / "model").keys()


def test_a_shipped_model_of_format_1_loads_and_is_saved_as_format_1(tmp_path):
    read = load_bundle(SHIPPED / "tiny")
    assert (format_of(SHIPPED / "tiny"), read.tokenizer.features) == (1, None)
    save_bundle(tmp_path / "model", read)
    assert format_of(tmp_path / "model") == 1
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == (
        SHIPPED / "tiny" / "model.safetensors"
    ).read_bytes()


def test_taking_the_wide_path_away_gives_format_1(saved, tmp_path):
    read = load_bundle(saved)
    weights = {name: array for name, array in read.weights.items() if name != WIDE}
    plain = dataclasses.replace(read, weights=weights, tokenizer=read.tokenizer.with_features(None))
    save_bundle(tmp_path / "plain", plain)
    assert format_of(tmp_path / "plain") == 1
    assert load_bundle(tmp_path / "plain").tokenizer.hashes is None


def test_a_temperature_moves_into_both_paths(bundle):
    sure = dataclasses.replace(bundle, config=dataclasses.replace(bundle.config, temperature=0.5))
    moved = with_temperature_one(sure)
    assert moved.config.temperature == 1.0
    texts = ["a good film", "not bad at all"]
    scores = [Predictor(model, open_torch(model)).probabilities(texts) for model in (moved, sure)]
    np.testing.assert_allclose(*scores, rtol=0, atol=1e-6)
    assert np.abs(moved.weights[WIDE]).sum() > np.abs(bundle.weights[WIDE]).sum()


def test_the_fingerprint_changes_with_hashes_and_weights(bundle):
    hashes = bundle.tokenizer.hashes.copy()
    hashes[-1] += 1
    other_hashes = dataclasses.replace(bundle, tokenizer=bundle.tokenizer.with_features(hashes))
    weights = {**bundle.weights, WIDE: bundle.weights[WIDE] + 1}
    other_weights = dataclasses.replace(bundle, weights=weights)
    prints = {fingerprint(b) for b in (bundle, other_hashes, other_weights)}
    assert len(prints) == 3
    assert fingerprint(bundle) in prints


def test_the_fingerprint_is_that_of_the_saved_bundle(saved, bundle):
    assert fingerprint(load_bundle(saved)) == fingerprint(bundle)


HASHES_SENTENCE = "wide.hashes as rising uint32"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: {HASHES: a[HASHES][::-1].copy()}, HASHES_SENTENCE),
        (lambda a: {HASHES: np.repeat(a[HASHES][:1], len(a[HASHES]))}, HASHES_SENTENCE),
        (lambda a: {HASHES: a[HASHES].astype(np.int64)}, f"{HASHES_SENTENCE}.*found int64"),
        (lambda a: {HASHES: a[HASHES].astype(np.float32)}, f"{HASHES_SENTENCE}.*found float32"),
        (lambda a: {HASHES: a[HASHES][:, None].copy()}, HASHES_SENTENCE),
        (lambda a: {HASHES: a[HASHES][:0]}, HASHES_SENTENCE),
        (lambda a: {HASHES: np.array(5, np.uint32)}, HASHES_SENTENCE),
        (lambda a: {HASHES: a[HASHES][:-1]}, r"wide.weight of shape \(\d+, 3\)"),
        (lambda a: {HASHES: None}, r"a difference in \['wide.weight'\]"),
        (lambda a: {WIDE: None}, r"a difference in \['wide.weight'\]"),
        (lambda a: {WIDE: a[WIDE][:-1]}, r"wide.weight of shape"),
        (lambda a: {WIDE: a[WIDE][:, :1].copy()}, r"wide.weight of shape"),
        (lambda a: {WIDE: a[WIDE].ravel()}, r"wide.weight of shape"),
        (lambda a: {WIDE: a[WIDE] * np.float16("nan")}, "finite numbers for wide.weight"),
        (lambda a: {WIDE: a[WIDE] * np.float16("inf")}, "finite numbers for wide.weight"),
        (lambda a: {WIDE: a[WIDE].astype(np.float64)}, "wide.weight in float32 or float16"),
        (lambda a: {WIDE: a[WIDE].astype(np.int8)}, "wide.weight in float32 or float16"),
    ],
)
def test_a_damaged_wide_path_is_refused_in_a_sentence(saved, change, sentence):
    arrays = stored(saved)
    kept = {name: array for name, array in (arrays | change(arrays)).items() if array is not None}
    (saved / "model.safetensors").write_bytes(safetensors.numpy.save(kept))
    with pytest.raises(BundleError, match=sentence) as refused:
        load_bundle(saved)
    assert re.fullmatch(r"Expected [^\n]*, found [^\n]*; copy [^\n]*\.", str(refused.value))


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [(1e5, "at most 65,504 in wide.weight .* found 100,000"), (np.inf, "finite numbers for wide")],
)
def test_a_wide_path_that_could_not_be_read_is_not_written(tmp_path, bundle, weight, sentence):
    """Half precision holds at most 65,504."""
    wide = bundle.weights[WIDE].copy()
    wide[0, 0] = weight
    changed = dataclasses.replace(bundle, weights={**bundle.weights, WIDE: wide})
    with pytest.raises(BundleError, match=sentence):
        save_bundle(tmp_path / "model", changed)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("classes", "units"), [(2, 1), (4, 4)])
def test_expected_shapes_are_the_classifiers(bundle, classes, units):
    from sentiment_lstm.model.classifier import LSTMClassifier

    settings = bundle.config.model
    tensors = LSTMClassifier(settings, 7, classes, 9).state_dict()
    expected = expected_shapes(settings, 7, classes, 9)
    assert expected == {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert expected[WIDE] == (9, units)
