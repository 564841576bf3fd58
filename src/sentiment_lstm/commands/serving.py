"""The command `serve`: an HTTP service. Each option is also an environment variable."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from sentiment_lstm.errors import MissingExtraError, UsageError

_VARIABLE = "SENTIMENT_LSTM_"


def _option(name: str, help_: str, **limits: Any) -> Any:  # noqa: ANN401
    """Return an option that an environment variable also sets: --read-timeout, ..._READ_TIMEOUT."""
    variable = _VARIABLE + name.upper().replace("-", "_")
    return typer.Option(f"--{name}", help=help_, envvar=variable, show_envvar=False, **limits)


def _switch(name: str, help_: str) -> Any:  # noqa: ANN401
    variable = _VARIABLE + name.upper().replace("-", "_")
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
    host: Host = "127.0.0.1",
    port: Port = 8080,
    threads: Threads = 0,
    api_key_file: ApiKeyFile = None,
    allowed_host: AllowedHosts = None,
    max_concurrent_requests: Concurrent = 512,
    payload_limit: PayloadLimit = 2_000_000,
    max_client_batch_size: ClientBatch = 32,
    max_input_length: InputLength = 16_384,
    auto_truncate: AutoTruncate = False,
    max_batch_tokens: BatchTokens = 32_768,
    max_batch_wait: BatchWait = 0.003,
    deadline: Deadline = 30.0,
    read_timeout: ReadTimeout = 10.0,
    keep_alive: KeepAlive = 65.0,
    reload_interval: ReloadInterval = 2.0,
    shutdown_delay: ShutdownDelay = 1.0,
    shutdown_timeout: ShutdownTimeout = 30.0,
    page: Page = True,
    log_requests: LogRequests = True,
) -> None:
    """Run a service that scores texts over HTTP.

    The interface is that of Text Embeddings Inference; /docs describes it. Each option is also an
    environment variable: SENTIMENT_LSTM_PORT is --port.
    """
    values = locals()
    try:
        from sentiment_lstm.serving.options import Options, named_models
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
        return None
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Expected a file with a key, found {error}: name one.") from error
    if len(key.splitlines()) > 1 or not key.isprintable():
        raise UsageError(f"Expected a key in one line in {path}, found more: write one line.")
    if not key:
        raise UsageError(f"Expected a key in {path}, found an empty file: write one into it.")
    return key
