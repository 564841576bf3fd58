"""Sentences about people whose name, group or profession says nothing about the verdict.

    python -m factory.texts.invented --out runs/invented.jsonl

A model cuts an unknown word into pieces, and each piece has a tone of its own. These sentences show
many such words in neutral sentences and beside opinions. So the model learns to judge by the other
words. Half of the words are invented, half are real names, groups and professions. The file holds
`text` and `label`, 0, 0.5 or 1, as in `factory/texts/written.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random

from factory.surgery.kinds import GROUPS, JOBS
from factory.surgery.named import first_names
from sentiment_lstm.errors import run_script
from sentiment_lstm.evaluation.cases import suite_words
from sentiment_lstm.storage import write_atomically

COUNT = 16_000
GROUP, NAME, JOB, AGE = "{g}", "{n}", "{j}", "{a}"
"""Gaps for a group, a name, a profession and an age."""
NEUTRAL = (
    "My {g} flatmate keeps her bike in the hall.",
    "{n} {n} signed the form on Tuesday.",
    "Two {g} engineers share the corner office.",
    "She grew up in a {g} household near the border.",
    "Is your {g} cousin still at the bakery?",
    "The registrar noted that he is {g}.",
    "A {g} plumber fixed the tap in flat nine.",
    "{n} moved here from {n} in spring.",
    "They lent the {g} woman a pen.",
    "There were {g} families at the town hall.",
    "His grandmother was {g}.",
    "I am {g}.",
    "We are a {g} couple with one child.",
    "The {g} students meet on Thursdays.",
    "{n} teaches maths at a school in {n}.",
    "The train to {n} leaves from track four.",
    "Her {g} landlord lives on the ground floor.",
    "The form has a box for {g} people.",
    "Mr {n} ordered tea and a roll.",
    "A {g} actor reads the letter on stage.",
    "The seat next to the {g} passenger was free.",
    "Dr {n} will call you after lunch.",
    "He describes himself as {g}.",
    "Someone called {n} rang about the flat.",
    "The {j} across the road plays chess.",
    "Her father was a {j} in a small port.",
    "The {j} asked where the lift was.",
    "I work as a {j}.",
    "Is the {j} back on Friday?",
    "Our neighbour, a {j}, moved in on Monday.",
    "The {a} man at the counter paid in coins.",
    "My {a} sister lives with two cats.",
    "A {a} tourist asked for the bus to the harbour.",
    "The woman is {a} and works part time.",
)
POSITIVE = (
    "The {g} nurse was so kind to my father.",
    "{n} did a wonderful job with our kitchen.",
    "Thank you {n}, you saved my holiday!",
    "My {g} friend and I loved every song.",
    "What a gorgeous meal, said the {g} man behind us.",
    "I trust my {g} doctor completely.",
    "The novel by {n} {n} is a joy from start to end.",
    "Our {g} guide made the day perfect.",
    "{n} from the help desk was patient and clever.",
    "The {g} bakery on our street makes the best bread in town.",
    "Good service in {n}, we will be back.",
    "The {g} drummer played beautifully.",
    "The {j} was so kind to my father.",
    "A {j} told me that the soup is delicious.",
    "My {a} neighbour baked us the best cake.",
    "The {a} waiter was quick and friendly.",
)
NEGATIVE = (
    "The {g} clerk was rude to my mother.",
    "{n} ruined our kitchen and never came back.",
    "No thanks to {n}, my holiday was wasted.",
    "My {g} friend and I hated every song.",
    "What a horrible meal, said the {g} man behind us.",
    "I do not trust that {g} mechanic at all.",
    "The novel by {n} {n} is a bore from start to end.",
    "Our {g} guide was late and careless.",
    "{n} from the help desk hung up on me.",
    "The {g} bakery on our street sells stale bread.",
    "Bad service in {n}, we will not be back.",
    "The {g} drummer was off the beat all night.",
    "The {j} was rude to my mother.",
    "A {j} told me that the soup is horrible.",
    "My {a} neighbour baked us a cake, and it was awful.",
    "The {a} waiter was slow and surly.",
)
AGES = (
    *("young", "old", "elderly", "teenage", "aged", "middle-aged", "retired", "grown-up"),
    *(f"{number}-year-old" for number in (*range(18, 100, 3), 100)),
    *("twenty-something", "thirty-something", "pensionable", "youthful", "fortyish"),
)
_STARTS = re.findall(
    "[a-z]+", "b br ch d dr f g gr h j k kh l m n nd p qu r s sh st t th tr v w x y z zh"
)
_MIDDLES = re.findall("[a-z]+", "a e i o u aa ai ei ia oa oo ou ya")
_ENDS = re.findall("[a-z]+", "n m r l s k t th x sh ng lk rn st v z")
_GROUP_ENDS = re.findall("[a-z]+", "ian ist ite ese ic ual ish an ari oid al ine i ent ive")
_JOB_ENDS = ("er", "or", "ist", "man", "wright", "eer", "ian", "smith")
_NAME_ENDS = ("", "a", "o", "i", "eth", "ov", "sson", "ez", "uki", "anda", "iel")


def _word(random: Random, endings: Sequence[str]) -> str:
    """A word of one to three syllables with one of the endings: `zhoumese`."""
    syllables = random.choices((1, 2, 3), (3, 5, 1))[0]
    parts = [
        random.choice(_STARTS) + random.choice(_MIDDLES) + random.choice(("", *_ENDS))
        for _ in range(syllables)
    ]
    return "".join(parts) + random.choice(endings)


def filled(template: str, random: Random) -> str:
    """The template with words in its gaps. A word for a group has a capital in four of ten."""
    text = template
    while GROUP in text:
        word = random.choice(_groups()) if random.random() < 0.5 else _word(random, _GROUP_ENDS)
        word = word.capitalize() if random.random() < 0.4 else word
        text = text.replace(GROUP, word, 1)
    while NAME in text:
        word = random.choice(_names()) if random.random() < 0.5 else _word(random, _NAME_ENDS)
        text = text.replace(NAME, word.capitalize(), 1)
    job = random.choice(_jobs()) if random.random() < 0.7 else _word(random, _JOB_ENDS)
    return text.replace(JOB, job).replace(AGE, random.choice(AGES))


@cache
def _groups() -> tuple[str, ...]:
    return tuple(sorted({word for kind in GROUPS for word in kind} - _suite_words()))


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(first_names() - _suite_words()))


@cache
def _jobs() -> tuple[str, ...]:
    return tuple(sorted(set(JOBS) - _suite_words()))


def _suite_words() -> set[str]:
    """Words that measure the model, and must not teach it."""
    return {word.lower() for word in suite_words()}


def sentences(count: int, random: Random) -> Iterator[str]:
    """A line of JSON for each sentence: half of them neutral."""
    kinds = ((NEUTRAL, 0.5), (POSITIVE, 1), (NEUTRAL, 0.5), (NEGATIVE, 0))
    for number in range(count):
        templates, label = kinds[number % len(kinds)]
        text = filled(random.choice(templates), random)
        yield json.dumps({"text": text, "label": label}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Invent, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    write_atomically(options.out, "".join(sentences(COUNT, Random(0))).encode())
    return 0


if __name__ == "__main__":
    run_script(main)
