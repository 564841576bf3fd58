"""The model card: what a saved model is, its training data and its accuracy.

The card is Markdown with the front matter that model hubs read. This module knows config.json,
metrics.json and the registry of data sets, nothing of weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sentiment_lstm.data.registry import DataSet, registered
from sentiment_lstm.front_matter import MEASURED, metadata_lines, model_index
from sentiment_lstm.markdown import as_cell, as_code, as_code_cell, one_line
from sentiment_lstm.provenance import data_sets, with_names
from sentiment_lstm.python_names import NAMES_OF_GIVEN
from sentiment_lstm.trained_on import sources
from sentiment_lstm.wording import MOST_SHOWN, first_names, printable

PLACE = '"path/of/this/folder"'
"""Stands for the model's place in the card's example."""

_CARD = """\
---
{metadata}library_name: sentiment-lstm
pipeline_tag: text-classification
tags:
- lstm
- sentiment-analysis
model-index:
{index}
---

# {name}

An LSTM text classifier made with sentiment-lstm. For each text it returns the probabilities of the
{classes}.{several}{wide}

```python
from sentiment_lstm import SentimentClassifier

SentimentClassifier.from_pretrained({place})("It was not bad at all.")
```

## Data

Trained on {sources}.{start}

Scores of other texts (another language, subject or length) may be less accurate, and their
probabilities less reliable.

{origins}{provenance}
{files}{terms}
## Results

{results}

{measured}

Logits are divided by the temperature {temperature:.4g}
before they become probabilities. {calibrated}
{by_class}{tests}{development}{behaviour}
## Settings

```json
{settings}
```
"""

_WIDE = """
Its logits are those of the LSTM, added to those of a linear model on words, pairs of words and
character n-grams."""

_SEVERAL = """
A text may have several of them, or none: it gets each one whose probability is at least its
threshold (`config.json`). The validation texts chose the thresholds, for the highest F1. Accuracy
is the fraction of texts that get exactly their labels."""

_KEPT_OUT = "The `validation_` numbers were measured on texts that were kept out of training."
_TRIALS = """\
The `validation_` numbers were measured in trial trainings ({trials}), each on texts that it did not
train on. The last training then read all texts, also these."""
_OF_OUTPUT_LAYER = """\
The `validation_` numbers come from {fits} fits of the output layer, each on texts that it left out.
The last fit then read all of them."""
_BY_TRAINING = """\
Training fits the temperature on the validation texts if the model
makes at least ten mistakes there. `validation_loss` is the log-loss without the temperature,
`validation_calibrated_loss` the log-loss with it."""
_BY_OUTPUT_LAYER = """\
The temperature was fitted to predictions of output layers that had read no text of the same kind.
`validation_calibrated_loss` is the log-loss with it."""
_STOPPED = """ The same texts
decided when to stop, so expect slightly lower accuracy on new texts."""
_WEIGHED = """ The same texts
chose the weight of the linear model, so expect slightly lower accuracy on new texts."""

_CLASSES = """
### Classes

{which}, measured on the validation texts.

| class | F1 | precision | recall | texts |
| --- | --- | --- | --- | --- |
{rows}
{pairs}"""

_PAIRS = """
The most confused classes:

| true | predicted | texts |
| --- | --- | --- |
{rows}
"""

_TESTED = "These texts did not train the model."
_CHOSEN = "These texts helped to choose between models, so the scores are slightly too good."
_SETS = """
## {title}

{role}

The score is accuracy. For sets of three classes it is the macro-averaged recall, and {rule}

| texts | number | score | log-loss | calibration error |
| --- | --- | --- | --- | --- |
{rows}
"""

_BY_THIRDS = "a probability\nof `positive` from 1/3 to 2/3 counts as neutral."
_BY_POLARITY = """the likeliest
class counts. Sets of two classes are measured by polarity: P(positive) / (P(positive) +
P(negative))."""

_BEHAVIOUR = """
## Behaviour and limits

