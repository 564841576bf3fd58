import dataclasses
import json
import math
from pathlib import Path

import pytest

from sentiment_lstm import errors, setting_names
from sentiment_lstm.errors import SentimentError, UsageError
from sentiment_lstm.setting_names import flattened, read_toml, to_format_1
from sentiment_lstm.settings import ModelSettings, Settings, read_json

CHANGED = {
    "data.label_map": {"0": "bad", ">=7": "good"},
    "data.exclude": ("a.csv", "b.csv"),
    "data.text_column": "review",
    "data.streaming": True,
    "text.kind": "bpe",
    "model.hidden_size": 8,
    "training.learning_rate": 0.5,
}


def write(path: Path, content: bytes | None) -> Path:
    """Write a file; None leaves it missing."""
    if content is not None:
        path.write_bytes(content)
    return path


def get(settings: Settings, name: str) -> object:
    section, key = name.split(".")
    return getattr(getattr(settings, section), key)


def test_json_round_trip(tmp_path):
    settings = Settings().updated(CHANGED)
    assert settings != Settings()
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(settings.to_dict()))
    assert read_json(path) == settings


def test_toml_gives_the_names_that_updated_accepts(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(
        "[data]\n"
        'label_map = {"0" = "bad", ">=7" = "good"}\n'
        'exclude = ["a.csv", "b.csv"]\n'
        'text_column = "review"\n'
        "streaming = true\n"
        '[text]\nkind = "bpe"\n'
        "[model]\nhidden_size = 8\n"
        "[training]\nlearning_rate = 0.5\n"
    )
    assert Settings().updated(read_toml(path)) == Settings().updated(CHANGED)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("model.hidden_size", "8", 8),
        ("model.dropout", "0", 0.0),
        ("model.bidirectional", "true", True),
        ("model.bidirectional", "False", False),
        ("model.bidirectional", "1", True),
        ("model.pooling", "max+mean", "max+mean"),
        ("training.learning_rate", "2e-3", 0.002),
        ("data.text_column", "review", "review"),
        ("data.text_column", "none", None),
        ("data.text_column", "", None),
        ("data.exclude", "a.csv,b.csv", ("a.csv", "b.csv")),
        ("data.exclude", "", ()),
        ("data.label_map", "0=negative,>=7=positive", {"0": "negative", ">=7": "positive"}),
        ("data.label_map", "", {}),
    ],
)
def test_strings_become_the_type_of_their_setting(name, text, value):
    setting = get(Settings().updated({name: text}), name)
    assert setting == value
    assert type(setting) is type(value)


WRONG_TYPES = [
    ("model.hidden_size", "8.5"),
    ("model.hidden_size", 8.5),
    ("model.hidden_size", "many"),
    ("model.hidden_size", True),
    ("model.hidden_size", None),
    ("model.bidirectional", "maybe"),
    ("model.bidirectional", 2),
    ("model.pooling", "first"),
    ("model.pooling", ["last"]),
    ("model.dropout", "half"),
    ("training.learning_rate", 10**400),
    ("data.source", 5),
    ("data.label_map", "0"),
    ("data.label_map", "=bad"),
    ("data.label_map", "0= ,1=good"),
    ("data.label_map", "0=bad,0=good"),
    ("data.label_map", {"0": "bad", "1": math.nan}),
    ("data.label_map", 5),
    ("data.exclude", 5),
]
OUT_OF_RANGE = [
    ("data.validation", 0),
    ("data.validation", 1),
    ("data.stream_rows", 99),
    ("data.max_characters", 0),
    ("text.vocabulary", 2),
    ("text.min_frequency", 0),
    ("text.max_tokens", 1),
    ("model.embedding_size", 0),
    ("model.hidden_size", -1),
    ("model.layers", 0),
    ("model.dropout", 1),
    ("model.dropout", -0.1),
    ("model.dropout", "nan"),
    ("training.epochs", 0),
    ("training.batch_tokens", 0),
    ("training.threads", -1),
    ("training.max_steps", -1),
    ("training.seed", -1),
    ("training.patience", -1),
    ("training.weight_decay", "nan"),
    ("training.learning_rate", 0),
    ("training.clip_norm", "nan"),
    ("training.checkpoint_seconds", 0),
    ("training.warmup", 1),
    ("training.weight_average", 1),
    ("training.adversarial", -1),
    ("training.perturbation", 0),
]


