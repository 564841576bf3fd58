"""Chooses the texts to measure a model on. This file scores nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from sentiment_lstm.bundle import Config
from sentiment_lstm.data.as_trained import with_columns_of, with_label_map_of
from sentiment_lstm.data.binary_labels import are_binary
from sentiment_lstm.data.corpus import (
    validation_examples,
)
from sentiment_lstm.data.named_texts import named_split, texts_only
from sentiment_lstm.data.open import (
    evaluation_split,
    is_missing,
    list_splits,
    open_rows,
    read_examples,
)
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.source_names import is_remote
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.evaluation.polarity import find_poles, is_of_three
from sentiment_lstm.provenance import (
    caution_about,
    has_path,
    is_portable,
    is_same_source,
    joined_text_columns,
    recorded_hash,
    sha256_of,
)
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, Settings

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The texts to measure on: a source, or the part that a training on it keeps for validation.

    `kept_back`: whether it is this validation part, chosen by `data` and `seed`. `caution`: a
    sentence about texts that may have trained the model, or empty. `measure` logs it as a warning.
    `label_map`: that of the training.
    """

    data: DataSettings
    seed: int
    kept_back: bool
    caution: str = field(default="", compare=False)
    label_map: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def split(self) -> str:
        """The name of the split that is measured; `all` if the source has no splits."""
        if self.kept_back:
            return "validation"
        is_default = self.data.split == "train"  # files accept no other
        return "all" if is_default and not list_splits(self.data.source) else self.data.split

    def examples(self, set_aside: SetAside, classes: tuple[str, ...]) -> Iterable[Example]:
        """The labelled texts. If the split is the source's own, all good rows are kept.

        The label map of the training applies if it has some of the labels and they are no classes.
        Else, if the classes are negative, neutral and positive, the labels 0 and 1 mean negative
        and positive, unless the source has other labels, too.
        """
        data = with_label_map_of(self.label_map, self.data, classes)
        if is_of_three(classes) and are_binary(data, classes):
            classes = tuple(classes[index] for index in find_poles(classes))
            _logger.warning("The labels count as %s (0) and %s (1).", *classes)
        if self.kept_back:
            return validation_examples(data, self.seed, set_aside, classes)
        return read_examples(data, set_aside=set_aside, classes=classes)

    def column(self, name: str) -> dict[str, str]:
        """The values of another column by row id; the source is read once more.

        Raises:
            DataError: the source has no such column.
        """
        whole = self.kept_back and self.data.split == "train"
        own = whole and "validation" in list_splits(self.data.source)
        split = "validation" if own else self.data.split
        rows = open_rows(replace(self.data, group_column=name, split=split))
        # Of a validation split of its own, a stream reads a number of good rows, not of rows.
        is_beginning = self.data.streaming and self.kept_back and not own
        most = self.data.stream_rows if is_beginning else None
        values = {row.id: _clean_cell(row.group) for row in islice(rows, most)}
        if not any(values.values()):
            raise DataError(
                f"Expected values in a column {name!r} of {self.data.source}, found none: "
                "name another column, or none."
            )
        return values


def evaluation_data(
    config: Config,
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    run: Settings | None = None,
) -> EvaluationData:
    """Choose the texts to measure a model on: its own validation texts unless a source is named.

    Args:
        config: the model's configuration, which names the texts that trained the model.
        source: as `--data` names it; if it is the model's own, its columns and label map apply.
            Another file is read from the same columns if it has them.
        split: None means `test` if a named source has one, else the validation texts if the source
            is the model's own, else everything.
        options: settings that replace those of the model.
        run: the settings of the model's run, which say where its texts are (`run_settings`). None:
            a source must be named.

    Raises:
        DataError: no source is named, and the model's own source is unknown or not on this machine;
            or the model was trained on its validation texts too.
    """
    if source is None and run is None:
        raise DataError(
            "Expected labelled texts to measure on, found none: name them with --data SOURCE."
        )
    trained = run or Settings.from_dict(config.provenance.get("settings", {}))  # type: ignore[arg-type]
    data = _own_data(config, source, trained, has_run=run is not None)
    own = data is not None
    joined = joined_text_columns(config.provenance)
    data = data or DataSettings(source=str(source), text_column=joined)
    if source is None:
        _check_here(data)
    evaluated = evaluation_split(data.source) if source else "validation"
    split = split or ("validation" if own and evaluated == "train" else evaluated)
    kept_back = split == "validation" and (own or split not in list_splits(data.source))
    if kept_back and own:
        _check_kept_out(trained)
    if kept_back:
        _check_excluded(data, has_run=run is not None)
    else:
        data = replace(data, split=split, streaming=False, exclude=(), weight_column=None)
    data = _with_kind_of(config, data, options)
    is_same = own and (source is not None or not _has_changed(data.source, config))
    caution = "" if is_same else caution_about(data.source, config.provenance)
    data = Settings(data=data).updated(options).data
    if not own and not is_portable(data.source):
        data = with_columns_of(trained.data, data, options)
    return EvaluationData(data, trained.training.seed, kept_back, caution, trained.data.label_map)


