"""The classifier as an estimator of scikit-learn: it learns from texts and labels in memory.

`fitting.train` trains. This file follows scikit-learn's conventions. It needs scikit-learn.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import in_memory
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import bundle_as_files, bundle_from_files
from sentiment_lstm.cores import checked_threads
from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.estimator_targets import Targets, class_factors, comparable, read_targets
from sentiment_lstm.fitting import checked_settings, train
from sentiment_lstm.records import is_empty

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.metrics import accuracy_score
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as missing:
    raise MissingExtraError(
        "Expected scikit-learn for LSTMTextClassifier, found none: "
        "pip install 'sentiment-lstm[train]'."
    ) from missing

if TYPE_CHECKING:
    from sentiment_lstm.training.listener import Listener

_LEAST = 1e-12
"""The smallest probability whose logarithm is taken, and the smallest threshold of a label."""


class LSTMTextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts with an LSTM, as an estimator of scikit-learn.

    `X` is always a list, an array or a series of N strings. `y` holds a label for each text: a
    string, an integer or a boolean. If a text may have several labels, `y` is a matrix of 0 and 1,
    [N, L].

    Args:
        preset: `auto` looks at the texts and chooses all settings that are not given. Others:
            `quick`, `seed`.
        start: a model to start from: a folder, `english`, `default`, `tiny`, or the name of a model
            on the hub.
        minutes: compare the choice of `auto` with other settings for about this long.
        epochs: maximum number of passes over the texts (`training.epochs`).
        learning_rate: highest learning rate (`training.learning_rate`).
        embedding_size: size of the vector of a token (`model.embedding_size`).
        hidden_size: size of the LSTM's state (`model.hidden_size`).
        layers: number of LSTM layers (`model.layers`).
        dropout: probability that a unit is set to 0 in training (`model.dropout`).
        class_weight: `"balanced"`: a rare class is as important as a frequent one. Or a factor for
            each label, such as `{"bad": 2}`; the others have 1.
        validation_fraction: fraction of the texts kept for validation (`data.validation`).
        settings: any other settings by their names, such as `{"training.trials": 0}`. They win over
            the arguments above.
        random_state: an integer gives the same weights each time, on one type of processor and with
            one number of threads. None: another seed each time.
        threads: CPU threads in training and scoring. None: the number in `OMP_NUM_THREADS`, which
            joblib sets in its processes; without this variable, one for each core.
        verbose: 0 shows nothing. 1 shows a bar on a terminal and a few lines. 2 shows a line for
            each epoch.
        callbacks: listeners that follow the training (`training.listener.Listener`).

    Attributes:
        classes_: the labels, sorted, with the type that they have in `y`. For several labels per
            text: the numbers of the columns.
        class_names_: their names in the saved model, in the same order.
        class_prior_: the fraction of the training texts with each label, by `sample_weight`. After
            `from_pretrained`, 1/C, because a saved model does not hold it.
        classifier_: the trained `SentimentClassifier`. `classifier_.save_pretrained` saves it.
    """

    def __init__(
        self,
        preset: str = "auto",
        *,
        start: str | os.PathLike[str] | None = None,
        minutes: float | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        embedding_size: int | None = None,
        hidden_size: int | None = None,
        layers: int | None = None,
        dropout: float | None = None,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        validation_fraction: float | None = None,
        settings: Mapping[str, object] | None = None,
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
        verbose: int = 0,
        callbacks: Sequence[Listener] | None = None,
    ) -> None:
        self.preset = preset
        self.start = start
        self.minutes = minutes
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.layers = layers
        self.dropout = dropout
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.settings = settings
        self.random_state = random_state
        self.threads = threads
        self.verbose = verbose
        self.callbacks = callbacks

    @classmethod
    def from_pretrained(
        cls,
        path: str | os.PathLike[str] = "default",
        **parameters: Any,  # noqa: ANN401
    ) -> Self:
        """Make an estimator from a saved model. It predicts at once, and `fit` starts from it.

        Args:
            path: as for `SentimentClassifier.from_pretrained`.
            parameters: those of the class.

        Raises:
            BundleError: there is no model, or it is damaged.
        """
        estimator = cls(start=path, **parameters)
        classifier = SentimentClassifier.from_pretrained(path, estimator._threads())
        multi_label = classifier.thresholds_ is not None
        names = classifier.classes_ if multi_label else sorted(classifier.classes_)
        classes = np.arange(len(names)) if multi_label else np.array(names)
        estimator._keep(classifier, classes, names, np.full(len(names), 1 / len(names)))
        return estimator

    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:  # noqa: N803
        """Train on texts and their labels.

        Ctrl-C ends the training. If an epoch has ended, the best model so far is kept, with a
        warning. Otherwise KeyboardInterrupt is raised.

        Args:
            X: N texts. Empty ones are not trained on, and repeated ones only once.
            y: their labels, [N], or a matrix of 0 and 1, [N, L].
            sample_weight: the weight of each text, [N]. Only the ratios count. A text of weight 0
                is left out.

        Raises:
            UsageError: texts, labels, weights or parameters do not fit.
            DataError: the texts cannot be used, for example because too few are left.
        """
        texts = in_memory.checked_texts(X)
        targets = read_targets(y, len(texts))
        own_weights = None
        if sample_weight is not None:
            own_weights = in_memory.checked_weights(sample_weight, len(texts))
        weights = self._with_class_weight(own_weights, targets)
        classifier = train(
            texts,
            targets.labels,
            preset=self.preset,
            settings=self._settings(),
            start=self.start,
            minutes=self.minutes,
            sample_weight=weights,
            multi_label=targets.multi_label,
            seed=self._seed(),
            threads=self._threads(),
            listener=self._listener(),
            verbose=self.verbose,
        )
        if classifier.bundle.metrics.get("interrupted"):
            warnings.warn(
                "The training was interrupted. The best model so far is kept.", stacklevel=2
            )
        prior = np.average(targets.one_hot, axis=0, weights=own_weights)
        self._keep(classifier, targets.classes, targets.names, prior)
        return self

    def predict(self, X: object) -> NDArray[Any]:  # noqa: N803
        """Return the label of each text, [N]; for several labels, a matrix of 0 and 1, [N, L].

        An empty text gets the most frequent label of the training (after `from_pretrained`, the
        first class); for several labels, none.

        Raises: as `predict_proba`.
        """
        probabilities = self.predict_proba(X)
        if (thresholds := self._thresholds()) is not None:
            return (probabilities >= thresholds).astype(np.int64)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def predict_proba(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Return the calibrated probability of each label, [N, C], columns as `classes_`.

        Each row sums to 1, unless a text may have several labels. An empty text gets `class_prior_`
        or, for several labels, zeros.

        Raises:
            UsageError: a text is missing or not a string.
            NotFittedError: `fit` was not called. It is an error of scikit-learn.
        """
        check_is_fitted(self)
        texts = in_memory.checked_texts(X)
        probabilities = np.zeros((len(texts), len(self.classes_)))
        column_of = {name: column for column, name in enumerate(self.class_names_)}
        columns = [column_of[name] for name in self.classifier_.classes_]
        probabilities[:, columns] = self.classifier_.predict_proba(texts)
        of_empty = self.class_prior_ if self._thresholds() is None else 0.0
        probabilities[list(map(is_empty, texts))] = of_empty
        return probabilities

    def decision_function(self, X: object) -> NDArray[np.float64]:  # noqa: N803
        """Return scores that are highest, or above 0, for the labels that `predict` returns.

        Two classes: the log-odds of the second one, [N]. More classes: the logarithm of each
        probability, [N, C]. Several labels: the log-odds minus those of the threshold, [N, L].

        Raises: as `predict_proba`.
        """
        probabilities = self.predict_proba(X)
        if (thresholds := self._thresholds()) is not None:
            return _log_odds(probabilities) - _log_odds(thresholds)
        logarithms = np.log(probabilities.clip(_LEAST))
        is_binary = logarithms.shape[1] == 2
        return np.asarray(logarithms[:, 1] - logarithms[:, 0] if is_binary else logarithms)

    def score(self, X: object, y: object, sample_weight: object = None) -> float:  # noqa: N803
        """Return the accuracy on texts and their labels, which may have the forms of `fit`.

        Raises:
            UsageError: texts and labels do not fit.
            NotFittedError: as `predict_proba`.
        """
        predicted = self.predict(X)
        labels = comparable(y, len(predicted))
        return float(accuracy_score(labels, predicted, sample_weight=sample_weight))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classifier_")

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Hold the files of the saved model in place of the classifier."""
        state = dict(super().__getstate__())
        if isinstance(classifier := state.get("classifier_"), SentimentClassifier):
            state["classifier_"] = bundle_as_files(classifier.bundle)
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__(dict(state))
        if isinstance(files := state.get("classifier_"), dict):
            self.classifier_ = SentimentClassifier(bundle_from_files(files), self._threads())

    def _keep(
        self,
        classifier: SentimentClassifier,
        classes: NDArray[Any],
        names: Iterable[str],
        prior: NDArray[np.float64],
    ) -> None:
        self.classifier_ = classifier
        self.classes_ = classes
        self.class_names_ = [*names]
        self.class_prior_ = prior

    def _thresholds(self) -> NDArray[np.float64] | None:
        """The threshold of each label, [L]; 1 for a label that no training text has."""
        thresholds = self.classifier_.thresholds_
        if thresholds is None:
            return None
        # Above 0, so that an empty text has no label.
        return np.array([max(thresholds.get(n, 1.0), _LEAST) for n in self.class_names_])

    def _with_class_weight(
        self, weights: list[float] | None, targets: Targets
    ) -> list[float] | None:
        """The weight of each text times the factor of its class; None: all are equal."""
        factors = self.class_weight
        if factors is None or factors == "balanced":
            return weights
        if not isinstance(factors, Mapping) or targets.multi_label:
            raise UsageError(
                f"Expected class_weight to be None, 'balanced' or, if each text has one label, a "
                f"factor for each class, found {factors!r:.80}: use sample_weight."
            )
        of_class = class_factors(factors, targets.classes.tolist())
        products = targets.one_hot @ of_class * (1.0 if weights is None else weights)
        return in_memory.checked_weights(products, len(targets.labels))

    def _settings(self) -> dict[str, object]:
        """The settings that are given, by name."""
        named: dict[str, object] = {
            "training.epochs": self.epochs,
            "training.learning_rate": self.learning_rate,
            "training.class_weights": True if self.class_weight == "balanced" else None,
            "model.embedding_size": self.embedding_size,
            "model.hidden_size": self.hidden_size,
            "model.layers": self.layers,
            "model.dropout": self.dropout,
            "data.validation": self.validation_fraction,
        }
        given = {name: value for name, value in named.items() if value is not None}
        given |= checked_settings(self.settings)
        return {k: v.item() if isinstance(v, np.generic) else v for k, v in given.items()}

    def _listener(self) -> Listener | None:
        from sentiment_lstm.training.listener import Listeners

        if not isinstance(self.callbacks, Iterable | None):
            raise UsageError(
                f"Expected a list of callbacks, found {type(self.callbacks).__name__}: put it in a "
                "list."
            )
        return Listeners(self.callbacks) if self.callbacks else None

    def _seed(self) -> int:
        is_seed = isinstance(self.random_state, int | np.integer)
        if is_seed and int(self.random_state) < 2**31:  # type: ignore[arg-type]
            return int(self.random_state)  # type: ignore[arg-type]
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _threads(self) -> int:
        if self.threads is not None:
            return checked_threads(self.threads)
        allowed = os.environ.get("OMP_NUM_THREADS", "")
        return int(allowed) if allowed.isdecimal() else 0


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = probabilities.clip(_LEAST, 1 - _LEAST)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))
