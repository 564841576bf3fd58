import json

import pytest


def test_export_adds_graphs_that_predict_uses(run, model):
    code, out, _ = run("export", "--model", str(model), "--json")
    graphs = json.loads(out)
    assert code == 0
    assert set(graphs) == {"model.onnx", "model.int8.onnx"}
    assert graphs["model.onnx"]["bytes"] == (model / "model.onnx").stat().st_size
    assert run("predict", "--model", str(model), "a good film")[0] == 0
    (model / "model.int8.onnx").write_bytes(b"")
    code, _, err = run("predict", "--model", str(model), "a good film")
    assert code == 1
    assert "Expected a graph of this model" in err


def test_export_to_another_folder_leaves_the_model_unchanged(run, model, tmp_path):
    code, out, _ = run(
        "export", "--model", str(model), "--out", str(tmp_path / "x"), "--only", "int8"
    )
    assert code == 0
    assert "model.int8.onnx" in out
    assert (tmp_path / "x" / "model.int8.onnx").is_file()
    assert not (tmp_path / "x" / "model.onnx").exists()
    assert not (model / "model.int8.onnx").exists()


def test_export_writes_one_file_for_other_programs(run, model, tmp_path):
    files = sorted(path.name for path in model.iterdir())
    file = tmp_path / "one.onnx"
    code, out, _ = run("export", "--model", str(model), "--standalone", str(file), "--json")
    printed = json.loads(out)
    assert code == 0
    assert printed["bytes"] == file.stat().st_size
    assert printed["kind"] == "float32"  # as the model has no graph, PyTorch scores for it
    assert printed["classes"] == ["negative", "positive"]
    assert printed["difference"] < 1e-6
    assert sorted(path.name for path in model.iterdir()) == files


def test_a_shipped_model_is_exported_as_int8(run, tmp_path):
    code, out, _ = run("export", "--model", "tiny", "--standalone", "tiny.onnx")
    assert code == 0
    assert "tiny.onnx: " in out
    assert "bytes, int8, probabilities of negative, positive; they differ by at most " in out
    assert (tmp_path / "tiny.onnx").is_file()


def test_a_standalone_file_and_a_new_bundle_are_two_commands(run, model):
    code, _, err = run("export", "--model", str(model), "--standalone", "x.onnx", "--out", "x")
    assert code == 2
    assert "Expected --out or --standalone, found both" in err


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("several/model.onnx", "Expected a new file for --standalone"),
        ("tickets.csv", "Expected a file .onnx"),
        (".", "Expected a file .onnx"),
        ("several/model.safetensors", "Expected a file .onnx"),
    ],
)
def test_a_standalone_file_replaces_nothing_else(run, model, tmp_path, file, problem):
    model.rename(tmp_path / "several")
    (tmp_path / "tickets.csv").write_text("text\ngood\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, _, err = run("export", "--model", "several", "--standalone", file)
    assert code == 2
    assert problem in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
