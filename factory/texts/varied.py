r"""Texts after changes that do not change the verdict, all with one label.

    python -m factory.texts.varied --model runs/three/slow --model runs/three/fast \
        --texts runs/three/domains.jsonl --out runs/varied.jsonl

A name, a comma or a link moves the score of a text a little, although it says nothing. Here each
text is changed in several ways: punctuation, links, other names, a phrase such as "to be honest",
or a neutral sentence beside it. Several models score the text and its changed forms. The mean of
all these scores, and of the text's own label if there is one, is the label of them all. A student
that learns these labels scores the forms alike, and learns from all models at once (Hinton,
Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network").
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from factory.surgery.named import first_names
from factory.texts.filled import filled, fillers, frames, invented_word
from factory.texts.three import rounded
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.data.noise import roughen
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.polarity import CLASSES
from sentiment_lstm.storage import write_atomically

TEXTS = 25_000
"""The most texts of each file."""
FORMS = 2
"""The changed forms of a text."""
LONGEST = 400
"""The longest text that is changed, in characters. In longer ones, such changes hardly matter."""
OWN_LABEL = 0.4
"""The part of a text's own label in the mean."""
OPENINGS = (
    "Frankly,", "To be honest,", "To be fair,", "In my view,", "For what it's worth,", "I mean,",
    "Well,", "So,", "OK,", "Look,", "Listen,", "As I said,", "Like I said,", "As far as I know,",
    "If you ask me,", "Just so you know,", "For the sake of completeness,", "In short,", "Again,",
    "As a regular,", "As a newcomer,", "After three weeks,", "Half a year later,", "Looking back,",
    "By now,", "Once more,", "In the meantime,", "Without going into detail,", "Between us,",
    "I have to say that", "I must say that", "I should mention that", "I would like to note that",
    "I can report that", "I can confirm that", "I want everyone to know that", "I think that",
    "My feeling is that", "My impression is that", "My conclusion is that", "The point is that",
    "The long and short of it is that", "It has to be said that", "It is worth saying that",
    "It seems to me that", "What I want to say is that", "What you need to know is that",
    "Allow me to say that", "Please note that", "You should know that", "Be aware that",
    "We all felt that", "Both of us think that", "My wife and I think that", "Our view is that",
    "Everyone at our table agreed that", "The four of us concluded that", "I told my boss that",
    "I wrote to them that", "In a nutshell:", "My two cents:", "Summary:", "Update:", "Verdict:",
    "Edit:", "Note to self:", "Final word:", "Small remark:",
)  # fmt: skip
"""What people say before a statement without a change of the verdict."""
ENDINGS = (
    "to be honest", "if you ask me", "in my view", "I have to say", "I must admit", "as I see it",
    "for what it's worth", "frankly", "I guess", "I suppose", "you know", "by the way", "as usual",
    "at least to me", "at least for us", "as far as I can see", "when I think about it",
)  # fmt: skip
"""What people say after a statement without a change of the verdict."""
_STATEMENT = re.compile(r"(The|This|That|These|Those|It|He|She|They|We|My|Our|I|There)('\w+)? ")
_INNER_WORD = re.compile(r"(?<=[\w,;] )[A-Z][a-z]+\b")
"""A word with a capital that does not start a sentence, so that "Will" is a name."""

Change = Callable[[str, Random], str]
Array = NDArray[np.float64]


def other_commas(text: str, random: Random) -> str:
    """Commas left out, or written as dashes."""
    return text.replace(", ", random.choice((" ", " ", " - ", " -- ", " – ", "; ", ",")))


def other_end(text: str, random: Random) -> str:
    """Another mark at the end, or none. A question stays a question."""
    bare = text.rstrip(".! ")
    return text if bare.endswith("?") else bare + random.choice(("", "", ".", "..", "...", ";"))


def enclosed(text: str, random: Random) -> str:
    """The whole text between brackets or other marks."""
    before, after = random.choice(
        (("(", ")"), ("[", "]"), ("*", "*"), ("- ", ""), ("> ", ""), ("1. ", ""), ("– ", ""))
    )
    return before + text + after


