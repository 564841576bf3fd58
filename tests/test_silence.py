"""Commands are silent: without a hub's name they open no connection and write only where asked.

By default, Python's audit hook and the home and temporary folder are watched. The slow test watches
system calls, so that it also sees what native libraries do.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sentiment_lstm.scoring.cluster import _import_ray

WATCHED = Path(__file__).parent / "watched_commands.py"
_SMALL = (
    "--set=text.min_frequency=1", "--set=model.embedding_size=8", "--set=model.hidden_size=8",
    "--set=model.layers=1", "--set=training.max_steps=3", "--threads=1",
)  # fmt: skip
_CLASSES = "good=positive,bad=negative"
COMMANDS = (
    ("data", "reviews.csv"),
    ("data", "list"),
    ("predict", "A good film."),
    ("predict", "--model", "tiny", "--input", "reviews.csv", "--output", "scored.csv"),
    ("predict", "--model", "tiny", "--input", "reviews.jsonl", "--output", "scored.jsonl"),
    ("stream", "A good film, but too long."),
    ("explain", "A good film.", "--html", "explained.html"),
    ("behaviour", "--model", "tiny", "--json"),
    ("evaluate", "--model", "tiny", "--data", "reviews.csv", "--label-map", _CLASSES),
    ("train", "--data", "reviews.csv", "--out", "run", *_SMALL),
    ("train", "--data", "reviews.csv", "--out", "other", "--preset", "quick", *_SMALL),
    ("train", "--resume", "run"),
    ("evaluate", "--model", "run", "--data", "fresh.csv", "--report", "report.html"),
    ("export", "--model", "run"),
    ("export", "--model", "run", "--out", "exported", "--only", "int8"),
    ("compare", "run", "other", "--out", "compared.html"),
    ("inspect", "A good film.", "--model", "run", "--out", "inside"),
)  # fmt: skip
LONG = (
    ("tour",),
    ("train", "--data", "reviews.csv", "--out", "best", "--search", "2", *_SMALL),
    ("inspect", "--gradients", "--out", "study"),
)
_LIBRARIES_OWN = re.compile(r"/(matplotlib|torchinductor_\w+)(/|$)")
"""matplotlib keeps a list of the fonts, and torch makes an empty folder. Neither holds texts."""


@pytest.fixture
def sandbox(tmp_path: Path) -> dict[str, str]:
    """The environment of a user with an empty home, who works in the folder `work`."""
    work = tmp_path / "work"
    for folder in ("home", "temporary", "work"):
        (tmp_path / folder).mkdir()
    rows = [(f"{('awful', 'lovely')[n % 2]} film {n}", ("bad", "good")[n % 2]) for n in range(40)]
    lines = "".join(f"{text},{label}\n" for text, label in rows)
    (work / "reviews.csv").write_text(f"text,label\n{lines}")
    (work / "fresh.csv").write_text(f"text,label\n{lines}".replace(" film", " book"))
    (work / "reviews.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t, _ in rows))
    home = str(tmp_path / "home")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "HF_", "MPL", "ORT_", "SENTIMENT_"))
    }
    return kept | {
        "HOME": home,
        "USERPROFILE": home,
        "LOCALAPPDATA": home,
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def watch(
    commands: tuple[tuple[str, ...], ...], sandbox: dict[str, str], *before: str
) -> list[dict[str, object]]:
    """Run the commands in a process that watches itself, and return what it saw of each."""
    done = subprocess.run(
        [*before, sys.executable, str(WATCHED)],
        input=json.dumps(commands), capture_output=True, text=True, env=sandbox,
        cwd=Path(sandbox["HOME"]).parent / "work",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def assert_silent(results: list[dict[str, object]]) -> None:
    for result in results:
        assert result["code"] == 0, (result["command"], result["said"])
        outside = [*result["events"], *result["left"]]
        unexpected = [what for what in outside if not _LIBRARIES_OWN.search(what)]
        parents = {".cache", ".config"}  # of matplotlib's own folder
        unexpected = [what for what in unexpected if Path(what).name not in parents]
        assert not unexpected, (result["command"], unexpected)


def test_no_command_opens_a_connection_or_writes_elsewhere(sandbox):
    assert_silent(watch(COMMANDS, sandbox))


REFUSED = (
    ("data", "verify"),
    ("data", "fetch", "no-such-set"),
    ("train", "--data", "data:no-such-set", "--out", "nothing"),
    ("quickstart", "--seed", "-1"),
)


def test_a_refused_command_is_silent_too(sandbox):
    results = watch(REFUSED, sandbox)
    for result in results:
        assert result["code"] in (1, 2), result["said"]
        result["code"] = 0
    assert_silent(results)


@pytest.mark.slow
def test_no_long_command_opens_a_connection_or_writes_elsewhere(sandbox):
    assert_silent(watch(LONG, sandbox))


@pytest.mark.slow
def test_scoring_on_ray_stays_on_this_machine(sandbox, short_folder):
    """Ray talks to its own processes, and keeps its files in its temporary folder."""
    pytest.importorskip("ray")
    work = Path(sandbox["HOME"]).parent / "work"
    (work / "shards").mkdir()
    for name in ("a.csv", "b.csv"):
        (work / "shards" / name).write_text("text\ngood\nbad\n")
    files = ("--input", "shards", "--output", "scored")
    command = ("predict", "--model", "tiny", "--engine", "ray", "--workers", "1", *files)
    (result,) = watch((command,), sandbox | {"TMPDIR": str(short_folder)})
    own = re.escape(str(short_folder / "ray"))
    # Ray keeps a password of the local cluster in `~/.ray`.
    home = re.escape(str(Path(sandbox["HOME"]) / ".ray"))
    # To learn its own address Ray names 8.8.8.8 to a UDP socket, which sends nothing.
    harmless = re.compile(rf"^(open |os.\w+ )?({own}|{home})|'(127\.0\.0\.1|localhost|8\.8\.8\.8)'")
    for key in ("events", "left"):
        result[key] = [what for what in result[key] if not harmless.search(what)]
    assert_silent([result])
    assert sorted(path.name for path in (work / "scored").iterdir()) == [
        "a.csv", "a.csv.done.json", "b.csv", "b.csv.done.json", "manifest.json"
    ]  # fmt: skip


@pytest.fixture
def short_folder():
    """Ray makes sockets in it, whose paths must be short."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.slow
