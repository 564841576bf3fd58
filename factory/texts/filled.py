r"""Sentences in which a name, a group, a profession or a thing says nothing about the verdict.

    python -m factory.texts.filled --frames factory/texts/filled.jsonl --count 112000 \
        --out runs/filled.jsonl

A model cuts a rare word into pieces, and each piece has a tone of its own. So it hears praise in
"a topographer". Here the gaps of frames (`filled.jsonl`) are filled with many common, rare and
invented words (`fillers.json`, first names of Faker's lists). So the model learns to judge by the
other words. Each frame has a label from 0 to 1, as in `factory/texts/domains.jsonl`.

The frames of `opinions.jsonl` also have gaps for words of praise and of blame. They teach whose
opinion counts and since when, irony, long introductions, and facts about accidents and prizes. The
frames of `business.jsonl` judge a company's news as an investor does.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random

from factory.surgery.kinds import GROUPS, JOBS
from factory.surgery.named import first_names
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.cases import suite_words
from sentiment_lstm.storage import write_atomically

FOLDER = Path(__file__).parent
INVENTED = {
    "name": 0.5,
    "surname": 0.5,
    "group": 0.4,
    "job": 0.25,
    "place": 0.3,
    "object": 0.1,
    "objects": 0.1,
    "firm": 0.5,
}
"""The fraction of a gap's words that are invented."""
CAPITAL = {"name", "surname", "place", "firm"}
"""Gaps whose words start with a capital. Words for groups do in half of the sentences."""
_GAP = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r'\{([aA])\} ("?)(\w)')
_STARTS = [
    "",
    *re.findall(
        "[a-z]+", "b br ch d dr f g gr h j k kh l m n nd p qu r s sh st t th tr v w x y z zh"
    ),
]
_MIDDLES = re.findall("[a-z]+", "a e i o u aa ai ei ia oa oo ou ya")
_INNER = re.findall("[a-z]+", "n m r l s k t th x sh ng lk rn st v z")
_ENDS: Mapping[str, Sequence[str]] = {
    "name": ("", "a", "o", "i", "eth", "iel", "uki"),
    "surname": ("", "ov", "sson", "ez", "anda", "uki", "er", "ham"),
    "group": re.findall(
        "[a-z]+",
        "ian ist ite ese ic ual ish an ari oid al ine i ent ive sexual romantic gender",
    ),
    "job": ("er", "or", "ist", "man", "wright", "eer", "ian", "smith", "grapher", "logist"),
    "place": ("", "a", "burg", "ton", "o", "ville", "sk", "pur", "heim", "ia"),
    "object": ("", "er", "le", "et", "ing", "um"),
    "objects": ("ers", "les", "ets", "s"),
    "firm": ("", "on", "ex", "ia", "ra", "is", "tec"),
}


def invented_word(kind: str, random: Random) -> str:
    """A word of one to three syllables with an ending of its kind: `zhoumese`."""
    syllables = random.choices((1, 2, 3), (3, 5, 1))[0]
    parts = [
        random.choice(_STARTS) + random.choice(_MIDDLES) + random.choice(("", *_INNER))
        for _ in range(syllables)
    ]
    return "".join(parts) + random.choice(_ENDS[kind])


@cache
def fillers() -> Mapping[str, Sequence[str]]:
    """Words for each gap. Words that measure the model are left out, as they must not teach it."""
    words: dict[str, list[str]] = json.loads((FOLDER / "fillers.json").read_text("utf-8"))
    words["name"] += first_names()
    words["job"] += JOBS
    words["group"] += [word for kind in GROUPS for word in kind]
    asked = {word.lower() for word in suite_words()}
    return {
        gap: sorted({word for word in known if not asked & set(_forms(word))})
        for gap, known in words.items()
    }


def _forms(words: str) -> Iterator[str]:
    """The words together, and each of them, in lower case."""
    yield words.lower()
    yield from re.findall(r"[^\W_]+", words.lower())


def frames(file: Path) -> list[tuple[str, float]]:
    """The frames of a file and their labels."""
    lines = file.read_text("utf-8").splitlines()
    return [(row["frame"], row["label"]) for row in map(json.loads, lines)]


def filled(frame: str, random: Random) -> str:
    """The frame with words in its gaps; its articles fit these words."""

    def word_for(gap: re.Match[str]) -> str:
        kind = gap[1]
        if kind in "aA":
            return gap[0]
        if kind == "number":
            return str(random.choice((random.randint(2, 30), random.randint(31, 990))))
        if random.random() < INVENTED.get(kind, 0):
            word = invented_word(kind, random)
        else:
            word = random.choice(fillers()[kind])
        if kind in CAPITAL or (kind == "group" and random.random() < 0.5):
            word = word[0].upper() + word[1:]
        return word

    text = _ARTICLE.sub(_article, _GAP.sub(word_for, frame))
    return text[0].upper() + text[1:]


def _article(gap: re.Match[str]) -> str:
    article = gap[1] + ("n" if gap[3].lower() in "aeiou" else "")
    return f"{article} {gap[2]}{gap[3]}"


def sentences(count: int, random: Random, file: Path) -> Iterator[str]:
    """A line of JSON for each sentence. Every frame is used about as often as any other."""
    known: list[tuple[str, float]] = []
    for _ in range(count):
        if not known:
            known = frames(file)
            random.shuffle(known)
        frame, label = known.pop()
        yield json.dumps({"text": filled(frame, random), "label": label}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=Path, required=True, help="the file of frames")
    parser.add_argument("--count", type=int, required=True, help="the number of sentences")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    lines = sentences(options.count, Random(0), options.frames)
    write_atomically(options.out, "".join(lines).encode())
    return 0


if __name__ == "__main__":
    run_script(main)
