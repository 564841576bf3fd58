import json


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
