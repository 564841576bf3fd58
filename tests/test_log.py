"""The experiment log and the results have their form.

An entry of the log has a question, a change, a result and a decision. The results are short, and
each has a date and a machine.
"""

import re

import pytest
from documents import DOCS

LOG = (DOCS / "log.md").read_text(encoding="utf-8")
ENTRIES = re.split(r"(?m)^## ", LOG)[1:]
PARTS = ["Question", "Change", "Result", "Decision"]
MOST_LINES = 15
LONGEST_LINE = 120
RESULTS = (DOCS / "results.md").read_text(encoding="utf-8")
MOST_WORDS = 1500


def title_of(entry: str) -> str:
    return entry.partition("\n")[0]


@pytest.mark.parametrize("entry", ENTRIES, ids=title_of)
def test_an_entry_has_its_four_parts_in_order(entry):
    assert re.findall(r"(?m)^- \*\*(\w+)\*\*: ", entry) == PARTS


@pytest.mark.parametrize("entry", ENTRIES, ids=title_of)
def test_an_entry_has_at_most_fifteen_lines(entry):
    lines = [line for line in entry.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= LONGEST_LINE


def test_entries_have_dates_and_different_titles_newest_first():
    titles = [title_of(entry) for entry in ENTRIES]
    assert len(set(titles)) == len(titles)
    assert all(re.match(r"20\d\d-\d\d-\d\d: \S", title) for title in titles)
    dates = [title[:10] for title in titles]
    assert dates == sorted(dates, reverse=True)


def test_results_are_short():
    assert len(RESULTS.split()) <= MOST_WORDS


def test_every_table_of_results_ends_with_date_and_machine():
    rows = [line.strip("| ").split(" | ") for line in RESULTS.splitlines() if line[:2] == "| "]
    titles = [row for row in rows if row[-1] == "date, machine"]
    assert len(titles) == RESULTS.count("|---|\n")
    assert all(
        re.fullmatch(r"\d\d, [XE](; \d\d, [XE])?", row[-1]) for row in rows if row not in titles
    )
