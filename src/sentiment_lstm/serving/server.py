"""Runs the application on a socket: signals, the shutdown, and checks of the connections."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from fastapi import FastAPI
from uvicorn import Config, Server

from sentiment_lstm.errors import StorageError
from sentiment_lstm.serving.app import create_app
from sentiment_lstm.serving.connections import Connection
from sentiment_lstm.serving.garbage import freeze
from sentiment_lstm.serving.logs import JsonLines, json_logs, standard_error
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.sockets import LiveConnection

_OPEN = "Everyone who reaches this address may use the service: --api-key-file requires a key."
_LOOK = 0.5
"""Seconds between two checks of the connections."""
_SWITCH_INTERVAL = 0.001
"""Seconds for which a thread may hold Python's lock (GIL) while the event loop waits. The usual
5 ms delay answers."""


class _Server(Server):
    """A server that finishes accepted requests before it ends.

    After SIGTERM or SIGINT, `/health` says not ready, and each connection is closed after its
    answer. After `shutdown_delay`, no connection is accepted. Accepted requests are finished, and
    the exit code is 0. A second signal ends the process at once. SIGHUP loads the models again.
    """

    def __init__(self, config: Config, models: Models, options: Options, log: JsonLines) -> None:
        super().__init__(config)
        self._models, self._options, self._log = models, options, log
        self._reloading: asyncio.Task[None] | None = None
        self._reload_wanted = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals in the event loop while the server runs."""
        loop = asyncio.get_running_loop()
        handlers: dict[int, Callable[[int], None]] = {
            signal.SIGTERM: self._end,
            signal.SIGINT: self._end,
        }
        if sys.platform != "win32":
            handlers[signal.SIGHUP] = self._reload
        with _signals(
            handlers, lambda number, _: loop.call_soon_threadsafe(handlers[number], number)
        ):
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and start to check them."""
        freeze()
        await super().startup(sockets)
        self._looking = asyncio.create_task(self._look())
        address = (sockets or self.servers[0].sockets)[0].getsockname()
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        self._log.write("listening", url=f"http://{host}:{address[1]}", models=[*self._models.all])
        if not self._options.only_this_machine and self._options.api_key is None:
            self._log.write("open", "warning", message=_OPEN)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish accepted requests."""
        await super().shutdown(sockets)
        self._looking.cancel()
        self._log.write("ended")

    async def _look(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection | LiveConnection):
                    connection.look(now, now - before - _LOOK)

    def _end(self, number: int) -> None:
        if self._models.draining:
            os._exit(128 + number)
        self._models.draining = True
        self._log.write("ending", signal=signal.Signals(number).name)
        loop = asyncio.get_running_loop()
        loop.call_later(self._options.shutdown_delay, setattr, self, "should_exit", True)

    def _reload(self, number: int) -> None:
        self._reload_wanted = True
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload_models())

    async def _reload_models(self) -> None:
        while self._reload_wanted:
            self._reload_wanted = False
            await self._models.reload()


def serve(options: Options) -> None:
    """Run the service until a signal ends it.

    Raises:
        SentimentError: a model cannot be opened, or the address is not free.
    """
    _allow_many_connections()
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the models are just being loaded
    sys.setswitchinterval(_SWITCH_INTERVAL)
    metrics = Metrics()
    with (
        JsonLines(standard_error(), metrics.lost_log_lines.inc) as log,
        _bound(options.host, options.port) as address,
        json_logs(log),
    ):
        app = create_app(options, metrics, log if options.log_requests else None)
        server = _Server(_config(app, options), app.state.models, options, log)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(_run(server, app.state.models, address))


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as it may be raised. The usual one is 1,024."""
    if sys.platform == "win32":
        return  # it has no such limit
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _run(server: Server, models: Models, address: socket.socket) -> None:
    # Before the service listens, a signal ends it at once. An exception would be lost in the loop.
    with _signals((signal.SIGTERM, signal.SIGINT), lambda number, _: os._exit(128 + number)):
        await models.load()
        try:
            address.listen(server.config.backlog)
        except OSError as error:  # such as another service that began at the same time
            host, port = address.getsockname()[:2]
            raise _address_error(host, port, error) from error
        await server.serve([address])


@contextmanager
def _signals(numbers: Iterable[int], handle: Callable[[int, object], object]) -> Iterator[None]:
    """Handle signals with a function inside the block."""
    before = {number: signal.getsignal(number) for number in numbers}
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def _config(app: FastAPI, options: Options) -> Config:
    class TimedConnection(Connection):
        read_timeout = options.read_timeout

    class TimedSocket(LiveConnection):
        read_timeout = options.read_timeout

    return Config(
        app,
        http=TimedConnection,
        ws=TimedSocket,
        ws_max_size=options.payload_limit,
        ws_per_message_deflate=False,  # frames are small; unpacking costs memory and time
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=math.ceil(options.keep_alive),
        timeout_graceful_shutdown=math.ceil(options.shutdown_timeout),
    )


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address, but does not listen yet.

    Raises:
        StorageError: the address is not free, or not of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except (OSError, UnicodeError) as error:
        raise _address_error(host, port, error) from error
    return bound


def _address_error(host: str, port: int, error: Exception) -> StorageError:
    return StorageError(
        f"Expected a free address, found that {host}:{port} cannot be used ({error}): name "
        "another --host or --port."
    )
