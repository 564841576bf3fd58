import copy
import json
import os
import pickle
import signal
import subprocess
import sys
from enum import Enum

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError, SkipTestWarning
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from small_estimator import LABELS, SETTINGS, TEXTS, small
from tiny_runs import QUIET

from sentiment_lstm import LSTMTextClassifier, SentimentClassifier
from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.errors import DataError, SentimentError, UsageError
from sentiment_lstm.fitting import train
from sentiment_lstm.training.listener import Listener

MATRIX = np.column_stack([LABELS == "bad", LABELS != "bad", np.arange(90) % 2]).astype(int)


@pytest.fixture(scope="module")
def fitted():
    return small().fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def several():
    return small(epochs=8).fit(TEXTS, MATRIX)


def test_it_predicts_labels_and_probabilities(fitted):
    assert fitted.classes_.tolist() == fitted.class_names_ == ["bad", "good", "neutral"]
    probabilities = fitted.predict_proba(TEXTS)
    assert probabilities.shape == (90, 3)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (fitted.predict(TEXTS) == fitted.classes_[probabilities.argmax(axis=1)]).all()
    assert (fitted.decision_function(TEXTS).argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert fitted.score(TEXTS, LABELS) > 0.9
    assert isinstance(fitted.classifier_, SentimentClassifier)
    assert np.array_equal(fitted.classifier_.predict_proba(TEXTS), probabilities)
    assert fitted.predict([]).shape == (0,)


def test_it_trains_as_train_does(fitted):
    given = {
        **SETTINGS,
        "model.hidden_size": 8,
        "model.embedding_size": 8,
        "model.layers": 1,
        "training.epochs": 4,
    }
    same = train(TEXTS, LABELS, preset="seed", settings=given, seed=0, threads=1, listener=QUIET)
    assert np.array_equal(same.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        LABELS.tolist(),
        LABELS.astype(object),
        np.arange(90) % 3 - 1,
        (np.arange(90) % 3).astype(np.int8),
        LABELS == "bad",
        (LABELS == "bad").astype(float),
        pd.Series(LABELS),
        pd.Series(LABELS).astype("category"),
        pd.Series(LABELS == "bad").astype("boolean"),
        pa.array(LABELS.tolist()),
        pa.array((LABELS == "bad").tolist()),
        np.where(LABELS == "bad", " bad ", "01"),
        np.where(LABELS == "bad", "nan", ""),
    ],
    ids=lambda y: f"{type(y).__name__} of {getattr(y, 'dtype', getattr(y, 'type', 'str'))}",
)
def test_labels_keep_their_type(y):
    estimator = small(epochs=1).fit(TEXTS, y)
    listed = y.to_pylist() if hasattr(y, "to_pylist") else list(y)
    assert estimator.classes_.tolist() == sorted(set(listed))
    predicted = estimator.predict(TEXTS)
    assert predicted.dtype == estimator.classes_.dtype
    assert set(predicted.tolist()) <= set(listed)
    if isinstance(y, np.ndarray):
        assert predicted.dtype == y.dtype
    right = [label == given for label, given in zip(predicted.tolist(), listed, strict=True)]
    assert estimator.score(TEXTS, listed) == pytest.approx(np.mean(right))


def test_a_matrix_gives_several_labels(several):
    assert several.classes_.tolist() == [0, 1, 2]
    predicted = several.predict(TEXTS)
    assert predicted.shape == MATRIX.shape
    assert set(np.unique(predicted)) <= {0, 1}
    assert (several.decision_function(TEXTS) >= 0).astype(int).tolist() == predicted.tolist()
    assert np.mean(predicted[:, :2] == MATRIX[:, :2]) > 0.8
    assert several.predict(["", "lovely"])[0].tolist() == [0, 0, 0]
    assert several.predict_proba([""]).tolist() == [[0, 0, 0]]
    assert several.score(TEXTS, MATRIX) == np.mean((predicted == MATRIX).all(axis=1))


@pytest.mark.parametrize("kind", [csr_matrix, pd.DataFrame, np.asarray])
def test_a_matrix_may_be_sparse_or_a_table_and_lack_a_label(kind):
    never = np.column_stack([MATRIX, np.zeros(90, dtype=int)])
    estimator = small(epochs=1).fit(TEXTS, kind(never))
    assert estimator.predict(TEXTS).shape == (90, 4)
    assert not estimator.predict_proba(TEXTS)[:, 3].any()


