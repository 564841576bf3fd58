"""Settings files are templates with names filled in."""

import tomllib

import pytest

from factory.configure import as_toml, configured, main
from sentiment_lstm.errors import UsageError

TEMPLATE = {
    "data": {"source": "data:imdb", "label_map": {"0": "negative", "1": "0.5"}, "exclude": ["a"]},
    "mixture": [{"source": "{judged}", "soft_labels": True, "weight": 2.5}, {"source": "b"}],
    "training": {"epochs": 1},
}


def test_names_and_changes_are_filled_in():
    settings = configured(
        TEMPLATE, {"judged": "x.jsonl"}, {"training.epochs": "2", "text.kind": "'bpe'"}
    )
    assert [table["source"] for table in settings["mixture"]] == ["x.jsonl", "b"]
    assert settings["training"] == {"epochs": 2}
    assert settings["text"] == {"kind": "bpe"}
    assert TEMPLATE["training"] == {"epochs": 1}
    with pytest.raises(UsageError, match=r"Expected a file for the source \{judged\}"):
        configured(TEMPLATE, {}, {})


def test_settings_come_back_from_toml():
    assert tomllib.loads(as_toml(TEMPLATE)) == TEMPLATE


def test_a_file_is_written(tmp_path):
    (tmp_path / "template.toml").write_text(as_toml(TEMPLATE))
    arguments = ["--template", tmp_path / "template.toml", "--name", "judged=x.jsonl"]
    main([str(a) for a in (*arguments, "--set=training.epochs=3", "--out", tmp_path / "out.toml")])
    settings = tomllib.loads((tmp_path / "out.toml").read_text())
    assert settings["training"]["epochs"] == 3
