"""The model card: what a saved model is, what it learnt from and how well it did, in Markdown with
the front matter that model hubs read. Knows config.json and metrics.json, nothing of weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_MEASURED = "validation_"
"""Metrics of this prefix were measured on texts kept from training."""

_CARD = """\
---
library_name: sentiment-lstm
pipeline_tag: text-classification
tags:
- lstm
- sentiment-analysis
model-index:
{index}
---

# {name}

An LSTM text classifier made with sentiment-lstm. It reads a text and gives a probability to each of
the classes {classes}.

```python
from sentiment_lstm import SentimentClassifier

SentimentClassifier.from_pretrained("path/of/this/folder")("It was not bad at all.")
```

## Data

Trained on {sources}{start}. Texts unlike these (another language, subject or length) may
be scored badly, and a probability may then mean little.

{origins}{provenance}

## Results

{results}

The numbers named `validation_` were measured on texts kept from training, which also decided when
to stop: expect a little less on new texts. Logits are divided by the temperature {temperature:.4g}
before they become probabilities. Training fits it on the same texts, unless they hold fewer than
ten mistakes: `validation_loss` is the log-loss without it, `validation_calibrated_loss` with it.
{tests}{development}{behaviour}
## Settings

```json
{settings}
```
"""

_SETS = """
## {title}

The score is accuracy; of three classes macro-averaged recall, a probability of `positive` from 1/3
to 2/3 being neutral.

| texts | number | score | log-loss | calibration error |
| --- | --- | --- | --- | --- |
{rows}
"""

_BEHAVIOUR = """
## Behaviour and limits

Sentences made for testing (`sentiment-lstm behaviour`). Their telling words, nouns and names, and
their templates but for the shortest ("I love X"), stand in no sentence that is made for training
today; what else this model has read, "Data" tells. {over}

| capability | cases | failing | may fail |
| --- | --- | --- | --- |
{rows}
"""


def model_card(name: str, config: Mapping[str, Any], metrics: Mapping[str, object]) -> str:
    """Write the card of a model.

    Args:
        name: what to call it.
        config: the content of `config.json`; of `training`, `settings` is shown as a block of its
            own, `origins` (a source's name -> what it is and its licence) as the sources' list,
            and the rest as another.
        metrics: the content of `metrics.json`; numbers named `validation_...` become the results of
            the front matter's `model-index`. Where it has them, `tests` and
            `development` (a set's name -> `n`, `score`, `log_loss`, `ece`) and `behaviour`
            (`CapabilityResult.to_dict` of each capability) get tables of their own.
    """
    training = dict(config["training"])
    settings = {"model": config["model"], "text": config["text"], **training.pop("settings", {})}
    data = settings.get("data", {})
    source = str(data.get("source", "unknown"))
    origins = training.pop("origins", {})
    return _CARD.format(
        index=_model_index(name, source, metrics),
        name=name,
        classes=", ".join(f"`{label}`" for label in config["label2id"]),
        sources=sources(settings, data),
        start=_start(settings.get("training", {})),
        origins="".join(f"- {source}: {told}\n" for source, told in origins.items()),
        provenance=_items(training),
        results=_table(metrics),
        temperature=config["temperature"],
        tests=_sets("Test splits, which chose nothing", metrics.get("tests")),
        development=_sets("Texts looked at while developing", metrics.get("development")),
        behaviour=_behaviour(metrics.get("behaviour")),
        settings=json.dumps(settings, indent=2),
    )


def sources(settings: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Name what a model was trained on: its settings, and those of their section `data`."""
    read = (data, *settings.get("mixture", []))
    named = [f"`{d.get('source', 'unknown')}` ({d.get('split', 'unknown')})" for d in read]
    labelled = list(dict.fromkeys(named))
    language = settings.get("language", {})
    unlabelled = [f"`{name}`" for name in language.get("sources", []) if language.get("epochs")]
    extra = f", and on texts of {', '.join(unlabelled)} without their labels" if unlabelled else ""
    return ", ".join(labelled) + extra


def _start(training: Mapping[str, Any]) -> str:
    """What a training went on from: the texts of that model are not among those named."""
    return f", after what `{training['init']}` had read" if training.get("init") else ""


def _model_index(name: str, source: str, metrics: Mapping[str, object]) -> str:
    """The front matter's results, in JSON, which is YAML too and needs no quoting rules."""
    measured = [
        {"type": key.removeprefix(_MEASURED), "name": key, "value": value}
        for key, value in metrics.items()
        if key.startswith(_MEASURED) and isinstance(value, (int, float)) and math.isfinite(value)
    ]
    result = {
        "task": {"type": "text-classification"},
        "dataset": {"type": source, "name": source, "split": "validation"},
        "metrics": measured,
    }
    return f"- {json.dumps({'name': name, 'results': [result] if measured else []})}"


def _items(values: Mapping[str, object]) -> str:
    return "\n".join(f"- {key}: {json.dumps(value)}" for key, value in values.items())


def _table(metrics: Mapping[str, object]) -> str:
    plain = {k: v for k, v in metrics.items() if not isinstance(v, (Mapping, list))}
    rows = [f"| {key} | {_shown(value)} |" for key, value in plain.items()]
    return "\n".join(["| metric | value |", "| --- | --- |", *rows])


def _sets(title: str, sets: Any) -> str:  # noqa: ANN401
    if not sets:
        return ""
    rows = [
        f"| {name} | {values['n']:,} | {values['score']:.2%} | {_measure(values, 'log_loss')} "
        f"| {_measure(values, 'ece')} |"
        for name, values in sets.items()
    ]
    return _SETS.format(title=title, rows="\n".join(rows))


def _measure(values: Mapping[str, float], name: str) -> str:
    return f"{values[name]:.4f}" if name in values else ""


def _behaviour(capabilities: Any) -> str:  # noqa: ANN401
    if not capabilities:
        return ""
    failing = [one["capability"] for one in capabilities if not one["within_limit"]]
    over = f"It fails more often than it may at: {', '.join(failing)}." if failing else ""
    rows = [
        f"| {one['capability']} | {one['cases']} | {one['failure_rate']:.1%} | {one['limit']:.0%} |"
        for one in capabilities
    ]
    return _BEHAVIOUR.format(rows="\n".join(rows), over=over)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
