import json
import logging
import os
import socket
from pathlib import Path

import pytest
from numbers_of_a_run import STEP
from tiny_runs import QUIET, interrupted_at, tiny, tiny_auto

pytest.importorskip("mlflow")

import mlflow
from mlflow.exceptions import MlflowException

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import RUN_SETTINGS, save_bundle
from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.mlflow_model import _load_pyfunc, log_model
from sentiment_lstm.settings import read_json
from sentiment_lstm.training import trackers
from sentiment_lstm.training.listener import Stage
from sentiment_lstm.training.run import resume, train
from sentiment_lstm.training.trackers.mlflow import FILE, Tracker

pytestmark = pytest.mark.filterwarnings(
    "ignore:::mlflow", "ignore:::alembic", "ignore:::sqlalchemy"
)
EXPERIMENT = "reviews"


@pytest.fixture
def client(tmp_path: Path, monkeypatch):
    """A local store of MLflow."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    client = mlflow.MlflowClient(uri)
    client.create_experiment(EXPERIMENT, artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_tracking_uri(uri)
    yield client
    mlflow.set_tracking_uri(None)


def run_of(client, folder: Path):
    return client.get_run(json.loads((folder / FILE).read_bytes())["run_id"])


def test_a_run_is_tracked(csv_file: Path, tmp_path: Path, client):
    folder = tmp_path / "run"
    metrics = train(tiny(csv_file, training__trackers=["mlflow"]), folder, QUIET)
    run = run_of(client, folder)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "run"
    assert run.data.params["model.hidden_size"] == "8"
    assert run.data.metrics["final/validation_loss"] == metrics["validation_loss"]
    history = client.get_metric_history(run.info.run_id, "epoch/train_loss")
    assert len(history) == 3
    losses = client.get_metric_history(run.info.run_id, "step/loss")
    assert [point.step for point in losses] == list(range(1, len(losses) + 1))


def test_the_model_scores_as_the_classifier(csv_file: Path, tmp_path: Path, client):
    import pandas as pd

    folder = tmp_path / "run"
    train(tiny(csv_file, training__trackers=["mlflow"]), folder, QUIET)
    run = run_of(client, folder).info.run_id
    classifier = SentimentClassifier.from_pretrained(folder)
    texts = ["a good film", "a bad film", ""]
    opened = mlflow.pyfunc.load_model(f"runs:/{run}/model")
    table = opened.predict(pd.DataFrame({"text": texts}, index=[4, 5, 6]))
    predictions = classifier.predictor.predict(texts)
    assert [label if isinstance(label, str) else None for label in table["label"]] == [
        p.label for p in predictions
    ]
    assert table["score"].tolist()[:2] == [p.score for p in predictions[:2]]
    assert table.index.tolist() == [4, 5, 6]


def test_no_file_of_the_model_is_pickled(csv_file: Path, tmp_path: Path, client):
    train(tiny(csv_file, training__trackers=["mlflow"]), tmp_path / "run", QUIET)
    names = {path.name for path in (tmp_path / "artifacts").rglob("*") if path.is_file()}
    assert "model.safetensors" in names
    assert not any(name.endswith((".pkl", ".pickle")) for name in names)
    assert "set_aside.jsonl" not in names


def test_a_resumed_run_is_continued(csv_file: Path, tmp_path: Path, client, monkeypatch):
    folder = tmp_path / "run"
    settings = tiny(csv_file, training__trackers=["mlflow"])
    interrupted_at(
        monkeypatch,
        lambda: train(settings, folder, QUIET),
        lambda trainer: trainer.progress.step == 3,
    )
    first = run_of(client, folder)
    assert first.info.status == "RUNNING"
    resume(folder, QUIET)
    assert run_of(client, folder).info.run_id == first.info.run_id
    assert run_of(client, folder).info.status == "FINISHED"
    history = client.get_metric_history(first.info.run_id, "epoch/train_loss")
    assert [point.step for point in history] == sorted({point.step for point in history})


def test_trials_have_names_of_their_own(csv_file: Path, tmp_path: Path, client):
    settings = tiny_auto(csv_file, training__trackers=["mlflow"], training__trials=1)
    train(settings, tmp_path / "run", QUIET)
    run = run_of(client, tmp_path / "run").data
    names, chosen = run.metrics, read_json(tmp_path / "run" / RUN_SETTINGS)
    assert run.params["training.patience"] == str(chosen.training.patience) == "0", "auto's choice"
    assert "epoch/train_loss" in names
    assert any(name.startswith("trials/") and name.endswith("step/loss") for name in names)


def test_the_training_goes_on_without_mlflow(csv_file: Path, tmp_path, client, monkeypatch, caplog):
    def refuse(*_, **__):
        raise MlflowException("the server is gone\nand more")

    monkeypatch.setattr("mlflow.MlflowClient.log_batch", refuse)
    with caplog.at_level(logging.WARNING, "sentiment_lstm"):
        train(tiny(csv_file, training__trackers=["mlflow"]), tmp_path / "run", QUIET)
    (message,) = [r.getMessage() for r in caplog.records if "MLflow" in r.getMessage()]
    assert message == (
        "Expected MLflow to record the training, found: the server is gone; the training goes on "
        "without MLflow."
    )


def test_numbers_are_not_kept_after_a_failure(tmp_path: Path, monkeypatch):
    tracker = Tracker(tmp_path)
    monkeypatch.setattr(tracker, "_open", _fail)
    tracker.on_start(Stage(tmp_path, 2))
    for _ in range(300):
        tracker.on_update(STEP)
    assert tracker._metrics == []


def _fail():
    raise OSError("no store")


def test_a_server_that_cannot_be_reached_is_given_up_soon(
    csv_file: Path, tmp_path, monkeypatch, caplog
):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # it does not listen
        uri = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
        mlflow.set_tracking_uri(uri)
        with caplog.at_level(logging.WARNING):
            train(tiny(csv_file, training__trackers=["mlflow"]), tmp_path / "run", QUIET)
        mlflow.set_tracking_uri(None)
    messages = [record.getMessage() for record in caplog.records]
    assert sum("the training goes on without MLflow" in message for message in messages) == 1
    assert sum("Retrying" in message for message in messages) == 2
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


@pytest.mark.parametrize("own", [None, "1"])
def test_a_users_own_number_of_retries_stays(tmp_path, monkeypatch, own):
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES

    seen = []
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    if own:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", own)
    monkeypatch.setattr(
        "mlflow.MlflowClient.get_experiment_by_name",
        lambda *_: seen.append(MLFLOW_HTTP_REQUEST_MAX_RETRIES.get()),
    )
    monkeypatch.setattr("mlflow.MlflowClient.create_experiment", lambda *_: 1 / 0)
    Tracker(tmp_path).on_start(Stage(tmp_path, None))
    assert seen == [int(own or 2)]


def test_a_classifier_is_registered(bundle, client):
    import pandas as pd

    info = log_model(SentimentClassifier(bundle), registered_name="film-reviews")
    assert client.get_model_version("film-reviews", "1")
    opened = mlflow.pyfunc.load_model("models:/film-reviews/1")
    assert opened.predict(pd.DataFrame({"text": ["a good film"]})).shape == (1, 2)
    assert info.model_uri


def test_missing_texts_have_no_label(bundle, tmp_path):
    import pandas as pd

    save_bundle(tmp_path / "model", bundle)
    table = pd.DataFrame({"text": ["a good film", None, float("nan"), ""]})
    scored = _load_pyfunc(str(tmp_path / "model")).predict(table)
    assert scored.isna().to_numpy().tolist() == [[False, False], *[[True, True]] * 3]


@pytest.mark.filterwarnings("error")
def test_a_stored_model_takes_missing_texts(bundle, client):
    import pandas as pd

    opened = mlflow.pyfunc.load_model(log_model(SentimentClassifier(bundle)).model_uri)
    for texts in ([None], [float("nan")], pd.Series([None], dtype="string"), ["", None]):
        assert opened.predict(pd.DataFrame({"text": texts})).isna().to_numpy().all()


def test_a_table_without_texts_is_refused(bundle, tmp_path):
    save_bundle(tmp_path / "model", bundle)
    with pytest.raises(UsageError, match="Expected a table with the column text"):
        _load_pyfunc(str(tmp_path / "model")).predict([["a good film"]])


def test_an_unknown_tracker_is_refused(csv_file: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="among mlflow, tensorboard, found wandb"):
        train(tiny(csv_file, training__trackers=["wandb"]), tmp_path / "run", QUIET)
    assert not (tmp_path / "run").exists()


def test_a_missing_tracker_names_its_extra(monkeypatch):
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sentiment-lstm\[mlflow\]'"):
        trackers.check_trackers(["mlflow"])


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'psycopg'"), OSError()])
def test_any_error_of_a_store_only_ends_the_tracking(csv_file, tmp_path, monkeypatch, error):
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("mlflow.MlflowClient", broken)
    assert train(tiny(csv_file, training__trackers=["mlflow"]), tmp_path / "run", QUIET)


def test_the_signature_of_several_labels_is_a_list(make_bundle, client):
    bundle = make_bundle(("a", "b"), thresholds=(0.5, 0.5))
    outputs = log_model(SentimentClassifier(bundle)).signature.outputs.to_dict()
    assert outputs[0]["type"] == "array"
