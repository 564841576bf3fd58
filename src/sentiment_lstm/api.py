"""The classifier for Python programs: it opens a saved model, scores texts and saves the model.

`finding` finds models; the predictor scores the texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import hub
from sentiment_lstm.bundle import Bundle, load_bundle, run_settings, save_bundle
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import UsageError
from sentiment_lstm.evaluation_data import evaluation_data
from sentiment_lstm.finding import find_model
from sentiment_lstm.given_evaluation import labels_of_texts, measure_given, split_of_source
from sentiment_lstm.inference.predictor import Predictor, open_predictor
from sentiment_lstm.inference.streaming import Step, stream
from sentiment_lstm.inference.two_classes import polarity
from sentiment_lstm.interpret.explain import Explainer, Explanation
from sentiment_lstm.label_scores import LabelScore as LabelScore
from sentiment_lstm.label_scores import ranked
from sentiment_lstm.measuring import measure
from sentiment_lstm.python_names import errors_in_python
from sentiment_lstm.storage import checked_folder

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo


class SentimentClassifier:
    """A trained classifier of texts.

    Args:
        bundle: the saved model; `from_pretrained` finds and reads one.
        threads: CPU threads; 0 means one for each core.

    Raises:
        MissingExtraError: the model has no graph, and torch is not installed.
    """

    def __init__(self, bundle: Bundle, threads: int = 0) -> None:
        self.bundle = bundle
        self._threads = threads
        self.predictor: Predictor = open_predictor(bundle, threads)

    def __repr__(self) -> str:
        """Name the classes: `SentimentClassifier(['negative', 'positive'])`."""
        return f"{type(self).__name__}({self.classes_})"

    def __reduce__(self) -> tuple[type[Self], tuple[Bundle, int]]:
        """A copy, also in another process, opens the same bundle."""
        return type(self), (self.bundle, self._threads)

    @classmethod
    def from_pretrained(
        cls,
        path: str | os.PathLike[str] | None = None,
        threads: int = 0,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
    ) -> Self:
        """Open a saved model.

        The keyword arguments are for models on the Hugging Face hub, as in `huggingface_hub`.

        Args:
            path: a folder, `default` or `tiny` (which ship with this package), or the name
                OWNER/NAME or OWNER/NAME@REVISION of a model on the hub; None means `default`.
            threads: as in the class.
            revision: a branch, a tag or the full hash of a commit; None means `main`.
            token: None means `HF_TOKEN` or the token of `hf auth login`; False means none.
            cache_dir: the folder that keeps downloaded models; None means the usual one.
            local_files_only: use only the copies that are in this folder already.

        Raises:
            BundleError: there is no model, or it is incomplete or damaged.
            HubError: the hub does not give the model. It is also a BundleError.
            MissingExtraError: a library that this needs is not installed.
            UsageError: a revision is given twice, or for a folder.
        """
        folder = find_model(
            path,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        return cls(load_bundle(folder), threads)

    @property
    def classes_(self) -> list[str]:
        """The names of the classes, in the order of `predict_proba`'s columns."""
        return list(self.bundle.config.classes)

    @property
    def thresholds_(self) -> dict[str, float] | None:
        """The threshold of each label; None if the model gives each text one class."""
        if self.predictor.thresholds is None:
            return None
        return dict(zip(self.classes_, self.predictor.thresholds, strict=True))

    @overload
    def __call__(
        self, texts: str, top_k: int | None = 1, abstain_below: float = 0.0
    ) -> list[LabelScore]: ...

    @overload
    def __call__(
        self, texts: Sequence[str], top_k: int | None = 1, abstain_below: float = 0.0
    ) -> list[LabelScore] | list[list[LabelScore]]: ...

    def __call__(
        self, texts: str | Sequence[str], top_k: int | None = 1, abstain_below: float = 0.0
    ) -> list[LabelScore] | list[list[LabelScore]]:
        """Score texts; the result has the form of a Hugging Face pipeline's.

        Args:
            texts: one text, or several.
            top_k: how many classes to return, likeliest first; None means all. If the model may
                give a text several labels, 1 means those that reach their thresholds.
            abstain_below: if the likeliest class scores lower than this, its label is None.

        Returns:
            For one text, a list of classes. For several texts, one class for each text if `top_k`
            is 1, else a list for each text. If the model may give a text several labels, always a
            list for each text. An empty text has no class: label and score are None.

        Raises:
            UsageError: `top_k` is neither None nor a whole number of at least 1, `abstain_below` is
                not in [0, 1), a text is not a string, or `abstain_below` is given though the model
                may give a text several labels.
        """
        is_number = isinstance(top_k, int | np.integer) and not isinstance(top_k, bool)
        if top_k is not None and not (is_number and top_k >= 1):
            raise UsageError(f"Expected top_k to be None or at least 1, found {top_k!r}.")
        least = self.predictor.checked_threshold(abstain_below)
        windows = self.predictor.windows([texts] if isinstance(texts, str) else texts)
        scores = [
            ranked(self.predictor, text, row, top_k, least)
            for window, _, rows in windows
            for text, row in zip(window, rows, strict=True)
        ]
        if isinstance(texts, str):
            return scores[0]
        flat = top_k == 1 and not self.predictor.multi_label
        return [row[0] for row in scores] if flat else scores

    def predict(
        self, texts: Iterable[str], abstain_below: float = 0.0
    ) -> list[str | None] | list[list[str]]:
        """Return the likeliest class of every text.

        It is None if its probability is below `abstain_below`, or if the text is empty.

        If the model may give a text several labels, return those that reach their thresholds, the
        most probable first: a list for each text, empty if none does.

        Raises:
            UsageError: `abstain_below` is not in [0, 1), or a text is not a string; or
                `abstain_below` is given though the model may give a text several labels.
        """
        predictions = self.predictor.predict_iter(texts, abstain_below)
        if self.predictor.multi_label:
            return [list(prediction.labels) for prediction in predictions]
        return [prediction.label for prediction in predictions]

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return the probability of every class, [N, C], columns in the order of `classes_`.

        Each row sums to 1, unless the model may give a text several labels. An empty text gets 1/C
        for each class, or 0 if a text may have several labels.
        """
        return self.predictor.probabilities(texts)

    def familiarity(self, texts: Iterable[str]) -> NDArray[np.float64] | None:
        """Return how familiar every text looks, [N], as `Predictor.familiarity` does."""
        return self.predictor.familiarity(texts)

    def polarity(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return P(positive) / (P(positive) + P(negative)) of each text, [N]; 0.5 if it is empty.

        Raises:
            UsageError: as `inference.two_classes.polarity`.
        """
        return polarity(self.predictor, texts)

    def stream(self, text: str | Iterable[str]) -> Iterator[Step]:
        """Score a text token by token, as `inference.streaming.stream` does.

        Args:
            text: the text, or an iterable of its pieces, which may be cut anywhere.

        Raises:
            UsageError: the model has two directions, or the text is not a string.
        """
        return stream(self.predictor, text)

    def explain(
        self, text: str, against: str | None = None, *, label: str | None = None
    ) -> Explanation:
        """Show which words moved a text's score, as `interpret.explain.Explainer` does.

        Args:
            text: one text.
            against: another class. The explanation then says why the text got its label and not
                this class.
            label: the class to explain; None means the most probable one.

        Raises:
            UsageError: the text is too long or not a string, `label` is no class, or `against` is
                not another class.
        """
        return self.explainer.explain(text, against, label=label)

    @cached_property
    def explainer(self) -> Explainer:
        """Made when first needed."""
        return Explainer(self.bundle, self.predictor)

    def evaluate(
        self,
        source: object = None,
        split: object = None,
        options: Mapping[str, object] | None = None,
        set_aside: SetAside | None = None,
        abstain_below: float = 0.0,
        slices: Sequence[str] = (),
        *,
        labels: object = None,
        out_of_scope: str | None = None,
        in_full: bool = False,
        polarity: bool = False,
    ) -> dict[str, Any]:
        """Measure the model on labelled texts, as `measuring.measure` describes.

        `evaluate(texts, labels)` measures texts in memory. `evaluate("reviews.csv")` measures a
        source.

        Args:
            source: a list, an array or a series of texts; or the name or path of a source. None
                means the validation texts of the run in the model's folder, if they are on this
                machine.
            split: for texts in memory, the label of each text. If a text may have several labels: a
                list of labels for each text, or a table of 0 and 1 with a column for each class.
                For a source, the split to read. None means the split `test` of a named source. If
                there is none, it means the validation texts of the model's own source, or all texts
                of another source. If the source has no split `validation`, this name means the
                texts that a training on the source would keep for validation.
            options: settings such as `{"data.label_map": {"4": "positive"}}`.
            set_aside: takes the bad rows; None means that they are only counted.
            abstain_below: texts with a lower score count as unanswered.
            slices: columns of the source; each of their values is also measured separately.
            labels: the labels, if they are not given as `split`.
            out_of_scope: a source of texts that belong to no class.
            in_full: also compute what a report shows, which takes a few seconds.
            polarity: measure two classes by polarity, on the texts labelled negative or positive.

        Raises:
            DataError: no source is named and the folder holds no run; or the source cannot be read,
                lacks a column of `slices`, or has only labels that the model does not know. If it
                also has other labels, the texts with unknown labels are set aside.
            UsageError: texts and labels do not fit; `abstain_below` is not in [0, 1); or `polarity`
                is given and the model lacks the class negative or positive.
        """
        config, bad_rows = self.bundle.config, set_aside or SetAside(None)
        how: dict[str, Any] = {
            "abstain_below": abstain_below,
            "slices": slices,
            "out_of_scope": out_of_scope,
            "in_full": in_full,
            "polarity": polarity,
        }
        if not isinstance(source, str | os.PathLike | None):
            labels = labels_of_texts(split, labels)
            return measure_given(
                self.predictor, config, source, labels, options or {}, bad_rows, **how
            )
        part, run = split_of_source(split, labels), run_settings(self.bundle)
        name = None if source is None else os.fspath(source)
        with errors_in_python():
            texts = evaluation_data(config, name, part, options or {}, run)
            return measure(self.predictor, texts, bad_rows, **how)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder that `from_pretrained` can open.

        Sources of training texts are written as names and hashes, without their paths.

        Raises:
            SentimentError: the folder cannot be written to.
            UsageError: `folder` is an empty string.
        """
        save_bundle(checked_folder(folder), self.bundle)

    def push_to_hub(
        self,
        name: str,
        *,
        private: bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        token: str | bool | None = None,
        commit_message: str | None = None,
    ) -> CommitInfo:
        """Upload the model to the Hugging Face hub, in one commit.

        The repository is made if it does not exist. Graphs of an older model in it are deleted.

        Args:
            name: the repository, OWNER/NAME.
            private: make a new repository private; None means as the hub's settings say.
            revision: the branch, which is made if it does not exist; None means `main`.
            create_pr: open a pull request instead of changing the branch.
            token: None means `HF_TOKEN` or the token of `hf auth login`.
            commit_message: the commit's title.

        Returns:
            The commit. It is a string, the URL of the commit, with `oid` and `pr_url`.

        Raises:
            HubError: the hub refuses the model, or cannot be reached; nothing is committed.
            MissingExtraError: `huggingface_hub` is missing or too old.
            UsageError: `name` has another form.
        """
        return hub.push(
            self.bundle,
            name,
            private=private,
            revision=revision,
            create_pr=create_pr,
            token=token,
            commit_message=commit_message,
        )
