"""Each edit changes one sentence as it should, and nothing else."""

from collections import Counter

import pytest

from sentiment_lstm.evaluation.edits import EDITS, link_after, title_case

TEXT = "Yesterday, I don't know why, the evening was long."


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("lower_case", "yesterday, i don't know why, the evening was long."),
        ("upper_case", "YESTERDAY, I DON'T KNOW WHY, THE EVENING WAS LONG."),
        ("title_case", "Yesterday, I Don't Know Why, The Evening Was Long."),
        ("no_final_stop", "Yesterday, I don't know why, the evening was long"),
        ("no_commas", "Yesterday I don't know why the evening was long."),
        ("spaced_marks", "Yesterday , I don't know why , the evening was long ."),
        ("dashes", "Yesterday - I don't know why - the evening was long."),
        ("brackets", "(Yesterday, I don't know why, the evening was long.)"),
    ],
)
def test_each_edit_gives_its_text(edit, expected):
    assert EDITS[edit](TEXT) == expected


@pytest.mark.parametrize(
    ("edit", "letters"), [("swap_letters", 0), ("drop_letter", -1), ("double_letter", 1)]
)
def test_one_inner_letter_of_a_long_word_is_mistyped(edit, letters):
    typed = EDITS[edit](TEXT).split()
    ((before, after),) = [p for p in zip(TEXT.split(), typed, strict=True) if p[0] != p[1]]
    assert before == "evening"  # "Yesterday" may be a name, and the other words are short
    assert (after[0], after[-1]) == ("e", "g")
    assert len(after) - len(before) == letters
    changed = Counter(after)
    changed.subtract(Counter(before))
    assert sum(map(abs, changed.values())) == abs(letters)


def test_a_text_without_long_words_stays():
    assert EDITS["swap_letters"]("It was so.") == "It was so."


def test_links_and_mentions_are_added_to_the_text():
    for name in ("link_after", "link_before", "link_in_brackets", "mention_before"):
        assert TEXT in EDITS[name](TEXT)
        assert EDITS[name](TEXT) == EDITS[name](TEXT) != TEXT
    assert link_after("a") != link_after("b").replace("b", "a", 1)


def test_title_case_knows_apostrophes():
    assert title_case("don't") == "Don't"
