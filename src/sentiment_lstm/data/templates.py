"""A small language of sentence templates: choices, slots with a polarity, and agreement.

    [really |]{love:ed} {the}      "really liked the film", "loved this song"
    {!adj}                         a word of the opposite polarity; + - 0 before a name fix it
    {be<np>}                       the verb agrees with the noun after it: "is the plot"

This file knows nothing of the sentences, of labels, or of noise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from sentiment_lstm.data import english

POSITIVE, NEUTRAL, NEGATIVE = 1, 0, -1
KEYS = {
    "positive": (POSITIVE,),
    "negative": (NEGATIVE,),
    "neutral": (NEUTRAL,),
    "both": (POSITIVE, NEGATIVE),
    "any": (POSITIVE, NEGATIVE, NEUTRAL),
}
"""Key of a table of templates -> the polarities that its templates are for."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing to talk about. `kind` chooses the adjectives that suit it."""

    word: str
    plural: bool
    kind: str


@dataclass(slots=True)
class Scene:
    """The state while a text is made: its topic, its tense, and its latest subject."""

    random: Random
    rules: Rules
    topic: Noun
    parts: Sequence[Noun]
    pronouns: tuple[str, str]
    past: bool
    subject: Noun
    used: set[str] = field(default_factory=set)

    def pick(self, options: Sequence[Part]) -> Part:
        """One of the options, each with the same probability."""
        return options[int(self.random.random() * len(options))]

    def turn_to(self, noun: Noun) -> Noun:
        """Make `noun` the subject: the next verb and adjective agree with it."""
        self.subject = noun
        return noun


Part: TypeAlias = Callable[[Scene, int], str]
Rules: TypeAlias = Mapping[str, Mapping[int, Sequence[Part]]]

_SLOT = re.compile(r"\{([!+0-]?)([a-z ]+)(?::([a-z]+))?(?:<([a-z ]+)>)?\}")
_WEIGHT = re.compile(r"(\d+)\* ")


def read_rules(table: Mapping[str, Any]) -> dict[str, dict[int, list[Part]]]:
    """The rules in a TOML table: the templates of each name, by polarity.

    The value of a name is a text for every polarity, or a table of texts with keys of `KEYS`. A
    text has one template a line. `|` separates templates too. `3* ` before a line triples its
    weight.
    """
    rules: dict[str, dict[int, list[Part]]] = {}
    for name, value in table.items():
        texts = value if isinstance(value, dict) else {"any": value}
        for key, text in texts.items():
            for polarity in KEYS[key]:
                rules.setdefault(name, {}).setdefault(polarity, []).extend(read_templates(text))
    return rules


def read_templates(text: str) -> list[Part]:
    """The templates of a text. A template with weight N is repeated N times."""
    templates = []
    for line in filter(None, map(str.strip, text.splitlines())):
        weight = _WEIGHT.match(line)
        body = line[weight.end() :] if weight else line
        options = [_sequence(option.strip()) for option in _split(body)]
        templates += options * (int(weight[1]) if weight else 1)
    return templates


def _split(text: str) -> list[str]:
    """The pieces between the `|` characters outside brackets."""
    pieces, start, depth = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if character == "|" and depth == 0:
            pieces.append(text[start:position])
            start = position + 1
    return [*pieces, text[start:]]


def _sequence(text: str) -> Part:
    pieces: list[Part] = [] if text else [_literal("")]
    while text:
        if text[0] == "[":
            end = _closing(text)
            pieces.append(_choice([_sequence(option) for option in _split(text[1:end])]))
            text = text[end + 1 :]
        elif match := _SLOT.match(text):
            pieces.append(_slot(*match.groups()))
            text = text[match.end() :]
        else:
            end = min((text.find(c, 1) for c in "[{" if text.find(c, 1) > 0), default=len(text))
            pieces.append(_literal(text[:end]))
            text = text[end:]
    if len(pieces) == 1:
        return pieces[0]
    return lambda scene, polarity: "".join([piece(scene, polarity) for piece in pieces])


def _closing(text: str) -> int:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return position
    raise AssertionError(f"an open bracket in the template {text!r}")


