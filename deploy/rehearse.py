"""Runs the steps of the Dockerfile without a container engine, and tries the result.

    python deploy/rehearse.py [--python PYTHON] [--keep]

It copies what `.dockerignore` lets through, and runs the file's COPY, ENV and RUN in a folder.
Then it starts the entry point as the file's user, in a file system that nobody can write to (only
`/tmp` is writable, and empty). It runs the health check, asks for a score, looks for PyTorch and
for files that should not be there, and stops the service with SIGTERM: the exit code must be 0.

It needs Linux, root, `unshare` and `setpriv`, and pip downloads the packages. It cannot check the
base image and the sizes of layers.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORT = 18080
READ_ONLY = (
    "mount --make-rprivate / && mount -o remount,bind,ro / && mount -t tmpfs tmpfs /tmp && "
    'cd /tmp && exec setpriv --reuid "$0" --regid "$0" --clear-groups --no-new-privs '
    '--bounding-set=-all "$@"'
)
ONLY_IN_A_CONTAINER = "useradd"


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile, such as ("RUN", "pip install ...")."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word.upper(), rest.strip()


def is_sent(name: str, patterns: Sequence[str]) -> bool:
    """Whether `.dockerignore` lets a path of the top folder through; its last match decides."""
    sent = True
    for pattern in patterns:
        if fnmatch.fnmatch(name, pattern.removeprefix("!")):
            sent = pattern.startswith("!")
    return sent


class Rehearsal:
    """The steps in a folder: `/src` and `/opt/venv` are inside it.

    Args:
        folder: empty; not in `/tmp`, which the service gets empty.
        python: the interpreter that stands for the base image's.
    """

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        self.environment = {"PATH": f"{folder}/bin:/usr/bin:/bin"}
        self.work = folder
        self.user = 0
        self.last: dict[str, list[str]] = {}
        """The commands of ENTRYPOINT, CMD and HEALTHCHECK."""
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(python)
        self.ignored = (ROOT / ".dockerignore").read_text().split("\n")
        self.ignored = [line for line in self.ignored if line and not line.startswith("#")]

    def inside(self, text: str) -> str:
        """Move the image's paths into the folder."""
        return text.replace("/opt/venv", f"{self.folder}/opt/venv")

    def do(self, word: str, rest: str) -> None:
        """Do one instruction, as far as it can be done without an engine."""
        if word == "WORKDIR" and rest != "/tmp":
            self.work = self.folder / rest.strip("/")
            self.work.mkdir(parents=True, exist_ok=True)
        elif word == "COPY" and not rest.startswith("--from"):
            self._copy(*rest.split())
        elif word == "ENV":
            self._set(rest)
        elif word == "USER":
            self.user = int(rest.partition(":")[0])
        elif word == "RUN" and not rest.startswith(ONLY_IN_A_CONTAINER):
            subprocess.run(
                ["sh", "-ec", self.inside(rest)],
                cwd=self.work,
                env=self._with_registry(),
                check=True,
            )
        elif word in ("ENTRYPOINT", "CMD"):
            self.last[word] = json.loads(rest)
        elif word == "HEALTHCHECK":
            self.last[word] = json.loads(rest.partition("CMD")[2])

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command as the user of the image, without a place to write except `/tmp`."""
        call = ["unshare", "--mount", "sh", "-ec", READ_ONLY, str(self.user), *command]
        return subprocess.Popen(call, env=self.environment, stderr=subprocess.DEVNULL)

    def is_healthy(self) -> bool:
        """Run the health check."""
        return self.start(self.last["HEALTHCHECK"]).wait() == 0

    def _copy(self, *names: str) -> None:
        *sources, target = names
        for source in sources:
            if not is_sent(source, self.ignored):
                raise SystemExit(f"{source} is copied, but .dockerignore leaves it out")
            path, to = ROOT / source, self.work / target
            if path.is_dir():
                shutil.copytree(path, to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, to)

    def _set(self, rest: str) -> None:
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            value = self.inside(value).replace("$PATH", self.environment["PATH"])
            self.environment[name] = value

    def _with_registry(self) -> dict[str, str]:
        """The environment of RUN: also how this machine reaches its package registry."""
        mine = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
        return mine | self.environment | {"HOME": str(self.folder)}


def ask(path: str, body: object = None) -> bytes:
    """Return what the service answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def try_out(rehearsal: Rehearsal) -> None:
    """Start the service, check it, and stop it."""
    rehearsal.environment["SENTIMENT_LSTM_PORT"] = str(PORT)
    service = rehearsal.start(rehearsal.last["ENTRYPOINT"] + rehearsal.last["CMD"])
    try:
        end = time.monotonic() + 60
        while not rehearsal.is_healthy():
            if service.poll() is not None or time.monotonic() > end:
                raise SystemExit("the service does not become healthy")
            time.sleep(0.5)
        scores = json.loads(ask("/predict", {"inputs": "It was not bad at all."}))
        assert scores[0]["label"] == "positive", scores
        status = Path(f"/proc/{service.pid}/status").read_text()
        assert f"Uid:\t{rehearsal.user}" in status, status
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(60)
    assert code == 0, f"the exit code is {code}"
    assert not rehearsal.is_healthy()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the steps and try the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="stands for the base image's")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        rehearsal = Rehearsal(folder, options.python)
        for word, rest in instructions((ROOT / "Dockerfile").read_text()):
            rehearsal.do(word, rest)
        packages = next((folder / "opt/venv/lib").glob("python3*/site-packages"))
        names = {path.name for path in packages.iterdir()}
        assert not names & {"torch", "pip", "transformers", "pandas"}, names
        size = sum(path.stat().st_size for path in (folder / "opt").rglob("*") if path.is_file())
        try_out(rehearsal)
        print(f"/opt/venv has {size / 1e6:.0f} MB; the service started, answered and stopped")
    finally:
        if options.keep:
            print(folder)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
