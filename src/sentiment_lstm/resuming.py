"""Checks that a program resumes a run with the texts and settings that the run began with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from sentiment_lstm import presets
from sentiment_lstm.bundle import RUN_SETTINGS, is_bundle, load_bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.provenance import recorded_hash, sha256_of
from sentiment_lstm.setting_names import current_name, flattened
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.storage import file_sha256
from sentiment_lstm.training.minutes import minutes_of


def check_same_texts(
    folder: Path,
    given_source: str | None,
    files: Mapping[str, bytes],
    unlabelled_source: str | None,
) -> None:
    """Refuse to resume a run with other texts than it began with.

    Args:
        folder: the run.
        given_source: the source that is given now, or None.
        files: the texts in memory that are given now, as files of the run.
        unlabelled_source: the source of texts without labels that is given now, or None.

    Raises:
        UsageError: other texts are given.
    """
    began = read_json(folder / RUN_SETTINGS)
    is_same = (
        given_source in (None, began.data.source)
        and not _has_changed(folder, given_source)
        and (unlabelled_source is None or unlabelled_source in began.language.sources)
        and all(_has(folder, name, content) for name, content in files.items())
    )
    if not is_same:
        raise UsageError(
            f"Expected the texts that the run in {folder} began with, found others: name another "
            "folder with out."
        )


def _has_changed(folder: Path, source: str | None) -> bool:
    """Whether a file has other content than when a finished run read it."""
    if source is None or not is_bundle(folder) or not Path(source).is_file():
        return False
    known = recorded_hash(load_bundle(folder).config.provenance)
    return known is not None and sha256_of(source) != known


def _has(folder: Path, name: str, content: bytes) -> bool:
    """Whether a run began with this content of a file of texts. A finished run has its hash."""
    path, hashed = folder / name, sha256(content).hexdigest()
    if path.exists():
        return file_sha256(path) == hashed
    if not is_bundle(folder):
        return False
    return recorded_hash(load_bundle(folder).config.provenance, str(path)) == hashed


def check_same_settings(
    folder: Path, preset: str, changes: Mapping[str, object], minutes: float | None
) -> None:
    """Refuse to resume a run with other settings than it began with.

    Args:
        folder: the run.
        preset: the preset that is given now; `auto` is the default and fits any run. A run does not
            record its preset, so the settings that are not in `changes` are compared.
        changes: the settings that are given now, by name.
        minutes: for how long settings are compared, as it is given now, or None.

    Raises:
        UsageError: the preset, a setting or `minutes` differs, or a setting does not exist.
    """
    from sentiment_lstm.training.hardware import resolve_auto

    began = read_json(folder / RUN_SETTINGS)
    others = ["preset"] if _is_other_preset(preset, began, changes) else []
    for name, value in changes.items():
        now = began.updated({name: value})
        if began.training.init and current_name(name) in presets.FIXED_BY_START:
            continue  # it had no effect
        if replace(now, training=resolve_auto(now.training)) != began:
            others.append(name)
    if minutes is not None and minutes != minutes_of(folder):
        others.append("minutes")
    if others:
        raise UsageError(
            f"Expected the settings that the run in {folder} began with, found another value of "
            f"{', '.join(others)}: leave it out, or name another folder with out."
        )


def _is_other_preset(preset: str, began: Settings, changes: Mapping[str, object]) -> bool:
    """Whether a preset, with these changes, has other settings than a run began with."""
    if preset == "auto":
        return False
    if began.training.auto or began.training.given:
        return True
    usual = flattened(Settings().to_dict())
    own = {
        name: value
        for name, value in flattened(presets.preset(preset).to_dict()).items()
        if value != usual[name] and name not in map(current_name, changes)
    }
    if began.training.init:  # the network is that of the model that the run starts from
        own = {name: v for name, v in own.items() if not name.startswith(("model.", "text."))}
    return began.updated(own) != began
