"""Checks that a program resumes a run with the texts and settings that the run began with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from sentiment_lstm.bundle import RUN_SETTINGS, is_bundle, load_bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.provenance import recorded_hash
from sentiment_lstm.python_names import GIVEN_TEXTS, GIVEN_UNLABELLED
from sentiment_lstm.settings import read_json


def check_same_texts(folder: Path, given_source: str | None, files: Mapping[str, bytes]) -> None:
    """Refuse to resume a run with other texts than it began with.

    Args:
        folder: the run.
        given_source: the source that is given now, or None.
        files: the texts in memory that are given now, as files of the run.

    Raises:
        UsageError: other texts are given.
    """
    source = read_json(folder / RUN_SETTINGS).data.source
    texts = files.get(GIVEN_TEXTS)
    is_same = given_source in (None, source)
    if texts is not None:
        hashed = sha256(texts).hexdigest()
        path = folder / GIVEN_TEXTS
        if path.exists():
            is_same = sha256(path.read_bytes()).hexdigest() == hashed
        elif is_bundle(folder):
            is_same = recorded_hash(load_bundle(folder).config.provenance, source) == hashed
    if GIVEN_UNLABELLED in files and not is_bundle(folder):
        path = folder / GIVEN_UNLABELLED
        is_same = is_same and path.exists() and path.read_bytes() == files[GIVEN_UNLABELLED]
    if not is_same:
        raise UsageError(
            f"Expected the texts that the run in {folder} began with, found others: name another "
            "folder with out."
        )


def check_same_settings(folder: Path, preset: str, changes: Mapping[str, object]) -> None:
    """Refuse to resume a run with other settings than it began with.

    Args:
        folder: the run.
        preset: the preset that is given now; `auto` is the default and fits any run.
        changes: the settings that are given now, by name.

    Raises:
        UsageError: the preset or a setting differs, or a setting does not exist.
    """
    from sentiment_lstm.training.hardware import resolve_auto

    began = read_json(folder / RUN_SETTINGS)
    began_with_auto = began.training.auto or began.training.given
    others = ["preset"] if preset != "auto" and began_with_auto else []
    for name, value in changes.items():
        now = began.updated({name: value})
        if replace(now, training=resolve_auto(now.training)) != began:
            others.append(name)
    if others:
        raise UsageError(
            f"Expected the settings that the run in {folder} began with, found another value of "
            f"{', '.join(others)}: leave it out, or name another folder with out."
        )
