from dataclasses import replace

import numpy as np

from sentiment_lstm.batching import Window
from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.records import Example
from sentiment_lstm.settings import Settings, TextSettings
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.feed import Feed, encode, make_feed, targets_of

REVIEWS = [Example(f"word{n % 5} and more", ("no", "yes")[n % 2], str(n)) for n in range(20)]
TOKENIZER = TextTokenizer.learn([r.text for r in REVIEWS], TextSettings(min_frequency=1))
CLASSES = ("no", "yes")


def corpus(streaming: bool) -> Corpus:
    return Corpus(CLASSES, REVIEWS[:12], REVIEWS[12:], streaming, {}, lambda: iter(REVIEWS[:12]))


def test_reviews_become_ids_and_positions():
    window = encode(REVIEWS, TOKENIZER, CLASSES, max_tokens=2)
    assert window.labels.tolist() == [0, 1] * 10
    assert all(len(ids) == 2 for ids in window.ids)
    assert window.ids[0].dtype == np.int32


def test_windows_of_a_stream_hold_the_texts_of_a_whole_feed():
    settings = Settings().updated({"data.stream_rows": 100})
    whole = make_feed(corpus(False), TOKENIZER, settings)
    stream = make_feed(corpus(True), TOKENIZER, settings)
    (window,) = stream.windows()
    assert [ids.tolist() for ids in window.ids] == [ids.tolist() for ids in whole.sample.ids]
    assert stream.steps is None
    assert whole.steps == settings.training.epochs
    assert stream.fingerprint() == whole.fingerprint()


def test_fingerprint_depends_on_labels_and_texts():
    settings = Settings()
    other = Corpus(CLASSES, REVIEWS[1:12], REVIEWS[12:], False, {})
    first = make_feed(corpus(False), TOKENIZER, settings).fingerprint()
    assert first != make_feed(other, TOKENIZER, settings).fingerprint()


def test_validation_texts_are_not_truncated():
    settings = Settings().updated({"text.max_tokens": 2})
    feed = make_feed(corpus(False), TOKENIZER, settings)
    assert {len(ids) for ids in feed.sample.ids} == {2}
    assert {len(ids) for ids in feed.validation.ids} == {3}


def test_soft_labels_become_targets_and_texts_keep_their_weights():
    reviews = [*REVIEWS[:2], replace(REVIEWS[2], soft_label=0.3, weight=0.5)]
    window = encode(reviews, TOKENIZER, CLASSES, max_tokens=9)
    np.testing.assert_allclose(window.targets, [[1, 0], [0, 1], [0.7, 0.3]], rtol=1e-6)
    assert window.weights.tolist() == [1, 1, 0.5]
    plain = encode(REVIEWS, TOKENIZER, CLASSES, max_tokens=9)
    assert plain.targets is plain.weights is None


def test_fingerprint_depends_on_soft_labels_and_weights():
    def of(review: Example) -> str:
        changed_corpus = Corpus(CLASSES, [review, *REVIEWS[1:12]], REVIEWS[12:], False, {})
        return make_feed(changed_corpus, TOKENIZER, Settings()).fingerprint()

    changes = {"soft_label": 0.5}, {"weight": 2.0}
    changed = {of(replace(REVIEWS[0], **change)) for change in changes}
    assert len(changed | {of(REVIEWS[0])}) == 3


def test_probabilities_of_classes_become_targets():
    given = {"a": 0.25, "c": 0.75}
    examples = [Example("x", "b", "1"), Example("y", "c", "2", class_probabilities=given)]
    assert targets_of(examples, ("a", "b", "c")).tolist() == [[0, 1, 0], [0.25, 0, 0.75]]
    assert targets_of(examples[:1], ("a", "b", "c")).tolist() == [1]


def test_tokens_are_counted():
    window = Window([np.full(n % 7 + 1, 2, np.int32) for n in range(23)], np.zeros(23, np.int64))
    feed = Feed(lambda: [], window, window, None)
    counts = feed.token_counts(4)
    assert counts.tolist() == [0, 0, sum(n % 7 + 1 for n in range(23)), 0]