These sentences were made for testing (`sentiment-lstm behaviour`). The built-in grammar makes
sentences for training. It uses none of the key words, nouns and names of the test sentences, and of
their templates only the shortest, such as "I love X". Other training texts may hold any of them.
{exceeded}
| capability | cases | failing | limit |
| --- | --- | --- | --- |
{rows}
"""
_NOT_LISTED = ("data_sets", "familiarity")
"""Keys of the training that the card does not list. `familiarity` has a character per token."""


def model_card(name: str, config: Mapping[str, Any], metrics: Mapping[str, object]) -> str:
    """Write the card of a model.

    Args:
        name: the name of the model.
        config: the content of `config.json`. From its section `training`, `license` and `language`
            (a list) go into the front matter. `settings`, `origins` (name of a source -> its
            description), `sources` (hashes) and `data_sets` (names of the registry) get their own
            sections. The other keys are shown as a list.
        metrics: the content of `metrics.json`. Numbers named `validation_...` become the results in
            the front matter (`model-index`). If there are more than two classes,
            `validation_per_class` and `validation_confused_pairs` (`evaluation.by_class`) become
            tables. If present, `tests` and `development` (a set's name
            -> `n`, `score`, `log_loss`, `ece`) and `behaviour` (`CapabilityResult.to_dict` of each
            capability) become tables.
    """
    training = with_names(dict(config["training"]), NAMES_OF_GIVEN)
    known = [registered()[set_] for set_ in data_sets(training) if set_ in registered()]
    settings = {"model": config["model"], "text": config["text"], **training.pop("settings", {})}
    data = settings.get("data", {})
    source = str(data.get("source", "unknown"))
    metadata = metadata_lines(
        training.pop("license", ""), training.pop("language", []), known, source
    )
    origins, hashed = training.pop("origins", {}), training.pop("sources", [])
    rule = _BY_POLARITY if "neutral" in config["label2id"] else _BY_THIRDS
    card = _CARD.format(
        metadata=metadata,
        place=PLACE,
        index=model_index(name, source, metrics),
        name=one_line(name),
        classes=_named(list(config["label2id"])),
        several=_SEVERAL if config.get("multi_label") else "",
        wide=_WIDE if metrics.get("wide_weight") else "",
        measured=_measured(settings.get("training", {}), metrics),
        by_class=_by_class(metrics),
        sources=sources(settings, data, training.get("texts")),
        start=_start(settings.get("training", {})),
        origins="".join(
            f"- {one_line(origin)}: {one_line(text)}\n" for origin, text in origins.items()
        ),
        provenance=_items(training),
        files=_files(hashed),
        terms=_terms(known),
        results=_table(metrics),
        temperature=config["temperature"],
        calibrated=_BY_OUTPUT_LAYER if metrics.get("output_layer_fits") else _BY_TRAINING,
        tests=_sets("Test splits", _TESTED, rule, metrics.get("tests")),
        development=_sets("Development texts", _CHOSEN, rule, metrics.get("development")),
        behaviour=_behaviour(metrics.get("behaviour")),
        settings=json.dumps(settings, indent=2),
    )
    return printable(card, keep="\n")


def _named(classes: Sequence[str]) -> str:
    """The classes for a sentence; of many only the first, and where the others are."""
    listed = first_names([as_code(name) for name in classes], MOST_SHOWN)
    if len(classes) <= MOST_SHOWN:
        return f"classes {listed}"
    return f"{len(classes):,} classes {listed} (listed in `config.json`)"


def _start(training: Mapping[str, Any]) -> str:
    """The model that a training started from: its texts are not among the sources."""
    init = training.get("init")
    return f" Training started from the model {as_code(init)}." if init else ""


def _measured(training: Mapping[str, Any], metrics: Mapping[str, object]) -> str:
    """Which texts the validation numbers come from, and what else these texts decided."""
    if fits := metrics.get("output_layer_fits"):
        return _OF_OUTPUT_LAYER.format(fits=fits)
    trials = 0 if metrics.get("single_trial") else training.get("trials", 0)
    measured = _TRIALS.format(trials=trials) if trials else _KEPT_OUT
    if training.get("patience", 1) or training.get("keep", "best") == "best":
        return measured + _STOPPED
    return measured + (_WEIGHED if "wide_weight" in metrics else "")


def _items(values: Mapping[str, object]) -> str:
    return "\n".join(
        f"- {one_line(key)}: {json.dumps(value)}"
        for key, value in values.items()
        if key not in _NOT_LISTED
    )


def _files(hashed: Sequence[Mapping[str, Any]]) -> str:
    """A table of the sources' files and their hashes, including excluded sources."""
    rows = [
        f"| {as_code_cell(record['source'])} | {as_cell(file)} | {as_code_cell(sha256)} |"
        for record in hashed
        for file, sha256 in record.get("files", {"": record.get("sha256", "")}).items()
    ]
    if not rows:
        return ""
    table = ["| source | file | SHA-256 |", "| --- | --- | --- |", *rows]
    return "\n".join(["", "### Files of the sources", "", *table, ""])


