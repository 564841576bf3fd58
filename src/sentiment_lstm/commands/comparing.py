"""The command `compare`: shows runs, or the study's two phases, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentiment_lstm.commands.options import (
    AS_USUAL,
    Data,
    Json,
    Polarity,
    Reading,
    Sets,
    chosen_settings,
    refuse_others,
    with_reading,
)
from sentiment_lstm.commands.output import check_page, print_line, say
from sentiment_lstm.commands.scoring import measured
from sentiment_lstm.errors import UsageError

if TYPE_CHECKING:
    from sentiment_lstm.evaluation.side_by_side import KnownSource, Run

_OF_RUNS = (
    "runs",
    "data",
    *(option.name for option in fields(Reading)),
    "polarity",
    "out",
    "as_json",
)
_OF_PHASES = ("phase1", "phase2", "preset", "steps", "out", "set_", "as_json")
_FOLDER = Path("runs/compare")


@with_reading
def compare(
    context: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Run folders or saved models. Without them: the study's two phases."),
    ] = None,
    data: Data = None,
    reading: Reading = AS_USUAL,
    polarity: Polarity = False,
    phase1: Annotated[
        str, typer.Option(help="Kaggle's CSV (also .zip, .gz, .zst) or kaggle:OWNER/NAME.")
    ] = ("kaggle:lakshmi25npathi/imdb-dataset-of-50k-movie-reviews"),
    phase2: Annotated[str, typer.Option(help="hf:NAME or a folder laid out like one.")] = (
        "hf:stanfordnlp/imdb"
    ),
    preset: Annotated[str, typer.Option(help="Preset of the phases: quick or seed.")] = "quick",
    steps: Annotated[int, typer.Option(help="Updates that each phase trains.", min=1)] = 200,
    out: Annotated[
        Path | None,
        typer.Option(help="With runs: an HTML page. Without: a folder [default: runs/compare]."),
    ] = None,
    set_: Sets = None,
    as_json: Json = False,
) -> None:
    """Compare trained models, or repeat the original study.

    With runs: print their settings and results side by side. --data measures them on the same
    texts. --polarity measures two classes, so a model of three classes can be compared with one of
    two.

    Without runs: train one model from a CSV in memory and from a streamed data set.
    """
    if runs:
        refuse_others(
            context, _OF_RUNS, "only --data, its columns, --polarity, --out and --json with runs"
        )
        _compare_runs(runs, data, reading.split, reading.columns(), out, polarity, as_json=as_json)
        return
    refuse_others(
        context,
        _OF_PHASES,
        "only --phase1, --phase2, --preset, --steps, --set, --out and --json without runs",
    )
    from sentiment_lstm.commands import tables
    from sentiment_lstm.phases import compare_phases

    settings = chosen_settings(preset, None, {}, set_ or [])
    rows = compare_phases(phase1, phase2, settings, steps, out or _FOLDER)
    if as_json:
        print_line(json.dumps(rows))
    else:
        tables.phases(rows)


def _compare_runs(
    names: Sequence[str],
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    out: Path | None,
    polarity: bool,
    *,
    as_json: bool,
) -> None:
    from sentiment_lstm import plots
    from sentiment_lstm.commands import tables
    from sentiment_lstm.evaluation.side_by_side import (
        comparison_page,
        same_validation,
        side_by_side,
    )
    from sentiment_lstm.storage import write_atomically

    if source == "":
        raise UsageError("Expected the name of a source for --data, found an empty one: name one.")
    if len(names) < 2:
        raise UsageError(f"Expected two runs or more to compare, found {names[0]}: name another.")
    if source is None and (split or options or polarity):
        raise UsageError(
            "Expected --data with --split, columns, --label-map or --polarity, found none: "
            "name the source."
        )
    if out:
        check_page(out)
        plots.check()
    label_map = _checked_label_map(names, source, split, options) if source else {}
    runs = [_run(name, source, split, options, label_map, polarity) for name in names]
    table = side_by_side(runs)
    if as_json:
        print_line(json.dumps(table))
    else:
        tables.side_by_side(table)
    if not (source or same_validation(runs)):
        say(
            "These runs did not keep the same texts for validation, so their validation numbers "
            "are not comparable: --data measures all on the same texts."
        )
    if out:
        write_atomically(out, comparison_page(runs).encode())
        say(f"Wrote the page to {out}.")


def _checked_label_map(
    names: Sequence[str], source: str, split: str | None, options: Mapping[str, object]
) -> Mapping[str, str]:
    """Return the label map of the first run that was trained with one; {} if none was.

    Refuse a source on which the runs would be measured on different texts. A run that trained on
    this source is measured only on the texts that its training kept back.
    """
    from sentiment_lstm.bundle import load_bundle, run_settings
    from sentiment_lstm.evaluation_data import evaluation_data
    from sentiment_lstm.finding import find_model

    bundles = [load_bundle(find_model(name)) for name in names]
    texts_of_runs = [
        evaluation_data(bundle.config, source, split, options, run_settings(bundle))
        for bundle in bundles
    ]
    same = all(texts == texts_of_runs[0] for texts in texts_of_runs)
    if any(texts.kept_back for texts in texts_of_runs) and not same:
        raise UsageError(
            f"Expected texts that no run was trained on, found a run that was trained on {source}: "
            "name another source."
        )
    return next((texts.label_map for texts in texts_of_runs if texts.label_map), {})


def _run(
    name: str,
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    label_map: Mapping[str, str],
    polarity: bool,
) -> Run:
    """Read a run from its folder, and measure it if there is a source."""
    from sentiment_lstm.bundle import load_bundle, typed_settings
    from sentiment_lstm.commands.reporting import sizes, training_of
    from sentiment_lstm.evaluation.side_by_side import Run
    from sentiment_lstm.finding import find_model
    from sentiment_lstm.settings import Settings

    folder = find_model(name)
    bundle = load_bundle(folder)
    typed = typed_settings(bundle)
    stored: Any = typed or bundle.config.provenance.get("settings")
    settings = Settings.from_dict(stored).to_dict() if stored else {}
    return Run(
        name,
        replace(training_of(folder, bundle), settings=settings),
        sizes(bundle),
        bundle.metrics,
        measured(name, source, split, options, polarity=polarity, label_map=label_map)
        if source
        else None,
        _known_sources(settings, bundle.config.provenance, have_paths=typed is not None),
    )


def _known_sources(
    settings: Mapping[str, Any], provenance: Mapping[str, Any], *, have_paths: bool
) -> dict[str, KnownSource]:
    """What is known about each source and initial model that the settings name.

    Args:
        settings: the settings of the run.
        provenance: the provenance of its bundle.
        have_paths: whether the settings hold all sources as they were typed.
    """
    from sentiment_lstm.data.named_texts import named_split
    from sentiment_lstm.data.source_names import path_of
    from sentiment_lstm.evaluation.side_by_side import KnownSource
    from sentiment_lstm.provenance import (
        bundle_name,
        has_path,
        is_portable,
        recorded_hash,
        source_name,
        sources_in,
    )

    known = {}
    for written in sources_in(settings):
        source, split = named_split(written)
        suffix = f":{split}" if split else ""
        is_path = has_path(source) or (have_paths and not is_portable(source))
        path = f"{path_of(source).resolve()}{suffix}" if is_path else ""
        is_main = written == settings["data"]["source"]
        sha256 = recorded_hash(provenance, None if is_main else source)
        known[written] = KnownSource(
            source_name(written), path, f"{sha256}{suffix}" if sha256 else ""
        )
    if init := settings.get("training", {}).get("init"):
        started: Any = provenance.get("started_from") or {}
        is_path = have_paths or init not in (bundle_name(init), started.get("name"))
        name, path = (bundle_name(init), str(path_of(init).resolve())) if is_path else (init, "")
        known[init] = KnownSource(name, path, started.get("fingerprint", ""))
    return known
