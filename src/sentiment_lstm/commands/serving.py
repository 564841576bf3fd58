"""The command `serve`: an HTTP service. Each option is also an environment variable."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from sentiment_lstm.errors import MissingExtraError, UsageError
from sentiment_lstm.serving.options import Options, named_models

_USUAL = Options()


def _variable(name: str) -> str:
    """Return the environment variable of an option: read-timeout -> SENTIMENT_LSTM_READ_TIMEOUT."""
    return "SENTIMENT_LSTM_" + name.upper().replace("-", "_")


def _option(name: str, help_: str, **limits: Any) -> Any:  # noqa: ANN401
    variable = _variable(name)
    return typer.Option(f"--{name}", help=help_, envvar=variable, show_envvar=False, **limits)


def _switch(name: str, help_: str) -> Any:  # noqa: ANN401
    variable = _variable(name)
    return typer.Option(f"--{name}/--no-{name}", help=help_, envvar=variable, show_envvar=False)


Models = Annotated[
    list[str] | None,
    _option("model", "PATH or NAME=PATH. Repeat it for several models; the first is the default. "
    "PATH may also be default, tiny or OWNER/NAME."),
]  # fmt: skip
Host = Annotated[str, _option("host", "Address to listen on; 0.0.0.0 opens it to the network.")]
Port = Annotated[int, _option("port", "Port to listen on; 0 chooses a free one.", min=0, max=65535)]
Threads = Annotated[
    int, _option("threads", "Number of threads that score; 0: one for each core.", min=0)
]
ApiKeyFile = Annotated[
    Path | None, _option("api-key-file", "A file with the key that clients must send.")
]
AllowedHosts = Annotated[
    list[str] | None,
    _option("allowed-host", "A domain under which a proxy on this machine offers the service; may "
    "be repeated. Needed only without a key."),
]  # fmt: skip
Concurrent = Annotated[
    int, _option("max-concurrent-requests", "Most requests at a time; others get 429.", min=1)
]
PayloadLimit = Annotated[int, _option("payload-limit", "Most bytes in a body.", min=1)]
ClientBatch = Annotated[int, _option("max-client-batch-size", "Most texts in a request.", min=1)]
InputLength = Annotated[int, _option("max-input-length", "Most tokens in a text.", min=1)]
AutoTruncate = Annotated[
    bool, _switch("auto-truncate", "Cut texts that are too long instead of refusing them.")
]
BatchTokens = Annotated[
    int, _option("max-batch-tokens", "About how many tokens a thread scores together.", min=1)
]
BatchWait = Annotated[
    float,
    _option("max-batch-wait", "Under load: seconds a batch waits for more texts.", min=0, max=1),
]
Deadline = Annotated[
    float, _option("deadline", "Seconds that a request may wait for a thread.", min=0.001)
]
ReadTimeout = Annotated[
    float, _option("read-timeout", "Seconds for a client to send a request, and to take an answer.",
    min=0.1),
]  # fmt: skip
KeepAlive = Annotated[
    float, _option("keep-alive", "Seconds to keep a connection without requests.", min=0)
]
ReloadInterval = Annotated[
    float,
    _option("reload-interval", "Seconds between checks for a replaced model; 0: never.", min=0),
]
ShutdownDelay = Annotated[
    float, _option("shutdown-delay", "Seconds from SIGTERM until connections are refused.", min=0)
]
ShutdownTimeout = Annotated[
    float, _option("shutdown-timeout", "Seconds to finish accepted requests.", min=0)
]
Page = Annotated[bool, _switch("page", "Show a page at / to try the model.")]
LogRequests = Annotated[bool, _switch("log-requests", "Write a log line for each request.")]


def serve(
    model: Models = None,
    host: Host = _USUAL.host,
    port: Port = _USUAL.port,
    threads: Threads = _USUAL.threads,
    api_key_file: ApiKeyFile = None,
    allowed_host: AllowedHosts = None,
    max_concurrent_requests: Concurrent = _USUAL.max_concurrent_requests,
    payload_limit: PayloadLimit = _USUAL.payload_limit,
    max_client_batch_size: ClientBatch = _USUAL.max_client_batch_size,
    max_input_length: InputLength = _USUAL.max_input_length,
    auto_truncate: AutoTruncate = _USUAL.auto_truncate,
    max_batch_tokens: BatchTokens = _USUAL.max_batch_tokens,
    max_batch_wait: BatchWait = _USUAL.max_batch_wait,
    deadline: Deadline = _USUAL.deadline,
    read_timeout: ReadTimeout = _USUAL.read_timeout,
    keep_alive: KeepAlive = _USUAL.keep_alive,
    reload_interval: ReloadInterval = _USUAL.reload_interval,
    shutdown_delay: ShutdownDelay = _USUAL.shutdown_delay,
    shutdown_timeout: ShutdownTimeout = _USUAL.shutdown_timeout,
    page: Page = _USUAL.page,
    log_requests: LogRequests = _USUAL.log_requests,
) -> None:
    """Run a service that scores texts over HTTP.

    The interface is that of Text Embeddings Inference; /docs describes it. Each option is also an
    environment variable: SENTIMENT_LSTM_PORT is --port.
    """
    values = locals()
    try:
        from sentiment_lstm.serving.server import serve as run
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {error.name} for the service, found it is not installed: "
            "pip install 'sentiment-lstm[serve]'."
        ) from error
    values["models"] = named_models(values.pop("model") or ["default"])
    values["api_key"] = _key(values.pop("api_key_file"))
    values["allowed_hosts"] = tuple(values.pop("allowed_host") or ())
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            option = name.replace("_", "-")
            raise UsageError(f"Expected a number of seconds as --{option}, found {value}.")
    run(Options(**values))


def _key(path: Path | None) -> str | None:
    """Return the key in a file, without the white space around it."""
    if path is None:
        if (
            variable := _variable("api-key-file")
        ) in os.environ:  # typer takes an empty one as unset
            raise UsageError(
                f"Expected a file with a key as {variable}, found no name: name one, or unset it."
            )
        return None
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "characters beyond ASCII"
        raise UsageError(
            f"Expected a file with a key, found {str(path)!r}: {reason}. Name another file."
        ) from error
    if len(key.splitlines()) > 1 or not key.isprintable():
        raise UsageError(
            f"Expected a key in one line in {str(path)!r}, found more: write one line."
        )
    if not key:
        raise UsageError(
            f"Expected a key in {str(path)!r}, found an empty file: write one into it."
        )
    return key
