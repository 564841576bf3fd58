"""The encoding of a file is found out from its bytes, by an honest rule."""

import io
import random

import pytest

from sentiment_lstm.data import encodings
from sentiment_lstm.data.encodings import check_encoding, decoded, decoded_start, judge_encoding
from sentiment_lstm.data.screening import is_utf8
from sentiment_lstm.errors import DataError, UsageError

GERMAN = "Die Lieferung kam spät, aber schön verpackt. „Spaß“ macht das für 20 € nicht.\n" * 20
FRENCH = "Le service a été très déçu, voilà « à refaire » pour l'œuvre.\n" * 20
RUSSIAN = "Очень хороший магазин, всем советую.\n" * 20
CHINESE = "这部电影很好看，我很喜欢。\n" * 20
ENGLISH = "The screen broke after a week.\n" * 20


def judge(content: bytes) -> str:
    return judge_encoding(io.BytesIO(content), "x.csv")


@pytest.mark.parametrize("text", [GERMAN, FRENCH, RUSSIAN, CHINESE, ENGLISH, "", "é"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_valid_utf_8_is_utf_8(text, mark):
    assert judge(mark + text.encode()) == "utf-8"


@pytest.mark.parametrize("text", [GERMAN, FRENCH])
def test_western_bytes_are_cp1252(text):
    assert judge(text.encode("cp1252")) == "cp1252"


def test_one_western_character_far_down_is_found():
    content = ENGLISH.encode() * 5000 + b"a caf\xe9\n" + ENGLISH.encode()
    assert len(content) > 3_000_000
    assert judge(content) == "cp1252"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [GERMAN, ENGLISH])
def test_utf_16_is_found_with_and_without_a_mark(codec, text):
    encoding = judge(text.encode(codec))
    assert text.encode(codec).decode(encoding) == text


def test_chinese_in_utf_16_has_a_mark_or_is_refused():
    assert judge(CHINESE.encode("utf-16")) == "utf-16"
    with pytest.raises(DataError, match="another encoding"):
        judge((CHINESE + RUSSIAN).encode("gb18030"))


OLD_GERMAN = "Schöne Grüße aus Köln, überall fröhliche Gesichter.\n" * 20


@pytest.mark.parametrize(
    ("text", "codec"),
    [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (CHINESE, "gb18030"), (OLD_GERMAN, "cp850")],
)
def test_other_encodings_are_refused_in_one_sentence(text, codec):
    with pytest.raises(DataError, match=r"another encoding; name it with --encoding") as error:
        judge(text.encode(codec))
    assert "\n" not in str(error.value)


def test_a_few_bad_rows_do_not_change_the_encoding(caplog):
    bad = b"broken \xe9 byte\n"
    assert judge(GERMAN.encode() * 10 + bad) == "utf-8"
    assert not caplog.messages, "the row is counted as set aside"
    assert judge(GERMAN.encode() + bad * 5) == "utf-8"
    assert caplog.messages == [
        "x.csv is read as UTF-8. At least 5 of its lines are not: their rows are set aside."
    ]
    caplog.clear()
    assert judge(GERMAN.encode() + bad * 21) == "cp1252"
    assert caplog.messages == ["x.csv is read as cp1252. At least 20 of its lines look like UTF-8."]


@pytest.mark.parametrize("cut", [b"half \xe2\x82", b"half \xe2\x82,1", b"caf\xc3,1", b"caf\xc3"])
def test_a_cut_character_is_no_letter_of_cp1252(cut):
    assert judge(cut + b"\nplain\n") == "utf-8"
    assert judge(cut * 9 + b"\ncaf\xe9\n") == "cp1252"


@pytest.mark.parametrize("text", ["café…", "„schön und früh“", "déjà\xa0!", "le café»", "à – b"])
def test_letters_before_signs_are_cp1252(text):
    assert judge(text.encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("text", ["NÃO É BOM", "IRMÃ, MÃE", "MANHÃ DE SÃO JOÃO\nMANHÃ"])
def test_capitals_of_portuguese_are_cp1252(text):
    assert judge(text.encode("cp1252")) == "cp1252"


def test_a_few_nul_bytes_are_not_utf_16():
    assert judge(b"text,label\na\0b,1\nc,0\n") == "utf-8"


def test_lines_may_be_cut_between_blocks(monkeypatch):
    """Characters of several bytes are at every place of a block."""
    for size in range(8, 48):
        monkeypatch.setattr(encodings, "SAMPLE_BYTES", 7)
        monkeypatch.setattr(encodings, "_BLOCK_BYTES", size)
        assert judge(GERMAN.encode()) == "utf-8"
        assert judge(GERMAN.encode("cp1252")) == "cp1252"


def test_the_rest_of_a_clear_file_is_not_read():
    stream = io.BytesIO(GERMAN.encode("cp1252") * 5000)
    assert judge_encoding(stream, "x.csv") == "cp1252"
    assert stream.tell() < 3_000_000


def test_memory_holds_one_block():
    class Endless(io.RawIOBase):
        left = 300

        def readable(self):
            return True

        def readinto(self, buffer):
            self.left -= 1
            part = b"a" * len(buffer) if self.left > 0 else b""
            buffer[: len(part)] = part
            return len(part)

    assert judge_encoding(io.BufferedReader(Endless()), "x.csv") == "utf-8"


@pytest.mark.parametrize(
    ("name", "python_name"), [("UTF8", "utf-8"), ("utf-8-sig", "utf-8"), ("latin1", "iso8859-1")]
)
def test_encodings_are_named_as_python_names_them(name, python_name):
    assert check_encoding(name) == python_name


@pytest.mark.parametrize("name", ["utf-9", "rot13", "base64", "", "a\0", "undefined", "idna"])
def test_unknown_encodings_are_refused(name):
    with pytest.raises(UsageError, match="Expected an encoding such as utf-8"):
        check_encoding(name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp1252", "shift_jis", "ascii"])
def test_any_bytes_are_decoded_and_bad_ones_are_seen(encoding):
    generator = random.Random(0)
    content = bytes(generator.choices(range(256), k=999))
    text = decoded(io.BytesIO(content), encoding).read()
    assert not is_utf8(text)
    assert decoded_start(content[:500], encoding)
