"""Preset `auto` reads texts without spaces in pieces, and other texts in words."""

import pytest

from sentiment_lstm.data.corpus import Corpus
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, Settings
from sentiment_lstm.training.automatic import choose, look

CHINESE = [
    "味道不错",
    "质量很好，物流也快，推荐购买！",
    "手机用了两天就坏了，客服也不理人。",
    "不喜欢",
]
JAPANESE = ["届くのが遅かった 残念", "最高！！", "画面が暗くて見づらいし、電池もすぐ切れる。"]
THAI = ["อาหารอร่อยมาก บริการดี", "ไม่แนะนำเลย", "ของส่งช้า แต่คุณภาพดี"]
KHMER = ["ខ្សែភាពយន្ត\u200bនេះ\u200bល្អ\u200bណាស់។", "មិន\u200bល្អ\u200bទេ"]
KOREAN = ["배송이 너무 늦었어요", "정말 맛있고 친절했습니다 추천합니다", "다시는 안 갈 거예요"]
ARABIC = ["هذا الفيلم رائع جدا", "لم أحب الخدمة، كانت بطيئة"]
HINDI = ["यह फ़िल्म बहुत अच्छी है", "अंत बहुत ख़राब था।"]
VIETNAMESE = ["Phim này không hay chút nào.", "Rất hài lòng với dịch vụ."]
FINNISH = ["Elokuva ei ollut kovinkaan hyvä.", "Suosittelen lämpimästi kaikille!"]
GERMAN = ["Kundenzufriedenheitsumfrage", "Donaudampfschifffahrtsgesellschaft"]
ENGLISH = ["The screen broke after a week.", "Great phone, would buy it again."]
LINKS = [
    "https://example.org/a/very/long/path/to/a/page.html?x=1 look",
    "www.example.org/a/b/c/d/e/f",
]
NAMES = ["The screen of the 华为 phone broke after a week.", *ENGLISH]


def looked_at(texts):
    examples = [Example(text, "ab"[i % 2], str(i)) for i, text in enumerate(texts)]
    corpus = Corpus(("a", "b"), examples, [], streaming=False, screening={})
    return look(corpus, DataSettings(source="texts.csv"))


@pytest.mark.parametrize(
    "texts", [CHINESE, JAPANESE, THAI, KHMER, CHINESE + ENGLISH], ids=lambda texts: texts[0]
)
def test_texts_without_spaces_are_cut_into_pieces(texts):
    seen = looked_at(texts)
    assert not seen.has_spaces
    assert choose(Settings(), seen).text.kind == "bpe"


@pytest.mark.parametrize(
    "texts",
    [KOREAN, ARABIC, HINDI, VIETNAMESE, FINNISH, GERMAN, ENGLISH, LINKS, NAMES, ["?!", "👍 👍"]],
    ids=lambda texts: texts[0],
)
def test_other_texts_are_cut_into_words(texts):
    assert looked_at(texts).has_spaces


@pytest.mark.parametrize("texts", [CHINESE, JAPANESE, THAI, KOREAN, ARABIC, HINDI])
def test_no_other_language_starts_from_the_shipped_model(texts):
    assert choose(Settings(), looked_at(texts)).training.init is None


def test_the_length_of_texts_without_spaces_is_counted_in_pieces():
    assert looked_at(["这部电影很好看"]).words == 1 + 7 / 2
    assert looked_at(["a good film"]).words == 3
