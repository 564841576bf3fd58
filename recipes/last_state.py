"""A saved model whose linear unit reads the last state too, at first with weights of zero.

    python recipes/last_state.py --model runs/read_again --out runs/last_state

Maximum and mean over all tokens (`max+mean`) hold on to what was said first, whatever follows; the
state after the last token is where a turn at the end shows (Howard & Ruder 2018 pool all three).
The model scores as before until a training finds what the new weights are good for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import UsageError


def with_last_state(bundle: Bundle) -> Bundle:
    """The bundle, of one direction and pooling `max+mean`, with pooling `max+mean+last`.

    Raises:
        UsageError: it is another.
    """
    found = bundle.config.model
    if found.bidirectional or found.pooling != "max+mean":
        way = "two directions" if found.bidirectional else "one direction"
        raise UsageError(
            "Expected a model of one direction with pooling max+mean, found one of "
            f"{way} with pooling {found.pooling}; give another --model."
        )
    model = replace(found, pooling="max+mean+last")
    output = bundle.weights["output.weight"]
    none = np.zeros((len(output), model.hidden), dtype=output.dtype)
    weights = {**bundle.weights, "output.weight": np.concatenate([output, none], axis=1)}
    config = replace(bundle.config, model=model)
    return replace(bundle, config=config, weights=weights, graphs={}, card="")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, widen, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    save_bundle(options.out, with_last_state(load_bundle(options.model)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
