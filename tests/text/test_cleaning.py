import time

import pytest

from sentiment_lstm.text.cleaning import normalizer, without_surrogates


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("A<br /><br />B", "a  b"),
        ("</P class='x'>Good", " good"),
        ("I <3 it, a < b > c, </3", "i <3 it, a < b > c, </3"),
        ("<" + "a" * 202 + ">", "<" + "a" * 202 + ">"),
        ("&quot;Fine&quot; &amp; &lt;3 &#39;s&nbsp;&hellip;", '"fine" & <3 \'s ...'),
        ("&amp;lt;", "&lt;"),
        ("AT&T; &unknown; &amp", "at&t; &unknown; &amp"),
        ("don\u2019t isn`t \u201cgood\u201d", "don't isn't \"good\""),
        ("don\u0092t \u0093good\u0094 \u0096 \u0085", 'don\'t "good" - ...'),
        ("so\u00adft\u200b \u2764\ufe0f", "soft \u2764"),
        ("\U0001f44d\U0001f3fd \U0001f44f\U0001f3ff!", "\U0001f44d \U0001f44f!"),
        ("Cafe\u0301", "caf\u00e9"),
        ("\u0130", "i\u0307"),
        ("Good: https://a.org/b?c=1&d=<b>x</b>", "good:  = x "),
        (
            '"https://a-b.org/",fine http://c.d...no [bad](http://e.f),ill',
            '" ",fine  ...no [bad]( ),ill',
        ),
        ("(see HTTP://a.org/b, or WWW.c.org).", "(see  , or  )."),
        ("https:// and www. and awww.sweet", "https:// and www. and awww.sweet"),
        ("@Reader_83 likes @b, not c@d.org or @ home", "@ likes @, not c@d.org or @ home"),
        (
            "3 @5.99, @Jos\u00e9, j.@x.com @Py.test @c's",
            "3 @5.99, @jos\u00e9, j.@x.com @py.test @'s",
        ),
    ],
)
def test_texts_are_cleaned(raw, normal):
    assert normalizer(lowercase=True).normalize_str(raw) == normal


def test_case_is_kept_on_request():
    assert normalizer(lowercase=False).normalize_str("GOOD Film") == "GOOD Film"


def test_clean_text_is_not_changed():
    text = 'it wasn\'t "bad"?! caf\u00e9 8/10 :-) <3'
    assert normalizer(lowercase=True).normalize_str(text) == text


def test_each_surrogate_is_replaced():
    assert without_surrogates("a\ud800\udfffb\U0001f600") == "a\ufffd\ufffdb\U0001f600"


@pytest.mark.parametrize(
    "unit",
    ["<", "&", "x", " ", "<a", "</", "&amp", "&amp;", "\u0301", "'", "http://", "@", "www.!"],
)
def test_time_is_linear_in_hostile_text(unit):
    """64 KB take a fraction of a second. Quadratic time would be minutes."""
    steps = normalizer(lowercase=True)
    start = time.perf_counter()
    steps.normalize_str(unit * (1 << 16))
    assert time.perf_counter() - start < 1
