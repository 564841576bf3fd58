"""Trains fastText in a process of its own, because its autotuning sometimes never ends.

    python benchmarks/own_data_fasttext.py FOLDER SETTINGS

FOLDER holds `train.txt`, `test.txt` and perhaps `validation.txt`, as `own_data_systems.py` writes
them. SETTINGS is a JSON object: `class_count`, and the settings of fastText. The script writes
`model.bin` and `probabilities.json` ([N, C] as nested lists), and prints the training's seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def train(folder: Path, settings: dict[str, Any]) -> Any:  # noqa: ANN401 (no types)
    """Train on all cores, autotuned if there is a file to validate on."""
    import fasttext as library

    validation = folder / "validation.txt"
    if validation.exists():
        settings |= {"autotuneValidationFile": str(validation)}
    threads = os.cpu_count() or 1
    return library.train_supervised(
        str(folder / "train.txt"), verbose=0, thread=threads, **settings
    )


def score(model: Any, line: str, class_count: int) -> list[float]:  # noqa: ANN401 (no types)
    """The score of each class index for a text: a probability, not normalised."""
    probabilities = [1e-12] * class_count
    # FastText's own `predict` fails under NumPy 2; it calls this function.
    for probability, label in model.f.predict(f"{line}\n", class_count, 0.0, "strict"):
        probabilities[int(label.removeprefix("__label__"))] += probability
    return probabilities


def main(arguments: list[str]) -> int:
    folder, settings = Path(arguments[0]), json.loads(arguments[1])
    class_count = settings.pop("class_count")
    start = time.perf_counter()
    model = train(folder, settings)
    print(time.perf_counter() - start)
    model.save_model(str(folder / "model.bin"))
    lines = (folder / "test.txt").read_text(encoding="utf-8").split("\n")[:-1]
    probabilities = [score(model, line, class_count) for line in lines]
    if settings.get("loss") == "ova":  # each label has a probability of its own
        probabilities = [[min(value, 1.0) for value in row] for row in probabilities]
    else:
        probabilities = [[value / sum(row) for value in row] for row in probabilities]
    (folder / "probabilities.json").write_text(json.dumps(probabilities), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
