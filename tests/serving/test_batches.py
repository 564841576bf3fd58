"""`POST /batch`: JSON lines in, JSON lines out, both at the same time."""

import asyncio
import json
import socket

import numpy as np
import pytest
from running import running, save, service, wait_for
from starlette.requests import ClientDisconnect

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.serving import batches
from sentiment_lstm.serving.app import create_app
from sentiment_lstm.serving.batches import Lines, Rows
from sentiment_lstm.serving.errors import overloaded
from sentiment_lstm.serving.options import Options


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def client(folder):
    with service(folder, max_input_length=50, payload_limit=5_000) as (client, _):
        yield client


def send(client, body, path="/batch"):
    answer = client.post(path, content=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_rows_come_back_in_order_with_their_scores(client, folder):
    words = ["a", "good", "film", "bad", "not", "é", "😀", ",", ""]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, rng.integers(0, 9))) for _ in range(300)]
    rows = [{"id": i, "text": text, "more": {"a": [1, None]}} for i, text in enumerate(texts)]
    answers = send(client, "\n".join(map(json.dumps, rows)))
    expected = SentimentClassifier.from_pretrained(folder).predictor.predict(texts)
    for row, answer, prediction in zip(rows, answers, expected, strict=True):
        assert {key: answer[key] for key in row} == row
        assert list(answer) == [*row, "label", "score", "probabilities"]
        assert answer["label"] == prediction.label
        np.testing.assert_allclose(answer["probabilities"], prediction.probabilities, atol=1e-6)
        assert (answer["score"] is None) == (prediction.score is None)


def test_a_row_may_hold_labels_if_each_text_has_one(client):
    (answer,) = send(client, '{"text": "a good film", "labels": ["old"]}')
    assert answer["labels"] == ["old"]
    assert answer["label"] in ("negative", "positive")


