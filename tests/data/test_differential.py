"""The csv reader against Python's csv, pandas and DuckDB on generated hostile files.

Where the three agree, so do we. Where one of them differs from us, `why_*` names the reason.
"""

import csv
import io
import random
import re
from collections import Counter

import pytest

from sentiment_lstm.data.csv_rows import UNCLOSED
from sentiment_lstm.data.dialect import Dialect
from sentiment_lstm.data.tables import read_csv

pd = pytest.importorskip("pandas")
duckdb = pytest.importorskip("duckdb")

HEADER = ["text", "label"]
PIECES = [
    "a", "b c", '"', '""', '"""', ",", ";", "\t", "\n", "\r\n", "\r", " ", "\0", "é", "x" * 50,
    '"q"', '"q, r"', '"two\nlines"', '"say ""hi"""', "=1", "|", "'", '\\"', "\u2028", "NULL", "#",
]  # fmt: skip
"""Fields are made of these."""


def hostile_file(seed):
    """Return a csv file with two columns: well-formed, damaged at up to three places, or noise."""
    chance = random.Random(seed)
    kind = chance.random()
    file = io.StringIO(newline="")
    end = chance.choice(["\n", "\n", "\r\n", "\r"])
    csv.writer(file, lineterminator=end).writerow(HEADER)
    first = len(file.getvalue())
    if kind < 0.1:
        return file.getvalue() + "".join(chance.choices(PIECES, k=chance.randint(1, 30)))
    quoting = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(file, lineterminator=end, quoting=quoting)
    for _ in range(chance.randint(1, 8)):
        writer.writerow("".join(chance.choices(PIECES, k=chance.randint(0, 4))) for _ in HEADER)
    text = file.getvalue()
    for _ in range(chance.randint(1, 3) if kind < 0.5 else 0):
        at = chance.randrange(first, len(text) + 1)
        inserted = chance.choice(["", '"', chance.choice(PIECES)])
        text = text[:at] + inserted + text[at + (not inserted) :]
    return text


def by_us(text):
    stream = io.BytesIO(text.encode())
    _, records = read_csv(stream, "x", Dialect(), longest_field=10**6, longest_line=10**7)
    return [record.values or record.problem for record in records]


def by_csv(text):
    rows = csv.reader(io.StringIO(text, newline=""))
    next(rows)
    return [row for row in rows if row]


def by_pandas(text):
    try:
        frame = pd.read_csv(
            io.StringIO(text, newline=""), dtype=str, keep_default_na=False, index_col=False
        )
    except (pd.errors.ParserError, pd.errors.ParserWarning):
        return None
    return frame.values.tolist()


def by_duckdb(text, path):
    path.write_bytes(text.encode())
    try:
        rows = duckdb.sql(
            f"select * from read_csv('{path}', delim=',', quote='\"', escape='\"', header=true, "
            "auto_detect=false, columns={'text': 'VARCHAR', 'label': 'VARCHAR'})"
        ).fetchall()
    except duckdb.Error:
        return None
    return [[value or "" for value in row] for row in rows]


def why_csv(ours, theirs):
    return "we set aside the line of a quote that never closes" if UNCLOSED in ours else None


def why_pandas(ours, theirs, text):
    if why := why_csv(ours, theirs):
        return why
    if theirs is None and any(len(row) > 2 for row in ours):
        return "pandas refuses the file for a row that is too wide"
    if theirs is None and any(len(row) < 2 for row in ours):
        return "pandas refuses the file"
    if any(len(row) != 2 for row in ours):
        return "pandas fills or cuts a row of another width"
    if re.search("\r,", text):
        return "pandas loses an empty first field after a lone CR"
    if re.search("[ \t]+[\r\n]|[\r\n][ \t]+[\r\n]|[ \t]$", text):
        return "pandas takes a row of spaces for a blank line"
    return None


def why_duckdb(ours, theirs):
    if why := why_csv(ours, theirs):
        return why
    if theirs is None:
        return "DuckDB refuses the file"
    if any(len(row) > 2 and not any(row[2:]) for row in ours):
        return "DuckDB drops empty fields after the last column"
    return None


def compare(seeds, path):
    """Count agreements and the reasons of disagreements; fail without a reason."""
    counts = Counter()
    for seed in seeds:
        text = hostile_file(seed)
        ours = by_us(text)
        others = by_csv(text), by_pandas(text), by_duckdb(text, path)
        reasons = (
            why_csv(ours, others[0]),
            why_pandas(ours, others[1], text),
            why_duckdb(ours, others[2]),
        )
        if others[0] == others[1] == others[2]:
            assert ours == others[0], (seed, text)
            counts["all agree"] += 1
        for name, theirs, reason in zip(("csv", "pandas", "DuckDB"), others, reasons, strict=True):
            if ours == theirs:
                counts[f"{name}: agrees"] += 1
            else:
                assert reason, (seed, name, text, ours, theirs)
                counts[f"{name}: {reason}"] += 1
    return counts


def test_the_csv_reader_agrees_with_others(tmp_path):
    counts = compare(range(60), tmp_path / "x.csv")
    assert counts["all agree"] > 10


@pytest.mark.slow
def test_the_csv_reader_agrees_with_others_on_a_thousand_files(tmp_path):
    counts = compare(range(1000), tmp_path / "x.csv")
    print(dict(counts.most_common()))
    assert counts["all agree"] > 300
