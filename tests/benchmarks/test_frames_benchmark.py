"""The comparison of all roads runs on a small table."""

import json

import frames
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.mark.slow
def test_roads_are_compared(tmp_path, capsys):
    texts = [f"a good film number {n}" for n in range(7)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "texts.parquet")
    call = [str(tmp_path / "texts.parquet"), "--rows", "50", "--model", "tiny", "--threads", "1"]
    assert frames.main([*call, "--characters", "12", "--roads", "list,duckdb,predict"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["rows"], figures["texts"]) == (50, 7)
    assert list(figures["roads"]) == ["list", "duckdb", "predict"]
    for road in figures["roads"].values():
        assert road["same"]
        assert min(road["rows_a_second"], road["peak_mb"]) > 0
