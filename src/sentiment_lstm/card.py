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

Trained on {sources}. Texts unlike these (another language, subject or length) may
be scored badly, and a probability may then mean little.

{provenance}

## Results

{results}

The numbers named `validation_` were measured on texts kept from training, which also decided when
to stop: expect a little less on new texts. Logits are divided by the temperature {temperature:.4g}
before they become probabilities. Training fits it on the same texts: `validation_loss` is the
log-loss without it, `validation_calibrated_loss` with it.

## Settings

```json
{settings}
```
"""


def model_card(name: str, config: Mapping[str, Any], metrics: Mapping[str, object]) -> str:
    """Write the card of a model.

    Args:
        name: what to call it.
        config: the content of `config.json`; of `training`, `settings` is shown as a block of its
            own and the rest as a list.
        metrics: the content of `metrics.json`; numbers named `validation_...` become the results of
            the front matter's `model-index`.
    """
    training = dict(config["training"])
    settings = {"model": config["model"], "text": config["text"], **training.pop("settings", {})}
    data = settings.get("data", {})
    source = str(data.get("source", "unknown"))
    return _CARD.format(
        index=_model_index(name, source, metrics),
        name=name,
        classes=", ".join(f"`{label}`" for label in config["label2id"]),
        sources=_sources(settings, data),
        provenance=_items(training),
        results=_table(metrics),
        temperature=config["temperature"],
        settings=json.dumps(settings, indent=2),
    )


def _sources(settings: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    read = (data, *settings.get("mixture", []))
    labelled = [f"`{d.get('source', 'unknown')}` ({d.get('split', 'unknown')})" for d in read]
    language = settings.get("language", {})
    unlabelled = [f"`{name}`" for name in language.get("sources", []) if language.get("epochs")]
    extra = f", and on texts of {', '.join(unlabelled)} without their labels" if unlabelled else ""
    return ", ".join(labelled) + extra


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
    rows = [f"| {key} | {_shown(value)} |" for key, value in metrics.items()]
    return "\n".join(["| metric | value |", "| --- | --- |", *rows])


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
