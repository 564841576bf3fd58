"""The key of the service: what needs it, and how clients send it."""

import base64
import json
import socket

import pytest
from running import JSON, running, save, service
from starlette.testclient import WebSocketDenialResponse
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sentiment_lstm.serving.keys import SUBPROTOCOL
from sentiment_lstm.serving.page_routes import page_files

KEY = "s3cret key/?~"


def offer(key: str) -> str:
    """The subprotocol that carries a key."""
    return "bearer." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def handshake(address, subprotocols: str) -> bytes:
    """Send the handshake of a WebSocket; return the whole answer."""
    lines = [
        "GET /stream HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {subprotocols}",
    ]
    with socket.create_connection(address, 30) as client, client.makefile("rb") as answer:
        client.sendall("\r\n".join([*lines, "\r\n"]).encode())
        return answer.read()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "films")


@pytest.fixture(scope="module")
def client(folder):
    with service(folder, api_key=KEY) as (client, _):
        yield client


def test_the_page_and_the_documentation_need_no_key(client):
    for path in ("", *page_files(), "docs", "docs/style.css", "openapi.json"):
        assert client.get(f"/{path}").status_code == 200, path
    assert client.head("/").status_code == 200


@pytest.mark.parametrize("path", ["/card.md", "/info", "/metrics", "/v2", "/nothing", "/main.js/"])
def test_all_else_needs_the_key(client, path):
    assert client.get(path).status_code == 401
    key = {"authorization": f"Bearer {KEY}"}
    assert client.get(path, headers=key).status_code in (200, 404)


@pytest.mark.parametrize("path", ["/", "/main.js", "/docs", "/predict"])
def test_only_reading_needs_no_key(client, path):
    assert client.post(path, content=b'{"inputs": "good"}', headers=JSON).status_code == 401


def test_without_the_page_its_address_needs_the_key(folder):
    with service(folder, api_key=KEY, page=False) as (client, _):
        assert client.get("/").status_code == 401
        assert client.get("/main.js").status_code == 401


@pytest.mark.parametrize("path", ["/", "/main.js"])
def test_files_without_a_key_count_as_requests_of_the_same_limits(folder, path):
    with service(folder, api_key=KEY) as (client, _):
        assert client.get(path, headers={"origin": "http://evil"}).status_code == 403


@pytest.mark.parametrize(
    "offers",
    [
        [],
        [SUBPROTOCOL],
        [SUBPROTOCOL, offer("wrong")],
        [SUBPROTOCOL, "bearer."],
        [SUBPROTOCOL, f"bearer.{KEY}"],
        [offer(KEY)[:-1], SUBPROTOCOL],
        [f"{offer(KEY)}=", "Bearer." + offer(KEY)[7:]],
    ],
)
def test_a_socket_without_the_key_is_refused(client, offers):
    with (
        pytest.raises(WebSocketDenialResponse) as refusal,
        client.websocket_connect("/stream", subprotocols=offers),
    ):
        pass
    assert refusal.value.status_code == 401


def test_a_browser_sends_the_key_as_a_subprotocol_that_is_not_repeated(client):
    for offers in ([SUBPROTOCOL, offer(KEY)], [offer("wrong"), offer(KEY), SUBPROTOCOL]):
        with client.websocket_connect("/stream", subprotocols=offers) as socket:
            assert socket.accepted_subprotocol == SUBPROTOCOL
            socket.send_text('{"version": 1, "text": "good"}')
            assert json.loads(socket.receive_text())["version"] == 1
    with client.websocket_connect("/stream", subprotocols=[offer(KEY)]) as socket:
        assert socket.accepted_subprotocol is None
    header = {"authorization": f"Bearer {KEY}"}
    with client.websocket_connect("/stream", headers=header) as socket:
        assert socket.accepted_subprotocol is None


def test_a_key_as_a_subprotocol_is_no_key_of_a_request(client):
    headers = {"sec-websocket-protocol": f"{SUBPROTOCOL}, {offer(KEY)}"}
    assert client.get("/info", headers=headers).status_code == 401


def test_a_real_service_takes_the_key_from_a_file(folder, tmp_path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    with running("--model", str(folder), "--api-key-file", str(tmp_path / "key")) as process:
        url = process.url.replace("http", "ws") + "/stream"
        with connect(url, subprotocols=[SUBPROTOCOL, offer(KEY)], proxy=None) as socket:
            assert socket.subprotocol == SUBPROTOCOL
        with pytest.raises(InvalidStatus) as refusal, connect(url, proxy=None):
            pass
        assert refusal.value.response.status_code == 401
        answer = handshake(process.address, f"two words, {offer(KEY)}")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert offer(KEY).encode() not in answer
        process.end()
    logged = json.dumps(process.lines)
    assert KEY not in logged
    assert offer(KEY) not in logged
