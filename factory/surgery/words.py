"""Add common words and emoji to a model's tokens, each with an embedding of its own.

    python -m factory.surgery.words --model runs/language --out runs/worded

Pieces learnt on film reviews cut "detest" into "det" and "est", and know no emoji. This is
vocabulary expansion after Kiros et al. (2015), "Skip-Thought Vectors". Skip-gram vectors are learnt
on reviews and tweets. A linear map takes them to the embeddings of the words that are tokens
already, and so gives every new word its first embedding. Training continues from there. Names are
left to `factory/surgery/named.py`. An emoji too rare to have a vector starts as the mean of its
kind.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files

from factory.surgery import embeddings
from factory.texts.sources import PRODUCTS, TWEETS, reviews, tweets
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import run_script
from sentiment_lstm.text.tokenizer import TextTokenizer

OFTEN = 25
"""How often a word has to occur in the texts to be added."""
AS_NAME = 0.8
"""A word counts as a name if this fraction of its occurrences has a capital."""
FAMILIES = "phrases/families.toml"
_WORD = re.compile(r"[^\W\d_][\w']*")


def all_texts() -> list[str]:
    """Training reviews of films and products, and training tweets."""
    return [*reviews([PRODUCTS]), *tweets(TWEETS)]


def common_words(texts: Iterable[str]) -> list[str]:
    """The words that occur often and rarely with a capital, in lower case, sorted."""
    written = Counter(word for text in texts for word in _WORD.findall(text))
    counts: Counter[str] = Counter()
    capitals: Counter[str] = Counter()
    for word, n in written.items():
        counts[word.lower()] += n
        capitals[word.lower()] += n * word[0].isupper()
    return sorted(word for word, n in counts.items() if n >= OFTEN and capitals[word] < AS_NAME * n)


def signs(known: embeddings.Vectors, tokenizer: TextTokenizer) -> embeddings.Vectors:
    """The grammar's emoji and smileys, each with an embedding.

    One that has none in `known` gets the mean of its kind: smiles, frowns or other signs.
    """
    rules = tomllib.loads(files("sentiment_lstm.data").joinpath(FAMILIES).read_text("utf-8"))
    parts = embeddings.parts_with(tokenizer)
    embedded: embeddings.Vectors = {}
    for kind in ("smile", "frown", "sign"):
        cut = [parts(sign) for sign in re.split(r"[|\n]", rules[kind]["any"].strip())]
        written = dict.fromkeys(pieces[0] for pieces in cut if len(pieces) == 1)
        row = embeddings.mean_of(known, written)
        embedded |= {sign: known.get(sign, row) for sign in written}
    return embedded


def with_common_words(bundle: Bundle) -> Bundle:
    """The bundle with common words, smileys and emoji as tokens."""
    known = embeddings.embedding_of(bundle)
    texts = all_texts()
    embedded = embeddings.mapped(embeddings.vectors_of(texts, bundle.tokenizer), known)
    wanted = [embeddings.START + word for word in common_words(texts)]
    words = {word: embedded[word] for word in wanted if word in embedded}
    new = words | signs(embedded | known, bundle.tokenizer)
    return embeddings.with_words(
        bundle, {word: row for word, row in new.items() if word not in known}
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Count words, learn vectors, map them, add the words."""
    return embeddings.change_model(
        __doc__, arguments, with_common_words, "words, smileys and emoji"
    )


if __name__ == "__main__":
    run_script(main)