def test_names_of_columns_are_names_of_labels():
    table = pd.DataFrame(MATRIX, columns=["joy", "love", "anger"])
    estimator = small(epochs=1).fit(TEXTS, table)
    assert estimator.class_names_ == ["joy", "love", "anger"]
    assert estimator.classifier_.classes_ == ["anger", "joy", "love"]
    assert np.array_equal(
        estimator.predict_proba(TEXTS), estimator.classifier_.predict_proba(TEXTS)[:, [1, 2, 0]]
    )


def test_a_column_of_labels_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning):
        small(epochs=1).fit(TEXTS, LABELS[:, None])


def test_an_empty_text_gets_the_most_frequent_label():
    y = np.where(np.arange(90) < 50, "often", "seldom")
    estimator = small(epochs=1).fit(TEXTS, y)
    assert estimator.predict(["", " \n"]).tolist() == ["often", "often"]
    assert np.allclose(estimator.predict_proba([""]), [[5 / 9, 4 / 9]])
    weights = np.where(y == "often", 1, 10)
    estimator.fit(TEXTS, y, sample_weight=weights)
    assert estimator.predict([""]).tolist() == ["seldom"]


def test_two_classes_have_one_decision():
    estimator = small().fit(TEXTS, LABELS == "bad")
    decision = estimator.decision_function(TEXTS)
    assert decision.shape == (90,)
    assert ((decision > 0) == estimator.predict(TEXTS)).all()


def test_weights_change_the_model_and_their_scale_does_not(fitted):
    weights = np.where(np.arange(90) % 2, 4.0, 1.0)
    plain, scaled = (small().fit(TEXTS, LABELS, w) for w in (weights, 7 * weights))
    ones = small().fit(TEXTS, LABELS, sample_weight=np.full(90, 0.5))
    expected = fitted.predict_proba(TEXTS)
    assert np.array_equal(plain.predict_proba(TEXTS), scaled.predict_proba(TEXTS))
    assert not np.array_equal(plain.predict_proba(TEXTS), expected)
    assert np.array_equal(ones.predict_proba(TEXTS), expected)


def test_a_weight_of_0_leaves_a_text_out():
    kept = np.arange(90) % 5 > 0
    zero = small().fit(TEXTS, LABELS, sample_weight=kept)
    gone = small().fit([t for t, k in zip(TEXTS, kept, strict=True) if k], LABELS[kept])
    assert np.array_equal(zero.predict_proba(TEXTS), gone.predict_proba(TEXTS))


def test_random_state_gives_the_same_bits(fitted):
    expected = fitted.predict_proba(TEXTS)
    assert np.array_equal(small().fit(TEXTS, LABELS).predict_proba(TEXTS), expected)
    other = small(random_state=1).fit(TEXTS, LABELS)
    assert not np.array_equal(other.predict_proba(TEXTS), expected)
    states = [
        small(random_state=np.random.RandomState(5)).fit(TEXTS, LABELS).predict_proba(TEXTS)
        for _ in range(2)
    ]
    assert np.array_equal(*states)


def test_class_weight_balances():
    y = np.where(np.arange(90) % 9 == 0, "rare", "often")
    plain, balanced = (small(class_weight=w, epochs=1).fit(TEXTS, y) for w in (None, "balanced"))
    rare = [estimator.predict_proba(TEXTS)[:, 1].mean() for estimator in (plain, balanced)]
    assert rare[1] > rare[0]
    factors = small(class_weight={"rare": 8}, epochs=1).fit(TEXTS, y)
    weights = np.where(y == "rare", 8, 1)
    weighted = small(epochs=1).fit(TEXTS, y, sample_weight=weights)
    assert np.array_equal(factors.predict_proba(TEXTS), weighted.predict_proba(TEXTS))
    for factors, labels in (("heavy", y), ({0: 2}, MATRIX)):
        with pytest.raises(UsageError, match="Expected class_weight to be None, 'balanced' or"):
            small(class_weight=factors).fit(TEXTS, labels)
    with pytest.raises(UsageError, match="Expected weights of at least 0, found -1"):
        small(class_weight={"rare": -1}).fit(TEXTS, y)


def test_parameters_are_settings():
    estimator = small(
        dropout=0.1,
        learning_rate=np.float32(0.25),
        validation_fraction=0.2,
        hidden_size=np.int64(4),
        settings={**SETTINGS, "training.learning_rate": 0.5},
    )
    estimator.fit(TEXTS, LABELS)
    settings = estimator.classifier_.bundle.config.provenance["settings"]
    assert settings["model"]["dropout"] == 0.1
    assert settings["data"]["validation"] == 0.2
    assert settings["training"]["learning_rate"] == 0.5
    assert estimator.classifier_.bundle.config.model.hidden_size == 4


