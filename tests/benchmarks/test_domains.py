"""`benchmarks/domains.py`: a model beside its rivals on sets of the registry and of the user."""

import csv
import json

import domain_systems
import domains
import numpy as np
import pytest
from domain_sets import DOMAINS, LabelledTexts, read_domains, read_user_set
from domain_systems import Answers, answers_of, linear

from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.data.three_class_sets import part_of_news
from sentiment_lstm.errors import DataError, MissingExtraError, UsageError
from sentiment_lstm.evaluation.polarity import CLASSES

pytest.importorskip("textblob")
pytest.importorskip("vaderSentiment")

TEXT_OF = {"negative": "An awful day", "neutral": "The shop opens", "positive": "A lovely day"}


@pytest.fixture
def data(monkeypatch, tmp_path):
    """An empty folder of data sets."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("SENTIMENT_LSTM_DATA", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def write_csv(path, rows):
    """Write dictionaries as a csv."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_lines(path, rows):
    """Write dictionaries as lines of JSON."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def write_tweets(data, split, count=9):
    """Write as many tweets of each class as of any other."""
    rows = [{"text": f"{TEXT_OF[CLASSES[n % 3]]}, {split} {n}", "label": n % 3}
            for n in range(count)]  # fmt: skip
    write_lines(data / "tweets" / f"{split}.jsonl", rows)


def read(name, split):
    """The texts of one set with their labels."""
    domain = next(domain for domain in DOMAINS if domain.name == name)
    return list(domain.read(split))


# The sets.


def test_news_have_a_row_for_each_judgement_in_the_part_of_their_sentence(data):
    sentences = [f"Sentence {n}." for n in range(40)]
    rows = [{"text": text, "target": target, "label": label} for text in sentences
            for target, label in (("A", "negative"), ("B", "neutral"))]  # fmt: skip
    write_lines(data / "news" / "train.jsonl", rows)
    for part in ("train", "validation", "test"):
        of_part = [text for text in sentences if part_of_news(text) == part]
        expected = [(text, label) for text in of_part for label in ("negative", "neutral")]
        assert of_part
        assert read("news", part) == expected


def test_comments_of_several_groups_and_ambiguous_ones_are_left_out(data):
    groups = [["neutral"], ["neutral", "positive"], ["ambiguous"], ["positive"], ["negative"]]
    rows = [{"text": f"Comment {n}", "emotions": ["joy"], "groups": of_row}
            for n, of_row in enumerate(groups)]  # fmt: skip
    write_lines(data / "goemotions" / "validation.jsonl", rows)
    assert read("GoEmotions", "validation") == [
        ("Comment 0", "neutral"), ("Comment 3", "positive"), ("Comment 4", "negative"),
    ]  # fmt: skip


def test_the_treebank_gives_sentences_in_three_classes(data):
    rows = [{"text": f"Text {n}", "stars": n, "sentence": n != 1, "tree": n} for n in range(5)]
    write_lines(data / "sst" / "train.jsonl", rows)
    write_lines(data / "sst" / "validation.jsonl", rows)
    sentences = [
        ("Text 0", "negative"), ("Text 2", "neutral"), ("Text 3", "positive"),
        ("Text 4", "positive"),
    ]  # fmt: skip
    assert read("treebank", "train") == sentences
    assert read("treebank", "validation") == [*sentences[:1], ("Text 1", "negative"),
                                              *sentences[1:]]  # fmt: skip


def test_films_are_only_tested(data):
    """`default` has read most reviews of the films that its trainings keep for validation."""
    rows = [{"text": f"A film {n}", "label": n % 2, "movie": n // 2} for n in range(80)]
    write_lines(data / "imdb" / "train.jsonl", rows)
    write_lines(data / "imdb" / "test.jsonl", [{"text": "A new film", "label": 1, "movie": 99}] * 2)
    films = [domain for domain in DOMAINS if domain.name == "IMDb"]
    sets, left_out = read_domains(films, "validation")
    assert (sets, list(left_out)) == ({}, ["IMDb"])
    assert read("IMDb", "test") == [("A new film", "positive")] * 2


def test_a_set_with_one_split_is_measured_both_times(data):
    rows = [{"original": "Bad", "original_label": 0, "edited": "Good", "label": 1}] * 2
    write_lines(data / "counterfactual" / "dev.jsonl", rows)
    write_lines(data / "restaurants" / "validation.jsonl", [{"text": "Cold", "label": 0}] * 2)
    for split in ("validation", "test"):
        assert read("edited reviews", split) == [("Good", "positive")] * 2
        assert read("restaurants", split) == [("Cold", "negative")] * 2


def test_sets_that_are_not_here_are_left_out_with_the_reason(data):
    write_tweets(data, "validation")
    sets, left_out = read_domains(DOMAINS, "validation")
    assert list(sets) == ["tweets"]
    assert sets["tweets"].labels.tolist() == [0, 1, 2] * 3
    assert list(left_out) == [domain.name for domain in DOMAINS[1:]]
    assert "sentiment-lstm data fetch news" in left_out["news"]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["Negative", "NEUTRAL", "positive"], [0, 1, 2]),
        (["neg", "pos", "neu"], [0, 2, 1]),
        (["pos", "neutral"], [2, 1]),
        ([-1, 0, 1], [0, 1, 2]),
        (["-1.0", "1.0"], [0, 2]),
        ([0, 1], [0, 2]),
        ([0, 1, 2], [0, 1, 2]),
        ([4, 2, 0], [2, 1, 0]),
    ],
)
def test_labels_of_a_user_have_the_usual_spellings(tmp_path, labels, classes):
    rows = [{"text": f"Text {label}", "label": label} for label in labels]
    path = write_csv(tmp_path / "mine.csv", rows)
    assert read_user_set(str(path), "validation").labels.tolist() == classes


@pytest.mark.parametrize("labels", [["pos", "mixed"], [1, 2, 5], [1, 2]])
def test_other_labels_of_a_user_are_refused(tmp_path, labels):
    rows = [{"text": f"Text {label}", "label": label} for label in labels]
    path = write_csv(tmp_path / "mine.csv", rows)
    with pytest.raises(DataError, match=r"Expected the labels .*mine.csv, found .*; rename them"):
        read_user_set(str(path), "validation")


def test_a_split_of_a_user_is_never_chosen_in_place_of_another(tmp_path):
    folder = tmp_path / "mine"
    for split, labels in (("train", "neg pos pos"), ("test", "neg pos")):
        rows = [{"text": f"{split} {n}", "label": label} for n, label in enumerate(labels.split())]
        write_lines(folder / f"{split}.jsonl", rows)
    assert len(read_user_set(str(folder), "test").texts) == 2
    assert len(read_user_set(f"{folder}:train", "test").texts) == 3
    with pytest.raises(DataError, match=r"Expected a split validation in .*:t\w+\.$"):
        read_user_set(str(folder), "validation")


# The systems.


def test_a_model_of_three_classes_answers_by_its_likeliest_class():
    probabilities = np.array([[0.1, 0.3, 0.6], [0.5, 0.4, 0.1], [0.0, 0.0, 1.0]])
    answers = answers_of(probabilities, ("Positive", "Negative", "Neutral"))
    assert answers.labels.tolist() == [1, 2, 1]
    np.testing.assert_allclose(answers.polarity, [0.25, 5 / 9, 0.5])
    np.testing.assert_array_equal(answers.probabilities, probabilities[:, [1, 2, 0]])


def test_a_model_of_two_classes_answers_by_thirds():
    positive = np.array([0.2, 0.5, 0.7])
    answers = answers_of(np.stack([positive, 1 - positive], axis=1), ("positive", "negative"))
    assert answers.labels.tolist() == [0, 1, 2]
    np.testing.assert_allclose(answers.polarity, positive)
    assert answers.probabilities is None


def test_a_model_of_other_classes_is_refused():
    with pytest.raises(UsageError, match="classes negative and positive, and perhaps neutral"):
        answers_of(np.ones((1, 2)) / 2, ("literal", "ironic"))


@pytest.mark.parametrize("system", [domain_systems.vader, domain_systems.textblob])
def test_word_lists_know_three_answers(system):
    answers = system()(["This is terrible.", "The shop opens at nine.", "This is wonderful."])
    assert answers.labels.tolist() == [0, 1, 2]
    assert answers.polarity[1] == 0.5
    assert not answers.is_probability


def test_the_linear_model_learns_from_texts_that_are_not_measured():
    labels = np.array([0, 1, 2] * 4)
    texts = LabelledTexts([f"{TEXT_OF[CLASSES[n]]} {row}" for row, n in enumerate(labels)], labels)
    turned = LabelledTexts(["A lovely day"] * 50, np.zeros(50, dtype=np.int64))
    answers = linear([texts, turned], {"A lovely day"})(list(TEXT_OF.values()))
    assert answers.labels.tolist() == [0, 1, 2]
    assert answers.probabilities.shape == (3, 3)


def test_the_linear_model_reads_a_limited_number_of_texts(monkeypatch):
    monkeypatch.setattr(domain_systems, "MOST_TEXTS", 12)
    fitted = []
    fit = domain_systems.fit_regression
    monkeypatch.setattr(domain_systems, "fit_regression",
                        lambda *a: fitted.append(a[1].shape[0]) or fit(*a))  # fmt: skip
    linear([LabelledTexts(["bad", "good"] * 9, np.array([0, 2] * 9))], ())
    assert fitted == [12]


def test_a_missing_rival_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(domain_systems, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sentiment-lstm\[benchmarks\]'"):
        domains.main([])


# The measures.


def test_measures_of_three_classes():
    labels = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.3, 0.2, 0.5]])
    measures = domains.measure(labels, answers_of(probabilities, CLASSES))
    assert measures.keys() == domains.COLUMNS.keys()
    assert measures["accuracy_of_three"] == 0.75
    assert measures["macro_recall"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert measures["accuracy_of_two"] == pytest.approx(2 / 3)
    assert measures["log_loss_of_three"] == pytest.approx(-np.log([0.7, 0.2, 0.8, 0.5]).mean())
    assert measures["log_loss_of_two"] == pytest.approx(-np.log([7 / 9, 2 / 5, 5 / 8]).mean())


def test_what_cannot_be_measured_is_left_out():
    labels, polarity = np.array([0, 2, 2]), np.array([0.1, 0.5, 0.9])
    score = Answers(np.array([0, 1, 2]), polarity, None, is_probability=False)
    assert domains.measure(labels, score) == {"accuracy_of_two": pytest.approx(2.5 / 3)}
    neutral = domains.measure(np.array([1, 1, 1]), score)
    assert neutral.keys() == {"accuracy_of_three", "macro_recall"}


def test_a_mean_is_over_the_sets_that_have_the_measure():
    figures = {"a": {"ours": {"macro_recall": 0.5, "accuracy_of_two": 0.8}},
               "b": {"ours": {"accuracy_of_two": 0.6}}}  # fmt: skip
    means = domains.mean_measures(figures)
    assert means == {"ours": {"macro_recall": 0.5, "accuracy_of_two": pytest.approx(0.7)}}


# The script.


@pytest.mark.parametrize("classes", [("negative", "positive"), CLASSES])
def test_the_script_measures_all_sets_and_systems(data, tmp_path, capsys, make_bundle, classes):
    write_tweets(data, "train", 30)
    write_tweets(data, "validation")
    rows = [{"text": text, "label": name} for name, text in TEXT_OF.items()]
    mine = str(write_csv(tmp_path / "mine.csv", rows))
    model, figures = str(tmp_path / "model"), tmp_path / "figures.json"
    save_bundle(tmp_path / "model", make_bundle(classes=classes))
    assert domains.main(["--model", model, "--set", mine, "--json", str(figures)]) == 0
    out = capsys.readouterr().out
    assert "mean of the sets" in out
    assert "Left out: news. Expected the data set news" in out
    values = json.loads(figures.read_text("utf-8"))
    assert values["n"] == {"tweets": 9, mine: 3}
    for systems in [*values["sets"].values(), values["mean"]]:
        assert list(systems) == [model, "VADER", "TextBlob", "linear"]
        assert systems["linear"]["accuracy_of_three"] == 1
        assert ("log_loss_of_three" in systems[model]) == (len(classes) == 3)
        assert "log_loss_of_two" in systems[model]


def test_a_shipped_model_is_measured_without_training_texts(data, tmp_path, capsys):
    rows = [{"text": f"This was {word}.", "label": label}
            for word, label in (("terrible", "neg"), ("wonderful", "pos"))]  # fmt: skip
    mine = str(write_csv(tmp_path / "mine.csv", rows))
    assert domains.main(["--model", "tiny", "--set", mine, "--splits", "test"]) == 0
    out = capsys.readouterr().out
    assert "100.00" in out
    assert "linear" not in out
