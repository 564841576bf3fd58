import numpy as np
import pytest
import torch

from sentiment_lstm.bundle import SHIPPED, load_bundle
from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.interpret.gates import gates
from sentiment_lstm.interpret.inspection import (
    MOST_TOKENS,
    Embedding,
    find_neighbours,
    inspect_text,
    measure_state_changes,
    select_active_units,
    summarize_layer,
)
from sentiment_lstm.model.cell import lstm_cell

TEXT = "not bad at all , a good film"


@pytest.fixture
def inspection(bundle):
    return inspect_text(bundle, open_predictor(bundle), TEXT)


def of_the_cell(weights, number, x):
    """Compute gates and states step by step with the reference equations."""
    w_x, w_h, b_x, b_h = (
        torch.from_numpy(weights[f"ahead.{number}.{kind}_l0"])
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h = c = torch.zeros(1, w_h.shape[1])
    rows = []
    for x_t in torch.from_numpy(x):
        to_i, to_f, _, to_o = (x_t[None] @ w_x.T + h @ w_h.T + b_x + b_h).chunk(4, dim=1)
        h, c = lstm_cell(x_t[None], h, c, w_x, w_h, b_x + b_h)
        rows.append(torch.cat([to_i.sigmoid(), to_f.sigmoid(), to_o.sigmoid(), c, h]))
    return torch.stack(rows, dim=1).numpy()


def check_gates(bundle, text):
    ids = bundle.tokenizer.encode([text])[0].ids
    x = bundle.weights["embedding.weight"][ids]
    for number, layer in enumerate(gates(bundle.weights, ids)):
        expected = of_the_cell(bundle.weights, number, x)
        actual = np.stack([layer.input, layer.forget, layer.output, layer.cell, layer.hidden])
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
        x = layer.hidden


def test_gates_of_two_layers_follow_the_cells_equations(bundle):
    check_gates(bundle, TEXT)


@pytest.mark.parametrize("name", ["default", "tiny"])
def test_gates_of_a_shipped_model_follow_the_cells_equations(name):
    check_gates(load_bundle(SHIPPED / name), "It was not bad at all. " * 5)


def test_movement_starts_from_the_zero_state(inspection):
    for layer in inspection.layers:
        moved = measure_state_changes(layer)
        assert moved.shape == inspection.ids.shape
        assert moved[0] == pytest.approx(np.linalg.norm(layer.hidden[0]), rel=1e-6)
        far = np.linalg.norm(layer.hidden[3] - layer.hidden[2])
        assert moved[3] == pytest.approx(far, rel=1e-6)


def test_units_that_moved_most_are_sorted_by_half_life(inspection):
    layer = inspection.layers[0]
    units = select_active_units(layer, 2)
    moved = np.abs(np.diff(layer.hidden, axis=0, prepend=0)).sum(axis=0)
    assert set(units) == set(np.argsort(-moved)[:2])
    assert layer.half_life()[units[0]] >= layer.half_life()[units[1]]
    assert len(select_active_units(layer, 99)) == layer.hidden.shape[1]


def test_each_token_has_a_step(inspection, bundle):
    assert [bundle.tokenizer.token(i) for i in inspection.ids] == [s.text for s in inspection.steps]
    values = inspection.to_dict()
    assert [t["text"] for t in values["tokens"]] == TEXT.split()
    assert len(values["layers"]) == len(values["tokens"][0]["forget"]) == 2
    assert values["score"] == inspection.steps[-1].score
    means = [t["forget"][1] for t in values["tokens"]]
    assert summarize_layer(inspection.layers[1])["mean_forget_gate"] == pytest.approx(
        np.mean(means), rel=1e-5
    )


@pytest.mark.parametrize("text", ["", "\x00", "good", "\U0001f600", "\udcff good", "שלום עולם"])
def test_any_text_can_be_inspected(bundle, text):
    inspection = inspect_text(bundle, open_predictor(bundle), text)
    assert len(inspection.ids) == len(inspection.steps) == len(inspection.layers[0].cell) >= 1


def test_bidirectional_models_and_long_texts_are_refused(make_bundle, bundle):
    two = make_bundle(layers=1, bidirectional=True)
    with pytest.raises(UsageError, match="Expected a model of one direction"):
        inspect_text(two, open_predictor(two), "good")
    with pytest.raises(UsageError, match=f"at most {MOST_TOKENS:,} tokens"):
        inspect_text(bundle, open_predictor(bundle), "good " * (MOST_TOKENS + 1))


def test_nearest_words_have_the_highest_cosines(bundle):
    embedding, table = Embedding(bundle), bundle.weights["embedding.weight"].copy()
    nearest = dict(embedding.nearest("good", 3))
    words = [bundle.tokenizer.token(i) for i in range(len(table))]
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    cosines = dict(zip(words, (unit @ unit[words.index("good")]).tolist(), strict=True))
    others = sorted((c for w, c in cosines.items() if w not in ("good", "<pad>", "<unk>")))
    assert list(nearest.values()) == pytest.approx(others[::-1][:3], abs=1e-6)
    assert nearest == pytest.approx({word: cosines[word] for word in nearest}, abs=1e-6)
    assert embedding.nearest("unheard-of", 3) is None
    assert len(embedding.nearest("good", 99)) == len(table) - 3


def test_neighbours_are_those_of_the_words_that_moved_most(inspection, bundle):
    now = Embedding(bundle)
    near = find_neighbours(inspection, now, None, words=2, count=3)
    changes = {s.text: abs(s.change) for s in inspection.steps if s.text != ","}
    assert [word.word for word in near] == sorted(changes, key=changes.__getitem__)[:-3:-1]
    assert all(word.before is None and len(word.near) == 3 for word in near)
    both = find_neighbours(inspection, now, now, words=2, count=3)
    assert all(word.before == word.near for word in both)


def test_words_of_subword_models_are_matched_by_their_spelling():
    subwords, words = (Embedding(load_bundle(SHIPPED / name)) for name in ("default", "tiny"))
    assert "poor" in dict(subwords.nearest("bad", 6))
    assert "terrible" in dict(words.nearest("bad", 6))
    assert words.nearest("…ly", 6) is None
