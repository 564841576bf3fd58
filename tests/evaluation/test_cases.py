"""The shipped suite has enough cases of sound English, and a user's own suite is read."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from sentiment_lstm.errors import DataError
from sentiment_lstm.evaluation.cases import (
    KINDS,
    Case,
    read_cases,
    shipped_cases,
    suite_templates,
    suite_words,
)
from sentiment_lstm.evaluation.templates import words

CASES = shipped_cases()
TEXTS = list(dict.fromkeys(text for case in CASES for text in case.texts))
FIRST_28 = list(dict.fromkeys(case.capability for case in CASES))[:28]
FIRST = [case.texts[0] for case in CASES if case.capability not in ("case", "typos", "links")]


def digest_of(cases: list[Case]) -> str:
    texts = dict.fromkeys(text for case in cases for text in case.texts)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def test_every_capability_has_its_cases():
    sizes = Counter(case.capability for case in CASES)
    assert len(sizes) == 50
    assert min(sizes.values()) >= 60, sizes
    kinds = {name: {c.kind for c in CASES if c.capability == name} for name in sizes}
    assert all(len(case_kinds) == 1 for case_kinds in kinds.values())
    assert set().union(*kinds.values()) == set(KINDS.values())


def test_no_case_occurs_twice():
    assert len(set(CASES)) == len(CASES)


def test_each_text_has_one_verdict():
    verdicts = {case.texts: case.expected for case in CASES if case.kind == "verdict"}
    assert len(verdicts) == sum(case.kind == "verdict" for case in CASES)


def test_each_case_has_the_form_of_its_kind():
    sizes = {"verdict": {1}, "direction": {2}}
    for case in CASES:
        assert len(case.texts) in sizes.get(case.kind, range(2, 100))
        assert len(set(case.texts)) == len(case.texts), case


def test_articles_capitals_and_slots():
    for text in FIRST:
        assert not re.search(r"\b[Aa] [aeiouAEIOU]", text), text
        assert not re.search(r"\b[Aa]n [^aeiouhAEIOU]", text), text
        assert not re.search(r"[{}*]|  ", text), text
        assert text[0].isupper() or text[0].isdigit(), text
        assert not re.search(r"[.?!] [a-z]", text), text
        assert text[-1] in ".?!", text


def test_the_suite_is_the_same_everywhere():
    """If the suite changes, earlier figures can no longer be compared."""
    assert digest_of(CASES) == "c72c738f6b596157"
    assert shipped_cases() == CASES


def test_the_first_28_capabilities_stay_as_they_were():
    """Words for new capabilities must not move the cases of older ones."""
    assert digest_of([case for case in CASES if case.capability in FIRST_28]) == "7c0a11cf390f4989"


def test_words_in_turn_are_many_and_most_are_unseen():
    suite = words()
    in_turn = {
        name for template in suite_templates() for name in re.findall(r"{\*(\w+)}", template)
    }
    both = in_turn & suite.own.keys() & suite.common.keys()
    assert both == {"orientation", "faith", "condition", "age", "job", "nation", "forename"}
    for name in both:
        members = [*suite.own[name], *suite.common[name]]
        assert len(set(members)) == len(members) >= 30, name
        assert 2 * len(suite.own[name]) >= len(members), name
        cases = [case for case in CASES if len(case.texts) == len(members)]
        assert any(all(w in t for w, t in zip(members, c.texts, strict=True)) for c in cases), name


def test_words_and_templates_of_the_suite():
    reserved, templates = suite_words(), suite_templates()
    assert {"superb", "dreadful", "adored", "museum", "dance lesson", "Miriam", "Kabul"} <= reserved
    assert {"Norvex", "cork board", "agender", "Wiccan", "a club foot", "Tadhg"} <= reserved
    assert not {"it", "she", "Monday", "very", "Muslim", "Quaker"} & reserved
    assert "We looked in vain for anything {fair} about the {thing}." in templates
    assert "We truly {loved} the {thing}." in templates
    slots = re.compile(r"\{\*?\w+\}")
    assert all(len(slots.sub("", template).split()) >= 3 for template in templates)


def write(folder: Path, *lines: str) -> Path:
    path = folder / "suite.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_users_own_suite_is_read(tmp_path):
    path = write(
        tmp_path,
        '{"capability": "negation", "text": "Not bad.", "expected": "positive", "note": "mine"}',
        "",
        '{"capability": "force", "texts": ["Good.", "Very good."], "expected": "up"}',
        '{"capability": "names", "texts": ["Ann", "Bob", "Cem"], "expected": "same"}',
        '{"capability": "one", "texts": ["A table."], "expected": "neutral"}',
        "",
    )
    assert read_cases(path) == [
        Case("negation", ("Not bad.",), "positive"),
        Case("force", ("Good.", "Very good."), "up"),
        Case("names", ("Ann", "Bob", "Cem"), "same"),
        Case("one", ("A table.",), "neutral"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "[1, 2]",
        '{"text": "x", "expected": "positive"}',
        '{"capability": " ", "text": "x", "expected": "positive"}',
        '{"capability": "a", "text": "x"}',
        '{"capability": "a", "text": "x", "expected": "good"}',
        '{"capability": "a", "text": "x", "expected": ["positive"]}',
        '{"capability": "a", "expected": "positive"}',
        '{"capability": "a", "text": 3, "expected": "positive"}',
        '{"capability": "a", "texts": "xy", "expected": "same"}',
        '{"capability": "a", "texts": ["x", "y"], "expected": "positive"}',
        '{"capability": "a", "texts": ["x"], "expected": "same"}',
        '{"capability": "a", "texts": ["x", "y", "z"], "expected": "up"}',
        '{"capability": "a", "text": "\\ud800", "expected": "positive"}',
        '{"capability": "a \\udc00", "text": "x", "expected": "positive"}',
        pytest.param('{"capability": "a", "text": ' + "[" * 100_000, id="deep"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path, line):
    good = '{"capability": "a", "text": "x", "expected": "positive"}'
    with pytest.raises(DataError) as error:
        read_cases(write(tmp_path, good, line))
    sentence = str(error.value)
    assert "line 2 of" in sentence
    assert sentence.startswith("Expected")
    assert "found" in sentence
    assert sentence.endswith(".")


def test_an_unreadable_suite_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_cases(tmp_path / "missing.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="cannot be read"):
        read_cases(tmp_path / "latin.jsonl")
    with pytest.raises(DataError, match=r"cannot be read \(ValueError\)"):
        read_cases("a\0b")
    with pytest.raises(DataError, match="found none"):
        read_cases(write(tmp_path, "", " "))
