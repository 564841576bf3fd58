"""The models of the service by name. Their folders are checked for changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import FILES, GRAPHS, fingerprint
from sentiment_lstm.errors import SentimentError
from sentiment_lstm.finding import find_model
from sentiment_lstm.serving.batcher import Workers
from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.garbage import freeze_again
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.scorer import Scorer, open_model

_logger = logging.getLogger(__name__)
Stamp = tuple[tuple[str, int, int, int], ...]
"""The name, inode, size and time of change of each file. They differ if a file is replaced."""


class Models:
    """All models of the service.

    Args:
        options: the names and folders; limits.
        metrics: counters.
    """

    def __init__(self, options: Options, metrics: Metrics) -> None:
        self._options = options
        self.metrics = metrics
        self._workers = Workers(options.scoring_threads)
        self._scorers: dict[str, Scorer] = {}
        self._loaded: dict[str, _Loaded] = {}
        self._reloading = asyncio.Lock()
        self.draining = False
        """Set at SIGTERM: the service takes no new clients."""

    @property
    def ready(self) -> bool:
        """Whether all models are loaded and warm, and the service is not ending."""
        return not self.draining and len(self._scorers) == len(self._options.models)

    @property
    def all(self) -> Mapping[str, Scorer]:
        """All loaded models by name."""
        return self._scorers

    @property
    def default(self) -> Scorer:
        """The first model."""
        return self.get()

    def get(self, name: str | None = None) -> Scorer:
        """Return a model by name; None means the first one.

        Raises:
            Refused: there is no model of this name (404).
        """
        scorer = self._scorers.get(self._options.models[0][0] if name is None else name)
        if scorer is None:
            names = " or ".join(self._scorers)
            raise Refused(404, "NotFound", f"Expected the model {names}, found another name.")
        return scorer

    def fingerprint(self, name: str) -> str:
        """Return a hash of all that decides what a loaded model predicts."""
        return self._loaded[name].fingerprint

    async def load(self) -> None:
        """Open and warm all models.

        Raises:
            SentimentError: one cannot be opened.
        """
        for name, path in self._options.models:
            folder = await asyncio.to_thread(find_model, path)
            stamp = await asyncio.to_thread(_stamp, folder)
            classifier, digest = await asyncio.to_thread(_opened, folder)
            self._scorers[name] = Scorer(
                name, classifier, self._workers, self._options, self.metrics
            )
            self._loaded[name] = _Loaded(folder, digest, stamp, stamp)
            self.metrics.loads.labels(name, "loaded").inc()
            self.metrics.loads.labels(
                name, "failed"
            )  # starts at 0, so that the first failure is an increase

    async def watch(self) -> None:
        """Check the folders again and again, and load the bundles that have changed."""
        while True:
            await asyncio.sleep(self._options.reload_interval)
            for name, loaded in self._loaded.items():
                stamp = await asyncio.to_thread(_stamp, loaded.folder)
                # A folder that has changed since the last check may be half written.
                settled, loaded.seen = stamp == loaded.seen, stamp
                if settled and stamp not in (loaded.stamp, loaded.failed):
                    await self._replace(name)

    async def reload(self) -> None:
        """Load all models again beside the old ones, and swap them."""
        for name, path in self._options.models:
            try:
                self._loaded[name].folder = await asyncio.to_thread(find_model, path)
            except (SentimentError, OSError) as error:
                self._failed(name, error)
            else:
                await self._replace(name)

    def close(self) -> None:
        """End the threads."""
        self._workers.close()

    async def _replace(self, name: str) -> None:
        """Load a model from its folder. If this fails, the old one stays."""
        loaded = self._loaded[name]
        async with self._reloading:
            stamp = await asyncio.to_thread(_stamp, loaded.folder)
            try:
                classifier, digest = await asyncio.to_thread(_opened, loaded.folder)
            except Exception as error:  # whatever it is, the service goes on
                loaded.failed = stamp
                self._failed(name, error)
                return
            loaded.fingerprint = digest
            self._scorers[name].swap(classifier)
            loaded.stamp, loaded.failed = stamp, None
            self.metrics.loads.labels(name, "loaded").inc()
            _logger.info("Model %s was replaced.", name)
            await freeze_again()

    def _failed(self, name: str, error: Exception) -> None:
        self.metrics.loads.labels(name, "failed").inc()
        _logger.error("Model %s stays as it was: %s", name, error)


@dataclass(slots=True)
class _Loaded:
    """A model's folder and fingerprint, with the stamps at the last load, check and failed load."""

    folder: Path
    fingerprint: str
    stamp: Stamp
    seen: Stamp
    failed: Stamp | None = None


def _opened(folder: Path) -> tuple[SentimentClassifier, str]:
    classifier = open_model(folder)
    return classifier, fingerprint(classifier.bundle)


def _stamp(folder: Path) -> Stamp:
    stamps = []
    for name in (*FILES, *GRAPHS):
        with suppress(OSError):
            status = (folder / name).stat()
            stamps.append((name, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(stamps)
