"""Lets faults strike where a command changes the disk, runs it again, and compares."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from crash_server import Server
from faults import NEVER

from sentiment_lstm.bundle import FILES

OUTPUTS = ("out/o.csv", "out/o.csv.bad.jsonl", "out/o.csv.done.json")
MODEL = tuple(f"model/{name}" for name in ("model.int8.onnx", *FILES))
SNAPSHOT = dict[str, bytes | None]
SENTENCE = "Error: Expected"
OF_THE_DISK = ("ENOSPC", "EDQUOT", "EROFS")
_OF_TORCH = "tmp/torchinductor"
_SECONDS = ("train_seconds", "seconds", "tokens_per_second")
"""Measured times, which differ between two runs."""


@dataclass
class Report:
    """What came of killing a command. The lists name the points that went wrong."""

    command: str
    points: list[str]
    tried: int = 0
    differing: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    half_written: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        recovered = self.tried - len(self.differing)
        return (
            f"{self.command}: {len(self.points)} points, {self.tried} tried, {recovered} recovered,"
            f" {len(self.leftovers)} with leftovers, {len(self.half_written)} half written"
        )

    def check(self) -> None:
        """Fail if anything went wrong."""
        print(self)
        assert self.tried
        assert not self.differing + self.leftovers + self.half_written, self


def crash(
    server: Server,
    template: Path,
    command: str,
    every: int = 1,
    whole: Sequence[str] = (),
    faults: Sequence[str] = ("kill",),
    again_at: int = NEVER,
) -> Report:
    """Let a fault strike at the points of a command, each in a new copy of a folder; run it again.

    Args:
        server: runs the command.
        template: the folder before the command.
        command: a key of `crash_server.COMMANDS`.
        every: try each point with a number divisible by this.
        whole: files that are whole after the fault: the old one, the new one or none.
        faults: the kinds of `Faults`, in turn. Errors of the whole disk last until the command
            ends. A command that fails says one sentence.
        again_at: kill the second run too, at this point.
    """
    before, reference = snapshot(template), _copy(template, "reference")
    ((code, said, points),) = server.run(reference, command)
    assert code == 0, said
    after, report = snapshot(reference), Report(command, points)
    for at, kind in zip(range(every, len(points) + 1, every), cycle(faults), strict=False):
        root, name = _copy(template, "struck"), f"{kind} at {at} {points[at - 1]}"
        report.tried += 1
        lasting = kind in OF_THE_DISK
        ((code, said, _),) = server.run(root, command, kind=kind, at=at, lasting=lasting)
        if not _ended_well(kind, code, said):
            report.half_written.append(f"{name}: exit code {code}, {said}")
        report.half_written += _half_written(name, snapshot(root), before, after, whole)
        if again_at:
            server.run(root, command, kind="kill", at=again_at)
        ((code, said, _),) = server.run(root, command)
        _compare(report, name if code == 0 else f"{name}: {said}", snapshot(root), after)
    return report


def _ended_well(kind: str, code: int, said: str) -> bool:
    if kind == "kill":
        return code == -9
    return code == 0 or (code == 1 and said.splitlines()[-1].startswith(SENTENCE))


def _half_written(
    name: str, files: SNAPSHOT, before: SNAPSHOT, after: SNAPSHOT, whole: Sequence[str]
) -> list[str]:
    return [
        f"{name}: {path}"
        for path in whole
        if path in files and files[path] not in (before.get(path), after[path])
    ]


def snapshot(root: Path) -> SNAPSHOT:
    """The content of each file below a folder, None for folders; without measured times."""
    files: SNAPSHOT = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not name.startswith(_OF_TORCH):
            files[name] = None if path.is_dir() else _without_seconds(path)
    return files


def _without_seconds(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.name == "README.md":
        return re.sub(rb"\| train_seconds \|.*", b"", raw)
    if path.name not in ("metrics.json", "metrics.jsonl"):
        return raw
    try:
        rows = [json.loads(raw)] if path.suffix == ".json" else [*map(json.loads, raw.splitlines())]
    except ValueError:  # a line that the kill has cut
        return raw
    return json.dumps([{k: v for k, v in r.items() if k not in _SECONDS} for r in rows]).encode()


def _compare(report: Report, name: str, files: SNAPSHOT, after: SNAPSHOT) -> None:
    if extra := sorted(files.keys() - after.keys()):
        report.leftovers.append(f"{name}: {', '.join(extra)}")
    if differing := [path for path in after if files.get(path, b"missing") != after[path]]:
        report.differing.append(f"{name}: {', '.join(differing)}")


def _copy(template: Path, name: str) -> Path:
    """A new copy. It always has the same name, since a model card names its folder."""
    above = template.parent / name
    shutil.rmtree(above, ignore_errors=True)
    shutil.copytree(template, above / "work")
    return above / "work"
