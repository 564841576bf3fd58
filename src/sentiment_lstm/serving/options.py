"""The options and limits of the service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from sentiment_lstm.cores import threads_for
from sentiment_lstm.errors import UsageError

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)", re.DOTALL)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the service. Those that Text Embeddings Inference has, too, have its names.

    `models`: names and folders; the first is the default. `threads`: the number of threads that
    score; 0 means one for each core.

    Limits: `max_concurrent_requests` and `max_waiting_bytes` over all requests; `payload_limit`
    bytes of a body; `max_client_batch_size` texts of a request; `max_input_length` tokens of a
    text (with `auto_truncate`, longer texts are cut instead of refused); `max_batch_tokens` tokens
    that are scored together.

    `allowed_hosts`: domains under which a proxy offers the service; see `Gate`.

    Seconds: `max_batch_wait` for more texts of a batch; `deadline` in the queue; `read_timeout` for
    a request to arrive, or for a client to take an answer; `keep_alive` between two requests;
    `reload_interval` between two checks of the models' folders, 0 means never; `shutdown_delay`
    from SIGTERM until connections are refused; `shutdown_timeout` to finish accepted requests.
    """

    models: tuple[tuple[str, str], ...] = (("default", "default"),)
    host: str = "127.0.0.1"
    port: int = 8080
    threads: int = 0
    max_concurrent_requests: int = 512
    max_waiting_bytes: int = 64_000_000
    payload_limit: int = 2_000_000
    max_client_batch_size: int = 32
    max_input_length: int = 16_384
    auto_truncate: bool = False
    max_batch_tokens: int = 32_768
    max_batch_wait: float = 0.003
    deadline: float = 30.0
    read_timeout: float = 10.0
    keep_alive: float = 65.0
    reload_interval: float = 2.0
    shutdown_delay: float = 1.0
    shutdown_timeout: float = 30.0
    api_key: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    page: bool = True
    log_requests: bool = True

    @property
    def only_this_machine(self) -> bool:
        """Whether only this machine reaches the host."""
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"

    @property
    def scoring_threads(self) -> int:
        """Threads that score: at most one per core."""
        return threads_for(self.threads)


def named_models(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the names and the folders of models, given as PATH or NAME=PATH.

    A model without a name gets the last part of its path: `runs/films` is `films`.

    Raises:
        UsageError: two models have the same name, or a path has no name.
    """
    pairs = [_named(value) for value in values]
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"Expected a different name for each model, found {name!r} twice: give NAME=PATH."
            )
    return tuple(pairs)


def _named(value: str) -> tuple[str, str]:
    if match := _NAMED.fullmatch(value):
        return match[1], match[2]
    last = value.rstrip("/\\").replace("\\", "/").rpartition("/")[2].partition("@")[0]
    name = _NOT_IN_NAMES.sub("-", last).strip("-.")
    if not name:
        raise UsageError(f"Expected a model, found {value!r}: give PATH or NAME=PATH.")
    return name, value
