"""Lets tests import the scripts of `benchmarks/` by the names that the scripts use themselves."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
