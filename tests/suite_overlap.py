"""Finds sentences, words and templates of the behaviour suite in texts.

A model must not train on texts of the suite that measures it.
"""

import re
from collections import defaultdict

from sentiment_lstm.commands.training import SIX_SENTENCES
from sentiment_lstm.data.english import inflect, plural
from sentiment_lstm.evaluation.cases import suite_templates, suite_words


def sentences_in(texts):
    """Return those of the six study sentences that texts hold, in any case and punctuation."""
    folded = "\n".join(f" {_folded(text)} " for text in texts)
    return [sentence for sentence in SIX_SENTENCES if f" {_folded(sentence)} " in folded]


def _folded(text):
    return " ".join(re.findall("[a-z]+", re.sub("n['’]t", " not", text.lower())))


def words_in(texts):
    """Return the suite's words that texts hold, also inflected or in a compound with a hyphen.

    Derived words such as "superbly" and "dentistry" are other words.
    """
    whole = "\n".join(_spaced(text) for text in texts)
    words = set(whole.split()) - {"admirer", "podcaster"}
    asked = {_spaced(form) for word in suite_words() for form in forms(word)}
    return {form for form in asked if (form in whole if " " in form else form in words)}


def _spaced(text):
    """Return the words of a text in lower case. A compound with a hyphen becomes several."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def forms(word):
    """Return the forms of a word as noun, verb and adjective, also ones that do not exist."""
    stem = re.sub("y$", "i", word.removesuffix("e"))
    endings = {start + end for start in (stem, stem + stem[-1]) for end in ("er", "est", "ed")}
    return {word, plural(word), f"{word}{word[-1]}ing", inflect(word, "ing"), *endings}


def templates_in(texts):
    """Return pairs of a template of the suite and a text that follows it.

    A text may fill the slots with other words and add filler words. A template with a single
    telling word ("I love X", "X has always been A") is ordinary English and does not count: only
    the words in its slots belong to the suite.
    """
    telling = {name: fixed for name in suite_templates() if len(fixed := telling_words(name)) >= 2}
    assert len(telling) > 300
    rows = [skeleton(text) for text in texts]
    asked = {word for fixed in telling.values() for word in fixed}
    rows_with = defaultdict(set)
    for index, row in enumerate(rows):
        for word in asked.intersection(row.split()):
            rows_with[word].add(index)
    pairs = []
    for name, fixed in telling.items():
        near = set.intersection(*(rows_with[word] for word in fixed))
        whole = filled_pattern(name)
        pairs += [(name, texts[index]) for index in near if whole.search(rows[index])]
    return pairs


FILLER = re.compile(
    "that|just|really|the|an?|th[eo]se|this|truly|simply|actually|ever|even|so|but|and|yet|then"
    "|all|very|such|ha[sd]|have"
)
ALIKE = {
    **dict.fromkeys(("is", "are", "was", "were", "been", "am"), "be"),
    **dict.fromkeys(("does", "did"), "do"),
    **dict.fromkeys(("could", "would", "will"), "can"),
    **{"we": "i", "us": "me", "our": "my", "today": "now", "nowadays": "now"},
    **{"anybody": "anyone", "somebody": "someone", "everybody": "everyone", "noone": "nobody"},
}


def skeleton(text):
    """Return the text without filler words. Equivalent words become the same; a slot is `_`."""
    text = text.lower().replace("’", "'").replace("no one", "nobody").replace("these days", "now")
    text = re.sub(r"\bcan(?:'t|not)\b|\bwon't\b", "can not", text).replace("n't", " not")
    text = re.sub(r"\{.*?\}('s)?", "_", re.sub(r"[;:]", ",", re.sub(r"[.?!]+", " | ", text)))
    words = [ALIKE.get(word, word) for word in re.findall(r"[\w'-]+|[|,]", text)]
    return " ".join(word for word in words if not FILLER.fullmatch(word)).strip(" |,")


def telling_words(template):
    words = re.findall(r"[\w'-]+", skeleton(template))
    return [word for word in words if word not in ("_", "be", "do")]


def filled_pattern(template):
    """Return a pattern of skeletons that have up to three words in each slot of a template."""
    few = r"[\w'-]+(?: [\w'-]+){0,2}"
    words = [few if word == "_" else word for word in re.findall(r"[\w'-]+", skeleton(template))]
    return re.compile(rf"(?:^|\| )(?:[\w'-]+ ){{0,2}}{'(?: [|,])* '.join(words)}(?= \||$)")
