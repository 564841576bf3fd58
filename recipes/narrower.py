"""A saved model without the few units and dimensions that matter least.

    python recipes/narrower.py --model runs/default --hidden 510 --embedding 254 --out runs/narrow

In int8 a graph adds two units and two dimensions that hold its ranges fixed
(`inference.arrays`): with 510 and 254 of its own its products have sizes that processors like.
Units are ranked by the weights that read them, dimensions by how far they move the gates (Han et
al. 2015, "Learning both Weights and Connections for Efficient Neural Networks"). One layer, one
direction, pooling max+mean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle

Array = NDArray[np.float32]


def narrower(bundle: Bundle, hidden: int, embedding: int) -> Bundle:
    """The bundle with `hidden` units and `embedding` dimensions left.

    What a dimension that goes adds to the gates in the mean goes into their bias.
    """
    weights = bundle.weights
    table, w, r = (weights[name] for name in ("embedding.weight", _name("ih"), _name("hh")))
    units = _best(_importance(r, weights["output.weight"]), hidden)
    kept = _best(table.std(axis=0) * np.linalg.norm(w, axis=0), embedding)
    gone = np.setdiff1d(np.arange(table.shape[1]), kept)
    rows = np.concatenate([gate * r.shape[1] + units for gate in range(4)])
    bias = weights["ahead.0.bias_ih_l0"] + w[:, gone] @ table[:, gone].mean(axis=0)
    found = {
        "embedding.weight": table[:, kept],
        _name("ih"): w[rows][:, kept],
        _name("hh"): r[rows][:, units],
        "ahead.0.bias_ih_l0": bias[rows],
        "ahead.0.bias_hh_l0": weights["ahead.0.bias_hh_l0"][rows],
        "output.weight": _by_pool(weights["output.weight"], r.shape[1])[:, :, units].reshape(1, -1),
    }
    shape = replace(bundle.config.model, hidden=hidden, embedding=embedding)
    whole = {**weights, **{name: np.ascontiguousarray(array) for name, array in found.items()}}
    config = replace(bundle.config, model=shape)
    return replace(bundle, config=config, weights=whole, graphs={}, card="")


def _name(kind: str) -> str:
    return f"ahead.0.weight_{kind}_l0"


def _by_pool(output: Array, hidden: int) -> Array:
    """The output's weights [1, maximum and mean, H]."""
    return output.reshape(1, 2, hidden)


def _importance(recurrent: Array, output: Array) -> Array:
    """How much reads each unit, [H]: the gates at the next token, and the output."""
    gates = np.abs(recurrent).sum(axis=0)
    last = np.abs(_by_pool(output, recurrent.shape[1])).sum(axis=(0, 1))
    found: Array = gates / gates.mean() + last / last.mean()
    return found


def _best(importance: Array, most: int) -> NDArray[np.int64]:
    """The places of the most important, in their order."""
    found: NDArray[np.int64] = np.sort(np.argsort(-importance)[:most])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, narrow, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--embedding", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    found = narrower(load_bundle(options.model), options.hidden, options.embedding)
    save_bundle(options.out, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