@pytest.mark.parametrize(("name", "value"), [*WRONG_TYPES, *OUT_OF_RANGE])
def test_wrong_values_are_refused(name, value):
    with pytest.raises(UsageError, match=f"Expected {name} to be .*, found "):
        Settings().updated({name: value})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("model.width", "model.hidden_size"),
        ("network.hidden", r"model\.\*"),
        ("hidden", r"model\.\*"),
        ("model", "model.hidden_size"),
        ("model.", "model.hidden_size"),
        ("", r"model\.\*"),
    ],
)
def test_an_unknown_name_lists_the_settings(name, hint):
    with pytest.raises(
        UsageError, match=f"Expected the name of a setting, found '{name}': use .*{hint}"
    ):
        Settings().updated({name: "8"})


def test_updated_changes_only_the_named_settings_of_a_copy():
    settings = Settings()
    changed = settings.updated({"model.hidden_size": 8})
    assert settings == Settings()
    assert dataclasses.replace(changed, model=settings.model) == settings


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelSettings().hidden_size = 8  # type: ignore[misc]


@pytest.mark.parametrize("values", [{"model": 8}, [1], "model", {"model": ["hidden"]}])
def test_values_that_are_no_section_are_refused(values):
    with pytest.raises(UsageError, match=r"Expected .*section"):
        flattened(values)


@pytest.mark.parametrize("content", [None, b"[model", b"\xff", b"hidden = 8"])
def test_a_missing_or_invalid_toml_file_is_refused(tmp_path, content):
    path = write(tmp_path / "settings.toml", content)
    with pytest.raises(UsageError, match="Expected a se"):
        read_toml(path)


def test_the_settings_of_an_older_run_may_hold_removed_names(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"training": {"virtual_adversarial": 0}, "model": {"hidden": 8}}')
    assert read_toml(path) == {"model.hidden_size": 8}
    path.write_text("{")
    with pytest.raises(UsageError, match="Expected a settings file in JSON"):
        read_toml(path)


def test_a_settings_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xef\xbb\xbf[model]\nhidden_size = 8")
    assert read_toml(path) == {"model.hidden_size": 8}


@pytest.mark.parametrize(
    "content",
    [None, b"{", b"\xff", b"[]", b'{"model": {"hidden": 0}}', b"[" * 100_000],
    ids=["missing", "open", "latin", "list", "zero", "deep"],
)
def test_missing_or_invalid_json_settings_are_refused(tmp_path, content):
    path = write(tmp_path / "settings.json", content)
    with pytest.raises(UsageError, match="Expected "):
        read_json(path)


def test_a_wrong_setting_in_a_file_is_named(tmp_path):
    """A `UsageError` is a `ValueError`, like the error for a file that is no TOML or JSON."""
    toml, stored = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text("epochs = 8")
    stored.write_text('{"training": {"epochs": "many"}}')
    with pytest.raises(UsageError, match=r"^Expected a section of settings, found 'epochs' = 8\.$"):
        read_toml(toml)
    with pytest.raises(UsageError, match=r"^Expected training\.epochs to be int, found 'many'\.$"):
        read_json(stored)


def test_exit_codes_are_those_of_the_command_line():
    """1 is a failure, 2 is wrong usage."""
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    assert all(issubclass(kind, SentimentError) for kind in kinds)
    codes = {kind.__name__: kind.exit_code for kind in kinds}
    assert codes.pop("UsageError") == 2
    assert set(codes.values()) == {1}


