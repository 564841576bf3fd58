"""Small tables in every format, and short calls that score them."""

import csv
import gzip
import io
import json
import zipfile

import pyarrow as pa
import zstandard
from pyarrow import parquet

from sentiment_lstm.scoring.files import Job, score_file

TEXTS = ["a good film", "not bad, at all", 'say "good"', "two\nlines", "=bad", "film " * 30, "é"]
ROWS = [{"id": str(n), "review": text, "stars": str(n % 5)} for n, text in enumerate(TEXTS)]


def write(path, rows=ROWS):
    """Write rows in the format of the file's name."""
    kind, _, packed = path.name.partition(".")[2].partition(".")
    if kind == "parquet":
        file = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows), file)
        raw = file.getvalue()
    elif kind == "jsonl":
        raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if kind == "tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
        raw = text.getvalue().encode()
    if packed == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem, raw)
    else:
        pack = {"": bytes, "gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}
        path.write_bytes(pack[packed](raw))
    return path


def read(path):
    """Return the rows of a file."""
    kind, _, packed = path.name.partition(".")[2].partition(".")
    raw = path.read_bytes()
    if packed == "gz":
        raw = gzip.decompress(raw)
    elif packed == "zst":
        raw = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()
    elif packed == "zip":
        with zipfile.ZipFile(path) as archive:
            raw = archive.read(path.stem)
    if kind == "parquet":
        return parquet.read_table(io.BytesIO(raw)).to_pylist()
    text = raw.decode("utf-8-sig")
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(
        csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ",")
    )


def score(predictor, source, out, overwrite=False, **options):
    """Score a file. `options` are fields of `Job`."""
    return score_file(predictor, Job(source, out, "m", **options), overwrite=overwrite)


class Stopping:
    """A predictor that is interrupted at a chunk."""

    multi_label = False

    def __init__(self, predictor, chunk):
        self.predictor, self.left = predictor, chunk
        self.classes = predictor.classes

    def predict_iter(self, texts, abstain_below=0.0):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.predictor.predict_iter(texts, abstain_below)
