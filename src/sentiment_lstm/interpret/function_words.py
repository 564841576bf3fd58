"""English function words: articles, prepositions, pronouns, auxiliaries, plain conjunctions.

Negations ("not", "never", "no"), contrasts ("but", "although", "despite") and adverbs are not among
them, because they change what a sentence says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_ARTICLES = "a an the"
_PREPOSITIONS = (
    "of in on at by for with from to into onto upon about as than through throughout during before "
    "after between among amongst over under above below within per via toward towards around "
    "across behind beside besides beyond near since until till off out up along inside outside"
)
_PRONOUNS = (
    "i me my mine myself you your yours yourself yourselves he him his himself she her hers "
    "herself it its itself we us our ours ourselves they them their theirs themselves one ones "
    "oneself this that these those who whom whose which what someone somebody something anyone "
    "anybody anything everyone everybody everything there where when why how whoever whatever"
)
_AUXILIARIES = (
    "am is are was were be been being do does did doing done have has had having will would shall "
    "should can could may might must"
)
_CONJUNCTIONS = "and or if because while whether so then both either"
FUNCTION_WORDS = frozenset(
    " ".join((_ARTICLES, _PREPOSITIONS, _PRONOUNS, _AUXILIARIES, _CONJUNCTIONS)).split()
)
_ENDING = re.compile(r"['\u2019](s|m|re|ve|d|ll)$")
"""The end of a pronoun with a shortened auxiliary, such as "they're". "n't" is a negation."""

BETWEEN = frozenset(",;:(-\u2013\u2014")
"""Punctuation that counts with the words after it: a comma before "but" announces the "but"."""
_SHORT = 50
"""In a text of at most this many words, the attributions of function words are passed on whole."""
_PASSED = 0.4
"""In a longer text this fraction is passed on, because function words carry a part of the verdict
there. If more is passed on, the score depends less on the strongest words."""


def is_function_word(word: str) -> bool:
    """Whether a word is a function word, perhaps a shortened one ("it's"), or punctuation."""
    plain = _ENDING.sub("", word.lower())
    return plain in FUNCTION_WORDS or not any(map(str.isalnum, plain))


def pass_to_content_words(
    values: NDArray[np.float64], words: Sequence[str], clauses: Sequence[range]
) -> NDArray[np.float64]:
    """Pass the attributions of function words on to content words.

    In a short text all of a function word's attribution is passed on, in a long one a part of it.
    It goes to the next content word of the clause, for example from "the" to "film". If there is
    none, it goes to the last content word. The attribution of a comma goes to the next clause. A
    clause without content words keeps its attributions. The sum stays the same.

    Args:
        values: the attribution of each word, [N].
        words: the words of the text.
        clauses: the word indices of each clause.
    """
    result = values.copy()
    passed = 1.0 if len(words) <= _SHORT else _PASSED
    is_content = [not is_function_word(word) for word in words]
    for clause in clauses:
        content = [index for index in clause if is_content[index]]
        for index in clause:
            last = len(words) if words[index] in BETWEEN else clause.stop
            following = (other for other in range(index + 1, last) if is_content[other])
            owner = next(following, content[-1] if content else index)
            if not is_content[index]:
                result[owner] += passed * values[index]
                result[index] -= passed * values[index]
    return result
