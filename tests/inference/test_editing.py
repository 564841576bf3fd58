from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bundles import random_bundle

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference import editing
from sentiment_lstm.inference.editing import EditedText
from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.inference.streaming import stream
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.familiarity_scores import TextFamiliarity

TEXT = "Not bad at all , a <br\n/> good film &amp; not a bad one :) don't go"
PIECES = (
    "a",
    "é",
    "<",
    ">",
    "<br />",
    "</i",
    "&",
    "&amp;",
    "amp;",
    ";",
    " ",
    "\n",
    "\x85",
    "'",
    "😀",
    "\u200d",
    "\ufe0f",
    "\ud83d",
    "\x00",
    "http://",
    "www.",
    "@reader",
    "good",
    "Good ",
    " not bad ",
    "film, ",
    "perfromance ",
    "don't",
    "!!!",
    "1.5/10",
)
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
edits = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60), texts), max_size=6)
"""Where an edit starts, how many characters it replaces, and the new characters."""
WORDS = [
    TEXT,
    "a good performance",
    "perfromance , é 😀 not bad 1.5/10 @",
    "don't !!! https : / www .",
]


@cache
def predictor(kind: str) -> Predictor:
    """Made once, because Hypothesis calls the tests many times."""
    if kind in ("default", "tiny"):
        return SentimentClassifier.from_pretrained(kind).predictor
    options = {
        "last": {"pooling": "last"},
        "wide": {"pooling": "max+mean+last", "wide": True, "classes": ("a", "b", "c")},
        "wide of two": {"pooling": "max+mean", "wide": True},
        "attention": {"pooling": "attention", "layers": 1},
        "several labels": {"pooling": "max+mean", "thresholds": (0.5, 0.4)},
        "subwords": {"text": TextSettings(kind="bpe", min_frequency=1, correct_slips=True)},
    }
    made = open_predictor(random_bundle(WORDS * 2, **options[kind]))
    tokens = len(made.tokenizer)
    starts = np.arange(tokens) % 3 > 0
    made.text_familiarity = TextFamiliarity(np.arange(tokens) % 7 - 4, starts, 1.0)
    return made


KINDS = (
    "last", "wide", "wide of two", "attention", "several labels", "subwords", "default", "tiny",
)  # fmt: skip


def edited(text: str, start: int, replaced: int, new: str) -> str:
    start = min(start, len(text))
    return text[:start] + new + text[start + replaced :]


def check(predictor: Predictor, text: str, steps: list[editing.EditedStep], update: editing.Update):
    expected = list(stream(predictor, text)) if text and not text.isspace() else []
    assert [(s.text, s.start, s.end) for s in steps] == [(s.text, s.start, s.end) for s in expected]
    for step, other in zip(steps, expected, strict=True):
        np.testing.assert_allclose(step.probabilities, other.probabilities, rtol=0, atol=1e-6)
        assert step.score == pytest.approx(other.score, abs=1e-6)
        assert step.change == pytest.approx(other.change, abs=2e-6)
        assert 0 <= step.forget <= 1
    (whole,) = predictor.predict([text])
    got = update.prediction
    np.testing.assert_allclose(got.probabilities, whole.probabilities, rtol=0, atol=1e-6)
    assert got.familiarity == pytest.approx(whole.familiarity, abs=1e-12)
    assert (got.unknown, got.start, got.end) == (whole.unknown, whole.start, whole.end)
    if steps:
        assert got.label == steps[-1].label
        np.testing.assert_array_equal(got.probabilities, steps[-1].probabilities)
    if np.ptp(np.sort(whole.probabilities)[-2:]) > 1e-5 and not predictor.multi_label:
        assert got.label == whole.label


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=25, derandomize=True)
@given(text=texts, edits=edits)
def test_every_version_scores_like_its_whole_text(kind, text, edits):
    model = predictor(kind)
    reader, steps = EditedText(model), []
    for version in [("", text), *edits]:
        text = version[1] if len(version) == 2 else edited(text, *version)
        update = reader.update(text)
        steps[update.first_changed :] = update.steps
        check(model, text, steps, update)


@pytest.mark.parametrize("kind", ["wide", "subwords", "default"])
def test_a_long_text_is_read_from_kept_states(kind, monkeypatch):
    monkeypatch.setattr(editing, "SPACING", 4)
    monkeypatch.setattr(editing, "MOST_STATES", 5)
    model = predictor(kind)
    rng, reader, steps = np.random.default_rng(0), EditedText(model), []
    text = ""
    for _ in range(25):
        size = int(rng.integers(0, 12))
        new = " ".join(rng.choice(PIECES, size).tolist())
        text = edited(text, int(rng.integers(0, len(text) + 1)), int(rng.integers(0, 20)), new)
        update = reader.update(text)
        steps[update.first_changed :] = update.steps
        check(model, text, steps, update)
        assert len(reader._version.states) <= 5


def test_only_what_changed_comes_back():
    reader = EditedText(predictor("wide"))
    assert reader.update("a good film").first_changed == 0
    assert reader.update("a good film").steps == []
    update = reader.update("a good film !")
    assert (update.first_changed, [s.text for s in update.steps]) == (3, ["!"])
    update = reader.update("a  good film !")
    assert [(s.text, s.start) for s in update.steps] == [("good", 3), ("film", 8), ("!", 13)]
    update = reader.update("a  Good film !")
    assert update.first_changed == 1, "the same token, written in another way"
    assert reader.update("a") == (1, [], reader.update("a").prediction)
    assert reader.update(" ") == (0, [], reader.update(" ").prediction)
    assert reader.update("").prediction.label is None


def test_only_the_changed_tokens_are_read_again(monkeypatch):
    model = predictor("wide")
    reader, read = EditedText(model), []
    each = model.runtime.read_each

    def counted(piece, state=None):
        read.append(len(piece.ids))
        return each(piece, state)

    monkeypatch.setattr(model.runtime, "read_each", counted)
    text = "good film " * 500
    reader.update(text)
    assert sum(read) == 1_000
    read.clear()
    reader.update(text + "bad")
    assert sum(read) <= editing.SPACING
    read.clear()
    reader.update(text.replace("good", "Good"))
    assert not read, "the tokens are the same"
    reader.update(text[:2_500] + "bad " + text[2_500:])
    assert 501 <= sum(read) <= 501 + editing.SPACING


def test_memory_has_a_bound():
    model = predictor("default")
    reader = EditedText(model)
    reader.update("good film " * 24_000)
    version = reader._version
    states = sum(array.nbytes for s in version.states.values() for array in s.values())
    arrays = [version.rows, version.forget, version.encoded.ids, version.encoded.offsets]
    assert states + sum(array.nbytes for array in arrays) < 5_000_000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a " * 50_001, "at most 50,000 tokens, found 50,001"),
        ("a" * 1_000_001, "at most 1,000,000 characters, found 1,000,001"),
        (None, "Expected a text, found NoneType"),
    ],
)
def test_a_refused_text_changes_nothing(text, problem):
    reader = EditedText(predictor("wide"))
    steps = reader.update("a good film").steps
    with pytest.raises(UsageError, match=problem):
        reader.update(text)
    update = reader.update("a good film !")
    assert update.first_changed == len(steps)


def test_bidirectional_models_are_refused(make_bundle):
    with pytest.raises(UsageError, match="Expected a model of one direction"):
        EditedText(open_predictor(make_bundle(bidirectional=True)))
