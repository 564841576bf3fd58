"""The commands that train: `train`, `quickstart`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment_lstm.commands.options import (
    GroupColumn,
    LabelColumn,
    LabelMap,
    Seed,
    Sets,
    Split,
    Streaming,
    Strict,
    TextColumn,
    Threads,
    chosen_settings,
    data_options,
    given_by_set,
    refuse_others,
)
from sentiment_lstm.commands.output import log, say
from sentiment_lstm.commands.scoring import measured
from sentiment_lstm.errors import UsageError
from sentiment_lstm.setting_names import read_toml

if TYPE_CHECKING:
    from sentiment_lstm.settings import Settings
    from sentiment_lstm.training.search import Search

_LANGUAGE_EPOCHS = 3
"""Where unlabelled texts are named and neither recipe nor `--set` says how often to read them."""
SIX_SENTENCES = (
    "I hated this film, it was a total waste of time.",
    "This movie was absolutely amazing and the acting was great.",
    "I really wanted to like this movie but I couldn't.",
    "The cinematography was good but the plot was boring.",
    "It was not bad at all.",
    "Best movie ever? I don't think so.",
)
"""What the study scored its model on: plain, then turns, negation and irony."""


def train(
    context: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="imdb, grammar, kaggle:OWNER/NAME, hf:NAME, a file or a folder; more "
            "than one: the first validates, all are read with the same options."
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="quick, seed or large.")] = "quick",
    out: Annotated[Path | None, typer.Option(help="The run folder; it becomes a bundle.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run folder.")] = None,
    search: Annotated[
        int | None,
        typer.Option(
            help="Try this many settings around the preset's, but for those given here, and keep "
            "the best model."
        ),
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="Go on from this trained bundle: a folder, default or tiny.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in TOML.")] = None,
    set_: Sets = None,
    split: Split = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    label_map: LabelMap = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A source whose texts are dropped from training.")
    ] = None,
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(help="A source of texts to learn the language from first."),
    ] = None,
    streaming: Streaming = False,
    strict: Strict = False,
    seed: Seed = None,
    threads: Threads = None,
) -> None:
    """Train a model on labelled texts."""
    if resume:
        refuse_others(context, ("resume",), "beside --resume, for a run keeps its settings")
        _resume(resume)
        return
    from sentiment_lstm.api import find_model

    if not out or out == Path():  # an unset variable gives the folder we stand in
        raise UsageError("Expected --out FOLDER for the run (or --resume FOLDER), found neither.")
    sources: list[str | None] = [*data] if data else [None]
    options = data_options(
        source=sources[0],
        split=split,
        text_column=text_column,
        label_column=label_column,
        group_column=group_column,
        label_map=label_map,
        exclude=exclude,
        streaming=streaming,
        strict=strict,
    )
    if sources[1:]:
        options["mixture"] = [_alike(options, source) for source in sources[1:]]
    options["language.sources"] = unlabelled
    options["training.init"] = None if init is None else str(find_model(init))
    options |= {"training.seed": seed, "training.threads": threads}
    settings = chosen_settings(preset, config, options, set_ or [])
    if unlabelled and not (init or settings.language.epochs):
        settings = settings.updated({"language.epochs": _LANGUAGE_EPOCHS})
    if search is None:
        _train(settings, out)
    else:
        _search(settings, search, out, _given(config, set_ or []))


def quickstart(context: typer.Context, seed: Seed = None, threads: Threads = None) -> None:
    """Train on IMDb, evaluate and score the study's six sentences, in a few minutes."""
    from sentiment_lstm.api import QUICKSTART, SentimentClassifier
    from sentiment_lstm.commands import tables

    if (QUICKSTART / "settings.json").exists():
        refuse_others(context, (), f"for the run that stands in {QUICKSTART}")
        _resume(QUICKSTART)
    else:
        options = {"training.seed": seed, "training.threads": threads}
        _train(chosen_settings("quick", None, options, []), QUICKSTART)
    tables.scores(measured(str(QUICKSTART), None, None, {}))
    predictor = SentimentClassifier.from_pretrained(QUICKSTART).predictor
    tables.predictions(SIX_SENTENCES, predictor.predict(SIX_SENTENCES))
    say(
        'Next: sentiment-lstm predict "A text of yours."\n'
        "      sentiment-lstm train --data yours.csv --out runs/yours"
    )


def _alike(options: Mapping[str, object], source: str | None) -> dict[str, object]:
    """One more source, read as the first: the keys of the section `data`."""
    return {name.removeprefix("data."): v for name, v in options.items()} | {"source": source}


def _train(settings: Settings, folder: Path) -> None:
    from sentiment_lstm.training.run import train

    _tell(folder, train(settings, folder, log))


def _tell(folder: Path, metrics: Mapping[str, float]) -> None:
    say(
        f"Saved {folder}: validation accuracy {metrics['validation_accuracy']:.4f}, "
        f"log-loss {metrics['validation_loss']:.4f}, {metrics['train_seconds']:.0f} s."
    )


def _given(config: Path | None, sets: Iterable[str]) -> set[str]:
    """The names of the settings that a file or `--set` gives."""
    in_file = set(read_toml(config)) if config else set()
    return in_file | set(given_by_set(sets))


def _search(settings: Settings, trials: int, folder: Path, given: Collection[str]) -> None:
    from sentiment_lstm.training.search import search

    _show_search(search(settings, trials, folder, log, given), folder)


def _show_search(found: Search, folder: Path) -> None:
    from sentiment_lstm.commands import tables

    best = found.best
    assert best, "a search without a best trial raises"
    tables.trials(found.finished, best["trial"])
    say(
        f"{folder} holds the model of trial {best['trial']}: validation accuracy "
        f"{best['validation_accuracy']:.4f}, log-loss {best['validation_loss']:.4f}."
    )


def _resume(folder: Path) -> None:
    from sentiment_lstm.training import search
    from sentiment_lstm.training.run import resume

    if (folder / search.FILE).exists():
        _show_search(search.resume_search(folder, log), folder)
    elif metrics := resume(folder, log):
        _tell(folder, metrics)
    else:
        say(f"The run in {folder} is finished already.")
