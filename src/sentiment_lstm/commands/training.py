"""The commands that train: `train`, `quickstart`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment_lstm.commands.options import (
    AS_USUAL,
    GroupColumn,
    Reading,
    Seed,
    Sets,
    Streaming,
    Strict,
    Threads,
    chosen_settings,
    data_options,
    given_by_set,
    refuse_others,
    with_reading,
)
from sentiment_lstm.commands.output import say
from sentiment_lstm.commands.scoring import measured
from sentiment_lstm.data.source_names import SOURCES
from sentiment_lstm.errors import UsageError
from sentiment_lstm.setting_names import read_toml

if TYPE_CHECKING:
    from sentiment_lstm.settings import Settings
    from sentiment_lstm.training.search import Search

SIX_SENTENCES = (
    "I hated this film, it was a total waste of time.",
    "This movie was absolutely amazing and the acting was great.",
    "I really wanted to like this movie but I couldn't.",
    "The cinematography was good but the plot was boring.",
    "It was not bad at all.",
    "Best movie ever? I don't think so.",
)
"""The sentences on which the study tried its model: plain ones, contrast, negation and irony."""


@with_reading
def train(
    context: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{SOURCES}. May be repeated: only the first source is used for validation, and "
            "all are read with the same options."
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="auto, quick or seed. auto looks at the texts and chooses the settings; it "
            "is the default with --data and without --search. Otherwise quick is the default."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder for the training and the finished model.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue the run in this folder.")] = None,
    search: Annotated[
        int | None,
        typer.Option(
            help="Train this many times with varied settings, and keep the best "
            "model. Settings in --set and --config stay fixed."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Compare the settings that preset auto chooses with others, and keep the best. "
            "The whole command takes about this many minutes. Settings in --set stay fixed."
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Start from a model: a folder, english, default, tiny, or OWNER/NAME on the hub."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A file of settings in TOML, or the settings.json of a run.")
    ] = None,
    set_: Sets = None,
    reading: Reading = AS_USUAL,
    group_column: GroupColumn = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="A source whose texts are never trained on; may be repeated."),
    ] = None,
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(
            help="A source of unlabelled texts; may be repeated. auto labels them with a first "
            "model, and trains a second one on all texts. Other presets train a language model "
            "first."
        ),
    ] = None,
    streaming: Streaming = False,
    strict: Strict = False,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Keep words with digits and addresses out of the model, and texts out of the file "
            "of bad rows.",
        ),
    ] = False,
    track: Annotated[
        list[str] | None,
        typer.Option(help="Send the numbers to mlflow or tensorboard; may be repeated."),
    ] = None,
    seed: Seed = None,
    threads: Threads = None,
) -> None:
    """Train a model on labelled texts.

    Example: sentiment-lstm train --data reviews.csv --out runs/mine
    """
    from sentiment_lstm.finding import find_start
    from sentiment_lstm.fitting import with_use_of_unlabelled

    if resume:
        expected = "--resume alone (the run keeps its settings)"
        refuse_others(context, ("resume",), expected)
        _resume(resume)
        return
    if not out or out == Path():  # an unset shell variable would name the current folder
        raise UsageError(
            "Expected a run folder, found none: name --out FOLDER, or --resume FOLDER."
        )
    if minutes is not None:
        _refuse_beside_minutes(preset, config, search, streaming=streaming)
    sources: list[str | None] = [*data] if data else [None]
    options = reading.columns() | data_options(
        source=sources[0],
        split=reading.split,
        group_column=group_column,
        exclude=exclude,
        streaming=streaming,
        strict=strict,
    )
    if sources[1:]:
        options["mixture"] = [_with_same_columns(options, source) for source in sources[1:]]
    options["language.sources"] = unlabelled
    options["training.init"] = None if init is None else str(find_start(init))
    options |= {"training.seed": seed, "training.threads": threads}
    options |= {"training.private": private or None, "training.trackers": track}
    preset = preset or ("auto" if data and search is None else "quick")
    settings = chosen_settings(preset, config, options, set_ or [])
    if not data and settings.data.source == "imdb":
        say("Without --data, the training reads IMDb's film reviews.")
    if unlabelled and not init:
        settings = with_use_of_unlabelled(settings)
    if search is None:
        _train(settings, out, minutes)
    else:
        _search(settings, search, out, _fixed_names(config, set_ or []))


def quickstart(context: typer.Context, seed: Seed = None, threads: Threads = None) -> None:
    """Train on IMDb, measure, and score six sentences."""
    from sentiment_lstm.api import SentimentClassifier
    from sentiment_lstm.bundle import RUN_SETTINGS
    from sentiment_lstm.commands import score_tables, tables
    from sentiment_lstm.finding import QUICKSTART

    if (QUICKSTART / RUN_SETTINGS).exists():
        refuse_others(context, (), f"no options (the run in {QUICKSTART} continues)")
        _resume(QUICKSTART)
    else:
        options = {"training.seed": seed, "training.threads": threads}
        _train(chosen_settings("quick", None, options, []), QUICKSTART)
    score_tables.scores(measured(str(QUICKSTART), None, None, {}))
    predictor = SentimentClassifier.from_pretrained(QUICKSTART).predictor
    tables.predictions(SIX_SENTENCES, predictor.predict(SIX_SENTENCES))
    say('Next: sentiment-lstm predict "A text of yours."')
    say("      sentiment-lstm train --data yours.csv --out runs/yours")


def _with_same_columns(options: Mapping[str, object], source: str | None) -> dict[str, object]:
    """The keys of the section `data` for another source, which is read like the first one."""
    return {name.removeprefix("data."): v for name, v in options.items()} | {"source": source}


def _refuse_beside_minutes(
    preset: str | None, config: Path | None, search: int | None, *, streaming: bool
) -> None:
    """Refuse options that cannot be combined with `--minutes`.

    Raises:
        UsageError: one was given.
    """
    given = {
        "--preset": preset not in (None, "auto"),
        "--config": config is not None,
        "--search": search is not None,
        "--streaming": streaming,
    }
    if names := ", ".join(name for name, is_given in given.items() if is_given):
        raise UsageError(
            f"Expected --minutes with preset auto and texts in memory, found {names}: leave out "
            "one of them. --set fixes single settings."
        )


def _train(settings: Settings, folder: Path, minutes: float | None = None) -> None:
    from sentiment_lstm.training.ranks import rank, require_one_process
    from sentiment_lstm.training.run import train

    if minutes is not None:
        require_one_process("--minutes")
    metrics = train(settings, folder, minutes=minutes)
    if not rank():
        _say_saved(folder, metrics)


def _say_saved(folder: Path, metrics: Mapping[str, float]) -> None:
    from sentiment_lstm.bundle import RUN_SETTINGS
    from sentiment_lstm.settings import read_json
    from sentiment_lstm.training.standing import describe

    accuracy = f"validation accuracy {metrics['validation_accuracy']:.4f}"
    if "validation_macro_f1" in metrics:  # of several labels per text
        accuracy = (
            f"validation F1 {metrics['validation_macro_f1']:.4f} (macro), "
            f"{metrics['validation_micro_f1']:.4f} (micro), "
            f"all labels right in {metrics['validation_accuracy']:.1%}"
        )
    say(
        f"Saved {folder}: {accuracy}, log-loss {metrics['validation_loss']:.4f}, "
        f"{metrics['train_seconds']:.0f} s."
    )
    for sentence in describe(metrics, read_json(folder / RUN_SETTINGS).training):
        say(sentence)


def _fixed_names(config: Path | None, sets: Iterable[str]) -> set[str]:
    """The names of the settings that a file or `--set` gives."""
    in_file = set(read_toml(config)) if config else set()
    return in_file | set(given_by_set(sets))


def _search(settings: Settings, trials: int, folder: Path, fixed: Collection[str]) -> None:
    from sentiment_lstm.training.ranks import require_one_process
    from sentiment_lstm.training.search import search

    require_one_process("--search")
    _show_search(search(settings, trials, folder, fixed), folder)


def _show_search(search: Search, folder: Path) -> None:
    from sentiment_lstm.commands import tables

    best = search.best
    assert best, "a search without a best trial raises"
    tables.trials(search.finished, best["trial"])
    say(
        f"{folder} holds the model of trial {best['trial']}: validation accuracy "
        f"{best['validation_accuracy']:.4f}, log-loss {best['validation_loss']:.4f}."
    )


def _resume(folder: Path) -> None:
    from sentiment_lstm.training import search
    from sentiment_lstm.training.ranks import rank, require_one_process
    from sentiment_lstm.training.run import resume

    if (folder / search.FILE).exists():
        require_one_process("--search")
        _show_search(search.resume_search(folder), folder)
    elif metrics := resume(folder):
        if not rank():
            _say_saved(folder, metrics)
    elif not rank():
        say(f"The run in {folder} is finished already.")
