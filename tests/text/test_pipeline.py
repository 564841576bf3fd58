"""A file tokenizer.json is compared with what this package writes, and anything else is refused."""

import copy
import json

import pytest
from tokenizers import Tokenizer, models

from sentiment_lstm.errors import BundleError
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text import pipeline as module
from sentiment_lstm.text.cleaning import normalizer, older_normalizer, pre_tokenizer
from sentiment_lstm.text.pipeline import read_pipeline
from sentiment_lstm.text.tokenizer import TextTokenizer

TEXTS = ["a good film", "not bad, not good", "good good bad"]
WRITTEN = {
    (kind, lowercase): TextTokenizer.learn(
        TEXTS, TextSettings(kind=kind, lowercase=lowercase, min_frequency=1)
    )
    for kind in ("word", "bpe")
    for lowercase in (True, False)
}
REPLACE = {"type": "Replace", "pattern": {"Regex": "a"}, "content": "aa"}


def state(kind: str = "bpe") -> dict:
    return json.loads(WRITTEN[kind, True].to_json())


@pytest.mark.parametrize("key", WRITTEN)
def test_every_pipeline_that_is_written_is_read_back(key):
    written = WRITTEN[key].to_json()
    assert read_pipeline(written).to_str(pretty=True) == written


@pytest.mark.parametrize("kind", ["word", "bpe"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_the_pipelines_of_earlier_versions_are_read_back(kind, lowercase):
    pipeline = Tokenizer.from_str(WRITTEN[kind, lowercase].to_json())
    pipeline.normalizer = older_normalizer(lowercase=lowercase)
    written = pipeline.to_str(pretty=True)
    assert read_pipeline(written).to_str(pretty=True) == written


def test_the_steps_are_described_as_the_library_writes_them():
    for lowercase in (True, False):
        for make, newer in ((normalizer, True), (older_normalizer, False)):
            written = json.loads(make(lowercase=lowercase).__getstate__())
            assert module.normalizer_as_json(lowercase=lowercase, newer=newer) == written
    for mark in (True, False):
        written = json.loads(pre_tokenizer(mark_starts=mark).__getstate__())
        assert module.pre_tokenizer_as_json(mark_starts=mark) == written


def changed(*path: str | int, value: object, kind: str = "bpe") -> dict:
    """The state of a good file with another value at a path."""
    values = copy.deepcopy(state(kind))
    part = values
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return values


STEPS = state()["normalizer"]["normalizers"]
VOCABULARY = state()["model"]["vocab"]
HOSTILE = {
    "nested replacements": changed("normalizer", "normalizers", value=[REPLACE] * 40),
    "one more replacement": changed("normalizer", "normalizers", value=[*STEPS, REPLACE]),
    "a catastrophic pattern": changed(
        "normalizer", "normalizers", 0, "pattern", value={"Regex": "(a|a)*b"}
    ),
    "another pattern of words": changed(
        "pre_tokenizer", "pretokenizers", 0, "pattern", value={"Regex": "(a+)+$"}
    ),
    "another pre-tokenizer": changed("pre_tokenizer", value={"type": "Whitespace"}),
    "no normalizer": changed("normalizer", value=None),
    "marks of words": changed("pre_tokenizer", value=state("word")["pre_tokenizer"]),
    "dropout": changed("model", "dropout", value=0.5),
    "bytes": changed("model", "byte_fallback", value=True),
    "a prefix": changed("model", "continuing_subword_prefix", value="##"),
    "one unknown token for several": changed("model", "fuse_unk", value=True),
    "another model": changed("model", value={"type": "Unigram", "vocab": [], "unk_id": 0}),
    "an unknown model": changed("model", "type", value="WordPiece"),
    "another unknown token": changed("model", "unk_token", value="a"),
    "a post-processor": changed("post_processor", value={"type": "ByteLevel"}),
    "a decoder": changed("decoder", value={"type": "ByteLevel"}),
    "padding": changed("padding", value={"strategy": {"Fixed": 10**9}}),
    "a key more": {**state(), "more": 1},
    "a key less": {key: value for key, value in state().items() if key != "decoder"},
    "another version": changed("version", value="2.0"),
    "a list as vocabulary": changed("model", "vocab", value=["a"]),
    "an id twice": changed("model", "vocab", "a", value=0),
    "an id far away": changed("model", "vocab", "a", value=2**31),
    "an id that is no number": changed("model", "vocab", "a", value=True),
    "a token of half a character": changed("model", "vocab", value={**VOCABULARY, "\ud800": 9999}),
    "merges that are numbers": changed("model", "merges", value=[[1, 2]]),
    "merges of three": changed("model", "merges", value=[["a", "b", "c"]]),
    "merges of unknown tokens": changed("model", "merges", value=[["never", "seen"]]),
    "a list": [],
    "a number": 3,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_any_other_pipeline_is_refused_in_one_sentence(tmp_path, monkeypatch, case):
    monkeypatch.setattr(module.Tokenizer, "from_str", None, raising=False)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(HOSTILE[case]), encoding="utf-8")
    with pytest.raises(BundleError, match=r"^Expected .* tokenizer .*, found [^\n]*\.$") as caught:
        TextTokenizer.load(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b'{"a": 1' + b"0" * 5000 + b"}"])
def test_content_that_is_no_json_is_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="Expected a tokenizer"):
        TextTokenizer.load(path)


class PanicException(BaseException):
    """As `pyo3_runtime.PanicException`, which cannot be imported: no `Exception`."""


def test_a_panic_of_the_library_is_an_error_of_the_bundle(tmp_path, monkeypatch):
    def panic(*_: object, **__: object) -> None:
        raise PanicException("index out of bounds")

    path = tmp_path / "tokenizer.json"
    path.write_text(WRITTEN["bpe", True].to_json(), encoding="utf-8")
    monkeypatch.setattr(models, "BPE", panic)
    monkeypatch.setattr(module.models, "BPE", panic)
    with pytest.raises(BundleError, match="found index out of bounds"):
        TextTokenizer.load(path)


def test_an_interrupt_is_no_error_of_the_bundle(tmp_path, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "tokenizer.json"
    path.write_text(WRITTEN["bpe", True].to_json(), encoding="utf-8")
    monkeypatch.setattr(module.models, "BPE", interrupt)
    with pytest.raises(KeyboardInterrupt):
        TextTokenizer.load(path)


def test_long_tokens_do_not_fill_the_memory_with_slips(tmp_path):
    """A token of n letters has 3n slips of n letters."""
    values = state("word")
    values["model"]["vocab"]["x" * 100_000] = len(values["model"]["vocab"])
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    tokenizer = TextTokenizer.load(path, correct_slips=True)
    assert len(tokenizer.encode(["a goood film"])[0].ids) == 3
