"""The data sets that the shipped models learn from, opened for training alone.

Nothing here returns a text that validates or tests a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sentiment_lstm.data.corpus import Corpus, load_corpus, unlabelled_texts
from sentiment_lstm.data.open import list_splits
from sentiment_lstm.data.registry import data_set
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, LanguageSettings, Settings

EMOTION = "data:emotion"
GOEMOTIONS = "data:goemotions"
IMDB = "data:imdb"
IRONY = "data:irony"
NEWS = "data:news"
OFFENSIVE = "data:offensive"
PRODUCTS = "data:products"
TREEBANK = "data:sst"
TWEETS = "data:tweets"


def numbered(source: str) -> Mapping[str, str]:
    """A label map that keeps the labels 0, 1 and 2 of a registered set as they are.

    A registered set names its classes; the scripts here go by their numbers.
    """
    scheme, _, name = source.partition(":")
    return {label: label for label in data_set(name).label_map} if scheme == "data" else {}


def kept_apart(source: str) -> list[str]:
    """The splits of a source that validate or test, as `data.exclude` names them."""
    return [f"{source}:{name}" for name in ("validation", "test") if name in list_splits(source)]


def training_reviews(source: str) -> list[Example]:
    """The training texts of a source, labelled as they are there.

    Of IMDb, the films that validate are left out. Of another source without a validation split,
    every text is returned: nothing is validated on it.
    """
    excluded = kept_apart(source)
    films = "movie" if source == IMDB else None
    data = DataSettings(
        source=source,
        group_column=films,
        label_map=numbered(source),
        exclude=tuple(excluded),
    )
    corpus = load_corpus(data, 0, SetAside(None))
    validated = films or f"{source}:validation" in excluded
    return corpus.sample if validated else [*corpus.sample, *corpus.validation]


def imdb(also: Sequence[str] = ()) -> tuple[Corpus, list[Example]]:
    """IMDb's labelled reviews with the training texts of other sources; IMDb's unlabelled reviews.

    Args:
        also: the other sources.
    """
    tested = f"{IMDB}:test"
    films = DataSettings(
        source=IMDB, group_column="movie", label_map=numbered(IMDB), exclude=(tested,)
    )
    settings = Settings(data=films, language=LanguageSettings(sources=(IMDB,)))
    others = [
        DataSettings(source=source, label_map=numbered(source), exclude=(f"{source}:test",))
        for source in also
    ]
    corpus = load_corpus(films, settings.training.seed, SetAside(None), others)
    return corpus, unlabelled_texts(settings, corpus, SetAside(None))


def reviews(also: Sequence[str] = ()) -> Iterator[str]:
    """IMDb's training and unlabelled reviews, and the training texts of other sources.

    Args:
        also: the other sources.
    """
    corpus, unlabelled = imdb(also)
    return (example.text for example in [*corpus.sample, *unlabelled])


def tweets(source: str) -> Iterator[str]:
    """The training texts of a source that has a validation and a test split."""
    excluded = (f"{source}:validation", f"{source}:test")
    corpus = load_corpus(DataSettings(source=source, exclude=excluded), 0, SetAside(None))
    return (example.text for example in corpus.sample)
