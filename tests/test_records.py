import numpy as np
import pytest

from sentiment_lstm.records import UNKNOWN_ID, Encoded, Features

FEATURES = Features(np.arange(10, 16, dtype=np.int32), np.array([2, 0, 3, 1]), 99)
TEXT = Encoded(
    np.array([5, 6, 7, 8], dtype=np.int32), np.array([[0, 1], [1, 2], [3, 5], [5, 6]]), FEATURES
)


def mask(*tokens: int) -> np.ndarray:
    return np.isin(np.arange(4), tokens)


def test_kept_tokens_keep_their_features():
    kept = TEXT.kept(mask(0, 2))
    assert kept.ids.tolist() == [5, 7]
    assert kept.offsets.tolist() == [[0, 1], [3, 5]]
    assert kept.features.ids.tolist() == [10, 11, 12, 13, 14]
    assert kept.features.counts.tolist() == [2, 3]
    assert kept.features.last_word == 99
    assert TEXT.kept(mask(1)).features.ids.tolist() == []
    assert TEXT.kept(mask(0, 1, 2, 3)).features.ids.tolist() == FEATURES.ids.tolist()


def test_a_text_of_no_tokens_is_an_unknown_one_without_features():
    nothing = TEXT.kept(mask())
    assert nothing.ids.tolist() == [UNKNOWN_ID]
    assert nothing.features.ids.tolist() == []
    assert nothing.features.counts.tolist() == [0]
    assert Encoded(TEXT.ids).kept(mask()).features is None


def test_texts_without_features_have_none_in_any_part():
    plain = Encoded(TEXT.ids)
    assert (plain.kept(mask(1, 2)).features, plain.kept(mask(1)).offsets) == (None, None)
    pieces = [(piece.ids.tolist(), piece.features) for piece in plain.pieces(3)]
    assert pieces == [([5, 6, 7], None), ([8], None)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_pieces_are_the_text_in_order(size):
    pieces = list(TEXT.pieces(size))
    for start, piece in zip(range(0, 4, size), pieces, strict=True):
        expected = TEXT.kept((np.arange(4) >= start) & (np.arange(4) < start + size))
        assert piece.ids.tolist() == expected.ids.tolist()
        assert piece.offsets.tolist() == expected.offsets.tolist()
        assert piece.features.ids.tolist() == expected.features.ids.tolist()
        assert piece.features.counts.tolist() == expected.features.counts.tolist()
        assert piece.features.last_word == 99