def _terms(known: Sequence[DataSet]) -> str:
    """A table of the data sets' own terms."""
    if not known:
        return ""
    rows = [
        f"| {entry.title} | {f'`{entry.hub}`' if entry.hub else ''} | {entry.terms} |"
        for entry in known
    ]
    lines = [
        "",
        "### Terms of the data sets",
        "",
        "This model, or a model that it started from, was trained on these sets. It contains none "
        "of their texts. The sets have terms of their own:",
        "",
        "| data set | on the hub | terms |",
        "| --- | --- | --- |",
        *rows,
        "",
    ]
    return "\n".join(lines)


def _table(metrics: Mapping[str, object]) -> str:
    plain = {k: v for k, v in metrics.items() if not isinstance(v, (Mapping, list))}
    rows = [f"| {as_cell(key)} | {_shown(value)} |" for key, value in plain.items()]
    return "\n".join(["| metric | value |", "| --- | --- |", *rows])


def _by_class(metrics: Mapping[str, Any]) -> str:
    """Tables of the weakest classes and of the most confused ones."""
    measured = [row for row in metrics.get(f"{MEASURED}per_class", ()) if row["n"]]
    if len(measured) < 3:
        return ""
    rows = [
        f"| {as_code_cell(row['class'])} | {_fraction(row['f1'])} "
        f"| {_fraction(row['precision'])} | {_fraction(row['recall'])} | {row['n']:,} |"
        for row in measured[:MOST_SHOWN]
    ]
    which = "All classes, the weakest first"
    if len(measured) > MOST_SHOWN:
        which = f"The {MOST_SHOWN} weakest of {len(measured):,} classes (`metrics.json` holds all)"
    pairs = _pairs(metrics.get(f"{MEASURED}confused_pairs", ()))
    return _CLASSES.format(which=which, rows="\n".join(rows), pairs=pairs)


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        f"| {as_code_cell(pair['true'])} | {as_code_cell(pair['predicted'])} "
        f"| {pair['count']:,} of {pair['of']:,} |"
        for pair in pairs
    ]
    return _PAIRS.format(rows="\n".join(rows)) if rows else ""


def _fraction(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _sets(title: str, role: str, rule: str, sets: Any) -> str:  # noqa: ANN401
    if not sets:
        return ""
    rows = [
        f"| {as_cell(name)} | {values['n']:,} | {values['score']:.2%} "
        f"| {_measure(values, 'log_loss')} | {_measure(values, 'ece')} |"
        for name, values in sets.items()
    ]
    return _SETS.format(title=title, role=role, rule=rule, rows="\n".join(rows))


def _measure(values: Mapping[str, float], name: str) -> str:
    return f"{values[name]:.4f}" if name in values else ""


def _behaviour(capabilities: Any) -> str:  # noqa: ANN401
    if not capabilities:
        return ""
    names = [result["capability"] for result in capabilities if not result["within_limit"]]
    exceeded = (
        f"\nThe model exceeds the limit at: {', '.join(map(one_line, names))}.\n" if names else ""
    )
    rows = [
        f"| {as_cell(result['capability'])} | {result['cases']} "
        f"| {result['failure_rate']:.1%} | {result['limit']:.0%} |"
        for result in capabilities
    ]
    return _BEHAVIOUR.format(rows="\n".join(rows), exceeded=exceeded)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