def _literal(text: str) -> Part:
    assert not set(text) & set("{}[]"), f"a stray bracket in the template {text!r}"
    return lambda scene, polarity: text


def _choice(options: list[Part]) -> Part:
    return lambda scene, polarity: scene.pick(options)(scene, polarity)


def _slot(mark: str, name: str, form: str | None, then: str | None) -> Part:
    """A slot. `then` is the subject: it comes after the slot, but is chosen before it."""
    part = _marked(BUILT_IN.get(name) or _symbol(name), mark)
    if form is not None:
        return lambda scene, polarity: _inflected(part(scene, polarity), form, scene)
    if then is None:
        return part
    inner = BUILT_IN.get(then) or _symbol(then)

    def inverted(scene: Scene, polarity: int) -> str:
        subject = inner(scene, polarity)
        return f"{part(scene, polarity)} {subject}"

    return inverted


def _marked(part: Part, mark: str) -> Part:
    if mark == "!":
        return lambda scene, polarity: part(scene, -polarity)
    if mark:
        fixed = {"+": POSITIVE, "-": NEGATIVE, "0": NEUTRAL}[mark]
        return lambda scene, polarity: part(scene, fixed)
    return part


def _symbol(name: str) -> Part:
    def expanded(scene: Scene, polarity: int) -> str:
        options = scene.rules[name][polarity]
        return options[int(scene.random.random() * len(options))](scene, polarity)

    return expanded


def _adjective(scene: Scene, polarity: int) -> str:
    """A word that suits the subject, if possible one that the text has not used yet."""
    own = scene.rules.get(f"adj {scene.subject.kind}", {}).get(polarity)
    word = ""
    for _ in range(4):
        options = own if own and scene.random.random() < 0.65 else scene.rules["adj"][polarity]
        word = scene.pick(options)(scene, polarity)
        if word not in scene.used:
            break
    scene.used.add(word)
    return word


def _long_adjective(scene: Scene, polarity: int) -> str:
    """An adjective that goes with "more" and "most"."""
    for _ in range(8):
        word = _adjective(scene, polarity)
        if len(word) > 6 and " " not in word and word not in ("perfect", "rubbish"):
            return word
    return {POSITIVE: "beautiful", NEGATIVE: "terrible", NEUTRAL: "similar"}[polarity]


def _adjective_of(kind: str) -> Part:
    return _symbol(f"adj {kind}")


def _the(scene: Scene, polarity: int) -> str:
    noun = scene.turn_to(scene.topic)
    this = "these" if noun.plural else "this"
    return f"{this if scene.random.random() < 0.4 else 'the'} {noun.word}"


def _part(scene: Scene, polarity: int) -> str:
    noun = scene.topic
    for _ in range(4):
        noun = scene.parts[int(scene.random.random() * len(scene.parts))]
        if noun.word not in scene.used:
            break
    scene.used.add(noun.word)
    return f"the {scene.turn_to(noun).word}"


def _bare_part(scene: Scene, polarity: int) -> str:
    return _part(scene, polarity).removeprefix("the ")


def _it(scene: Scene, polarity: int) -> str:
    return "they" if scene.turn_to(scene.topic).plural else scene.pronouns[0]


_SYLLABLES = (  # noqa: SIM905 (a list would take forty lines)
    "ka ri mon ta vel shi bra dan lu kor mi ze noor ha ya fen qua ol jo wa gri stan pe ul ner bo "
    "sa de ti ma en ga li ro nu che ben os ai la dra vi to"
).split()
_STARTS = (  # noqa: SIM905
    "most beat love hat best wor less only but not nev far well bad rich war kill hop for with too "
    "just ever even really god mad sad joy fun fan win los fai mess gem fair real man sun hard cle"
).split()
_ENDINGS = (  # noqa: SIM905
    "afa ano ara as atu eko el ena ette ez hari i ika in ina iro is lan mir o ola on ova rik rin "
    "son u us wen"
).split()


