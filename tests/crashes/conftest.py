import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from crash_server import Server
from pyarrow import parquet
from small_bundles import random_bundle

from sentiment_lstm.bundle import save_bundle

TEXTS = ["a good film", "bad", " ", "not bad", 'awful "quote"', "two\nlines"]


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A folder with inputs of every kind; `tmp` is the folder of temporary files."""
    folder = tmp_path / "template"
    (folder / "tmp").mkdir(parents=True)
    (folder / "shards").mkdir()
    rows = [{"id": n, "text": text} for n, text in enumerate(TEXTS)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    parquet.write_table(pa.Table.from_pylist(rows), folder / "in.parquet")
    (folder / "in.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    for name in ("in.csv", "shards/a.csv"):
        (folder / name).write_text("id,text\n1,a good film\n2,bad\n3, \n4,not bad\n5,awful\n")
    (folder / "shards" / "b.jsonl").write_text(lines)
    labelled = [
        f"{('awful', 'lovely')[n % 2]} film {n},{('bad', 'good')[n % 2]}" for n in range(60)
    ]
    (folder / "texts.csv").write_text("\n".join(["text,label", *labelled]) + "\n")
    return folder


@pytest.fixture
def small_model(template: Path) -> Path:
    """A model in that folder, without graphs."""
    save_bundle(template / "model", random_bundle(TEXTS))
    return template / "model"
