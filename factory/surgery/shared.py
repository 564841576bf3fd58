"""Give tokens that shared one embedding before a training one embedding again: their mean.

    python -m factory.surgery.shared --model runs/three/mean --like runs/three/start \
        --out runs/three/shared

Numbers from 11 on, rare first names and some cities got one embedding each kind, because nothing
tells them apart. A training changes those that its texts hold. Their mean makes them alike again,
and the bundle smaller when it is packed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import UsageError, run_script

TABLE = "embedding.weight"


def shared_again(bundle: Bundle, like: Bundle) -> Bundle:
    """The bundle in which tokens share an embedding if they do in `like`.

    Raises:
        UsageError: the models have other tokens.
    """
    before, table = like.weights[TABLE], bundle.weights[TABLE]
    if before.shape != table.shape:
        raise UsageError("Expected models with the same tokens, found others: name such.")
    _, group, sizes = np.unique(before, axis=0, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), table.shape[1]))
    np.add.at(sums, group.ravel(), table)
    is_shared = sizes[group.ravel()] > 1
    means = (sums / sizes[:, None])[group.ravel()].astype(np.float32)
    rows = np.where(is_shared[:, None], means, table)
    return replace(bundle, weights={**bundle.weights, TABLE: rows}, graphs={}, card="")


def main(arguments: Sequence[str] | None = None) -> int:
    """Open, change, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the folder of a model")
    parser.add_argument("--like", type=Path, required=True, help="the model before its training")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the new model")
    options = parser.parse_args(arguments)
    save_bundle(options.out, shared_again(load_bundle(options.model), load_bundle(options.like)))
    return 0


if __name__ == "__main__":
    run_script(main)
