"""Messages for programs name arguments and settings, and no options of the command."""

import ast
import re
from pathlib import Path

import pytest

import sentiment_lstm
from sentiment_lstm.errors import DataError
from sentiment_lstm.python_names import errors_in_python, in_python

ROOT = Path(sentiment_lstm.__file__).parent
REACHED = ("data", "training", "evaluation_data.py", "measuring.py", "bundle.py", "settings.py")
"""The sources of messages that `train`, `fit` and `evaluate` may show."""
ONLY_OF_COMMANDS = {"search.py"}


def sentences() -> list[str]:
    """All strings with options in these sources, except docstrings."""
    files = [path for name in REACHED for path in [ROOT / name, *(ROOT / name).rglob("*.py")]]
    found = []
    for path in files:
        if path.suffix == ".py" and path.name not in ONLY_OF_COMMANDS:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docstrings = {
                ast.get_docstring(node, clean=False)
                for node in ast.walk(tree)
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            }
            found += [
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value not in docstrings
                and re.search(r"--[a-z]", node.value)
            ]
    return found


def test_no_message_of_a_training_in_python_names_an_option():
    assert len(sentences()) > 40
    for sentence in sentences():
        for in_memory in (False, True):
            assert "--" not in in_python(sentence, in_memory=in_memory), sentence


@pytest.mark.parametrize(
    ("sentence", "of_source", "in_memory"),
    [
        ("add --multi-label.", "set multi_label=True.", "give a table of 0 and 1 with a column "),
        ("Join classes with --label-map.", "Join classes with data.label_map.", "Join classes."),
        ("More: --set training.epochs=9.", "More: settings={'training.epochs': 9}.", None),
        (
            "use --label-map 0=bad,1=good if",
            "use data.label_map={'0': 'bad', '1': 'good'} if",
            None,
        ),
        ("use --label-map=-1=bad,1=good if", "use data.label_map={'-1': 'bad', '1': ", None),
        (
            "Continue with 'sentiment-lstm train --resume a b'.",
            None,
            "train(out='a b', resume=True)",
        ),
        ("name labelled texts with --data SOURCE.", "name labelled texts.", "name labelled texts."),
        ("use --data imdb, a path", "use 'imdb', a path", None),
        ("name another with --out.", "name another with out.", None),
        ("leave --unlabelled out", "leave unlabelled out", None),
        ("texts in /tmp/x/given_texts.jsonl, found", None, "texts in the given texts, found"),
        ("found NUL in given_texts.jsonl:3, line 3 ('a');", None, "found NUL at index 2 ('a');"),
        ("the first: given_texts.jsonl:1", None, "the first: index 0"),
        ("found given_texts.jsonl in /x: name", None, "found given_texts.jsonl in /x: name"),
        ("accuracy -- 3", "accuracy -- 3", "accuracy -- 3"),
    ],
)
def test_a_sentence_in_the_words_of_python(sentence, of_source, in_memory):
    if of_source:
        assert of_source in in_python(sentence)
    if in_memory:
        assert in_memory in in_python(sentence, in_memory=True)


@pytest.mark.parametrize(
    "sentence",
    [
        "found '<3>' and '<a=b,c>'",
        "found nothing in /data/my--runs/a--init/b.csv",
        "found the label '--multi-label'",
        "found a well--known label",
    ],
)
def test_labels_and_paths_stay_as_they_are(sentence):
    assert in_python(sentence) == in_python(sentence, in_memory=True) == sentence


def test_errors_keep_their_class():
    with pytest.raises(DataError, match="name another with out"), errors_in_python():
        raise DataError("Expected texts, found none: name another with --out.")
