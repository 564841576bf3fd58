"""A saved model without the units that matter least, over an embedding of fewer dimensions.

    python recipes/narrower.py --model runs/teacher --hidden 286 --embedding 126 --out runs/start

In int8 a graph adds two units and two dimensions that hold its ranges fixed
(`inference.arrays`): with 286 and 126 of its own its products have sizes that processors like.
Units are ranked by the weights that read them (Han et al. 2015, "Learning both Weights and
Connections for Efficient Neural Networks"); embedding and input weights become their nearest
product of a lower rank. One layer, one direction, pooling max+mean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from average import settings_of
from numpy.typing import NDArray

from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.records import PAD_ID
from sentiment_lstm.reviews.corpus import load_corpus
from sentiment_lstm.reviews.screening import SetAside

Array = NDArray[np.float32]


def narrower(bundle: Bundle, hidden: int, embedding: int, frequency: Array) -> Bundle:
    """The bundle with `hidden` units and `embedding` dimensions left.

    Args:
        bundle: of one layer and one direction, pooling max+mean.
        hidden: units that stay.
        embedding: dimensions of the new embedding.
        frequency: how often each token is read, [V].
    """
    weights = bundle.weights
    r = weights[_name("hh")]
    units = _best(_importance(r, weights["output.weight"]), hidden)
    rows = np.concatenate([gate * r.shape[1] + units for gate in range(4)])
    table, w, bias = _compressed(
        weights["embedding.weight"], weights[_name("ih")], embedding, frequency
    )
    found = {
        "embedding.weight": table,
        _name("ih"): w[rows],
        _name("hh"): r[rows][:, units],
        "ahead.0.bias_ih_l0": (weights["ahead.0.bias_ih_l0"] + bias)[rows],
        "ahead.0.bias_hh_l0": weights["ahead.0.bias_hh_l0"][rows],
        "output.weight": _by_pool(weights["output.weight"], r.shape[1])[:, :, units].reshape(1, -1),
    }
    shape = replace(bundle.config.model, hidden=hidden, embedding=embedding)
    whole = {**weights, **{name: np.ascontiguousarray(array) for name, array in found.items()}}
    config = replace(bundle.config, model=shape)
    return replace(bundle, config=config, weights=whole, graphs={}, card="")


def _compressed(
    table: Array, w: Array, dimensions: int, frequency: Array
) -> tuple[Array, Array, Array]:
    """Table [V, D], weights [4H, D] and what to add to the bias [4H].

    Of all such they come nearest to `table @ w.T`, every token counted as often as it is read: the
    singular vectors of that product, found by way of the tokens' covariance.
    """
    mean = frequency @ table / frequency.sum()
    apart = (table - mean).astype(np.float64)
    covariance = (apart * frequency[:, None]).T @ apart / frequency.sum()
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance)))
    left, sizes, right = np.linalg.svd(w @ root, full_matrices=False)
    turned = apart @ np.linalg.solve(root.T, right[:dimensions].T)
    scale = float(table.std())  # as large as before: learning rates fit
    turned[PAD_ID] = 0
    new_w = left[:, :dimensions] * sizes[:dimensions] / scale
    found = (turned * scale, new_w, w @ mean)
    return found[0].astype(np.float32), found[1].astype(np.float32), found[2].astype(np.float32)


def frequencies(bundle: Bundle) -> Array:
    """How often each token stands in the texts that the model learnt from, [V]; at least 1."""
    settings = settings_of(bundle)
    corpus = load_corpus(settings.data, settings.training.seed, SetAside(None))
    ids = [text.ids for text in bundle.tokenizer.encode([one.text for one in corpus.sample])]
    counts = np.bincount(np.concatenate(ids), minlength=len(bundle.tokenizer))
    found: Array = np.maximum(counts, 1).astype(np.float32)
    return found


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
    bundle = load_bundle(options.model)
    found = narrower(bundle, options.hidden, options.embedding, frequencies(bundle))
    save_bundle(options.out, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
