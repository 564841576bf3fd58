"""Messages in the words of Python: names of arguments and settings in place of command options.

Most messages are written for the command line. `in_python` changes those that a program meets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sentiment_lstm.errors import SentimentError

GIVEN_TEXTS, GIVEN_UNLABELLED = "given_texts.jsonl", "given_unlabelled.jsonl"
"""The files of a run whose texts are in memory: the labelled texts, and those without labels."""
NAMES_OF_GIVEN = {
    GIVEN_TEXTS: "texts given in Python",
    GIVEN_UNLABELLED: "unlabelled texts given in Python",
}
"""What reports and model cards call these files."""

_OF_GIVEN_TEXTS = (
    (rf"\S*{GIVEN_TEXTS}(?![:\w]| in )", "the given texts"),
    (rf"\S*{GIVEN_UNLABELLED}(?![:\w]| in )", "the unlabelled texts"),
    (rf"in \S*(?:{GIVEN_TEXTS}|{GIVEN_UNLABELLED}):(\d+), line \d+", r"at index <\1>"),
    (rf"\S*(?:{GIVEN_TEXTS}|{GIVEN_UNLABELLED}):(\d+)", r"index <\1>"),
    (r"; see --label-column and --label-map", ": give texts of another class as well"),
    (r"; see --label-map and --text-column", ": give other texts or labels"),
    (r"add --multi-label", "give a table of 0 and 1 with a column for each label"),
    (r" with --label-map| \(--label-map\)", ""),
    (r" or choose another --group-column", ""),
)
"""Patterns of messages about texts in memory. `<3>` is line 3, the index 2."""
_WORDS = (
    (r"[`']sentiment-lstm train --resume (.+?)[`']", r"train(out='\1', resume=True)"),
    (r"[`']sentiment-lstm train --out (.+?)[`']", r"train(texts, labels, out='\1')"),
    (r"name --data, and leave", "leave"),
    (r"(?: with|, )? ?--data SOURCE|(?<=it) with --data\b", ""),
    (r"(?:with )?--data (\w+)", r"'\1'"),
    (r", or another split with --split", ", or another split"),
    (r"add --multi-label", "set multi_label=True"),
    (r"--multi-label", "multi_label"),
    (r"--set ([\w.]+)=(\w+(?:\.\w+)?)", r"settings={'\1': \2}"),
    (r"--label-map[ =]?(\S+=\S+)", r"data.label_map=<\1>"),
    (r"--(split|exclude|streaming|strict|encoding|separator)\b", r"data.\1"),
    (r"--(text|label|group)-column\b", r"data.\1_column"),
    (r"--label-(map|separator)\b", r"data.label_\1"),
    (r"--init\b", "start"),
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
    sentence = re.sub(r"<(\d+)>", lambda line: str(int(line[1]) - 1), sentence)
    sentence = re.sub(r"<(\S+=\S+?)>", lambda pairs: _as_dict(pairs[1]), sentence)
    return re.sub(r"--([a-z][a-z-]*)", lambda name: name[1].replace("-", "_"), sentence)


@contextmanager
def errors_in_python(*, in_memory: bool = False) -> Iterator[None]:
    """Let the errors of the block speak as `in_python` does."""
    try:
        yield
    except SentimentError as error:
        error.args = tuple(
            in_python(part, in_memory=in_memory) if isinstance(part, str) else part
            for part in error.args
        )
        raise


def _as_dict(pairs: str) -> str:
    """`-1=negative,1=positive` -> `{'-1': 'negative', '1': 'positive'}`."""
    return str(dict(pair.split("=", 1) for pair in pairs.split(",")))
