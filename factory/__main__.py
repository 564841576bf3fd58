"""The factory's command line.

python -m factory run                        everything
python -m factory run --until round_2/mean   a stage and what it needs
python -m factory run --scale tiny           the same stages in minutes, on small stand-ins
python -m factory status                     every stage, its state and its minutes
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from factory.road import road
from factory.rounds import SCALES
from factory.runner import run
from factory.stages import read_record, states
from sentiment_lstm.errors import SentimentError
from sentiment_lstm.interrupts import Interrupted


def show_status(scale: str, folder: Path) -> None:
    """Print a table of all stages: name, state, minutes."""
    stages = road(SCALES[scale])
    table = Table("stage", "state", "minutes")
    for name, state in states(stages, folder).items():
        record = read_record(next(stage for stage in stages if stage.name == name), folder)
        table.add_row(name, state, f"{record.minutes:.1f}" if record else "")
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run stages or show their state."""
    parser = argparse.ArgumentParser(
        prog="python -m factory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["run", "status"])
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument("--out", type=Path, help="the run folder; default: runs/factory")
    parser.add_argument("--until", metavar="STAGE", help="run this stage and what it needs")
    parser.add_argument("--jobs", type=int, default=2, help="stages at the same time; default: 2")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"Expected --jobs of 1 or more, found {options.jobs}.")
    scale = SCALES[options.scale]
    folder = (options.out or Path("runs") / scale.folder).resolve()
    if options.command == "status":
        show_status(options.scale, folder)
        return 0
    data = folder / scale.data if scale.data else None
    made = run(road(scale), folder, jobs=options.jobs, until=options.until, data=data)
    print(f"Stages that ran: {len(made)}." if made else "Nothing to do.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SentimentError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Interrupted as error:
        print("Interrupted; the same command continues.", file=sys.stderr)
        sys.exit(error.exit_code)