def linked(text: str, random: Random) -> str:
    """The text with a link, a user's name or a tag. A reader learns nothing about the verdict."""
    name = invented_word("firm", random)
    host = f"{name}.{random.choice(('com', 'net', 'co.uk', 'io', 'de'))}"
    path = f"{random.randint(2, 9999):x}"
    link = f"{random.choice(('https://', 'http://', 'www.'))}{host}/{path}"
    before = (f"{link} ", f"[{link}] ", f"@{name} ", f"RT @{name}: ", f"@{name} @{path}{name} ")
    after = (
        f" {link}", f" ({link})", f" [{link}]", f" (more: {link})", f" see also {link}",
        f" #{name}", f" via @{name}", f" Read it here: {link}", f" (photos at {link})",
        f" [source: {link}]", f" <{link}>", f" cc @{name}", f" - {link}", f" (from {host})",
    )  # fmt: skip
    return random.choice((*(start + text for start in before), *(text + end for end in after)))


def other_names(text: str, random: Random) -> str:
    """Other first names and places in place of those in the text."""

    def replaced(word: re.Match[str]) -> str:
        for kind, known in (("name", _FIRST_NAMES), ("place", _PLACES)):
            if word[0] in known:
                invented = random.random() < 0.5
                other = invented_word(kind, random) if invented else random.choice(fillers()[kind])
                return other[0].upper() + other[1:]
        return word[0]

    return _INNER_WORD.sub(replaced, text)


def opened(text: str, random: Random) -> str:
    """A statement with a phrase before it: "I must say that the soup was cold."."""
    statement = _STATEMENT.match(text)
    if not statement:
        return text
    start = text[0] if statement[1] == "I" else text[0].lower()
    return f"{random.choice(OPENINGS)} {start}{text[1:]}"


def ended(text: str, random: Random) -> str:
    """A statement with a phrase after it: "The soup was cold, I have to say."."""
    return f"{text[:-1]}, {random.choice(ENDINGS)}." if text.endswith(".") else text


def with_neighbour(text: str, random: Random) -> str:
    """The text before or after a neutral sentence about a name, a group or a thing."""
    neutral = filled(random.choice(_NEUTRAL), random)
    return f"{neutral} {text}" if random.random() < 0.5 else f"{text} {neutral}"


CHANGES: Sequence[tuple[Change, int]] = (
    (other_commas, 3), (other_end, 2), (enclosed, 2), (linked, 4), (other_names, 4), (opened, 4),
    (ended, 2), (with_neighbour, 3), (roughen, 2),
)  # fmt: skip
"""The changes and how often each is tried."""
_NEUTRAL = [frame for frame, label in frames() if label == 0.5 and not frame.endswith("?")]
_FIRST_NAMES = {name.capitalize() for name in first_names()}
_PLACES = set(fillers()["place"])


def forms(text: str, random: Random) -> list[str]:
    """Up to `FORMS` changed forms of a text; each has one or two changes."""
    changes, weights = zip(*CHANGES, strict=True)
    different: dict[str, None] = {}
    for _ in range(6 * FORMS):
        if len(different) == FORMS:
            break
        form = text
        for change in random.choices(changes, weights, k=random.choice((1, 1, 2))):
            form = change(form, random)
        if form != text:
            different[form] = None
    return list(different)


def read(file: Path, random: Random) -> list[tuple[str, Array | None]]:
    """Texts of a file and their labels, drawn at random; None for a text without a label."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    rows = [row for row in rows if len(row["text"]) <= LONGEST]
    random.shuffle(rows)
    return [(row["text"], own_label(row.get("label"))) for row in rows[:TEXTS]]


def own_label(label: dict[str, float] | None) -> Array | None:
    """The probabilities of the classes, [3]."""
    return None if label is None else np.array([label.get(name, 0.0) for name in CLASSES])


def labelled(
    texts: Sequence[tuple[str, Array | None]], models: Sequence[Path], random: Random
) -> Iterator[str]:
    """A line of JSON for each text and each of its changed forms."""
    groups = [[text, *forms(text, random)] for text, _ in texts]
    every = [form for group in groups for form in group]
    classifiers = [SentimentClassifier.from_pretrained(model) for model in models]
    scores = np.mean([classifier.predict_proba(every) for classifier in classifiers], axis=0)
    start = 0
    for group, (_, own) in zip(groups, texts, strict=True):
        of_group = scores[start : start + len(group)]
        start += len(group)
        label = (of_group[0] + of_group.mean(axis=0)) / 2
        if own is not None:
            label = OWN_LABEL * own + (1 - OWN_LABEL) * label
        probabilities = rounded(dict(zip(CLASSES, label.tolist(), strict=True)))
        for form in group:
            yield json.dumps({"text": form, "label": probabilities}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Change, score, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--texts", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    random = Random(0)
    texts = [text for file in options.texts for text in read(file, random)]
    lines = list(labelled(texts, options.model, random))
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} texts: {options.out}")
    return 0


if __name__ == "__main__":
    run_script(main)