def test_several_labels_are_a_list(tmp_path):
    folder = save(tmp_path / "moods", ("anger", "joy", "love"), thresholds=(1e-6, 1e-6, 0.999))
    with service(folder) as (client, _):
        (answer,) = send(client, '{"text": "a good film"}')
        (taken,) = send(client, '{"text": "a good film", "labels": []}')
    assert sorted(answer["labels"]) == ["anger", "joy"]
    assert 'without the key "labels"' in taken["error"]
    assert answer["label"] == answer["labels"][0]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x", "a line of JSON"),
        ("[" * 4_000, "a line of JSON"),
        ('{"text": ' + "9" * 4_400, "too many digits"),
        (b"\xff", "a line of JSON"),
        ('{"text": NaN}', "a line of JSON"),
        ("[]", 'a string as "text"'),
        ("{}", 'a string as "text"'),
        ('{"text": ["a"]}', 'a string as "text"'),
        ('{"text": "a", "label": "b"}', 'without the key "label"'),
        ('{"text": "a", "x": 1e999}', "a row without infinite numbers"),
        (json.dumps({"text": "good " * 51}), "at most 50 tokens"),
        (json.dumps({"text": "a" * 5_000}), "a shorter line"),
    ],
)
def test_a_bad_line_spoils_no_other(client, line, problem):
    good = b'{"text": "a good film"}'
    line = line if isinstance(line, bytes) else line.encode()
    first, bad, last = send(client, b"\n".join([good, b"", line, good]))
    assert first == last
    assert first["label"]
    assert (bad["error_type"], bad["line"], set(bad)) == (
        "Validation",
        3,
        {"error", "error_type", "line"},
    )
    assert problem in bad["error"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \n"])
def test_line_ends_and_blank_lines(client, end):
    answers = send(client, '{"text": "a"}' + end + '{"text": "\\ud83d b"}' + end)
    assert [answer["text"] for answer in answers] == ["a", "\ud83d b"]


def test_a_body_may_be_larger_than_other_bodies(client):
    row = json.dumps({"text": "a good film " * 12}) + "\n"
    assert len(send(client, row * 200)) == 200


def test_no_rows_have_no_answers(client):
    assert send(client, "") == []


def test_an_unknown_model_is_refused(client):
    answer = client.post("/batch?model=other", content='{"text": "a"}')
    assert (answer.status_code, answer.json()["error_type"]) == (404, "NotFound")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_may_be_cut_anywhere(size):
    body = b"ab\n\ncdefgh\r\n" + b"x" * 9 + b"\nend"
    lines = Lines(8)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    cut = [line for piece in [*pieces, None] for line in lines.of(piece)]
    assert cut == [(1, b"ab"), (3, b"cdefgh\r"), (4, None), (5, b"end")]


class Client:
    """Sends rows when the service asks for them, and takes answers when it may."""

    def __init__(self, rows: int, gone_after: int | None = None) -> None:
        self.rows, self.gone_after = rows, gone_after
        self.sent = 0
        self.taken: list[dict] = []
        self.takes = asyncio.Event()
        self.is_answered = False

    async def receive(self):
        await asyncio.sleep(0)
        if self.sent == self.gone_after:
            return {"type": "http.disconnect"}
        self.sent += 1
        body = json.dumps({"text": "a good film", "id": self.sent}).encode() + b"\n"
        return {"type": "http.request", "body": body, "more_body": self.sent < self.rows}

    async def send(self, message):
        await self.takes.wait()
        if message["type"] == "http.response.body":
            self.taken += map(json.loads, message["body"].splitlines())
            self.is_answered = not message["more_body"]


@pytest.fixture
def run(folder):
    """Runs a test with the model's scorer in an event loop."""

    def run(test):
        async def with_scorer():
            options = Options(models=(("films", str(folder)),), threads=1)
            models = create_app(options).state.models
            await models.load()
            try:
                return await test(models.default, options)
            finally:
                models.close()

        return asyncio.run(with_scorer())

    return run


class Large(Client):
    async def receive(self):
        message = await super().receive()
        row = {"text": "good", "id": self.sent, "other": "a" * 600_000}
        return {**message, "body": json.dumps(row).encode() + b"\n"}


@pytest.mark.parametrize(
    ("kind", "rows", "most"),
    [(Client, 500, batches._GROUPS + 2), (Large, 20, 4)],  # a large row counts as three groups
)
def test_no_more_is_read_while_the_client_takes_no_answers(run, kind, rows, most):
    async def test(scorer, options):
        client = kind(rows=rows)
        answering = asyncio.create_task(
            Rows(scorer, options, set())({}, client.receive, client.send)
        )
        await asyncio.sleep(0.3)
        sent = client.sent
        client.takes.set()
        await answering
        return sent, client

    sent, client = run(test)
    assert sent <= most
    assert [row["id"] for row in client.taken] == list(range(1, rows + 1))
    assert client.is_answered


def test_an_answer_comes_before_the_next_row_is_sent(run):
    async def test(scorer, options):
        rows: asyncio.Queue = asyncio.Queue()
        answers: asyncio.Queue = asyncio.Queue()

        async def receive():
            return await rows.get()

        async def send(message):
            await answers.put(message)

        answering = asyncio.create_task(Rows(scorer, options, set())({}, receive, send))
        for number in range(3):
            body = b'{"text": "a good film"}\n'
            await rows.put({"type": "http.request", "body": body, "more_body": number < 2})
            if not number:
                assert (await answers.get())["type"] == "http.response.start"
            message = await asyncio.wait_for(answers.get(), 5)
            assert json.loads(message["body"])["label"]
        await answering

    run(test)


def test_a_client_that_goes_ends_the_work(run):
    async def test(scorer, options):
        client, in_progress = Client(rows=10_000, gone_after=100), set()
        client.takes.set()
        with pytest.raises(ClientDisconnect):
            await Rows(scorer, options, in_progress)({}, client.receive, client.send)
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        return client, in_progress, others

    client, in_progress, others = run(test)
    assert client.sent == 100
    assert not client.is_answered
    assert not in_progress
    assert not others


def test_an_answer_that_cannot_be_sent_ends_the_work(run):
    async def test(scorer, options):
        client = Client(rows=10_000)

        async def send(message):
            if client.sent > 20:
                raise OSError("the client has gone")

        with pytest.raises(OSError, match="gone"):
            await Rows(scorer, options, set())({}, client.receive, send)
        await asyncio.sleep(0.05)
        return client, asyncio.all_tasks() - {asyncio.current_task()}

    client, others = run(test)
    assert client.sent < 100
    assert not others


def test_a_busy_service_makes_rows_wait(run, monkeypatch):
    async def test(scorer, options):
        client, predict, refusals = Client(rows=20), scorer.predict, []

        async def busy(texts):
            if len(refusals) < 5:
                refusals.append(overloaded(1))
                refusals[-1].retry_after = 0
                raise refusals[-1]
            return await predict(texts)

        monkeypatch.setattr(scorer, "predict", busy)
        client.takes.set()
        await Rows(scorer, options, set())({}, client.receive, client.send)
        return client

    client = run(test)
    assert [row["label"] is not None for row in client.taken] == [True] * 20


def test_too_many_batches_are_refused(folder, monkeypatch):
    monkeypatch.setattr(batches, "MOST_BATCHES", 0)
    with service(folder) as (client, _):
        answer = client.post("/batch", content='{"text": "a"}')
    assert (answer.status_code, answer.json()["error_type"]) == (429, "Overloaded")


@pytest.fixture(scope="module")
def process(folder):
    with running("--model", f"films={folder}", "--threads", "1") as process:
        yield process


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        data += connection.recv(65_536) or pytest.fail(f"the connection ended after {data!r}")
    return data


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


HEAD = b"POST /batch HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"


def test_a_connection_carries_rows_and_answers_at_the_same_time(process):
    with socket.create_connection(process.address, 20) as connection:
        connection.sendall(HEAD + b"expect: 100-continue\r\n\r\n")
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        connection.sendall(chunk(b'{"text": "a good film", "id": 1}\n{"text": "a'))
        answer = read_until(connection, b"}\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"id": 1, "label"' in answer
        connection.sendall(chunk(b' bad film", "id": 2}') + b"0\r\n\r\n")
        assert b'"id": 2, "label"' in read_until(connection, b"0\r\n\r\n")


def test_after_a_client_that_vanishes_the_service_goes_on(process):
    row = b'{"text": "a good film"}\n'
    for _ in range(batches.MOST_BATCHES + 2):
        with socket.create_connection(process.address, 20) as connection:
            connection.sendall(HEAD + b"\r\n" + chunk(row * 100))
            read_until(connection, b'"label"')

    def is_free():
        return process.client.post("/batch", content=row).status_code == 200

    wait_for(is_free)
