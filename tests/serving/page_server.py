"""The service in a thread, for tests of the page. It can wait, be full, stop and start again."""

import asyncio
import math
import socket
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from sentiment_lstm.serving.app import create_app
from sentiment_lstm.serving.options import Options

FULL = {"error": "Expected a free place, found none.", "error_type": "Overloaded"}


class PageServer:
    """Serves models on a free port of 127.0.0.1."""

    def __init__(self, *models: str, **options: object) -> None:
        names = tuple((Path(name).name, name) for name in models)
        self.options = Options(models=names, threads=1, reload_interval=0, **options)
        self.batches_left = math.inf
        """How many requests to /batch go on; further ones wait until this number grows."""
        self.refusals = 0
        """How many of the next requests to /batch find a full queue."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        settings = uvicorn.Config(
            self._app(),
            port=self.port,
            log_level="critical",
            ws="websockets-sansio",
            ws_max_size=self.options.payload_limit,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            assert self._thread.is_alive()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _app(self) -> FastAPI:
        app = create_app(self.options)

        @app.middleware("http")
        async def delay(request: Request, call_next):
            if request.url.path == "/batch":
                if self.refusals > 0:
                    self.refusals -= 1
                    return JSONResponse(FULL, 429, {"Retry-After": "1"})
                while self.batches_left <= 0:
                    await asyncio.sleep(0.01)
                self.batches_left -= 1
            return await call_next(request)

        return app
