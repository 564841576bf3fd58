"""Fixtures for several test files: a small model, and the command line run in an empty folder."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads slow down small models

import pytest
from hub_server import TOKEN, HubServer
from small_bundles import random_bundle

from factory.surgery.three import CLASSES as THREE
from factory.surgery.three import with_neutral
from sentiment_lstm.bundle import SHIPPED, Bundle, load_bundle, save_bundle
from sentiment_lstm.cli import main

TEXTS = ["a good film", "a bad film", "not bad at all", "good , not bad"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the exhaustive tests, unless `-m` names them."""
    if "exhaustive" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("exhaustive")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `pytest -n 2`, one process runs all tests of a file, because they share fixtures."""
    from xdist.scheduler import LoadFileScheduling

    # pytest-xdist would run files with few tests last. Some of them are slow, so one process would
    # have nothing to do at the end.
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture
def make_bundle() -> Callable[..., Bundle]:
    """Makes a bundle of random weights; keywords are those of `random_bundle`."""
    return partial(random_bundle, TEXTS)


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle of two classes."""
    return make_bundle()


@pytest.fixture
def three(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle of the classes negative, neutral and positive."""
    return make_bundle(THREE)


@pytest.fixture(scope="session")
def default_of_three() -> Bundle:
    """The shipped bundle with a class for neutral texts."""
    default = load_bundle(SHIPPED / "default")
    return default if default.config.classes == THREE else with_neutral(default)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs the command in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["sentiment-lstm", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return command


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A stand-in for the Hugging Face hub, an empty cache, and no token.

    The client reads the environment when it is imported, so its constants are replaced.
    """
    from huggingface_hub import constants

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with HubServer() as server:
        replaced = {
            "ENDPOINT": server.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": server.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "hub_cache"),
            "HF_TOKEN_PATH": str(tmp_path / "token"),
            "HF_STORED_TOKENS_PATH": str(tmp_path / "stored_tokens"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_DISABLE_TELEMETRY": True,
        }
        for name, value in replaced.items():
            monkeypatch.setattr(constants, name, value)
        yield server


@pytest.fixture
def logged_in(hub, monkeypatch):
    """The owner's token, in the environment."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A CSV of forty labelled texts."""
    path = tmp_path / "reviews.csv"
    rows = [f"{('awful', 'lovely')[n % 2]} film {n},{('bad', 'good')[n % 2]}" for n in range(40)]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return path


@pytest.fixture
def model(bundle, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    save_bundle(folder, bundle)
    return folder
