"""The gate: keys, origins, sizes, places, and the headers of every answer."""

import asyncio
import logging

import pytest
from running import JSON, save, service
from starlette.testclient import WebSocketDenialResponse

from sentiment_lstm.serving.limits import SECURITY_HEADERS

BODY = b'{"inputs": "good"}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "films")


@pytest.fixture(scope="module")
def client(folder):
    with service(folder, payload_limit=1000) as (client, _):
        yield client


def post(client, body=BODY, **headers):
    return client.post("/predict", content=body, headers=JSON | headers)


@pytest.mark.parametrize("path", ["/health", "/docs", "/nothing", "/info", "/predict"])
def test_every_answer_has_the_security_headers(client, path):
    answer = client.get(path)
    for name, value in SECURITY_HEADERS:
        assert answer.headers[name.decode()] == value.decode()
    assert "no-store" in answer.headers["cache-control"]
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_key_is_needed_except_for_health(folder):
    with service(folder, api_key="secret") as (client, _):
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "secret"}):
            answer = post(client, **headers)
            assert (answer.status_code, answer.json()["error_type"]) == (401, "Unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert client.get("/metrics", headers=headers).status_code == 401
        assert post(client, authorization="Bearer secret").status_code == 200
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://testserver", 200), ("https://testserver", 200), ("http://evil", 403), ("null", 403)],
)
def test_pages_of_other_origins_are_refused(client, origin, status):
    assert post(client, origin=origin).status_code == status


def test_a_preflight_gets_no_permission(client):
    headers = {"origin": "http://evil", "access-control-request-method": "POST"}
    assert client.options("/predict", headers=headers).status_code in (403, 405)


def test_a_large_body_is_refused(client):
    answer = post(client, b"x" * 1001)
    assert (answer.status_code, answer.json()["error_type"]) == (413, "Validation")
    assert "1000 bytes" in answer.json()["error"]
    assert answer.headers["connection"] == "close"
    assert post(client, BODY.ljust(1000)).status_code == 200


async def ask(app, pieces, headers=()):
    """Send a request in pieces; return the status, the body, and how many pieces were read."""
    rest, sent = list(pieces), []

    async def receive():
        if not rest:
            return {"type": "http.disconnect"}
        piece = rest.pop(0)
        if isinstance(piece, asyncio.Event):
            await piece.wait()
            piece = b""
        return {"type": "http.request", "body": piece, "more_body": bool(rest)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/predict",
        "raw_path": b"/predict",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    status = sent[0]["status"] if sent else None
    return status, len(pieces) - len(rest), dict(sent[0]["headers"]) if sent else {}


def asked(folder, scenario, **options):
    with service(folder, **options) as (client, app):
        return client.portal.call(scenario, app)


def test_a_large_body_in_chunks_is_read_no_further(folder):
    async def scenario(app):
        chunked = [(b"transfer-encoding", b"chunked")]
        return await ask(app, [b"x" * 400] * 50, chunked)

    status, read, headers = asked(folder, scenario, payload_limit=1000)
    assert (status, read) == (413, 3)
    assert headers[b"connection"] == b"close"


def test_all_bodies_together_have_a_limit(folder):
    async def scenario(app):
        slow = asyncio.Event()
        first = asyncio.create_task(ask(app, [b'{"inputs": "', b"a" * 600, slow, b'"}']))
        await asyncio.sleep(0.05)
        second = await ask(app, [b'{"inputs": "', b"a" * 600, b'"}'])
        slow.set()
        return (await first)[0], second[0], (await ask(app, [BODY]))[0]

    assert asked(folder, scenario, max_waiting_bytes=1000) == (200, 429, 200)
    assert asked(folder, scenario, max_waiting_bytes=500) == (200, 429, 200), "one body is no crowd"


def test_one_request_too_many_is_refused_at_once(folder):
    async def scenario(app):
        slow = asyncio.Event()
        waiting = [asyncio.create_task(ask(app, [slow, BODY])) for _ in range(3)]
        await asyncio.sleep(0.05)
        status, read, headers = await ask(app, [BODY])
        slow.set()
        return status, read, headers, [(await each)[0] for each in waiting]

    status, read, headers, others = asked(folder, scenario, max_concurrent_requests=3)
    assert (status, read, others) == (429, 0, [200] * 3)
    assert headers[b"retry-after"] == b"1"


def test_a_refused_request_is_counted_under_its_route(folder):
    with service(folder, api_key="secret", payload_limit=100) as (client, app):
        key = {"authorization": "Bearer secret"}
        client.get("/v2/models/films")
        client.get("/main.js/nothing")
        client.post("/v2/models/films/infer", content=b"x" * 101, headers=key)
        client.get("/predict", headers=key)
        count = app.state.models.metrics.requests.labels
        for method, route, status in (
            ("GET", "/v2/models/{name}", 401),
            ("GET", "other", 401),
            ("POST", "/v2/models/{name}/infer", 413),
            ("GET", "/predict", 405),
        ):
            assert count(method, route, status)._value.get() == 1, route


def test_a_client_that_goes_is_only_counted(folder, caplog):
    async def scenario(app):
        return await ask(app, [])

    with caplog.at_level(logging.WARNING):
        assert asked(folder, scenario)[0] is None
    assert caplog.text == ""


def test_an_unexpected_error_is_not_shown(folder, caplog):
    with service(folder) as (client, app):

        @app.get("/broken")
        async def broken():
            raise ValueError("a secret text")

        answer = client.get("/broken")
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "error_type"}
    assert "secret" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_websockets_are_guarded(folder):
    with service(folder, api_key="secret", max_concurrent_requests=1) as (client, _):

        def connect(**headers):
            return client.websocket_connect("/stream", headers=headers)

        key = {"authorization": "Bearer secret"}
        for headers, status in (({}, 401), ({**key, "origin": "http://evil"}, 403)):
            with pytest.raises(WebSocketDenialResponse) as error, connect(**headers):
                pass
            assert error.value.status_code == status
        with connect(**key, origin="http://testserver") as connection:
            with pytest.raises(WebSocketDenialResponse) as error, connect(**key):
                pass
            assert error.value.status_code == 429
            connection.send_text('{"version": 1, "text": "good"}')
            assert connection.receive_json()["version"] == 1
        with connect(**key):
            pass
