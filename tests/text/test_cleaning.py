import time

import pytest

from sentiment_lstm.text.cleaning import normalizer, older_normalizer, without_surrogates


@pytest.mark.parametrize("steps", [normalizer, older_normalizer])
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
def test_texts_are_cleaned(raw, normal, steps):
    assert steps(lowercase=True).normalize_str(raw) == normal


@pytest.mark.parametrize(
    ("raw", "normal", "older"),
    [
        ("\u0130yi", "iyi", "i\u0307yi"),  # Turkish
        ("I\u0307yi", "iyi", "i\u0307yi"),
        ("\u062c\u0645\u0640\u0640\u064a\u0644", "\u062c\u0645\u064a\u0644", None),  # Arabic
        ("\u0915\u094d\u200d\u092f\u093e", "\u0915\u094d\u092f\u093e", None),  # Hindi
        ("\u0915\u094d\u200c\u0937", "\u0915\u094d\u0937", None),
        ("\u09b0\u200d\u09cd\u09af", "\u09b0\u09cd\u09af", None),  # Bengali
        ("\u0646\u0645\u06cc\u200c\u062f", "\u0646\u0645\u06cc\u200c\u062f", None),  # Persian
        ("\u1793\u17c1\u17c7\u200b\u179b\u17d2\u17a2", "\u1793\u17c1\u17c7 \u179b\u17d2\u17a2",
         "\u1793\u17c1\u17c7\u179b\u17d2\u17a2"),  # Khmer
        ("\u0e01\u200b!\u200b", "\u0e01!", None),  # Thai
    ],
)  # fmt: skip
def test_newer_replacements_leave_older_bundles_as_they_were(raw, normal, older):
    assert normalizer(lowercase=True).normalize_str(raw) == normal
    if older is None:
        older = raw.replace("\u200b", "")
    assert older_normalizer(lowercase=True).normalize_str(raw) == older


def test_case_is_kept_on_request():
    assert normalizer(lowercase=False).normalize_str("GOOD Film") == "GOOD Film"


def test_clean_text_is_not_changed():
    text = 'it wasn\'t "bad"?! caf\u00e9 8/10 :-) <3'
    assert normalizer(lowercase=True).normalize_str(text) == text


def test_each_surrogate_is_replaced():
    assert without_surrogates("a\ud800\udfffb\U0001f600") == "a\ufffd\ufffdb\U0001f600"


@pytest.mark.parametrize(
    "unit",
    ["<", "&", "x", " ", "<a", "</", "&amp", "&amp;", "\u0301", "'", "http://", "@", "www.!",
     "\u0e01\u200b", "\u200b", "\u094d\u200d", "\u200c"],
)  # fmt: skip
def test_time_is_linear_in_hostile_text(unit):
    """64 KB take a fraction of a second. Quadratic time would be minutes."""
    steps = normalizer(lowercase=True)
    start = time.perf_counter()
    steps.normalize_str(unit * (1 << 16))
    assert time.perf_counter() - start < 1
