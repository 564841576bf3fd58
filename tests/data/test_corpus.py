import tracemalloc

import pyarrow as pa
import pytest
from pyarrow import parquet

from sentiment_lstm.data.corpus import load_corpus, unlabelled_texts, validation_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.settings import DataSettings, Settings


@pytest.fixture
def write(tmp_path):
    def write(rows, name="data.csv", header="text,label"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n")
        return str(path)

    return write


def many(n):
    return [f"text {i},{i % 2}" for i in range(n)]


def write_splits(folder, **splits):
    folder.mkdir(exist_ok=True)
    for name, numbers in splits.items():
        columns = {"text": [f"text {i}" for i in numbers], "label": [i % 2 for i in numbers]}
        parquet.write_table(pa.table(columns), folder / f"{name}.parquet")


def load(source, seed=0, **options):
    return load_corpus(DataSettings(source, **options), seed, SetAside(None))


def test_whole_corpus(write):
    corpus = load(write([*many(200), "text 0,0", "text 1,0", ",1", "x,"]))
    assert corpus.classes == ("0", "1")
    assert len(corpus.validation) == 20
    assert len(corpus.sample) == 180
    assert list(corpus.training()) == corpus.sample
    assert corpus.screening == {
        "rows read": 204,
        "set aside": {"empty text": 1, "missing label": 1},
        "duplicates": 2,
        "disagreeing duplicates": 1,
        "excluded": 0,
    }


def test_settings_and_seed_give_the_same_validation_again(write):
    source = write(many(200))
    for streaming in (False, True):
        data = DataSettings(source, streaming=streaming)
        made = load_corpus(data, 5, SetAside(None)).validation
        assert validation_examples(data, 5, SetAside(None), ("0", "1")) == made
        assert validation_examples(data, 6, SetAside(None), ("0", "1")) != made


def test_a_stream_is_read_again_and_validation_never_trains(write):
    corpus = load(write([*many(500), "text 499,1"]), streaming=True, stream_rows=100)
    first, second = list(corpus.training()), list(corpus.training())
    assert first == second
    assert corpus.sample == first[: len(corpus.sample)]
    assert len(corpus.sample) + len(corpus.validation) == 100
    assert not {r.text for r in first} & {r.text for r in corpus.validation}
    assert len({r.text for r in first}) == len(first)
    assert 400 < len(first) < 500


def test_a_stream_counts_every_bad_row_once(write, tmp_path):
    rows = many(500)
    rows[50] = rows[400] = "no label,"
    set_aside = SetAside(tmp_path / "bad.jsonl")
    data = DataSettings(write(rows), streaming=True, stream_rows=100)
    corpus = load_corpus(data, 0, set_aside)
    assert set_aside.counts == {"missing label": 1}
    for _ in range(2):
        list(corpus.training())
    assert set_aside.counts == {"missing label": 2}
    assert len(set_aside.path.read_text().splitlines()) == 2


def test_a_label_missing_in_the_sample_is_unmapped(write):
    set_aside = SetAside(None)
    data = DataSettings(write([*many(150), "late,2"]), streaming=True, stream_rows=100)
    corpus = load_corpus(data, 0, set_aside)
    assert {r.label for r in corpus.training()} == {"0", "1"}
    assert set_aside.counts == {"unmapped label": 1}


def test_a_sorted_stream_names_the_setting_to_raise(write):
    rows = [f"text {i},{i // 150}" for i in range(300)]
    with pytest.raises(DataError, match=r"first 100 rows .* data.stream_rows"):
        load(write(rows), streaming=True, stream_rows=100)


@pytest.mark.parametrize("streaming", [False, True])
def test_excluded_texts_do_not_train(write, streaming):
    other = write(["text 3", "text 4", "unseen"], "other.csv", header="review")
    source = write(many(100))
    corpus = load(source, streaming=streaming, exclude=(other,), text_column="text")
    texts = {r.text for r in [*corpus.training(), *corpus.validation]}
    assert len(texts) == 98
    assert not texts & {"text 3", "text 4"}
    assert corpus.screening["excluded"] == 2


def test_excluding_everything_is_one_sentence(write):
    source = write(many(100))
    with pytest.raises(DataError, match=r"are not in .* found none"):
        load(source, exclude=(source,))


def test_exclude_takes_the_test_split_by_default(tmp_path, write):
    root = tmp_path / "hub"
    root.mkdir()
    for split, text in (("train", "text 1"), ("test", "text 2")):
        parquet.write_table(pa.table({"text": [text], "label": [1]}), root / f"{split}.parquet")
    source = write(many(100))

    def left_out(name):
        corpus = load(source, exclude=(name,))
        kept = {r.text for r in corpus.sample + corpus.validation}
        return {f"text {i}" for i in range(100)} - kept

    assert left_out(str(root)) == {"text 2"}
    assert left_out(f"{root}:train") == {"text 1"}


def test_no_group_is_in_both_training_and_validation(write):
    rows = [f"text {i},{i % 2},film {i % 37}" for i in range(400)]
    source = write(rows, header="text,label,film")
    for streaming in (False, True):
        corpus = load(source, group_column="film", streaming=streaming)
        sides = [{r.group for r in side} for side in (corpus.training(), corpus.validation)]
        assert sides[0]
        assert sides[1]
        assert not sides[0] & sides[1]


def test_a_stream_of_one_group_cannot_be_split(write):
    source = write([f"text {i},{i % 2},Alien" for i in range(200)], header="text,label,film")
    with pytest.raises(DataError, match="one side empty"):
        load(source, group_column="film", streaming=True)


@pytest.mark.parametrize("streaming", [False, True])
def test_the_training_side_needs_two_classes(write, streaming):
    source = write(many(100))
    # Seed 3 puts one group into training and the other into validation, also in a stream.
    with pytest.raises(DataError, match=r"two classes to train on .* --group-column"):
        load(source, seed=3, group_column="label", validation=0.5, streaming=streaming)


def test_two_rows_are_too_few(write):
    with pytest.raises(DataError, match=r"two classes to train on .* found"):
        load(write(["a,1", "b,0"]))


@pytest.mark.parametrize("name", ["", " ", "hf:", "kaggle:"])
def test_an_empty_name_is_no_source(write, name):
    for source, exclude in [(name, ()), (write(many(100)), (name,))]:
        with pytest.raises(DataError, match=r"Expected the name of a source, found"):
            load(source, exclude=exclude)


def test_stars_with_a_threshold(write):
    rows = [f"text {i},{i % 10 + 1}" for i in range(100)]
    corpus = load(write(rows), label_map={"<=4": "negative", ">=7": "positive"})
    assert corpus.classes == ("negative", "positive")
    assert corpus.screening["set aside"] == {"unmapped label": 20}


def test_a_stream_holds_no_more_than_its_window(write):
    def peak(n):
        corpus = load(write(many(n)), streaming=True, stream_rows=100)
        tracemalloc.start()
        for _ in corpus.training():
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(3000) < 1.1 * peak(600)


def test_a_mixture_adds_training_texts_with_weights_and_soft_labels(write):
    first = write(many(100))
    other = write(["text 0,2", "new,2", "new,0", "old,1", "odd,7"], "other.csv")
    more = DataSettings(other, label_map={"0": "0", "1": "0.5", "2": "1"}, weight=0.25)
    alone = load(first)
    set_aside = SetAside(None)
    mixed = load_corpus(DataSettings(first, weight=2.0), 0, set_aside, [more])
    assert mixed.validation == alone.validation
    assert [r.text for r in mixed.sample] == [*(r.text for r in alone.sample), "new", "old"]
    assert {r.weight for r in mixed.sample[:-2]} == {2.0}
    new, old = mixed.sample[-2:]
    assert (new.label, new.soft_label, new.weight) == ("1", None, 0.25)
    assert (old.label, old.soft_label) == ("1", 0.5)
    assert mixed.screening["dropped of the mixture"] == 2
    assert set_aside.counts == mixed.screening["set aside"] == {"unmapped label": 1}


def test_a_mixture_drops_what_is_excluded_anywhere(write):
    first, kept_out = write(many(100)), write(["secret,1"], "test.csv")
    other = write(["secret,1", "new,0"], "other.csv")
    data = DataSettings(first)
    (source,) = [DataSettings(other, exclude=(kept_out,))]
    assert "secret" not in [r.text for r in load_corpus(data, 0, SetAside(None), [source]).sample]
    again = [DataSettings(write(["secret,1"], "again.csv")), source]
    assert "secret" not in [r.text for r in load_corpus(data, 0, SetAside(None), again).sample]
    data = DataSettings(first, exclude=(kept_out,))
    mixed = load_corpus(data, 0, SetAside(None), [DataSettings(other)])
    assert "secret" not in [r.text for r in mixed.sample]
    assert "new" in [r.text for r in mixed.sample]


def test_a_stream_is_not_mixed(write):
    data = DataSettings(write(many(500)), streaming=True, stream_rows=100)
    with pytest.raises(UsageError, match="one source with --streaming"):
        load_corpus(data, 0, SetAside(None), [DataSettings(write(many(9), "b.csv"))])
    streamed = [DataSettings(write(many(9), "b.csv"), streaming=True)]
    with pytest.raises(UsageError, match="one source with --streaming"):
        load_corpus(DataSettings(write(many(500))), 0, SetAside(None), streamed)


def test_unlabelled_texts_repeat_no_text_of_training_or_validation(write):
    corpus = load(write(many(100)))
    kept_out = write(["secret,1"], "test.csv")
    texts = [corpus.sample[0].text, corpus.validation[0].text, "secret", "new", "new"]
    source = write([*texts, ""], "more.csv", header="text,note")
    settings = Settings().updated({"data.exclude": [kept_out], "language.sources": [source]})
    set_aside = SetAside(None)
    assert [r.text for r in unlabelled_texts(settings, corpus, set_aside)] == ["new"]
    settings = settings.updated({"data.exclude": (), "data.text_column": "review"})
    settings = settings.updated({"mixture": [{"source": source, "exclude": [kept_out]}]})
    assert [r.text for r in unlabelled_texts(settings, corpus, set_aside)] == ["new"]


def test_a_class_called_minus_one_stays_in_the_validation_texts(write):
    path = write([f"text {i},{i % 3 - 1}" for i in range(300)])
    corpus = load(path)
    assert corpus.classes == ("-1", "0", "1")
    again = validation_examples(DataSettings(path), 0, SetAside(None), corpus.classes)
    assert [(e.text, e.label) for e in again] == [(e.text, e.label) for e in corpus.validation]


def test_excluded_texts_are_no_validation_texts_either(tmp_path, write):
    """With trials, a last training reads the validation texts too."""
    write_splits(tmp_path / "films", train=range(20), validation=(50, 51))
    corpus = load(str(tmp_path / "films"), exclude=(write(["text 50,0"], "test.csv"),))
    assert [example.text for example in corpus.validation] == ["text 51"]
    assert corpus.screening["excluded"] == 1
    whole = str(tmp_path / "films" / "validation.parquet")
    assert len(load(str(tmp_path / "films"), exclude=(whole,)).validation) == 2


def test_training_texts_that_all_validate_are_one_sentence(tmp_path):
    write_splits(tmp_path, train=range(20), validation=range(20))
    with pytest.raises(DataError, match="that are not in its own validation split, found none"):
        load(str(tmp_path))


def test_rows_of_weight_0_in_a_mixture_are_counted(write):
    columns = {"header": "text,label,weight"}
    first = write([f"a {i},{i % 2},1" for i in range(20)], "a.csv", **columns)
    second = write([f"b {i},{i % 2},{i % 2}" for i in range(20)], "b.csv", **columns)
    options = [DataSettings(path, weight_column="weight") for path in (first, second)]
    screening = load_corpus(options[0], 0, SetAside(None), options[1:]).screening
    assert (screening["rows read"], screening["weight 0"]) == (40, 10)


def test_only_weights_of_0_are_one_sentence(write):
    path = write(["a,0,0", "b,1,0"], header="text,label,weight")
    with pytest.raises(DataError, match=r"Expected a weight above 0 in .*, found only 0"):
        load(path, weight_column="weight")


def test_soft_labels_on_one_side_are_of_two_classes(write):
    path = write([f"text {i},0.{i % 4}" for i in range(40)])
    label_map = {"no": "no", "yes": "yes"}
    corpus = load(path, soft_labels=True, label_map=label_map)
    assert corpus.classes == ("no", "yes")
    with pytest.raises(DataError, match="Expected at least two classes"):
        load(write(["a,0", "b,0.0"], "hard.csv"), soft_labels=True, label_map=label_map)


def test_a_long_name_of_a_split_is_one_sentence(write):
    with pytest.raises(DataError, match="Expected"):
        load(write(many(20)), exclude=("x" * 300 + ":test",))


@pytest.mark.parametrize("blank", ["", " ", "  "])
def test_a_blank_group_is_no_group(write, blank):
    path = write([f"text {i},{i % 2},{blank}" for i in range(200)], header="text,label,author")
    corpus = load(path, group_column="author")
    assert {example.group for example in corpus.sample} == {None}
    assert len(corpus.validation) == 20
