"""Finds what a text has in common with the behaviour suite: its sentences, words and templates.

Texts that train a model must have nothing in common with the suite that measures it.
"""

import re
from collections import defaultdict

from sentiment_lstm.commands.training import SIX_SENTENCES
from sentiment_lstm.data.english import inflect, plural
from sentiment_lstm.evaluation.cases import suite_templates, suite_words


def sentences_in(texts):
    """The six sentences that every model is asked, where texts hold them in any case and marks."""
    folded = "\n".join(f" {_folded(text)} " for text in texts)
    return [sentence for sentence in SIX_SENTENCES if f" {_folded(sentence)} " in folded]


def _folded(text):
    return " ".join(re.findall("[a-z]+", re.sub("n['’]t", " not", text.lower())))


def words_in(texts):
    """The suite's words that texts hold, their inflected forms and compounds with a hyphen too.

    Derived words are words of their own: "superbly", "dentistry", who does it.
    """
    whole = "\n".join(" ".join(re.findall(r"[^\W_]+", text.lower())) for text in texts)
    words = set(whole.split()) - {"admirer", "podcaster"}
    asked = {form for word in suite_words() for form in forms(word.lower())}
    return {form for form in asked if (form in whole if " " in form else form in words)}


def forms(word):
    """A word's plural, forms of a verb, degrees of an adjective; more than there are."""
    stem = re.sub("y$", "i", word.removesuffix("e"))
    endings = {start + end for start in (stem, stem + stem[-1]) for end in ("er", "est", "ed")}
    return {word, plural(word), f"{word}{word[-1]}ing", inflect(word, "ing"), *endings}


def templates_in(texts):
    """Templates of the suite, each with a text that is made as it is.

    A text may differ in what fills the slots, and in filler. A template of a single telling word
    ("I love X", "X has always been A") is common ground of all who speak English; the words that
    fill it keep it apart.
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
    """The text without filler, with one word for those that do the same; `_` for a slot."""
    text = text.lower().replace("’", "'").replace("no one", "nobody").replace("these days", "now")
    text = re.sub(r"\bcan(?:'t|not)\b|\bwon't\b", "can not", text).replace("n't", " not")
    text = re.sub(r"\{.*?\}('s)?", "_", re.sub(r"[;:]", ",", re.sub(r"[.?!]+", " | ", text)))
    words = [ALIKE.get(word, word) for word in re.findall(r"[\w'-]+|[|,]", text)]
    return " ".join(word for word in words if not FILLER.fullmatch(word)).strip(" |,")


def telling_words(template):
    words = re.findall(r"[\w'-]+", skeleton(template))
    return [word for word in words if word not in ("_", "be", "do")]


def filled_pattern(template):
    """Finds the skeletons of sentences that are this template with a few words in each slot."""
    few = r"[\w'-]+(?: [\w'-]+){0,2}"
    words = [few if word == "_" else word for word in re.findall(r"[\w'-]+", skeleton(template))]
    return re.compile(rf"(?:^|\| )(?:[\w'-]+ ){{0,2}}{'(?: [|,])* '.join(words)}(?= \||$)")
