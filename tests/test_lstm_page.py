"""docs/lstm.md agrees with its numbers, and these with the installed model and the study's texts.

If a test fails because the model, the grammar or the code changed, `python benchmarks/lstm_page.py`
makes the page, its numbers and its pictures again.
"""

import json
import re
from pathlib import Path

import pytest

from benchmarks.lstm_page import PICTURES, fill_in, fingerprints, values, with_outputs, with_values
from sentiment_lstm.api import SentimentClassifier

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "lstm.md").read_text(encoding="utf-8")
NUMBERS = json.loads((DOCS / "pictures" / "numbers.json").read_text(encoding="utf-8"))
NETWORKS = NUMBERS["study"]["networks"]
RNN, RNN_CLIPPED, LARGE, LARGE_CLIPPED, BIAS_0, BIAS_0_CLIPPED, BIAS_1, BIAS_1_CLIPPED = NETWORKS
LSTMS, RNNS = NETWORKS[4:], NETWORKS[:4]
SEEDS = range(3)


def test_the_numbers_belong_to_the_installed_model_and_the_current_grammar():
    assert fingerprints(SentimentClassifier.from_pretrained()) == NUMBERS["fingerprints"]


def test_the_page_shows_these_numbers_and_the_output_of_its_code():
    assert fill_in(PAGE, NUMBERS) == PAGE


def test_the_page_quotes_every_value():
    assert set(re.findall(r"<!-- (\w+) -->", PAGE)) == values(NUMBERS).keys()
    assert PAGE.count("<!-- / -->") == len(re.findall(r"<!-- \w+ -->", PAGE))


def test_no_line_of_a_paragraph_begins_with_a_mark():
    """Markdown would read such a line as HTML."""
    assert not re.search(r"^ *<!-- \w+ -->\S", PAGE, re.MULTILINE)


def test_the_page_shows_every_picture_of_the_folder():
    shown = re.findall(r"\]\(pictures/(\w+)\.svg\)", PAGE)
    assert sorted(shown) == sorted(PICTURES)
    assert {path.stem for path in (DOCS / "pictures").glob("*.svg")} == set(PICTURES)
    assert all(path.stat().st_size < 80_000 for path in (DOCS / "pictures").iterdir())


def test_the_study_has_a_figure_for_each_seed():
    assert NUMBERS["study"]["seeds"] == list(SEEDS)
    for network in NETWORKS:
        for key in ("start", "end", "largest_norm", "accuracy"):
            assert len(network[key]) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_statements_about_all_seeds_hold_for_each_seed(seed):
    for rnn in (RNN, RNN_CLIPPED):
        assert max(rnn["start"][seed], rnn["end"][seed]) < 1e-15
    best_rnn = max(network["accuracy"][seed] for network in RNNS)
    for lstm in LSTMS:
        assert lstm["start"][seed] < 1e-6
        assert lstm["end"][seed] > 1e-3
        assert lstm["accuracy"][seed] > best_rnn
    for closed, open_ in ((BIAS_0, BIAS_1), (BIAS_0_CLIPPED, BIAS_1_CLIPPED)):
        assert open_["start"][seed] > 1e6 * closed["start"][seed]
        assert open_["end"][seed] > closed["end"][seed]
    assert LARGE["start"][seed] > 1e3
    assert LARGE["largest_norm"][seed] > 1e5
    assert LARGE["accuracy"][seed] < 0.55


def test_the_seeds_disagree_as_the_page_says():
    low, middle, high = sorted(LARGE_CLIPPED["accuracy"])
    assert f"{low:.0%}" == f"{middle:.0%}"
    assert high > low + 0.2
    for free, clipped in ((RNN, RNN_CLIPPED), (BIAS_0, BIAS_0_CLIPPED)):
        gains = [clipped["accuracy"][seed] - free["accuracy"][seed] for seed in SEEDS]
        assert min(gains) < 0 < max(gains)
    gains = [BIAS_1_CLIPPED["accuracy"][seed] - BIAS_1["accuracy"][seed] for seed in SEEDS]
    assert 0 < min(gains) <= max(gains) < 0.02
    pairs = ((BIAS_0, BIAS_1), (BIAS_0_CLIPPED, BIAS_1_CLIPPED))
    wins = [b["accuracy"][seed] > a["accuracy"][seed] for a, b in pairs for seed in SEEDS]
    assert sum(wins) == 5


def test_the_score_falls_at_not_and_rises_at_bad():
    score = dict(
        zip(NUMBERS["sentence"]["tokens"], NUMBERS["sentence"]["probability"], strict=True)
    )
    assert score["not"] < score["was"]
    assert score["bad"] > score["not"] + 0.2


def test_values_replace_the_text_between_their_marks():
    assert with_values("a <!-- x -->0<!-- / --> b", {"x": "12"}) == "a <!-- x -->12<!-- / --> b"
    with pytest.raises(KeyError):
        with_values("<!-- unknown -->0<!-- / -->", {})


def test_outputs_follow_the_code_that_printed_them():
    page = "```python\nx = 1\n```\n\nText.\n\n```python\nprint(x)\n```\n\n```text\nold\n```\n"
    assert with_outputs(page) == page.replace("old", "1")
