"""Generated sentences are the same each time, have true labels, and are not in the suite."""

import re
from collections import Counter, defaultdict
from itertools import islice
from random import Random

import pytest
from suite_overlap import (
    filled_pattern,
    forms,
    sentences_in,
    skeleton,
    templates_in,
    words_in,
)

from sentiment_lstm.data.english import inflect, plural, tidy
from sentiment_lstm.data.grammar import COUNT, load_grammar, sentences
from sentiment_lstm.data.noise import roughen
from sentiment_lstm.data.open import list_splits, open_rows, open_source
from sentiment_lstm.errors import DataError
from sentiment_lstm.evaluation.cases import suite_templates
from sentiment_lstm.settings import DataSettings

MANY = list(islice(sentences(), 60_000))
TEXTS = [text for text, _, _ in MANY]


def rows(source):
    return list(open_rows(DataSettings(source=source)))


def test_a_source_of_labelled_rows():
    first, *_, last = rows("grammar:300")
    assert (first.id, first.line) == ("grammar:1", 1)
    assert (last.id, last.line) == ("grammar:300", 300)
    assert list_splits("grammar:300") == ("train",)
    assert open_source(DataSettings(source="grammar:300")).classes is None
    assert {row.label for row in rows("grammar:300")} == {"negative", "neutral", "positive"}


def test_each_reading_is_the_same_and_a_longer_source_extends_a_shorter_one():
    longer = rows("grammar:400")
    assert rows("grammar:150") == longer[:150]
    assert rows("grammar:151-400") == longer[150:]
    assert rows("grammar:400") == longer


def test_the_number_of_rows_has_a_default():
    source = open_source(DataSettings(source="grammar"))
    assert sum(1 for _ in source.rows()) == COUNT


@pytest.mark.parametrize(
    "source", ["grammar:", "grammar:0", "grammar:-3", "grammar:9-8", "grammar:9-", "grammar:many"]
)
def test_a_wrong_number_is_one_sentence(source):
    with pytest.raises(DataError, match="Expected a number of sentences"):
        open_source(DataSettings(source=source))


def test_the_grammar_has_only_a_training_split():
    with pytest.raises(DataError, match="train"):
        open_source(DataSettings(source="grammar", split="test"))


def test_a_quarter_of_the_texts_is_neutral_and_the_rest_balanced():
    counts = Counter(sign for _, sign, _ in MANY)
    for sign, fraction in ((-1, 0.37), (0, 0.26), (1, 0.37)):
        assert counts[sign] / len(MANY) == pytest.approx(fraction, abs=0.02)


def test_few_texts_repeat_and_none_has_two_labels():
    labels = defaultdict(set)
    for text, sign, _ in MANY:
        labels[text].add(sign)
    assert len(labels) > 0.92 * len(MANY)
    assert {text for text, signs in labels.items() if len(signs) > 1} == set()


def test_each_family_is_positive_as_often_as_negative():
    sides = Counter((family, sign) for _, sign, family in MANY)
    families = {family for family, _ in sides} - {"facts"}
    assert len(families) >= 16
    for family in families:
        assert 0.75 < sides[family, 1] / sides[family, -1] < 1.33, family


def test_every_rule_can_be_expanded():
    """Each template names rules that exist in its polarity."""
    texts = list(islice(sentences(seed=7), 30_000))
    assert not [text for text, _, _ in texts if set(text) & set("{}|[]")]
    families = {name for names, _ in load_grammar().families.values() for name in names}
    assert {family for _, _, family in texts} == families


@pytest.mark.parametrize(
    "word", ["not", "but", "never", "no", "i", "good", "bad", "love", "hate", "everyone", "why"]
)
def test_no_common_word_predicts_the_label(word):
    sides = Counter(sign for text, sign, _ in MANY if word in re.findall(r"\w+", text.lower()))
    assert 0.28 < sides[1] / (sides[1] + sides[-1]) < 0.72


@pytest.mark.parametrize("mark", ["?", "!", "n't", "but", "@", "Jo", "Polish", "nurse"])
def test_marks_and_names_occur_with_every_label(mark):
    assert {sign for text, sign, _ in MANY if mark in text} == {-1, 0, 1}