def test_get_params_set_params_and_clone(fitted):
    parameters = fitted.get_params()
    assert clone(fitted).get_params() == parameters
    assert not hasattr(clone(fitted), "classifier_")
    changed = clone(fitted).set_params(hidden_size=4, verbose=1)
    assert (changed.hidden_size, changed.verbose) == (4, 1)
    with pytest.raises(ValueError, match="Invalid parameter 'hidden'"):
        changed.set_params(hidden=3)
    assert "hidden_size=8" in repr(fitted)
    assert not hasattr(fitted, "n_features_in_")
    assert not hasattr(fitted, "feature_names_in_")


@pytest.mark.parametrize(
    "copied",
    [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy, copy.copy],
    ids=["pickle", "deepcopy", "copy"],
)
@pytest.mark.parametrize("which", ["fitted", "several"])
def test_copies_predict_the_same_bits(copied, which, request):
    estimator = request.getfixturevalue(which)
    expected = estimator.predict_proba(TEXTS)
    other = copied(estimator)
    assert np.array_equal(other.predict_proba(TEXTS), expected)
    assert np.array_equal(other.predict(TEXTS), estimator.predict(TEXTS))
    assert np.array_equal(estimator.predict_proba(TEXTS), expected)
    assert other.get_params() == estimator.get_params()


def test_a_pickle_holds_bytes_and_no_code(fitted):
    import pickletools

    globals_ = [
        argument
        for code, argument, _ in pickletools.genops(pickle.dumps(fitted, protocol=0))
        if code.name == "GLOBAL" and "sentiment_lstm" in argument
    ]
    assert globals_ == ["sentiment_lstm.estimator LSTMTextClassifier"]
    state = fitted.__getstate__()["classifier_"]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(state)
    assert all(isinstance(content, bytes) for content in state.values())
    assert json.loads(state["config.json"])["label2id"].keys() == {"bad", "good", "neutral"}


def test_a_pickle_keeps_the_card_of_a_saved_model(fitted, tmp_path):
    fitted.classifier_.save_pretrained(tmp_path / "reviews")
    (tmp_path / "reviews" / "README.md").write_text("# My own card")
    opened = LSTMTextClassifier.from_pretrained(tmp_path / "reviews")
    assert pickle.loads(pickle.dumps(opened)).classifier_.bundle.card == "# My own card"
    assert pickle.loads(pickle.dumps(fitted)).classifier_.bundle.card == ""


def test_a_pickle_of_an_estimator_that_is_not_fitted():
    other = pickle.loads(pickle.dumps(small()))
    assert other.get_params() == small().get_params()
    with pytest.raises(NotFittedError):
        other.predict(TEXTS)


def test_joblib_stores_it(fitted, tmp_path):
    import joblib

    joblib.dump(fitted, tmp_path / "model.joblib")
    other = joblib.load(tmp_path / "model.joblib")
    assert np.array_equal(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_an_estimator_from_a_saved_model_predicts_at_once_and_goes_on(fitted, tmp_path):
    fitted.classifier_.save_pretrained(tmp_path / "model")
    estimator = LSTMTextClassifier.from_pretrained(
        tmp_path / "model", preset="seed", epochs=1, settings=SETTINGS, random_state=0, threads=1
    )
    assert np.array_equal(estimator.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert estimator.classes_.tolist() == ["bad", "good", "neutral"]
    assert clone(estimator).start == tmp_path / "model"
    estimator.fit(TEXTS, LABELS)
    provenance = estimator.classifier_.bundle.config.provenance
    assert provenance["started_from"]["name"] == "model"
    assert estimator.score(TEXTS, LABELS) > 0.9


def test_an_estimator_from_a_model_of_several_labels(several, tmp_path):
    several.classifier_.save_pretrained(tmp_path / "model")
    estimator = LSTMTextClassifier.from_pretrained(tmp_path / "model", threads=1)
    assert np.array_equal(estimator.predict(TEXTS), several.predict(TEXTS))


def test_the_shipped_model_is_the_usual_one():
    estimator = LSTMTextClassifier.from_pretrained(threads=1)
    assert estimator.predict(["A wonderful film."]).tolist() == ["positive"]
    with pytest.raises(SentimentError, match="Expected a saved model"):
        LSTMTextClassifier.from_pretrained("no/such/folder")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ("one text", LABELS, "found one string: put it in a list"),
        (pd.DataFrame({"text": TEXTS}), LABELS, r"found a table of the shape \(90, 1\)"),
        (np.ones((90, 2)), LABELS, r"found a table of the shape \(90, 2\)"),
        ([*TEXTS[:-1], None], LABELS, "found a missing value \\(None\\) at index 89"),
        (pd.Series([*TEXTS[:-1], None]), LABELS, "found a missing value \\(nan\\) at index 89"),
        (list(range(90)), LABELS, "found int at index 0"),
        (TEXTS, LABELS[1:], "found 89 labels and 90 texts"),
        (TEXTS, MATRIX[1:], "found 89 labels and 90 texts"),
        (TEXTS, ["a"] * 90, r"at least two classes, found one class \('a'\)"),
        (TEXTS, [None, *LABELS[1:]], "Expected a label at index 0, found None"),
        (TEXTS, None, "requires y to be passed, but the target y is None"),
        (TEXTS, np.linspace(0, 1, 90), "Unknown label type"),
        (TEXTS, MATRIX * 2, "Expected 0 and 1 in a table of labels"),
        (TEXTS, [2**63, -1, 5] * 30, "fit into numpy's integers of one type, found 9223372036854"),
        (TEXTS, [2**53 + 1, 2**53, 5.0] * 30, "of one type, found 9007199254740993: give each"),
    ],
)
def test_data_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        small().fit(x, y)


