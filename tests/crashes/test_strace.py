"""The real command, killed by strace at each of its system calls that change the disk."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from crashing import snapshot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace"),
]
CALLS = "fsync,?rename,?renameat,?renameat2,?unlink,?unlinkat,?mkdir,?mkdirat,?rmdir"
COMMAND = [
    sys.executable, "-B", "-m", "sentiment_lstm", "predict", "--model", "tiny", "--threads", "1",
    "--input", "in.csv", "--output", "out/o.csv",
]  # fmt: skip


def strace(root: Path, *options: str) -> str | None:
    """The calls of the command; None if strace is not allowed to watch it."""
    log = root.with_name("calls.txt")
    call = ["strace", "-f", "-qq", "-o", str(log), *options, *COMMAND]
    done = subprocess.run(call, cwd=root, capture_output=True, text=True)
    return None if "PTRACE" in done.stderr or "ptrace" in done.stderr else log.read_text()


@pytest.mark.exhaustive
def test_a_kill_at_any_system_call_loses_nothing(template, tmp_path, capsys):
    reference = Path(shutil.copytree(template, tmp_path / "reference" / "work"))
    log = strace(reference, "-e", f"trace={CALLS}")
    if log is None:
        pytest.skip("strace may not watch processes here")
    after = snapshot(reference)
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", log, re.MULTILINE))
    assert counts["fsync"] > 10
    wrong = []
    for name, count in counts.items():
        for at in range(1, count + 1):
            root = tmp_path / "killed" / "work"
            shutil.rmtree(root.parent, ignore_errors=True)
            shutil.copytree(template, root)
            strace(root, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={at}")
            again = subprocess.run(COMMAND, cwd=root, capture_output=True, text=True)
            if again.returncode or snapshot(root) != after:
                wrong.append(f"{name} {at}: {again.stderr}")
    with capsys.disabled():
        print(f"\npredict under strace: {dict(counts)}, {len(wrong)} not recovered")
    assert not wrong


@pytest.mark.parametrize(("error", "when"), [("EINTR", "3"), ("EIO", "3+"), ("ENOSPC", "3+")])
def test_a_failing_system_call_is_one_sentence(template, tmp_path, error, when):
    root = Path(shutil.copytree(template, tmp_path / "failed" / "work"))
    if strace(root, "-e", "trace=fsync", "-e", f"inject=fsync:error={error}:when={when}") is None:
        pytest.skip("strace may not watch processes here")
    assert (root / "out" / "o.csv").exists() == (error == "EINTR"), (
        "an interrupted call is repeated"
    )
    again = subprocess.run(COMMAND, cwd=root, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    names = ["o.csv", "o.csv.bad.jsonl", "o.csv.done.json"]
    assert sorted(path.name for path in (root / "out").iterdir()) == names
