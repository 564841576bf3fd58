"""Options that several commands have."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from sentiment_lstm import setting_names
from sentiment_lstm.commands.options import (
    AS_USUAL,
    Reading,
    chosen_settings,
    given_by_set,
    with_reading,
)
from sentiment_lstm.errors import UsageError


def test_the_reading_parameter_becomes_the_options_of_reading():
    calls = []

    @with_reading
    def command(
        first: Annotated[str, typer.Argument()], reading: Reading = AS_USUAL, last: int = 3
    ) -> None:
        """Do it."""
        calls.append((first, reading, last))

    app = typer.Typer()
    app.command()(command)
    names = [option.name for option in typer.main.get_command(app).params]
    reading = ["split", "text_column", "label_column", "label_map", "multi_label"]
    reading += ["label_separator", "encoding", "separator"]
    assert names[:10] == ["first", *reading, "last"]
    assert CliRunner().invoke(app, ["a"]).exit_code == 0
    assert CliRunner().invoke(app, ["b", "--text-column", "body", "--last", "4"]).exit_code == 0
    assert calls == [("a", AS_USUAL, 3), ("b", Reading(text_column="body"), 4)]
    assert calls[1][1].columns() == {"data.text_column": "body"}


def test_the_last_value_of_a_setting_counts(caplog):
    setting_names._warn.cache_clear()
    pairs = ["model.hidden=4", "model.hidden_size=5", "data.label_map=0=bad,1=good"]
    values = given_by_set(pairs)
    assert values == {"model.hidden_size": "5", "data.label_map": "0=bad,1=good"}
    assert caplog.messages == ["model.hidden is now model.hidden_size"]


def test_set_without_a_value_is_refused():
    with pytest.raises(UsageError, match=r"Expected --set section\.key=value, found --set 'seed'"):
        given_by_set(["seed"])


def test_settings_come_from_preset_then_options_then_set():
    settings = chosen_settings("seed", None, {"training.seed": 3}, ["training.seed=4"])
    assert (settings.training.seed, settings.training.epochs) == (4, 10)
