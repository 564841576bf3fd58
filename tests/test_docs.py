"""README and the pages of `docs/` are true: every block runs, and all that they name exists.

They name commands, options, links and messages. The blocks of a page run in their order, in one
folder and one namespace. Trainings are tiny, and `standins.replace` replaces what is large or needs
a network. The first block of README, the two commands of the installation, is run by `.ci/run`.
"""

import ast
import importlib
import io
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from contextlib import ExitStack
from pathlib import Path

import pytest
import standins
import typer.main
from documents import (
    DOCS,
    GUIDE,
    PROGRAM,
    README,
    ROOT,
    Block,
    blocks,
    calls,
    inline,
    links,
    pipelines,
)
from local_spark import local_spark

from sentiment_lstm.cli import app

pytestmark = [
    # Ray, MLflow and alembic use interfaces that are deprecated.
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning:ray", "ignore:::mlflow", "ignore:::alembic"
    ),
    # pyspark asks for pandas 2, and leaves sockets and a process to the garbage collector.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

RUNNABLE = [README, *GUIDE, DOCS / "lstm.md", DOCS / "performance.md"]
EVERY = [README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
SLOW = {
    "README.md",
    "data.md",
    "labels.md",
    "python.md",
    "training.md",
    "files.md",
    "frames.md",
    "understanding.md",
    "lstm.md",
}
OTHER_PROGRAMS = {"cat", "head"}
FACTORY = ROOT / "factory"
"""Missing in the source distribution, where its options and files are not checked."""
ROOT_COMMAND = typer.main.get_command(app)
COMMANDS = ROOT_COMMAND.commands


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def to_run(page: Path) -> list[Block]:
    return blocks(page)[1:] if page == README else blocks(page)


@pytest.fixture
def ray():
    """A small Ray that a page finds running, with the page's folder as its own."""
    ray = pytest.importorskip("ray")
    os.environ.setdefault(
        "RAY_worker_niceness", "0"
    )  # at a low priority they hang on a busy machine
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.fixture
def spark(monkeypatch):
    """A small Spark that a page finds running."""
    with local_spark(monkeypatch) as session:
        yield session


@pytest.fixture
def background(monkeypatch):
    """Runs `serve` in a thread, with the options that a page gives; a later call replaces it."""
    uvicorn = pytest.importorskip("uvicorn")
    from sentiment_lstm.serving import server
    from sentiment_lstm.serving.app import create_app

    ends = ExitStack()

    def serve(options):
        ends.close()
        settings = {"port": options.port, "log_config": None, "ws": "websockets-sansio"}
        service = uvicorn.Server(uvicorn.Config(create_app(options), **settings))
        thread = threading.Thread(target=service.run)
        thread.start()
        ends.callback(thread.join)
        ends.callback(setattr, service, "should_exit", True)
        while thread.is_alive() and not service.started:
            thread.join(0.05)
        if not service.started:
            pytest.skip(f"port {options.port} is in use")

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with ends:
        yield


@pytest.fixture
def shell(run, monkeypatch, tmp_path):
    """Runs a pipeline in a folder of stand-ins. Our own command runs in this process."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    standins.fill(folder)
    standins.replace(monkeypatch, folder)

    def line(pipeline: list[list[str]]) -> str:
        piped = ""
        for program, *words in pipeline:
            if program != PROGRAM:
                assert program in OTHER_PROGRAMS, program
                done = subprocess.run(
                    [program, *words], input=piped, capture_output=True, text=True, check=True
                )
                piped = done.stdout
                continue
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped.encode())))
            code, piped, err = run(*words)
            assert code == 0, (words, err)
        return piped

    return line


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] * (page.name in SLOW))
        for page in RUNNABLE
    ],
)
def test_every_block_of_a_page_runs(page, shell, monkeypatch, request):
    if any(re.search("--engine ray|^import ray", block.code, re.M) for block in to_run(page)):
        request.getfixturevalue("ray")
    if page.name == "hub.md":
        request.getfixturevalue("logged_in")
    if any(re.search(f"^{PROGRAM} serve", block.code, re.M) for block in to_run(page)):
        request.getfixturevalue("background")
    for command in makers(page):
        shell(command)
    if any("nlp.add_pipe" in block.code for block in to_run(page)):
        importlib.import_module("sentiment_lstm.frames.spacy")  # as an installed package does
    namespace = {}
    if any("SparkSession" in block.code for block in to_run(page)):
        request.getfixturevalue("spark")
    elif any("pyspark" in block.code for block in to_run(page)):
        namespace = standins.spark(monkeypatch)
    for block in to_run(page):
        if block.language in ("", "sh"):
            for pipeline in pipelines(block.code):
                shell(pipeline)
        elif block.language == "python":
            exec(compile(block.code, f"{page.name}:{block.line}", "exec"), namespace)
        else:
            keep(block)


def keep(block: Block) -> None:
    """Check that a block of data can be read. If it has a title, write it to that file."""
    readers = {"toml": tomllib.loads, "json": lambda s: [*map(json.loads, s.splitlines())]}
    readers["js"] = str  # `tests/inference/test_elsewhere.py` runs it
    if block.language != "text":
        readers[block.language](block.code)
    if block.title:
        Path(block.title).write_text(block.code, encoding="utf-8")


def makers(page: Path) -> list[list[list[str]]]:
    """Return the commands of other pages that make the runs which this page only uses."""
    code = "\n".join(block.code for block in to_run(page))
    made = set(re.findall(r"--out (runs/[\w-]+)", code))
    runs = set(re.findall(r"runs/[\w-]+", code)) - made - {"runs/quickstart"}
    lines = [line for other in GUIDE for block in blocks(other) if block.language == "sh"
             for line in pipelines(block.code)]  # fmt: skip
    commands = {line[0][line[0].index("--out") + 1]: line for line in lines if "--out" in line[0]}
    return [commands[run] for run in sorted(runs)]


def test_the_guide_shows_every_command():
    named = {command_of(words) for page in GUIDE for words in calls(page)}
    assert named >= set(COMMANDS)


def command_of(words: list[str]) -> str:
    """Return the command of a call, which has one or two words (`data list`)."""
    pair = " ".join(words[:2])
    return pair if pair in COMMANDS else words[0]


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_named_commands_and_options_exist(page):
    for words in calls(page):
        words = [word for word in words if word not in ("...", "--debug")]
        if not words or words[0].startswith("-"):
            assert set(words) <= options_of(ROOT_COMMAND), words
            continue
        assert command_of(words) in COMMANDS, words
        assert not options_in(words) - options_of(COMMANDS[command_of(words)]), words
    for code in inline(page):
        assert not options_in(code.split()) - known_options(code), code


def options_in(words: list[str]) -> set[str]:
    return {word.partition("=")[0].rstrip(",;)") for word in words if re.match(r"--[a-z]", word)}


def options_of(command) -> set[str]:
    names = (name for each in command.params for name in (*each.opts, *each.secondary_opts))
    return {"--help", *names}


def known_options(code: str) -> set[str]:
    """Return the options that a piece of code may name: its command's, its script's, or all."""
    first, *rest = code.split()
    if first == "python" and rest and (ROOT / rest[0]).is_file():
        return set(re.findall(r'"(--[a-z-]+)"', (ROOT / rest[0]).read_text(encoding="utf-8")))
    if first in ("pip", "python", "git"):
        return options_in(rest)
    if first in COMMANDS:
        return options_of(COMMANDS[first])
    if not FACTORY.is_dir():
        return options_in(code.split())
    scripts = [*(ROOT / "benchmarks").glob("*.py"), *FACTORY.rglob("*.py")]
    texts = (path.read_text(encoding="utf-8") for path in scripts)
    theirs = {name for text in texts for name in re.findall(r'"(--[a-z-]+)"', text)}
    return theirs.union(options_of(ROOT_COMMAND), *map(options_of, COMMANDS.values()))


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_relative_links_have_targets(page):
    targets = [(page.parent / link).resolve() for link in links(page)]
    missing = [path for path in targets if not path.exists()]
    if not FACTORY.is_dir():
        missing = [path for path in missing if not path.is_relative_to(FACTORY)]
    assert not missing


def test_messages_of_the_troubleshooting_page_are_in_the_sources():
    sources = "\n".join(
        sentence for path in (ROOT / "src").rglob("*.py") for sentence in strings(path)
    )
    messages = [
        code for code in inline(DOCS / "guide" / "troubleshooting.md") if code[:9] == "Expected "
    ]
    assert len(messages) > 10
    for message in messages:
        assert message in sources, message


def strings(path: Path) -> list[str]:
    """Return the strings of a source. Values that are filled in become `…`, as in the documents."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = [[getattr(value, "value", None) for value in node.values] for node in joined]
    filled = ["".join(value if isinstance(value, str) else "…" for value in part) for part in parts]
    plain = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return [*filled, *(value for value in plain if isinstance(value, str))]