def test_native_libraries_are_silent_too(sandbox, tmp_path):
    """System calls show what Python does not see. The commands run without a network."""
    isolated = ("unshare", "--map-root-user", "--net")
    if not shutil.which("strace") or not shutil.which("unshare"):
        pytest.skip("strace or unshare is not installed")
    calls, trace = tmp_path / "calls", "trace=network,openat,mkdir"
    traced = (*isolated, "strace", "-f", "-qq", "-o", str(calls), "-e", trace)
    if subprocess.run([*traced, "true"], capture_output=True).returncode:
        pytest.skip("this machine does not allow unshare --net with strace")
    assert_silent(watch((*COMMANDS, ("tour",)), sandbox, *traced))
    lines = calls.read_text(errors="replace").splitlines()
    # urllib3 asks whether there is IPv6 by binding the address ::1.
    network = re.compile(r'(connect|sendto)\(.*AF_INET|bind\((?!.*"::1")|AF_INET6?, SOCK_DGRAM')
    assert [line for line in lines if network.search(line)] == []
    written = [line for line in lines if re.search(r"O_WRONLY|O_RDWR|O_CREAT|mkdir\(", line)]
    allowed = re.compile(rf'"(?!/)|"({re.escape(str(tmp_path))}|/dev/|/proc/self)')
    assert [line for line in written if not allowed.search(line)] == []


def test_one_file_imports_onnx_runtime():
    """It turns off the statistics before, so it must be the first."""
    root = Path(__file__).parents[1]
    folders = ("src", "benchmarks", "factory", "fuzz", "tests")
    files = [file for folder in folders for file in (root / folder).rglob("*.py")]
    importing = re.compile(r"^\s*(import|from) onnxruntime\b|import_module\(.onnxruntime", re.M)
    names = [file.name for file in files if importing.search(file.read_text())]
    assert names == ["onnx_library.py"]


@pytest.mark.parametrize(
    "module",
    ["sentiment_lstm.inference.onnx_runtime", "sentiment_lstm.export", "benchmarks.peak",
     "benchmarks.elsewhere"],
)  # fmt: skip
def test_onnx_runtime_is_told_to_be_silent_unless_the_user_decides(sandbox, module):
    code = f"""
import os, sys

class Watching:
    def find_spec(name, path=None, target=None):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))

sys.meta_path.insert(0, Watching)
import {module}
"""
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    for given, expected in ({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0"):
        call = [sys.executable, "-c", code]
        done = subprocess.run(call, capture_output=True, text=True, env=sandbox | paths | given)
        assert done.stdout.strip() == expected


def test_ray_sends_no_statistics_unless_the_user_decides(monkeypatch):
    pytest.importorskip("ray")
    for given, expected in (None, "0"), ("1", "1"):
        monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
        if given:
            monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", given)
        _import_ray()
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == expected
