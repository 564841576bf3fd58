"""Copy a model and give the copy its int8 graph, which labels texts several times as fast.

    python -m factory.teachers.int8 --model runs/language --out runs/language_int8

The model itself stays as it is, so that other stages can read it at the same time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sentiment_lstm.bundle import INT8_GRAPH, load_bundle, save_bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.export import export


def main(arguments: Sequence[str] | None = None) -> int:
    """Open, export, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="the folder of a model")
    parser.add_argument("--out", type=Path, required=True, help="the copy's folder")
    options = parser.parse_args(arguments)
    bundle = export(load_bundle(options.model), [INT8_GRAPH])
    save_bundle(options.out, bundle)
    parity = bundle.metrics["parity"]
    print(f"largest difference from torch: {parity}")
    return 0


if __name__ == "__main__":
    run_script(main)
