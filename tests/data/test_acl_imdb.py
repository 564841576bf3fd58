import pytest
from reading import read, rows_of

from sentiment_lstm.data.open import list_splits, read_texts
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError
from sentiment_lstm.settings import DataSettings


@pytest.fixture
def acl(tmp_path):
    texts = {
        "train/neg/0_3.txt": b"bad film",
        "train/neg/10_1.txt": b"worse \xe2\x82",
        "train/neg/9_2.txt": b"dull",
        "train/pos/0_9.txt": "très bon".encode(),
        "train/unsup/0_0.txt": b"a film",
        "test/pos/0_10.txt": b"great",
        "test/neg/0_1.txt": b"awful",
        "train/urls_neg.txt": b"not a review",
    }
    for name, text in texts.items():
        path = tmp_path / "aclImdb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return tmp_path / "aclImdb"


def test_acl_folder(acl):
    assert [r.id for r in rows_of(acl)] == [
        "train/neg/0_3.txt", "train/neg/9_2.txt", "train/neg/10_1.txt", "train/pos/0_9.txt",
    ]  # fmt: skip
    pairs, counts = read(acl)
    assert pairs == [("bad film", "negative"), ("dull", "negative"), ("très bon", "positive")]
    assert counts == {"bad UTF-8": 1}
    assert read(acl, split="test")[0] == [("awful", "negative"), ("great", "positive")]
    assert list_splits(str(acl)) == ("train", "test", "unsupervised")


def test_a_folder_in_place_of_a_text_is_one_sentence(acl):
    (acl / "train/neg/9_1.txt").mkdir()
    with pytest.raises(DataError, match=r"Expected to read .*9_1\.txt, found: Is a directory"):
        rows_of(acl)


def test_a_text_without_permission_is_one_sentence(acl, monkeypatch):
    def refuse(path, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(acl), "open", refuse)
    with pytest.raises(DataError, match=r"0_3\.txt, found: Permission denied"):
        rows_of(acl)


def test_acl_folders_unlabelled_texts(acl):
    data = DataSettings(str(acl), split="unsupervised")
    assert [(r.text, r.label) for r in read_texts(data, set_aside=SetAside())] == [("a film", None)]
    with pytest.raises(DataError, match="missing label"):
        read(acl, split="unsupervised")


def test_acl_folder_refuses_columns_and_other_splits(acl):
    with pytest.raises(DataError, match="train, test, unsupervised"):
        rows_of(acl, split="dev")
    with pytest.raises(DataError, match="no column names"):
        rows_of(acl, group_column="movie")
