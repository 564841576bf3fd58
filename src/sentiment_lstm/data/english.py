"""A little English grammar: forms of verbs, plurals, and the spelling of a sentence.

This file knows nothing of templates or of the meaning of sentences.
"""

from __future__ import annotations

import re

_IRREGULAR = """
beat beat beaten beating, begin began begun beginning, blow blew blown blowing,
break broke broken breaking,
bring brought brought bringing, buy bought bought buying,
choose chose chosen choosing, come came come coming, eat ate eaten eating,
give gave given giving, know knew known knowing, plan planned planned planning,
cost cost cost costing,
do did done doing, drink drank drunk drinking, drive drove driven driving,
fall fell fallen falling, feel felt felt feeling, find found found finding,
fly flew flown flying, get got got getting, go went gone going, have had had having,
hear heard heard hearing, hit hit hit hitting, keep kept kept keeping, leave left left leaving,
let let let letting, make made made making, meet met met meeting, put put put putting,
read read read reading, see saw seen seeing, shine shone shone shining,
shop shopped shopped shopping, deal dealt dealt dealing, spend spent spent spending,
stand stood stood standing, take took taken taking, tell told told telling,
think thought thought thinking, wear wore worn wearing, win won won winning,
worship worshipped worshipped worshipping, abhor abhorred abhorred abhorring,
lose lost lost losing, swear swore sworn swearing,
extol extolled extolled extolling, pat patted patted patting, slam slammed slammed slamming,
pan panned panned panning, gag gagged gagged gagging, shun shunned shunned shunning,
dig dug dug digging, fret fretted fretted fretting, tut tutted tutted tutting,
revel revelled revelled revelling, sing sang sung singing, speak spoke spoken speaking,
hold held held holding, steal stole stolen stealing, set set set setting, run ran run running,
pay paid paid paying, stink stank stunk stinking, rub rubbed rubbed rubbing,
rip ripped ripped ripping, ring rang rung ringing, drag dragged dragged dragging,
repel repelled repelled repelling
"""
IRREGULAR = {verb: forms for verb, *forms in map(str.split, _IRREGULAR.split(","))}
"""Verb -> past tense, participle, -ing form."""


def inflect(phrase: str, form: str) -> str:
    """A verb phrase whose first word is put into a form: `base`, `s`, `ed`, `en` or `ing`.

    >>> inflect("fall flat", "ed")
    'fell flat'
    """
    verb, space, rest = phrase.partition(" ")
    return _form(verb, form) + space + rest


def _form(verb: str, form: str) -> str:
    if form == "base":
        return verb
    if form == "s":
        return "has" if verb == "have" else plural(verb)
    if verb in IRREGULAR:
        return IRREGULAR[verb][("ed", "en", "ing").index(form)]
    stem = verb.removesuffix("e")
    if form == "ing":
        return f"{stem}ing"
    return f"{verb[:-1]}ied" if re.search("[^aeiou]y$", verb) else f"{stem}ed"


_PLURALS = {
    "series": "series", "knife": "knives", "scarf": "scarves", "man": "men", "woman": "women",
    "person": "people",
}  # fmt: skip


def plural(word: str) -> str:
    """The word with an s: a plural (films, phone companies) or a verb form (tries, goes)."""
    before, space, last = word.rpartition(" ")
    if last in _PLURALS:
        return before + space + _PLURALS[last]
    if re.search("[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search("(s|x|z|ch|sh|go|do)$", word) else f"{word}s"


_SPACES = re.compile(r" {2,}")
_SPACE_BEFORE = re.compile(r" +(?=[,;.!?](?:[ .!?\"]|$))")
_VOWEL = r"\"?(?:[aeiouAEIO8]|hour|honest)"
_NO_VOWEL = r"\"?(?:uni(?!n|m)|use|usu|one\b|eu|Eu)"
_ARTICLE = re.compile(rf"\b([Aa]) (?={_VOWEL})(?!{_NO_VOWEL})")
_START = re.compile(r"(^\W*|[.!?]\"? +\"?)([a-z])")


def tidy(raw: str) -> str:
    """Sentences with single spaces, "an" before a vowel, capitals, and a full stop.

    >>> tidy("it was  a awful film [we left]. never again")
    'It was an awful film [we left]. Never again.'
    """
    text = _SPACE_BEFORE.sub("", _SPACES.sub(" ", raw.strip()))
    text = _ARTICLE.sub(r"\1n ", text)
    text = _START.sub(lambda match: match[1] + match[2].upper(), text)
    return f"{text}." if text[-1].isalnum() else text
