"""The road takes hours: what its list of stages shows beforehand."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from factory.configure import configured
from factory.road import road
from factory.rounds import FULL, PARTS, REHEARSALS, ROUNDS, SCALES, THREE_PARTS, TINY
from factory.stages import RUN, predecessors
from factory.texts.standins import FIRST_SENTENCE
from sentiment_lstm.bundle import STARTS, load_bundle
from sentiment_lstm.data.grammar import lines_of
from sentiment_lstm.data.registry import registered
from sentiment_lstm.settings import Settings, flattened

ROOT = Path(__file__).parents[2]
SHIPPED = {"shipped/default", "shipped/free", "shipped/english"}
both = pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)


def value_of(stage, option):
    return stage.arguments[stage.arguments.index(option) + 1]


def pairs(stage, option):
    """The values of `--option=KEY=VALUE`, by key."""
    given = (a.removeprefix(f"{option}=") for a in stage.arguments if a.startswith(f"{option}="))
    return dict(pair.split("=", 1) for pair in given)


def settings_of(stage):
    """The settings that a stage `..._settings` writes."""
    template = tomllib.loads((ROOT / value_of(stage, "--template")).read_text("utf-8"))
    return configured(template, pairs(stage, "--name"), pairs(stage, "--set"))


def trainings(stages):
    """The name of each training with its settings."""
    written = {value_of(s, "--out"): s for s in stages if s.module == "factory.configure"}
    for stage in stages:
        if stage.module == "factory.training":
            yield stage, settings_of(written[value_of(stage, "--config")])


def sources(settings):
    return [table["source"] for table in (settings["data"], *settings.get("mixture", []))]


@both
def test_every_stage_finds_its_inputs(scale):
    made = []
    for stage in road(scale):
        assert stage.outputs
        for name in stage.inputs:
            if name.startswith(RUN):
                assert any(name == out or name.startswith(f"{out}/") for out in made), stage.name
            elif name.startswith("data:"):
                assert name.removeprefix("data:") in registered()
            else:
                assert (ROOT / name).exists(), name
        assert set(made).isdisjoint(stage.outputs), "nothing is made twice"
        made += stage.outputs
    assert {stage.name for stage in road(scale)} >= SHIPPED


@both
def test_every_stage_is_needed_for_what_ships(scale):
    stages = road(scale)
    before, needed, left = predecessors(stages), set(), list(SHIPPED)
    while left:
        needed.add(name := left.pop())
        left += before[name]
    assert needed == {stage.name for stage in stages}


def test_stages_declare_the_sets_that_their_arguments_name():
    for stage in road(FULL):
        named = {a for a in stage.arguments if a.startswith("data:")}
        assert named <= set(stage.inputs), stage.name


@both
def test_trainings_declare_the_files_that_their_settings_name(scale):
    for stage, settings in trainings(road(scale)):
        declared = {*stage.inputs, "imdb"}
        sets = {name for name in declared if name.startswith("data:")}
        for source in sources(settings):
            if source.startswith("data:"):
                assert source in sets or scale is TINY
            elif not source.startswith("grammar:"):
                assert source in declared, stage.name


@both
def test_settings_of_trainings_are_settings(scale):
    for _, settings in trainings(road(scale)):
        Settings().updated(flattened(settings))


def test_trainings_use_one_thread_and_the_rates_of_their_round():
    by_name = {stage.name: settings["training"] for stage, settings in trainings(road(FULL))}
    assert {training["threads"] for training in by_name.values()} == {1}
    for number, round_ in enumerate(ROUNDS, start=1):
        slow, fast = by_name[f"round_{number}/slow"], by_name[f"round_{number}/fast"]
        assert (slow["learning_rate"], fast["learning_rate"]) == round_.rates
        assert (slow["batch_texts"], fast["batch_texts"]) == (64, 60)


def test_models_are_averaged_with_such_as_read_the_same_words():
    """A model's words are those of its start, unless surgery changed them."""
    words = {}
    settings = {stage.name: values for stage, values in trainings(road(FULL))}
    for stage in road(FULL):
        starts = [words[a] for a in stage.inputs if a in words]
        (made,) = stage.outputs[:1]
        if stage.module == "factory.surgery.average":
            assert len(starts) > 1
            assert len(set(starts)) == 1, stage.name
            words[made] = starts[0]
        elif stage.module == "factory.training":
            corrects = settings[stage.name].get("text", {}).get("correct_slips", False)
            known, corrected = starts[0] if starts else (stage.name, False)
            words[made] = (known, corrects or corrected)
        elif stage.module.startswith("factory.surgery"):
            words[made] = (stage.name, starts[0][1])


@both
def test_every_round_reads_sentences_that_none_has_read(scale):
    read = {s for _, settings in trainings(road(scale)) for s in sources(settings)}
    ranges = [lines_of(source) for source in read if source.startswith("grammar:")]
    in_order = sorted(ranges, key=lambda lines: lines.start)
    assert len(in_order) == len(ROUNDS) + 1 + len(REHEARSALS)
    assert all(lines.stop <= after.start for lines, after in pairwise(in_order))
    assert scale is FULL or in_order[-1].stop <= FIRST_SENTENCE


def test_a_part_is_of_all_that_is_cut_for_it():
    cut = {s.name: set(s.outputs) for s in road(FULL) if s.module == "factory.texts.part"}
    of_three = cut.pop("three/parts")
    read = {name for s in road(FULL) if s.module == "factory.texts.three" for name in s.inputs}
    assert of_three <= read
    assert len(of_three) == len(THREE_PARTS)
    assert len(cut) == 5
    for stage, settings in trainings(road(FULL)):
        place = stage.name.partition("/")[0]
        parts = {source for source in sources(settings) if "/parts/" in source}
        assert parts == cut.get(f"{place}/parts", set())
    assert all(len(parts) == len(PARTS) for parts in cut.values())


def test_the_templates_names_are_all_filled_in():
    for _, settings in trainings(road(FULL)):
        assert not [source for source in sources(settings) if re.search("[{}]", source[5:])]


@both
def test_settings_of_the_english_start_leave_nothing_to_the_machine(scale):
    written = [s for s in road(scale) if re.fullmatch("english/.*_settings", s.name)]
    assert len(written) == 2
    for stage in written:
        training = Settings().updated(flattened(settings_of(stage))).training
        assert (training.threads, training.device, training.precision) == (1, "cpu", "float32")


def test_the_english_start_is_of_the_shape_that_ships():
    template = tomllib.loads((ROOT / "factory/settings/english_language.toml").read_text("utf-8"))
    settings, shipped = Settings().updated(flattened(template)), load_bundle(STARTS / "english")
    assert (settings.model, settings.text) == (shipped.config.model, shipped.config.text)


def test_the_network_is_of_the_shape_that_ships():
    model = tomllib.loads((ROOT / "factory/settings/language.toml").read_text("utf-8"))["model"]
    shipped = ROOT / "src/sentiment_lstm/pretrained/default/config.json"
    stored = json.loads(shipped.read_text("utf-8"))["model"]
    assert model["embedding_size"] == stored["embedding"]
    assert model["hidden_size"] == stored["hidden"]
    for name in ("layers", "pooling"):
        assert model[name] == stored[name]
