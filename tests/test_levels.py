"""The rules of the package, checked on its syntax trees: levels, heavy imports, and sizes."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import sentiment_lstm

PACKAGE = "sentiment_lstm"
ROOT = Path(sentiment_lstm.__file__).parent

LEVELS = (
    (
        "moved",
        "wording",
        "errors",
        "python_names",
        "staging",
        "storage",
        "interrupts",
        "cores",
        "conversion",
        "setting_names",
        "data_settings",
        "settings",
        "presets",
        "records",
    ),
    ("data", "text", "batching", "model"),
    (
        "provenance",
        "front_matter",
        "markdown",
        "trained_on",
        "card",
        "weights_file",
        "bundle_config",
        "bundle",
        "pages",
        "plots",
    ),
    ("evaluation",),
    ("training",),
    ("inference", "export", "browser_folder", "evaluation_data", "measuring"),
    ("scoring", "interpret"),
    (
        "in_memory",
        "hub_client",
        "hub",
        "finding",
        "label_scores",
        "given_evaluation",
        "given_training",
        "api",
        "frames",
        "mlflow_model",
        "phases",
        "progress",
        "resuming",
        "fitting",
        "estimator_targets",
        "estimator",
    ),
    ("serving",),
    ("commands", "cli", "__main__"),
)
"""From left to right. Within a level a part imports from parts before it; within a part the
files must not need each other in a circle."""
PARTS = [part for level in LEVELS for part in level]
LEVEL_OF = {part: number for number, level in enumerate(LEVELS) for part in level}
FORBIDDEN = {
    ("model", "data"),
    ("model", "text"),
    ("inference", "training"),
    ("measuring", "training"),
    ("scoring", "training"),
    ("interpret", "training"),
    ("interpret", "scoring"),
    ("serving", "training"),
    ("serving", "scoring"),
    ("serving", "interpret"),
}

HEAVY = {
    "captum",
    "cleanlab",
    "datasets",
    "duckdb",
    "fastapi",
    "gensim",
    "httpx2",
    "huggingface_hub",
    "jinja2",
    "kagglehub",
    "matplotlib",
    "mlflow",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "polars",
    "prometheus_client",
    "pyarrow",
    "pydantic",
    "pyspark",
    "ray",
    "scipy",
    "sklearn",
    "spacy",
    "srsly",
    "starlette",
    "tensorboard",
    "torch",
    "uvicorn",
}
ALLOWED = {
    "torch": (
        "model.",
        "training.",
        "inference.torch_runtime",
        "interpret.integrated_gradients",
        "interpret.reach",
    ),
    "onnxruntime": ("inference.onnx_library", "inference.onnx_runtime", "export"),
    "sklearn": ("estimator.",),
    "fastapi": ("serving.",),
    "prometheus_client": ("serving.",),
    "pydantic": ("serving.",),
    "starlette": ("serving.",),
    "uvicorn": ("serving.",),
    "spacy": ("frames.spacy",),
    "srsly": ("frames.spacy",),
}
"""Modules that are about a heavy library and may import it at once."""
PICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@dataclass(frozen=True)
class Import:
    module: str
    """Absolute name."""
    at_once: bool
    """Runs when the file is imported: not inside a function, not for type checkers alone."""


def modules() -> dict[str, Path]:
    """Map names in the package to files. A package has its own name."""
    paths = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            paths[name] = path
    return paths


MODULES = modules()


def imports(tree: ast.AST, at_once: bool = True) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        inner = at_once and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (Import(name, at_once) for name in _names(node))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(ast.Module(node.body, []), at_once=False)
            yield from imports(ast.Module(node.orelse, []), at_once=at_once)
        else:
            yield from imports(node, inner)


def _names(node: ast.ImportFrom) -> list[str]:
    """Return the modules that a `from` import names.

    `from package import module` names `module`; `from module import name` names `module`. Of the
    package itself only the version is allowed: its classifier would import from the right.
    """
    module = str(node.module)
    inner = [f"{module}.{alias.name}" for alias in node.names if alias.name != "__version__"]
    files = [name for name in inner if name.removeprefix(f"{PACKAGE}.") in MODULES]
    return inner if module == PACKAGE or files == inner else [module, *files]


def of(name: str) -> list[Import]:
    return list(imports(ast.parse(MODULES[name].read_text(encoding="utf-8"))))


IMPORTS = {name: of(name) for name in MODULES}


def own(name: str) -> list[str]:
    """Return the modules of the package that a module imports, also inside functions."""
    prefix = f"{PACKAGE}."
    return [i.module.removeprefix(prefix) for i in IMPORTS[name] if i.module.startswith(prefix)]


def part(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_to_the_left(name):
    assert part(name) in LEVEL_OF, "a new part needs a place in LEVELS and in docs/design.md"
    for other in own(name):
        mine, theirs = part(name), part(other)
        assert theirs in LEVEL_OF, f"{name} imports {other}"
        assert (mine, theirs) not in FORBIDDEN, f"{name} imports {other}"
        if mine != theirs:
            assert LEVEL_OF[theirs] <= LEVEL_OF[mine], f"{name} imports {other}, to its right"
            assert PARTS.index(theirs) < PARTS.index(mine), f"{name} imports {other}, below it"


def test_imports_form_no_circle():
    """Imports inside functions count too."""
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in finished:
            for other in own(name):
                if other in MODULES:
                    visit(other, (*path, name))
            finished.add(name)

    for name in MODULES:
        visit(name, ())


def reached_at_once(name: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each importing module and top-level library that importing `name` loads."""
    if name in seen:
        return
    seen.add(name)
    for statement in IMPORTS.get(name, ()):
        if statement.at_once and statement.module.startswith(f"{PACKAGE}."):
            yield from reached_at_once(statement.module.removeprefix(f"{PACKAGE}."), seen)
        elif statement.at_once:
            yield name, statement.module.partition(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_heavy_libraries_are_imported_in_functions(name):
    reached = {(via, library) for via, library in reached_at_once(name, set()) if library in HEAVY}
    allowed = {library for library, parts in ALLOWED.items() if f"{name}.".startswith(parts)}
    wrong = {pair for pair in reached if pair[1] not in allowed}
    assert not wrong, f"importing {name} brings in {wrong}"


def test_the_command_line_starts_without_heavy_libraries():
    """The modules that are really loaded. `huggingface_hub` is loaded by `tokenizers`."""
    names = [
        f"{PACKAGE}.{name}" for name in ("cli", "api", "bundle", "batching") if name in MODULES
    ]
    code = f"import sys, {', '.join(names)}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in run.stdout.split()}
    assert PACKAGE in loaded
    assert not loaded & (HEAVY - {"huggingface_hub"})


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_pickled(name):
    assert not {i.module.partition(".")[0] for i in IMPORTS[name]} & PICKLING
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"torch.load", "torch.save", "np.load", "np.save"}


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_short(name):
    source = MODULES[name].read_text(encoding="utf-8")
    assert source.count("\n") <= 350
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            assert not body or body[-1].end_lineno - body[0].lineno < 40, node.name


@pytest.mark.parametrize("name", MODULES)
def test_a_file_opens_with_a_docstring(name):
    assert ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch", [("torch", True)]),
        ("def f():\n    import torch", [("torch", False)]),
        ("class A:\n    from torch import nn", [("torch", True)]),
        ("try:\n    import torch\nexcept ImportError: pass", [("torch", True)]),
        ("if TYPE_CHECKING:\n    import torch", [("torch", False)]),
        ("class A:\n    def f(self):\n        from a import b", [("a", False)]),
        (f"from {PACKAGE} import errors", [(f"{PACKAGE}.errors", True)]),
        (f"from {PACKAGE} import __version__", []),
        (f"from {PACKAGE} import SentimentClassifier", [(f"{PACKAGE}.SentimentClassifier", True)]),
        (f"from {PACKAGE}.text import cleaning", [(f"{PACKAGE}.text.cleaning", True)]),
        (f"from {PACKAGE}.errors import DataError", [(f"{PACKAGE}.errors", True)]),
    ],
)
def test_imports_are_read_from_the_syntax_tree(source, expected):
    assert [(i.module, i.at_once) for i in imports(ast.parse(source))] == expected
