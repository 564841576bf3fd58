"""The options of `serve`, from the command line and from the environment."""

import pytest

from sentiment_lstm.serving import server
from sentiment_lstm.serving.options import Options


@pytest.fixture
def served(run, monkeypatch):
    """Runs `serve` without a server; returns its options, or what it says."""
    options = []
    monkeypatch.setattr(server, "serve", options.append)

    def serve(*arguments):
        code, _, err = run("serve", *arguments)
        return options.pop() if code == 0 else f"{code} {err}"

    return serve


def test_the_defaults_are_safe(served):
    options = served()
    assert options == Options()
    assert options.host == "127.0.0.1"


def test_options_come_from_the_command_line(served):
    options = served(
        "--model", "films=a", "--model", "b", "--port", "0", "--deadline", "5", "--no-log-requests"
    )  # fmt: skip
    assert options.models == (("films", "a"), ("b", "b"))
    assert (options.port, options.deadline, options.log_requests) == (0, 5, False)


def test_options_come_from_the_environment(served, monkeypatch, tmp_path):
    key = tmp_path / "key"
    key.write_text("secret\n")
    values = {
        "MODEL": "films=a b",
        "HOST": "0.0.0.0",
        "PORT": "9000",
        "API_KEY_FILE": str(key),
        "AUTO_TRUNCATE": "true",
        "MAX_BATCH_WAIT": "0.01",
        "LOG_REQUESTS": "0",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"SENTIMENT_LSTM_{name}", value)
    options = served("--port", "9001")
    assert options.models == (("films", "a"), ("b", "b"))
    assert (options.host, options.port) == ("0.0.0.0", 9001)
    assert (options.api_key, options.auto_truncate) == ("secret", True)
    assert (options.max_batch_wait, options.log_requests) == (0.01, False)


def test_a_key_comes_from_a_file_alone(served, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.touch()
    assert "2 Error: Expected a file with a key" in served("--api-key-file", str(tmp_path / "no"))
    assert "2 Error: Expected a key in" in served("--api-key-file", str(empty))
    assert served("--api-key", "secret").startswith("2 ")


def test_without_its_libraries_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentiment_lstm.serving.server", None)
    code, _, err = run("serve")
    assert code == 1
    assert "pip install 'sentiment-lstm[serve]'" in err


def test_a_key_has_one_line(served, tmp_path):
    key = tmp_path / "key"
    for text in ("one\ntwo\n", "one\0"):
        key.write_text(text)
        assert "2 Error: Expected a key in one line" in served("--api-key-file", str(key))


def test_seconds_are_finite(served):
    assert "--keep-alive, found inf" in served("--keep-alive", "inf")


def test_domains_of_a_proxy(served):
    assert served("--allowed-host", "a.example").allowed_hosts == ("a.example",)