@pytest.mark.parametrize(
    ("pattern", "sign"),
    [
        (r"^What's not to (love|like|enjoy)\b[^.?]*\?$", 1),
        (r"^I (didn't|did not|never) (\w+ )?(love|like|enjoy|praise|dig)d? [\w ]+\.$", -1),
        (r"^I (didn't|did not|never) (hate|dislike|loathe)d? [\w ]+\.$", 1),
        (r"^I (don't|do not|never) (rue|lament|\w+ \w+ for|bemoan) \w+ing [\w ]+\.$", 1),
        (r"^I (don't|do not|can't|never) feel (glad|lucky) about \w+ing [\w ]+\.$", -1),
        (r"^(Hardly|Scarcely) a \w+ .* I (don't|do not) (rue|lament|kick myself for) \w+ing", -1),
        (r"^(Hardly|Scarcely) a \w+ .* I (don't|do not) (pride|congratulate) myself on \w+ing", 1),
        (
            r"^(It|Th\w+ \w+) \w+(n't| not) (bad|poor|terrible|crude|shoddy|iffy) at all[.!]*$",
            1,
        ),
        (
            r"^(It|\w+ \w+) \w+(n't| not) (good|great|solid|fast|durable|plush) at all[.!]*$",
            -1,
        ),
        (r"thought I \w+( going to)? (love|like|enjoy) [\w ]+\. (I d|Wrong|Well, no)", -1),
        (r"^(The best|Best|Greatest|Nicest) [\w ]+\? (No|Never|Hardly|I don't|As if)", -1),
        (r"^(The worst|Worst) [\w ]+\? (No|Never|Hardly|I don't|As if)", 1),
        (r"^[^.!?,]+, but I (really )?(love|like|enjoy)d? [\w ]+\.$", 1),
        (r"^[^.!?,]+, but I (really )?(hate|dislike|loathe)d? [\w ]+\.$", -1),
        (r"^[A-Z]\w+ \w+ (lives|works|grew up|studied) in [\w ]+\.$", 0),
        (r"used to be (good|great|excellent|wonderful)\b.* is [a-z]+\.$", -1),
        (r"used to be (bad|poor|awful|terrible)\b.* is [a-z]+\.$", 1),
        (r"^(Which|Where is|Can you|Does the|What time)\b[^.!?]*\?$", 0),
    ],
)
def test_labels_hold(pattern, sign):
    matches = [(text, got) for text, got, _ in MANY if re.search(pattern, text)]
    assert matches
    assert [text for text, got in matches if got != sign] == []


@pytest.mark.parametrize(
    "slip", [r"\ba [aeio]\w", r"\ban [bcdfgjklmnpqrstvwxyz]\w", "  ", r" ;", r"\b(\w+) \1 \1\b"]
)
def test_the_english_is_tidy(slip):
    plain = [text for text in TEXTS if text[0].isupper() and not re.search("[^ -~]", text)]
    bad = [text for text in plain if re.search(slip, text)]
    assert len(bad) < 0.01 * len(plain), bad[:5]  # typing slips are intended


@pytest.mark.parametrize(
    ("phrase", "form", "expected"),
    [
        ("fall flat", "ed", "fell flat"),
        ("love", "s", "loves"),
        ("try on", "ed", "tried on"),
        ("have", "s", "has"),
        ("use", "ing", "using"),
        ("go there", "en", "gone there"),
        ("go there", "s", "goes there"),
    ],
)
def test_forms_of_verbs(phrase, form, expected):
    assert inflect(phrase, form) == expected


def test_plurals_and_written_sentences():
    words = {"box": "boxes", "phone company": "phone companies", "toy": "toys", "knife": "knives"}
    assert {word: plural(word) for word in words} == words
    assert plural("crime series") == "crime series"
    assert (
        tidy("it was  a awful day . a useful one ?no") == "It was an awful day. A useful one ?no."
    )
    assert tidy("a unique place, a uninspired meal") == "A unique place, an uninspired meal."


def test_two_texts_in_five_stay_unchanged_and_no_slip_changes_the_meaning():
    random = Random(3)
    text = "You cannot go, nothing's open tonight."
    rough = [roughen(text, random) for _ in range(3000)]
    assert rough.count(text) / 3000 == pytest.approx(0.42, abs=0.03)
    assert all("cannot" in variant.lower() and "nothing" in variant.lower() for variant in rough)


def test_the_six_study_sentences_are_not_generated():
    assert sentences_in(TEXTS) == []


@pytest.mark.slow
def test_the_recipes_texts_hold_no_study_sentence_and_no_template():
    texts = [text for text, _, _ in islice(sentences(), 1_070_000)]
    assert sentences_in(texts) == []
    assert templates_in(texts) == []


def test_no_word_of_the_behaviour_suite_is_generated():
    assert words_in(TEXTS) == set()


def test_forms_of_a_word():
    examples = {"lousy": "lousiest", "superb": "superber", "regret": "regretting", "rake": "raked"}
    examples |= {
        "library": "libraries",
        "dentist": "dentists",
        "detest": "detests",
        "sculpture gallery": "sculpture galleries",
    }
    assert [word for word, form in examples.items() if form not in forms(word)] == []


def test_no_template_of_the_behaviour_suite_is_generated():
    assert templates_in(TEXTS) == []


def test_each_filled_template_is_recognised():
    filled = {name: re.sub(r"\{.*?\}", "quokka", name) for name in suite_templates()}
    lost = [
        name for name, text in filled.items() if not filled_pattern(name).search(skeleton(text))
    ]
    assert lost == []


def test_a_template_is_recognised_under_filler_words():
    whole = filled_pattern("Nobody can deny that the {thing} was really {good}.")
    assert whole.search(skeleton("We left. No one could deny the film is good! I know."))
    assert whole.search(skeleton("By now nobody can deny that the film is good."))
    assert not whole.search(skeleton("No one could say that the film is good."))
    assert not whole.search(skeleton("No one could deny, then or now, that the film is good."))