def test_a_mixture_is_read_from_toml_and_json(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(
        '[data]\nsource = "a.csv"\n[[mixture]]\nsource = "b.csv"\nweight = 0.5\n'
        '[mixture.label_map]\n2 = "0.5"\n[[mixture]]\nsource = "c.csv"\n'
    )
    chosen = Settings().updated(read_toml(path))
    first, second = chosen.mixture
    assert (first.source, first.weight, first.label_map) == ("b.csv", 0.5, {"2": "0.5"})
    assert (second.source, second.weight) == ("c.csv", 1.0)
    assert Settings.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen
    assert chosen.updated({"training.seed": 3}).mixture == chosen.mixture


@pytest.mark.parametrize("mixture", ["b.csv", {"source": "b.csv"}, ["b.csv"], [{"weight": 2}], 3])
def test_a_mixture_that_is_no_list_of_tables_is_refused(mixture):
    with pytest.raises(UsageError, match=r"\[\[mixture\]\] tables"):
        Settings().updated({"mixture": mixture})


def test_a_wrong_key_in_a_mixture_is_named():
    with pytest.raises(UsageError, match=r"found 'data\.sauce'"):
        Settings().updated({"mixture": [{"source": "b.csv", "sauce": 1}]})


OLD = {"model.hidden": "model.hidden_size", "model.embedding": "model.embedding_size"}


@pytest.mark.parametrize(("old", "new"), OLD.items())
def test_an_old_name_is_read_silently_from_runs_and_bundles(tmp_path, caplog, old, new):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"model": {old.removeprefix("model."): 9}}))
    assert read_json(path) == Settings().updated({new: 9}) == Settings().updated({old: 9})
    assert flattened({"model": {old.removeprefix("model."): 9}}) == {new: 9}
    assert not caplog.records


def test_a_removed_setting_is_ignored_if_it_was_off():
    off = {"training": {"virtual_adversarial": 0.0, "entropy": 0.0, "epochs": 7}}
    assert Settings.from_dict(off) == Settings().updated({"training.epochs": 7})
    with pytest.raises(UsageError, match=r"found 'training\.entropy'"):
        Settings.from_dict({"training": {"entropy": 0.3}})


def test_an_old_name_in_a_settings_file_gives_one_warning(tmp_path, caplog):
    path = tmp_path / "settings.toml"
    path.write_text("[model]\nhidden = 8\n")
    setting_names._warn.cache_clear()
    assert read_toml(path) == read_toml(path) == {"model.hidden_size": 8}
    assert caplog.messages == ["model.hidden is now model.hidden_size"]


def test_old_names_are_warned_of_in_the_order_of_the_alphabet(caplog):
    setting_names._warn.cache_clear()
    setting_names.warn_of_old_names(sorted(OLD, reverse=True))
    assert caplog.messages == [f"{old} is now {OLD[old]}" for old in sorted(OLD)]


def test_a_wrong_value_under_an_old_name_is_refused_under_the_new_name():
    with pytest.raises(UsageError, match=r"Expected model\.hidden_size to be at least 1"):
        Settings().updated({"model.hidden": 0})


def test_names_of_format_1():
    sections = {"model": {"hidden_size": 8, "embedding_size": 4, "layers": 1}, "mixture": []}
    named = {"model": {"hidden": 8, "embedding": 4, "layers": 1}, "mixture": []}
    assert to_format_1(sections) == to_format_1(named) == named


@pytest.mark.parametrize(
    "values",
    [
        {"9" * 5_000: 1},
        {"a": "b" * 5_000},
        {"training": {"c" * 5_000: 1}},
        {"training": {"seed": "d" * 5_000}},
        {"training": {"keep": "e" * 5_000}},
        {"mixture": "f" * 5_000},
    ],
)
def test_a_message_about_a_very_long_value_is_short(values):
    with pytest.raises(UsageError) as error:
        Settings.from_dict(values)
    assert len(str(error.value)) < 1_500