def _made_up(scene: Scene, polarity: int) -> str:
    """An invented name, so that the model learns to ignore names.

    Half of these names begin with a word that has a polarity, because subwords split real names
    into such words.
    """
    if scene.random.random() < 0.5:
        start = scene.random.choice(_STARTS)
        if scene.random.random() < 0.6:
            kind = scene.random.choice([name for name in scene.rules if name.startswith("adj")])
            sign = scene.random.choice((POSITIVE, NEGATIVE))
            word = scene.pick(scene.rules[kind][sign])(scene, sign)
            start = word[: scene.random.choice((3, 4, 4, 5))].rstrip("- ")
        return (start + scene.random.choice(_ENDINGS)).capitalize()
    return "".join(scene.random.choices(_SYLLABLES, k=scene.random.choice((2, 2, 3)))).capitalize()


def _digits(scene: Scene, polarity: int) -> str:
    return str(scene.random.randrange(2, 500))


def _them(scene: Scene, polarity: int) -> str:
    return "them" if scene.topic.plural else scene.pronouns[1]


def _pronoun(scene: Scene, polarity: int) -> str:
    """The pronoun for the latest subject."""
    if scene.subject.plural:
        return "they"
    return scene.pronouns[0] if scene.subject is scene.topic else "it"


def _a(scene: Scene, polarity: int) -> str:
    return "" if scene.turn_to(scene.topic).plural else "a"


def _another(scene: Scene, polarity: int) -> str:
    return "more" if scene.turn_to(scene.topic).plural else "another"


def _things(scene: Scene, polarity: int) -> str:
    return scene.topic.word if scene.topic.plural else english.plural(scene.topic.word)


def _verb(present: tuple[str, str], past: tuple[str, str]) -> tuple[Part, Part, Part]:
    """A verb after the subject, in the text's tense, in the present, and in the past.

    Args:
        present: the present forms, singular and plural.
        past: the past forms, singular and plural.
    """

    def now(scene: Scene, polarity: int) -> str:
        return present[scene.subject.plural]

    def then(scene: Scene, polarity: int) -> str:
        return past[scene.subject.plural]

    def either(scene: Scene, polarity: int) -> str:
        return (then if scene.past else now)(scene, polarity)

    return either, now, then


def _negated(verb: Part) -> Part:
    """The verb with "n't" or, less often, with "not"."""

    def spoken(scene: Scene, polarity: int) -> str:
        return verb(scene, polarity) + ("n't" if scene.random.random() < 0.65 else " not")

    return spoken


def _short(verb: Part) -> Part:
    """The verb with "n't", to begin a question with."""
    return lambda scene, polarity: verb(scene, polarity) + "n't"


def _mine(present: str, past: str) -> Part:
    """A verb after "I", in the text's tense."""
    return lambda scene, polarity: past if scene.past else present


_be, _is, _was = _verb(("is", "are"), ("was", "were"))
_do, _, _ = _verb(("does", "do"), ("did", "did"))
_, _has, _ = _verb(("has", "have"), ("had", "had"))

BUILT_IN: dict[str, Part] = {
    "be": _be, "is": _is, "was": _was, "one be": _mine("is", "was"), "am": _mine("am", "was"),
    "be not": _negated(_be), "is not": _negated(_is), "was not": _negated(_was),
    "be nt": _short(_be), "does not": _negated(_do), "do not": _negated(_mine("do", "did")),
    "there be": _mine("there is", "there was"), "has": _has,
    "made up": _made_up, "digits": _digits,
    "the": _the, "it": _it, "them": _them, "pro": _pronoun, "a": _a, "another": _another,
    "thing": lambda scene, polarity: scene.turn_to(scene.topic).word, "things": _things,
    "part": _part, "bare part": _bare_part, "adj": _adjective, "long adj": _long_adjective,
    "adj of person": _adjective_of("person"), "adj of place": _adjective_of("place"),
}  # fmt: skip


def _inflected(phrase: str, form: str, scene: Scene) -> str:
    """A verb phrase in a form of `english.inflect`, or in the text's tense.

    The form `t` follows "I", the form `v` follows the subject.
    """
    if form in "tv":
        third = form == "v" and not scene.subject.plural
        form = "ed" if scene.past else "s" if third else "base"
    return english.inflect(phrase, form)
