"""The component of spaCy: alone, in batches, in processes, saved and loaded."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.errors import BundleError

spacy = pytest.importorskip("spacy")
component = importlib.import_module("sentiment_lstm.frames.spacy")  # registers it

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
# spaCy forks its processes, which Python 3.12 warns of. The tokenizers allow it.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def pipeline(model="tiny"):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentiment_lstm", config={"model": str(model), "threads": 1})
    return nlp


def verdicts(docs):
    return [(doc._.sentiment["label"], doc._.sentiment["score"]) for doc in docs]


@pytest.fixture
def known(texts):
    return ["" if text is None else text for text in texts]


@pytest.mark.parametrize("batch_size", [1, 64, 1000])
def test_labels_and_scores_are_those_of_the_classifier(known, expected, batch_size):
    assert verdicts(pipeline().pipe(known, batch_size=batch_size)) == expected


def test_one_document(tiny):
    doc = pipeline()("a good film")
    assert [doc._.sentiment] == tiny(["a good film"])
    assert list(doc.cats) == tiny.classes_
    assert list(doc.cats.values()) == tiny.predict_proba(["a good film"])[0].tolist()


def test_an_empty_document_has_no_verdict():
    doc = pipeline()("")
    assert (doc._.sentiment, doc.cats) == ({"label": None, "score": None}, {})


def test_several_labels(several, tmp_path):
    save_bundle(tmp_path / "several", several.bundle)
    doc, empty = pipeline(tmp_path / "several").pipe(["a good film", " "])
    (ranked,) = several(["a good film"])
    assert doc._.sentiment == ranked
    assert set(doc.cats) == {"joy", "love", "rage"}
    assert (empty._.sentiment, empty.cats) == ([], {})


def test_a_stream_without_end_is_scored_in_batches(tiny):
    def endless():
        while True:
            yield "a good film"

    docs = pipeline().pipe(endless(), batch_size=3)
    assert verdicts([next(docs)]) == [(s["label"], s["score"]) for s in tiny(["a good film"])]


def test_a_saved_pipeline_holds_the_model(bundle, model, tmp_path):
    nlp = pipeline(model)
    expected = verdicts([nlp("a good film")])
    nlp.to_disk(tmp_path / "pipeline")
    data = nlp.to_bytes()
    for path in model.iterdir():
        path.unlink()
    assert verdicts([spacy.load(tmp_path / "pipeline")("a good film")]) == expected
    loaded = pipeline(model).from_bytes(data)
    assert verdicts([loaded("a good film")]) == expected
    with pytest.raises(BundleError):
        pipeline(model)("a good film")


@pytest.mark.slow
def test_processes_that_start_after_the_model_was_used(known, expected):
    nlp = pipeline()
    nlp("a good film")
    assert verdicts(nlp.pipe(known, n_process=2, batch_size=100)) == expected


def test_the_entry_point_makes_it_known_without_an_import(tmp_path):
    points = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]["spacy_factories"]
    info = tmp_path / "sentiment_lstm-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sentiment-lstm\nVersion: 0\n")
    lines = [f"{name} = {target}\n" for name, target in points.items()]
    (info / "entry_points.txt").write_text("[spacy_factories]\n" + "".join(lines))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import spacy; "
        "nlp = spacy.blank('en'); "
        "nlp.add_pipe('sentiment_lstm', config={'model': 'tiny'}); "
        "print(nlp('A superb film.')._.sentiment['label'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout == "positive\n", run.stderr
