"""Checks the folder of a new run, and deletes files that are no longer needed."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path

from sentiment_lstm.bundle import FILES, RUN_SETTINGS, is_bundle, is_run
from sentiment_lstm.data.source_names import path_of
from sentiment_lstm.errors import UsageError
from sentiment_lstm.settings import DataSettings, Settings, read_json
from sentiment_lstm.training import checkpoint, minutes, race
from sentiment_lstm.training.given_texts import remove_given_texts
from sentiment_lstm.training.metrics_log import METRICS_LOG, read_metrics
from sentiment_lstm.training.pretraining import FOLDER as LANGUAGE
from sentiment_lstm.training.ranks import forget_count
from sentiment_lstm.training.self_training import LABELS, TEACHER
from sentiment_lstm.training.trials import FOLDER as TRIALS
from sentiment_lstm.training.trials import LOGITS, folders_of_trials, remove_trials

SET_ASIDE = "set_aside.jsonl"


def refuse_to_overwrite(
    folder: Path, settings: Settings, *, has_race: bool, files: Collection[str] = ()
) -> None:
    """Refuse a folder that holds a run, other files, or a source of this run.

    Args:
        folder: the folder of a new run.
        settings: those of the run.
        has_race: whether candidates are to be raced.
        files: names of other files that will be written.

    Raises:
        UsageError: there are such files.
    """
    has_run = is_run(folder) or is_bundle(folder)
    if not has_run and race.is_begun(folder) and not race.has_results(folder):
        race.remove(folder)  # of a process that was killed before it wrote its settings
    in_the_way = [name for name in (*FILES, METRICS_LOG, *files) if (folder / name).exists()]
    if any(_is_source(folder / SET_ASIDE, data) for data in (settings.data, *settings.mixture)):
        in_the_way.append(SET_ASIDE)
    if (settings.training.auto or settings.training.trials) and (folder / TRIALS).exists():
        in_the_way.append(TRIALS)
    if settings.language.sources:  # of self-training
        in_the_way += [name for name in (TEACHER, LABELS) if (folder / name).exists()]
    if race.is_begun(folder) or (has_race and (folder / race.FOLDER).exists()):
        in_the_way.append(race.FOLDER)
    if in_the_way and not has_run:
        raise UsageError(
            "Expected a folder whose files can be written, found "
            f"{', '.join(in_the_way)} in {folder}: name another with --out."
        )
    if has_run:
        raise UsageError(
            f"Expected a folder without a run, found one in {folder}: continue it with "
            f"'sentiment-lstm train --resume {folder}', or name another with --out."
        )


def _is_source(file: Path, data: DataSettings) -> bool:
    source = path_of(data.source)
    return file.exists() and source.exists() and file.samefile(source)


def remove_what_only_a_training_needs(folder: Path, settings: Settings) -> None:
    """Delete checkpoints and trials of a finished run."""
    (folder / checkpoint.FILE).unlink(missing_ok=True)
    forget_count(folder)
    race.remove(folder)  # a process may have been killed after it had written the winner's settings
    (folder / LABELS).unlink(missing_ok=True)
    remove_given_texts(folder, settings)
    if settings.training.trials:
        remove_trials(folder)


def remove_if_nothing_was_trained(folder: Path) -> bool:
    """If no update was made, delete the settings so that the folder can be used again.

    Returns:
        Whether they are deleted.
    """
    # Not the settings that the run began with: `auto` may have chosen trials since.
    settings = read_json(folder / RUN_SETTINGS)
    trials = folders_of_trials(folder) if settings.training.trials else []
    if (folder / LANGUAGE).exists() or any(map(read_metrics, _folders_of_stages(folder, trials))):
        return False
    if race.has_results(folder):
        return False
    race.remove(folder)
    if trials:
        remove_trials(folder)
    forget_count(folder)
    (folder / minutes.FILE).unlink(missing_ok=True)
    (folder / RUN_SETTINGS).unlink()
    remove_given_texts(folder, settings)
    (folder / METRICS_LOG).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return True


def files_to_resume(folder: Path) -> list[Path]:
    """The files of a run from which a process can go on with it."""
    stages = _folders_of_stages(folder, folders_of_trials(folder))
    names = (RUN_SETTINGS, checkpoint.FILE, LOGITS, LABELS, METRICS_LOG)
    files = [stage / name for stage in stages for name in names]
    files += [folder / LANGUAGE / name for name in (*FILES, *names)]
    return [file for file in files if file.is_file()]


def _folders_of_stages(folder: Path, trials: Sequence[Path]) -> list[Path]:
    return [folder, folder / TEACHER, *trials, *(trial / TEACHER for trial in trials)]
