"""Sentences about people whose name or group is an invented word, which says nothing of a verdict.

    python -m factory.texts.invented --out runs/invented.jsonl

A model cuts an unknown word into pieces, and each piece has a tone of its own. These sentences show
many such words in neutral sentences and beside opinions. So the model learns to go by the other
words. The file holds `text` and `label`, 0, 0.5 or 1, as in `factory/texts/written.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import write_atomically

COUNT = 9_000
NEUTRAL = (
    "My {} flatmate keeps her bike in the hall.",
    "{} {} signed the form on Tuesday.",
    "Two {} engineers share the corner office.",
    "She grew up in a {} household near the border.",
    "Is your {} cousin still at the bakery?",
    "The registrar noted that he is {}.",
    "A {} plumber fixed the tap in flat nine.",
    "{} moved here from {} in spring.",
    "They lent the {} woman a pen.",
    "There were {} families at the town hall.",
    "His grandmother was {}.",
    "I am {}.",
    "We are a {} couple with one child.",
    "The {} students meet on Thursdays.",
    "{} teaches maths at a school in {}.",
    "The train to {} leaves from track four.",
    "Her {} landlord lives on the ground floor.",
    "The form has a box for {} people.",
    "Mr {} ordered tea and a roll.",
    "A {} actor reads the letter on stage.",
    "The seat next to the {} passenger was free.",
    "Dr {} will call you after lunch.",
    "He describes himself as {}.",
    "Someone called {} rang about the flat.",
)
POSITIVE = (
    "The {} nurse was so kind to my father.",
    "{} did a wonderful job with our kitchen.",
    "Thank you {}, you saved my holiday!",
    "My {} friend and I loved every song.",
    "What a gorgeous meal, said the {} man behind us.",
    "I trust my {} doctor completely.",
    "The novel by {} {} is a joy from start to end.",
    "Our {} guide made the day perfect.",
    "{} from the help desk was patient and clever.",
    "The {} bakery on our street makes the best bread in town.",
    "Good service in {}, we will be back.",
    "The {} drummer played beautifully.",
)
NEGATIVE = (
    "The {} clerk was rude to my mother.",
    "{} ruined our kitchen and never came back.",
    "No thanks to {}, my holiday was wasted.",
    "My {} friend and I hated every song.",
    "What a horrible meal, said the {} man behind us.",
    "I do not trust that {} mechanic at all.",
    "The novel by {} {} is a bore from start to end.",
    "Our {} guide was late and careless.",
    "{} from the help desk hung up on me.",
    "The {} bakery on our street sells stale bread.",
    "Bad service in {}, we will not be back.",
    "The {} drummer was off the beat all night.",
)
_STARTS = re.findall(
    "[a-z]+", "b br ch d dr f g gr h j k kh l m n nd p qu r s sh st t th tr v w x y z zh"
)
_MIDDLES = re.findall("[a-z]+", "a e i o u aa ai ei ia oa oo ou ya")
_ENDS = re.findall("[a-z]+", "n m r l s k t th x sh ng lk rn st v z")
_GROUP_ENDS = re.findall("[a-z]+", "ian ist ite ese ic ual ish an ari oid al ine i ent ive")
_NAME_ENDS = ("", "a", "o", "i", "eth", "ov", "sson", "ez", "uki", "anda", "iel")


def invented_word(random: Random, endings: Sequence[str]) -> str:
    """A word of one to three syllables with one of the endings: `zhoumese`."""
    syllables = random.choices((1, 2, 3), (3, 5, 1))[0]
    parts = [
        random.choice(_STARTS) + random.choice(_MIDDLES) + random.choice(("", *_ENDS))
        for _ in range(syllables)
    ]
    return "".join(parts) + random.choice(endings)


def filled(template: str, random: Random) -> str:
    """The template with invented words. A word for a group is small, unless it is a nation's."""
    words = []
    for before in template.split("{}")[:-1]:
        is_name = not before or before.endswith((" by ", " from ", "Mr ", "Dr ", " in ", " to "))
        is_name = is_name or before.endswith(("you ", " called ")) or before == " "
        word = invented_word(random, _NAME_ENDS if is_name else _GROUP_ENDS)
        words.append(word.capitalize() if is_name or random.random() < 0.4 else word)
    return template.format(*words)


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
