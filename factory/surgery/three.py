"""Give a model of two classes a third one, neutral, so that training can go on from it.

    python -m factory.surgery.three --model runs/last/default --out runs/three/start

The logit z of the second class becomes the logits -z/2, `NEUTRAL` and z/2. So P(positive) divided
by P(positive) + P(negative) stays the same for every text, and a text near z = 0 becomes neutral.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.evaluation.polarity import CLASSES, NAMES

NEUTRAL = 1.0
"""With this logit, a text is neutral if its probability of positive was between .12 and .88."""
_SIDES = np.array([-0.5, 0.0, 0.5], dtype=np.float32)


def with_neutral(bundle: Bundle) -> Bundle:
    """The bundle with three classes.

    Raises:
        UsageError: it does not have the classes negative and positive.
    """
    if bundle.config.classes != NAMES:
        raise UsageError(
            "Expected a model of the classes negative and positive, found "
            f"{', '.join(bundle.config.classes)}: name another."
        )
    weights = dict(bundle.weights)
    weights["output.weight"] = _SIDES[:, None] * weights["output.weight"]
    weights["output.bias"] = _SIDES * weights["output.bias"]
    weights["output.bias"][1] = NEUTRAL
    config = replace(bundle.config, classes=CLASSES)
    return replace(bundle, config=config, weights=weights, graphs={}, card="", metrics={})


def main(arguments: Sequence[str] | None = None) -> int:
    """Open, change, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the folder of a model")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the new model")
    options = parser.parse_args(arguments)
    save_bundle(options.out, with_neutral(load_bundle(options.model)))
    return 0


if __name__ == "__main__":
    run_script(main)