def test_predict_refuses_what_is_no_text(fitted):
    with pytest.raises(NotFittedError):
        small().predict(TEXTS)
    with pytest.raises(UsageError, match="found a missing value \\(None\\) at index 1"):
        fitted.predict(["good", None])
    with pytest.raises(UsageError, match="put it in a list"):
        fitted.predict_proba("good")
    with pytest.raises(UsageError, match="found 1 weight and 90 texts"):
        small().fit(TEXTS, LABELS, sample_weight=[1])


def test_a_failed_fit_keeps_the_last_model(fitted):
    estimator = copy.deepcopy(fitted)
    with pytest.raises(UsageError):
        estimator.fit(TEXTS, LABELS[1:])
    assert np.array_equal(estimator.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


class AtEpoch(Listener):
    """Interrupts after an epoch, or after the first update (0)."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_update(self, numbers):
        if self.epoch == 0:
            os.kill(os.getpid(), signal.SIGINT)

    def on_epoch(self, numbers):
        if numbers["epoch"] == self.epoch:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_the_best_so_far_with_a_warning():
    estimator = small(callbacks=[AtEpoch(3)])
    with pytest.warns(UserWarning, match="interrupted. The best model so far is kept"):
        estimator.fit(TEXTS, LABELS)
    three = small(epochs=3).fit(TEXTS, LABELS)
    assert np.array_equal(estimator.predict_proba(TEXTS), three.predict_proba(TEXTS))
    with pytest.raises(KeyboardInterrupt):
        small(callbacks=[AtEpoch(0)]).fit(TEXTS, LABELS)


def test_verbose_shows_the_epochs_and_callbacks_follow(capsys):
    class Counts(Listener):
        epochs = 0

        def on_epoch(self, numbers):
            self.epochs += 1

    counts = Counts()
    small(callbacks=[counts]).fit(TEXTS, LABELS)
    assert counts.epochs == 4
    assert capsys.readouterr() == ("", "")
    small(verbose=1).fit(TEXTS, LABELS)
    assert len(capsys.readouterr().err.splitlines()) <= 5
    small(verbose=2).fit(TEXTS, LABELS)
    assert "epoch 4: train loss" in capsys.readouterr().err


def test_an_empty_text_has_the_most_frequent_label_whatever_its_classes_weigh():
    labels = ["rare"] * 5 + ["usual"] * (len(TEXTS) - 5)
    model = small(class_weight={"rare": 100}, epochs=1).fit(TEXTS, labels)
    assert model.predict([""]).tolist() == ["usual"]
    assert model.class_prior_.tolist() == pytest.approx([5 / len(TEXTS), 1 - 5 / len(TEXTS)])


def test_messages_are_in_the_words_of_python():
    with pytest.raises(DataError, match=r"in the given texts, found c \(rows set aside: empty"):
        small().fit(["", " ", "fine"] * 4, ["a", "b", "c"] * 4)
    with pytest.raises(UsageError, match=r"found 0.5 at index 0 .Unknown label type: float"):
        small().fit(TEXTS[:4], [0.5, 0.1, 0.2, 0.3])
    with pytest.raises(UsageError, match="a whole number of threads of at least 0, found 'all'"):
        small(threads="all").fit(TEXTS, LABELS)
    with pytest.warns(UserWarning, match="Classes with only one text: odd"):
        small().fit([*TEXTS, "one more"], [*LABELS, "odd"])


def test_tags_say_that_it_reads_texts():
    tags = get_tags(small())
    assert (tags.input_tags.string, tags.input_tags.one_d_array) == (True, True)
    assert (tags.input_tags.two_d_array, tags.input_tags.allow_nan) == (False, False)
    assert tags.target_tags.required
    assert (tags.classifier_tags.multi_class, tags.classifier_tags.multi_label) == (True, True)


def test_scikit_learn_checks_what_it_can_of_an_estimator_of_texts():
    """Its other checks need numbers: `test_estimator_checks.py` runs them on numbers as words."""
    with pytest.warns(SkipTestWarning, match="Can't test estimator LSTMTextClassifier"):
        results = check_estimator(small(), on_fail="raise")
    assert {result["status"] for result in results} == {"passed"}


def test_threads_follow_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert small(threads=None)._threads() == 3
    assert small(threads=2)._threads() == 2
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert small(threads=None)._threads() == 0


def test_without_scikit_learn_the_message_names_the_extra():
    code = (
        "import sys\nsys.modules['sklearn'] = None\nimport sentiment_lstm\n"
        "try: sentiment_lstm.LSTMTextClassifier\n"
        "except ImportError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'sentiment-lstm[train]'" in run.stdout


@pytest.mark.parametrize(
    "labels",
    [
        lambda: iter(LABELS),
        lambda: dict(enumerate(LABELS)).values(),
        lambda: np.array(LABELS, dtype=np.dtypes.StringDType()),
    ],
    ids=["iterator", "view", "strings of any length"],
)
def test_labels_may_be_any_iterable(labels, fitted):
    assert small().fit(TEXTS, labels()).predict(TEXTS).tolist() == fitted.predict(TEXTS).tolist()


# The names of two members begin alike.
Mood = Enum("Mood", {"NEGATIVE": "bad", "NEGLIGIBLE": "neutral", "POSITIVE": "good"}, type=str)
Grade = Enum("Grade", {"LOW": 1, "HIGH": 2}, type=int)


@pytest.mark.parametrize("kind", [list, pd.Series, lambda y: np.array(y, dtype=object)])
def test_members_of_an_enum_count_as_their_values(kind, fitted):
    moods = small().fit(TEXTS, kind([Mood(label) for label in LABELS]))
    assert moods.classes_.tolist() == moods.class_names_ == ["bad", "good", "neutral"]
    assert moods.predict(TEXTS).tolist() == fitted.predict(TEXTS).tolist()
    assert moods.score(TEXTS, kind([Mood(label) for label in LABELS])) > 0.9
    grades = small(epochs=1).fit(TEXTS, kind([Grade.LOW, Grade.HIGH] * 45))
    assert (grades.classes_.tolist(), grades.class_names_) == ([1, 2], ["1", "2"])


def test_a_label_keeps_a_nul_at_its_end():
    estimator = small(epochs=1).fit(TEXTS, ["a", "a\0", "b"] * 30)
    assert estimator.classes_.tolist() == ["a", "a\0", "b"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"settings": 3}, "Expected settings as a dict, found 3: give names and values"),
        ({"callbacks": Listener()}, "Expected a list of callbacks, found Listener: put it in"),
        ({"settings": {"data.source": "a.csv"}}, r"found data\.source in settings too: leave"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters, message):
    with pytest.raises(UsageError, match=message):
        small(**parameters).fit(TEXTS, LABELS)


def test_labels_of_two_types_are_refused():
    labels = np.array([1 if label == LABELS[0] else label for label in LABELS], dtype=object)
    with pytest.raises(UsageError, match="Expected labels of one type"):
        small().fit(TEXTS, labels)


@pytest.mark.parametrize("factors", [{"nobody": 2}, {LABELS[0]: "x"}, {LABELS[0]: None}])
def test_class_weight_holds_weights_of_the_classes(factors):
    with pytest.raises(UsageError, match=r"found '?(nobody|x|None)"):
        small(class_weight=factors).fit(TEXTS, LABELS)


def test_classes_of_a_saved_model_are_sorted(make_bundle, tmp_path):
    bundle = make_bundle(("positive", "negative"))
    save_bundle(tmp_path / "model", bundle)
    model = LSTMTextClassifier.from_pretrained(tmp_path / "model")
    assert model.classes_.tolist() == ["negative", "positive"]
    texts = ["a good film", "a bad film"]
    probabilities = model.classifier_.predict_proba(texts)
    np.testing.assert_allclose(model.predict_proba(texts), probabilities[:, ::-1])
    assert model.predict(texts).tolist() == model.classifier_.predict(texts)


def test_seeds_of_numpy_are_accepted():
    first, second = (small(random_state=2**32 - 1, epochs=1).fit(TEXTS, LABELS) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(TEXTS), second.predict_proba(TEXTS))
