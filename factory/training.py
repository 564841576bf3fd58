r"""Train a model by a settings file, or continue a training that was interrupted.

    python -m factory.training --config runs/factory/round_1/slow.toml \
        --out runs/factory/round_1/slow

It calls `sentiment-lstm train`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sentiment_lstm.cli import main as sentiment_lstm


def main(arguments: Sequence[str] | None = None) -> int:
    """Train or resume."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", required=True, help="the settings, in TOML")
    parser.add_argument("--out", type=Path, required=True, help="the run folder")
    parser.add_argument("--model", type=Path, help="a model to start from")
    options = parser.parse_args(arguments)
    if (options.out / "settings.json").exists():
        call = ["--resume", str(options.out)]
    else:
        start = ["--init", str(options.model)] if options.model else []
        call = ["--config", options.config, *start, "--out", str(options.out)]
    sys.argv = ["sentiment-lstm", "train", *call]
    sentiment_lstm()
    return 0


if __name__ == "__main__":
    sys.exit(main())
