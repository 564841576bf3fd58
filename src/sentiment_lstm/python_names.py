"""Messages in the words of Python: names of arguments and settings in place of command options.

Most messages are written for the command line. `in_python` changes those that a program meets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sentiment_lstm.errors import SentimentError

GIVEN_TEXTS, GIVEN_UNLABELLED = "given_texts.jsonl", "given_unlabelled.jsonl"
"""The files of a run whose texts are in memory: the labelled texts, and those without labels."""
NAMES_OF_GIVEN = {
    GIVEN_TEXTS: "texts given in Python",
    GIVEN_UNLABELLED: "unlabelled texts given in Python",
}
"""What reports and model cards call these files."""

_Replacements = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
"""Patterns and what takes their place, in this order."""


def _as_index(line: re.Match[str]) -> str:
    """Line 3 of a file holds the text with the index 2."""
    return f"index {int(line[1]) - 1}"


def _as_dict(option: re.Match[str]) -> str:
    """`--label-map -1=bad,1=good` -> `data.label_map={'-1': 'bad', '1': 'good'}`."""
    return f"data.label_map={dict(pair.split('=') for pair in option[1].split(','))}"


_OPTION = r"(?<![^\s(`])--"
"""Where an option begins. Paths and labels hold `--` at other places, and stay as they are."""
_FILES = f"(?:{GIVEN_TEXTS}|{GIVEN_UNLABELLED})"
_OF_GIVEN_TEXTS: _Replacements = (
    (rf"\S*{GIVEN_TEXTS}(?![:\w]| in )", "the given texts"),
    (rf"\S*{GIVEN_UNLABELLED}(?![:\w]| in )", "the unlabelled texts"),
    (rf"in \S*{_FILES}:(\d+), line \d+", lambda line: f"at {_as_index(line)}"),
    (rf"\S*{_FILES}:(\d+)", _as_index),
    (r"; see --label-column and --label-map", ": give texts of another class as well"),
    (r"; see --label-map and --text-column", ": give other texts or labels"),
    (r"add --multi-label", "give a table of 0 and 1 with a column for each label"),
    (r" with --label-map| \(--label-map\)", ""),
    (r" or choose another --group-column", ""),
)
"""Patterns of messages about texts in memory."""
_WORDS: _Replacements = (
    (r"[`']sentiment-lstm train --resume (.+?)[`']", r"train(out='\1', resume=True)"),
    (r"[`']sentiment-lstm train --out (.+?)[`']", r"train(texts, labels, out='\1')"),
    (r"name --data, and leave", "leave"),
    (r"(?: with|, )? ?--data SOURCE|(?<=it) with --data\b", ""),
    (r"(?:with )?--data (\w+)", r"'\1'"),
    (r", or another split with --split", ", or another split"),
    (r"add --multi-label", "set multi_label=True"),
    (rf"{_OPTION}multi-label", "multi_label"),
    (rf"{_OPTION}set ([\w.]+)=(\w+(?:\.\w+)?)", r"settings={'\1': \2}"),
    (rf"{_OPTION}label-map[ =](-?\w+=\w+(?:,-?\w+=\w+)*)", _as_dict),
    (rf"{_OPTION}(split|exclude|streaming|strict|encoding|separator)\b", r"data.\1"),
    (rf"{_OPTION}(text|label|group)-column\b", r"data.\1_column"),
    (rf"{_OPTION}label-(map|separator)\b", r"data.label_\1"),
    (rf"{_OPTION}init\b", "start"),
    (rf"{_OPTION}([a-z][a-z-]*)", lambda name: name[1].replace("-", "_")),
)


def in_python(sentence: str, *, in_memory: bool = False) -> str:
    """The sentence with the names that a program uses.

    `in_python("name another with --out.")` is `"name another with out."`.

    Args:
        sentence: a message for the command line.
        in_memory: whether the texts are in memory, so that no file and no column has a name.
    """
    for pattern, words in (*(_OF_GIVEN_TEXTS if in_memory else ()), *_WORDS):
        sentence = re.sub(pattern, words, sentence)
    return sentence


@contextmanager
def errors_in_python(*, in_memory: bool = False) -> Iterator[None]:
    """Change the messages of errors in the block as `in_python` does."""
    try:
        yield
    except SentimentError as error:
        error.args = tuple(
            in_python(part, in_memory=in_memory) if isinstance(part, str) else part
            for part in error.args
        )
        raise
