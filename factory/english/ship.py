r"""Make the bundle of the English start that ships with the package.

    python -m factory.english.ship --model runs/factory/english/tasks \
        --out src/sentiment_lstm/starts/english

The weights are stored in half precision. The output layer is zero, so the model gives every class
the same probability. Nothing is measured: the start is no classifier.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from factory.english.texts import READ
from sentiment_lstm import __version__
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.data.registry import data_set
from sentiment_lstm.errors import run_script
from sentiment_lstm.front_matter import metadata_lines

SETS = tuple(source.removeprefix("data:") for source in READ)
"""The registered sets that the start has read."""
REPEATED = 392
"""Reviews of IMDb's test split that also occur, in the same words, among the texts it has read."""
LICENSE, LANGUAGE = "apache-2.0", ["en"]
CARD = """\
---
{metadata}library_name: sentiment-lstm
tags:
- lstm
---

# english

A network that trainings start from. It is not a classifier: its output layer is zero, so every
class has the same probability for every text.

`sentiment-lstm train --data FILE --out FOLDER` starts from it if the texts are in English.
`--init english` names it, with any preset.

It is one LSTM layer of {hidden:,} units. It reads {vocabulary:,} word pieces of {embedding:,}
dimensions.

## Data

First it learnt to predict the next word piece of film reviews, product reviews, tweets, Reddit
comments and sentences of news. Then it learnt labels: the sentiment of film reviews, treebank
phrases, product reviews, tweets and news, the irony of tweets, and 28 emotions of comments.

It has read training splits and IMDb's unlabelled reviews, no test or validation split. But
{repeated} of IMDb's 25,000 test reviews also occur among these texts. Measure a model that starts
from this network on texts that are not in these training splits: it has learnt their labels.

It contains none of these texts. The data sets have terms of their own. They also concern every
model that starts from this network:

| data set | on the hub | terms |
| --- | --- | --- |
{terms}
"""


def stated() -> dict[str, object]:
    """What the bundle states of itself, besides its shape."""
    return {
        "version": __version__,
        "stage": "a start for trainings; its classes are not learnt",
        "language": LANGUAGE,
        "license": LICENSE,
        "data_sets": list(SETS),
    }


def card(bundle: Bundle) -> str:
    """The model card."""
    known = [data_set(name) for name in SETS]
    rows = [
        f"| {entry.title} | {f'`{entry.hub}`' if entry.hub else ''} | {entry.terms} |"
        for entry in known
    ]
    return CARD.format(
        metadata=metadata_lines(LICENSE, LANGUAGE, known, ""),
        repeated=REPEATED,
        hidden=bundle.config.model.hidden_size,
        embedding=bundle.config.model.embedding_size,
        vocabulary=len(bundle.tokenizer),
        terms="\n".join(rows),
    )


def shipped(bundle: Bundle) -> Bundle:
    """The trained network as it ships."""
    zeros = {n: np.zeros_like(w) for n, w in bundle.weights.items() if n.startswith("output.")}
    config = replace(bundle.config, provenance=stated())
    weights = {**bundle.weights, **zeros}
    return Bundle(config, bundle.tokenizer, weights, {}, card=card(bundle), half=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, change, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the trained network")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    options = parser.parse_args(arguments)
    save_bundle(options.out, shipped(load_bundle(options.model)))
    return 0


if __name__ == "__main__":
    run_script(main)
