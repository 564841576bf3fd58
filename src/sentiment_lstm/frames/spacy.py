"""The component `sentiment_lstm` of spaCy, which scores documents.

Once the package is installed, `nlp.add_pipe("sentiment_lstm")` works without an import.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from spacy.tokens import Doc

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import (
    Bundle,
    bundle_as_files,
    bundle_from_files,
    load_bundle,
    save_bundle,
)
from sentiment_lstm.finding import find_model
from sentiment_lstm.frames.scores import field_names, score_texts
from sentiment_lstm.label_scores import LabelScore

NAME = "sentiment_lstm"
_EXTENSION = "sentiment"


class SentimentComponent:
    """Sets `doc._.sentiment` and `doc.cats`.

    `doc._.sentiment` is `{"label": ..., "score": ...}`, or a list of these if a text may have
    several labels. `doc.cats` holds the probability of each class. If a document is empty, label
    and score are None (or the list is empty), and `doc.cats` stays as it is.

    The model is read at the first document. A saved pipeline holds a copy of the model.

    Args:
        model: a folder or the name of a model, as `SentimentClassifier.from_pretrained` takes it.
        threads: CPU threads; 0 means one for each core.
    """

    def __init__(self, model: str, threads: int = 0) -> None:
        self._model, self._threads = model, threads
        self._bundle: Bundle | None = None
        self._classifier: SentimentClassifier | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Score a document."""
        self._score([doc])
        return doc

    def pipe(self, docs: Iterable[Doc], batch_size: int = 1000) -> Iterator[Doc]:
        """Score a stream of documents, in batches."""
        stream = iter(docs)
        while batch := list(islice(stream, batch_size)):
            self._score(batch)
            yield from batch

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:
        """Write the model to a folder."""
        save_bundle(Path(path), self.bundle)

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> SentimentComponent:
        """Take the model from a folder that `to_disk` wrote.

        Raises:
            BundleError: the model is incomplete or damaged.
        """
        self._bundle, self._classifier = load_bundle(Path(path)), None
        return self

    def to_bytes(self, exclude: Iterable[str] = ()) -> bytes:
        """Return the files of the model."""
        data: bytes = srsly.msgpack_dumps(bundle_as_files(self.bundle))
        return data

    def from_bytes(self, data: bytes, exclude: Iterable[str] = ()) -> SentimentComponent:
        """Take the model from what `to_bytes` returned.

        Raises:
            BundleError: the model is incomplete or damaged.
        """
        self._bundle, self._classifier = bundle_from_files(srsly.msgpack_loads(data)), None
        return self

    @property
    def bundle(self) -> Bundle:
        """The model.

        Raises:
            BundleError: there is no model of this name, or it is incomplete or damaged.
        """
        if self._bundle is None:
            self._bundle = load_bundle(find_model(self._model))
        return self._bundle

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the open classifier. Another process opens the model by itself."""
        return {**vars(self), "_classifier": None}

    def _score(self, docs: list[Doc]) -> None:
        if self._classifier is None:
            self._classifier = SentimentClassifier(self.bundle, self._threads)
        predictor = self._classifier.predictor
        multi_label = predictor.multi_label
        names = field_names(predictor.classes, multi_label=multi_label, probabilities=True)
        rows = zip(*score_texts(predictor, (d.text for d in docs), names).values(), strict=True)
        for doc, (label, score, *probabilities) in zip(docs, rows, strict=True):
            pairs = zip(label or [], score or [], strict=True) if multi_label else [(label, score)]
            verdict = [LabelScore(label=label, score=score) for label, score in pairs]
            doc._.set(_EXTENSION, verdict if multi_label else verdict[0])
            if score is not None:
                doc.cats.update(zip(predictor.classes, probabilities, strict=True))


@Language.factory(
    NAME,
    assigns=[f"doc._.{_EXTENSION}", "doc.cats"],
    default_config={"model": "default", "threads": 0},
)
def make_component(nlp: Language, name: str, model: str, threads: int) -> SentimentComponent:
    """Make the component for a pipeline; `nlp.add_pipe("sentiment_lstm", config={...})` calls it.

    Args:
        nlp: the pipeline.
        name: the component's name in the pipeline.
        model: as in the class.
        threads: as in the class.
    """
    if not Doc.has_extension(_EXTENSION):
        Doc.set_extension(_EXTENSION, default=None)
    return SentimentComponent(model, threads)
