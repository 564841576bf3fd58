"""Short calls that read a source."""

from sentiment_lstm.data.open import open_rows, read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings


def rows_of(path, **options) -> list[Row]:
    """Return all rows of a source, unchanged."""
    return list(open_rows(DataSettings(str(path), **options)))


def read(path, **options) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Return text and class of each good row, and the number of bad rows by reason."""
    set_aside = SetAside()
    examples = list(read_examples(DataSettings(str(path), **options), set_aside=set_aside))
    return [(example.text, example.label) for example in examples], set_aside.counts
