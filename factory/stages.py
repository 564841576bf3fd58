"""A stage of the factory: one call of a script, its inputs and its outputs.

Here a stage is described, and it is decided whether it has to run. `runner.py` runs stages,
`road.py` lists them.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from sentiment_lstm.bundle import FILES, GRAPHS
from sentiment_lstm.data.registry import find_folder
from sentiment_lstm.storage import as_json, write_atomically

ROOT = Path(__file__).parents[1]
"""The repository. Scripts run here."""
RUN = "{run}/"
"""Stands for the run folder at the start of an argument."""
WRITES = ("--out", "--rest", "--first")
"""Options of the scripts that name an output."""
_NOT_MODEL = {"metrics.json", "README.md"}
"""Files of a bundle that may differ between two runs that make the same model."""


@dataclass(frozen=True)
class Stage:
    """One call of a script's `main`.

    `arguments` are those of the command line. `reads` names inputs that they do not show: a file or
    folder, or `data:NAME`.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    reads: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The arguments that name files or folders of the run which the stage makes."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return tuple(value for option, value in pairs if option in WRITES)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Everything that the stage reads: files, folders and data sets."""
        places = (a for a in self.arguments if a.startswith((RUN, "factory/")))
        shown = (place for place in places if place not in self.outputs)
        return tuple(dict.fromkeys([*shown, *self.reads]))

    def command(self, folder: Path) -> list[str]:
        """The module and its arguments, with the run folder filled in."""
        return [self.module, *(a.replace(RUN, f"{folder}/") for a in self.arguments)]


@dataclass(frozen=True)
class Record:
    """What is known of a stage's last call: whether it finished, after how many minutes."""

    fingerprint: str
    finished: bool
    minutes: float


def place_of(name: str, folder: Path) -> Path | None:
    """The path of an input or output; None for a data set that is not on this machine."""
    if name.startswith("data:"):
        return find_folder(name.removeprefix("data:"))
    return folder / name.removeprefix(RUN) if name.startswith(RUN) else ROOT / name


def read_record(stage: Stage, folder: Path) -> Record | None:
    """The record of the stage's last call; None if it was never called."""
    try:
        return Record(**json.loads(_record_file(stage, folder).read_text("utf-8")))
    except FileNotFoundError:
        return None


def write_record(stage: Stage, folder: Path, record: Record) -> None:
    """Keep the record in the run folder."""
    file = _record_file(stage, folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, as_json(vars(record)))


def fingerprint(stage: Stage, folder: Path) -> str | None:
    """A digest of the stage's code, arguments and inputs; None if an input is missing."""
    digests = {}
    for name in stage.inputs:
        place = place_of(name, folder)
        if place is None or not place.exists():
            return None
        digests[name] = _content_digest(place)
    whole = {"code": code_digest(stage.module), "arguments": stage.arguments, "inputs": digests}
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def is_done(stage: Stage, folder: Path) -> bool:
    """Whether the stage has finished with today's code, arguments and inputs."""
    record = read_record(stage, folder)
    if record is None or not record.finished:
        return False
    made = all((place := place_of(name, folder)) and place.exists() for name in stage.outputs)
    return made and record.fingerprint == fingerprint(stage, folder)


def states(stages: Sequence[Stage], folder: Path) -> Mapping[str, str]:
    """The state of every stage, by name: `done`, `interrupted`, `outdated` or `to do`.

    A stage is outdated if its code, arguments or inputs changed since it finished, or if a stage
    before it has to run again.
    """
    before = predecessors(stages)
    known: dict[str, str] = {}
    for stage in stages:
        record = read_record(stage, folder)
        ready = all(known[name] == "done" for name in before[stage.name])
        if record is None:
            known[stage.name] = "to do"
        elif ready and not record.finished:
            known[stage.name] = "interrupted"
        else:
            known[stage.name] = "done" if ready and is_done(stage, folder) else "outdated"
    return known


def predecessors(stages: Sequence[Stage]) -> Mapping[str, set[str]]:
    """For each stage the names of the stages that make its inputs."""
    makers = {output: stage.name for stage in stages for output in stage.outputs}

    def makers_of(name: str) -> Iterator[str]:
        """The stage that makes a file, or a folder that it is in."""
        places = (name, *map(str, PurePosixPath(name).parents))
        yield from (makers[place] for place in places if place in makers)

    return {s.name: {maker for name in s.inputs for maker in makers_of(name)} for s in stages}


@cache
def code_digest(module: str) -> str:
    """A digest of a module and of all modules of the factory that it imports.

    Comments and docstrings do not count.
    """
    digest = hashlib.sha256()
    for name in sorted(_modules_of(module, set())):
        tree = _WithoutDocstrings().visit(_tree(name))
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node


def _modules_of(module: str, seen: set[str]) -> set[str]:
    if module not in seen:
        seen.add(module)
        for imported in _imports(_tree(module)):
            if imported.startswith("factory."):
                _modules_of(imported, seen)
    return seen


def _imports(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports; `from factory.texts import judged` names that module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [
                n for n in inner if (ROOT / n.replace(".", "/")).with_suffix(".py").exists()
            ]
            yield node.module


def _tree(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    assert spec is not None, module
    assert spec.origin is not None, module
    return ast.parse(Path(spec.origin).read_text("utf-8"))


def _content_digest(place: Path) -> Mapping[str, str]:
    """The digest of each file of a file or folder; of a model only the files that make it up."""
    if place.is_file():
        files = [place]
    elif (place / "config.json").exists():
        files = [place / name for name in (*FILES, *GRAPHS) if name not in _NOT_MODEL]
    else:
        files = sorted(path for path in place.rglob("*") if path.is_file())
    existing = (file for file in files if file.exists())
    return {file.name: _file_digest(file, *_stamp(file)) for file in existing}


def _stamp(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@cache
def _file_digest(file: Path, size: int, modified: int) -> str:
    """The SHA-256 of a file; read again if its size or time of change differs."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _record_file(stage: Stage, folder: Path) -> Path:
    return folder / "state" / f"{stage.name}.json"