def _with_kind_of(
    config: Config, data: DataSettings, options: Mapping[str, object]
) -> DataSettings:
    """Read several labels per text if the model gives several.

    Raises:
        UsageError: `--multi-label` is given though the model gives one label per text.
    """
    if options.get("data.multi_label") and not config.multi_label:
        raise UsageError(
            "Expected no --multi-label, because this model gives each text one label: leave it "
            "out, or train a model with it."
        )
    return replace(data, multi_label=config.multi_label)


def out_of_scope_texts(name: str, data: DataSettings) -> Iterator[str]:
    """Read texts that belong to no class.

    Args:
        name: `SOURCE` or `SOURCE:SPLIT`. Without a split, it is `test` if the source has it.
        data: how the labelled texts are read. Its text column is used if the source has it.

    Raises:
        DataError: the source cannot be read, or has no usable text.
    """
    source, split = named_split(name)
    split = split or evaluation_split(source)
    read = replace(data, source=source, split=split, streaming=False, strict=False)
    return (example.text for example in texts_only(read, SetAside()))


def _own_data(
    config: Config, source: str | None, trained: Settings, *, has_run: bool
) -> DataSettings | None:
    """How to read a source that the model was trained on; None if it was trained on another."""
    own = replace(trained.data, strict=False)
    if source is None:
        return own
    if "settings" not in config.provenance and not has_run:
        return None
    same_source = is_same_source(source, own.source)
    sha256 = recorded_hash(config.provenance)
    if is_portable(source):
        return own if same_source else None
    if sha256 is None:  # without the run, a bare name may be the name of another file
        return own if same_source and (has_run or has_path(own.source)) else None
    # Another folder may have another file of that name, or the same file may be at another place.
    same_file = sha256_of(source) == sha256
    return replace(own, source=source) if same_file else None


def _has_changed(source: str, config: Config) -> bool:
    """Whether the texts at the place of a model's own texts are no longer those that trained it."""
    trained = recorded_hash(config.provenance)
    return trained is not None and trained != sha256_of(source)


def _check_here(data: DataSettings) -> None:
    """Refuse texts that the user did not name and that are not on this machine.

    Raises:
        DataError: the texts are read over the network, or they are missing.
    """
    for source in (data.source, *data.exclude):
        if is_remote(source):
            raise DataError(
                f"Expected texts on this machine to measure on, found a training on {source}: "
                "name labelled texts with --data SOURCE."
            )
    if is_missing(data.source):
        raise DataError(
            f"Expected the texts that the model was trained on at {data.source}, found nothing: "
            "name labelled texts to measure on, --data SOURCE."
        )


def _check_kept_out(trained: Settings) -> None:
    """Refuse the validation texts of a training with trials: it ends by training on all texts.

    Raises:
        DataError: there were trials.
    """
    if trained.training.trials:
        raise DataError(
            "Expected texts that the model was not trained on, found that it was trained on all "
            f"texts of {trained.data.source}: name others with --data SOURCE (metrics.json holds "
            "the accuracy on texts that trials left out)."
        )


def _check_excluded(data: DataSettings, *, has_run: bool) -> None:
    """Refuse to choose validation texts without the texts that the training excluded.

    The user did not name these texts, and a bundle may come from a stranger. So it may not name a
    path or texts on the network. A run's own settings may name a path.

    Raises:
        DataError: such texts are not on this machine, or a stranger may have named them.
    """
    for excluded in data.exclude:
        source, _ = named_split(excluded)
        if is_remote(source) or not (has_run or is_portable(excluded)):
            raise DataError(
                f"Expected texts that the user names, found a model that excluded {excluded}: "
                "name other labelled texts with --data SOURCE, or another split with --split."
            )
        if is_missing(source):
            raise DataError(
                f"Expected the texts that the training excluded at {source}, found nothing: "
                "put them back, or name other labelled texts with --data SOURCE."
            )


def _clean_cell(cell: str | None) -> str:
    """A value of a column as a string that can be shown and stored."""
    return (cell or "").strip().encode(errors="replace").decode()
