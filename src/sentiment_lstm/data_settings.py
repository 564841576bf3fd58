"""The settings of the section `data`: where labelled texts come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from sentiment_lstm.conversion import FRACTION, POSITIVE_TO_1000, at_least, check_ranges


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Where the labelled texts come from, and which of them are used."""

    source: str = "imdb"
    """The source: `imdb`, `grammar:N`, `data:NAME`, `kaggle:OWNER/NAME`,
    `hf:OWNER/NAME[/CONFIGURATION]` or the path of a file or folder."""
    split: str = "train"
    """The part of the source to read, if the source has parts: `train`, `validation`, `test`."""
    text_column: str | None = None
    """The column that holds the text, or several with commas: `subject,body`. Their values are
    joined with a line break, empty ones left out. None: a column with a usual name, such as
    `text`."""
    label_column: str | None = None
    """The column that holds the label. None: a column with a usual name, such as `label`. With
    `multi_label` it may be one column for each label, with commas: `joy,anger,love`. They hold 0
    or 1."""
    multi_label: bool = False
    """A text may have several labels, or none: a list in jsonl and parquet, a text with separators
    in csv (`joy|love`), or one column for each label."""
    label_separator: str | None = None
    """The character between two labels of a text, for `multi_label`. None: `|`, `;` or `,`, the
    first of them that occurs in the first 1,000 rows."""
    group_column: str | None = None
    """Rows with the same value in this column (a film, a product, an author) stay together, all in
    training or all in validation. Set it if such texts resemble each other."""
    weight_column: str | None = None
    """The column that holds the weight of each text in training, a number of at least 0. Only the
    ratios of the weights count. A text of weight 0 is left out."""
    encoding: str | None = None
    """The encoding of a csv, tsv or jsonl file, such as `cp1252`. None: it is detected."""
    separator: str | None = None
    """The character between two columns of a csv file, such as `;` or `tab`. None: it is
    detected."""
    label_map: Mapping[str, str] = field(default_factory=dict)
    """Maps labels to classes: `{"0": "negative", ">=7": "positive"}`. Rows with any other label are
    set aside. A value such as `0.5` is a soft label: the probability of the second class. Empty:
    the labels are the classes."""
    soft_labels: bool = False
    """The labels are probabilities, for example of another model (a teacher). With two classes, a
    label is the probability of the second one, from 0 to 1. With more, it is an object such as
    `{"negative": 0.7, "neutral": 0.3}`. In csv, the object is written as text."""
    streaming: bool = False
    """Read rows when they are needed, not all at once. Set it if the source does not fit into
    memory."""
    stream_rows: Annotated[int, at_least(100)] = 50_000
    """Number of rows of a stream in memory at once. The vocabulary is learnt from the first rows.
    Shuffling stays within a window of this size."""
    strict: bool = False
    """Stop at the first bad row. False: set bad rows aside and go on."""
    exclude: tuple[str, ...] = ()
    """Sources whose texts must not be trained on, such as the set you will evaluate on."""
    validation: Annotated[float, FRACTION] = 0.1
    """Fraction of the texts kept for validation, never trained on. Raise it if there are few texts:
    fewer than ten mistakes on them are too few to calibrate the probabilities."""
    max_characters: Annotated[int, at_least(1)] = 1_000_000
    """Maximum length of a text, in characters. Longer texts are set aside."""
    max_columns: Annotated[int, at_least(1)] = 10_000
    """Maximum number of columns of a table. A table with more is refused."""
    max_classes: Annotated[int, at_least(2)] = 1_000
    """Maximum number of classes. More are refused, because the label column is probably wrong."""
    max_expansion: Annotated[int, at_least(1)] = 200
    """Maximum factor by which a packed file (zip, gz, zst, xlsx) may grow. A file that grows by
    more, and to more than 1 MB, is refused."""
    weight: Annotated[float, POSITIVE_TO_1000] = 1.0
    """Factor of each text's loss in training. Lower it for a source in a mixture whose labels are
    less reliable."""

    def __post_init__(self) -> None:
        check_ranges("data", self)
