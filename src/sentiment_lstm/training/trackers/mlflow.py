"""MLflow: a run of an experiment, with the settings, the numbers and the finished model.

MLflow's own environment variables name the server and the experiment (`MLFLOW_TRACKING_URI`,
`MLFLOW_EXPERIMENT_NAME`).
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sentiment_lstm import __version__
from sentiment_lstm.bundle import RUN_SETTINGS, Bundle, load_bundle, save_bundle
from sentiment_lstm.data.libraries import first_line
from sentiment_lstm.setting_names import flattened
from sentiment_lstm.settings import Settings, read_json
from sentiment_lstm.storage import as_json, write_atomically
from sentiment_lstm.training.listener import Listener, Numbers, Stage

# The library reads this when it is imported. Otherwise it would send usage statistics.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

FILE = "mlflow.json"
"""The file in the run folder that names MLflow's run, so that a resumed training continues it."""
MODEL = "model"
"""The name of the finished model in MLflow."""
LOADER = "sentiment_lstm.mlflow_model"
"""The module that MLflow imports to open the model."""
_TOGETHER = 100
"""The most parameters that are sent together. Metrics are sent in groups of about this size."""
_MOST_PARAMETER = 500
"""Longer values are cut, because some servers refuse them."""
_SHORT_WAITS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""How often MLflow asks again, and for how many seconds it waits for an answer. By default, the
training would stand still for minutes if the server cannot be reached."""
_logger = logging.getLogger(__name__)


@contextmanager
def _short_waits() -> Iterator[None]:
    """Wait for the server as `_SHORT_WAITS` says inside the block, unless the user has set it.

    The upload of a model is outside of it, because a server may answer late to a large file.
    """
    added = {name: value for name, value in _SHORT_WAITS.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


class Tracker(Listener):
    """Sends a training to MLflow.

    If MLflow fails, a warning is logged, and the training goes on without it.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Any = None
        self._run: str | None = None
        self._metrics: list[Any] = []
        self._prefix = ""
        self._has_failed = False

    def on_start(self, stage: Stage) -> None:
        """Begin MLflow's run, or continue it."""
        name = stage.folder.relative_to(self._folder).as_posix()
        self._prefix = "" if name == "." else f"{name}/"
        if self._run is None:
            self._attempt(self._open)

    def on_update(self, numbers: Numbers) -> None:
        """Collect the numbers."""
        self._attempt(lambda: self._collect("step", numbers))
        if len(self._metrics) >= _TOGETHER:
            self._attempt(self._send)

    def on_epoch(self, numbers: Numbers) -> None:
        """Send the numbers."""
        self._attempt(lambda: self._collect("epoch", numbers))
        self._attempt(self._send)

    def on_end(self) -> None:
        """Send the remaining numbers."""
        self._attempt(self._send)

    def on_saved(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Send the model and its metrics, and end MLflow's run."""
        numbers = {n: v for n, v in metrics.items() if isinstance(v, int | float)}
        self._prefix = ""
        self._attempt(lambda: self._collect("final", numbers | {"step": 0}))
        self._attempt(self._send)
        self._attempt(lambda: log_bundle(load_bundle(folder), MODEL, run_id=self._run))
        self._attempt(lambda: self._client.set_terminated(self._run))

    @_short_waits()
    def _open(self) -> None:
        from mlflow import MlflowClient

        self._client = MlflowClient()
        path = self._folder / FILE
        if path.exists():
            self._run = json.loads(path.read_bytes())["run_id"]
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "sentiment-lstm")
        experiment = self._client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else self._client.create_experiment(name)
        run = self._client.create_run(number, run_name=self._folder.name).info.run_id
        # Read only now: preset `auto` chooses settings before the first stage.
        for parameters in _parameters(read_json(self._folder / RUN_SETTINGS)):
            self._client.log_batch(run, params=parameters)
        write_atomically(path, as_json({"run_id": run}))
        self._run = run

    def _collect(self, group: str, numbers: Numbers) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._metrics += [
            Metric(f"{self._prefix}{group}/{name}", float(value), now, int(numbers["step"]))
            for name, value in numbers.items()
            if name not in ("step", "epoch")
        ]

    @_short_waits()
    def _send(self) -> None:
        metrics, self._metrics = self._metrics, []
        self._client.log_batch(self._run, metrics=metrics)

    def _attempt(self, action: Callable[[], object]) -> None:
        if self._has_failed:
            return
        try:
            action()
        except Exception as error:  # its stores raise the errors of their own libraries
            self._has_failed, self._metrics = True, []
            _logger.warning(
                "Expected MLflow to record the training, found: %s; the training goes on without "
                "MLflow.",
                first_line(error),
            )


def log_bundle(
    bundle: Bundle, name: str, *, run_id: str | None = None, registered_name: str | None = None
) -> Any:  # noqa: ANN401
    """Log a model to MLflow. `mlflow.pyfunc` opens it without torch; nothing is pickled.

    Args:
        bundle: the model.
        name: its name in MLflow.
        run_id: MLflow's run; None: the active one, or a new one.
        registered_name: also register it in the model registry under this name.

    Returns:
        MLflow's `ModelInfo`.
    """
    import mlflow.pyfunc
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, Array

    kinds = (DataType.string, DataType.double)
    label, score = (Array(kind) if bundle.config.multi_label else kind for kind in kinds)
    # The type string would refuse a column in which all texts are missing: pandas makes it numbers.
    inputs = Schema([ColSpec(AnyType(), "text")])  # type: ignore[no-untyped-call]
    with _without_advice_on_examples(), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        save_bundle(folder, bundle)
        return Model.log(
            artifact_path=None,
            name=name,
            flavor=mlflow.pyfunc,
            run_id=run_id,
            registered_model_name=registered_name,
            loader_module=LOADER,
            data_path=str(folder),
            signature=ModelSignature(
                inputs=inputs,
                outputs=Schema([ColSpec(label, "label"), ColSpec(score, "score")]),
            ),
            pip_requirements=[f"sentiment-lstm=={__version__}", "pandas"],
        )


@contextmanager
def _without_advice_on_examples() -> Iterator[None]:
    """Hide MLflow's warning about a missing input example. The signature replaces the example."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example was not provided")
        yield


def _parameters(settings: Settings) -> Iterator[list[Any]]:
    """The settings as MLflow's parameters, in lists that it accepts."""
    from mlflow.entities import Param

    parameters = [
        Param(name, str(value)[:_MOST_PARAMETER])
        for name, value in flattened(settings.to_dict()).items()
    ]
    return (parameters[i : i + _TOGETHER] for i in range(0, len(parameters), _TOGETHER))
