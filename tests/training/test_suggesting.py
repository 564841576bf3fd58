"""Which settings a search varies, what it tries next, and when it ends a trial early."""

import pytest

from sentiment_lstm.settings import Settings
from sentiment_lstm.training.suggesting import lags_behind, space, suggest

pytest.importorskip("optuna")

VARIED = {"training.learning_rate", "model.dropout", "model.pooling"}


def row(number: int, losses: list[float], outcome: str = "complete", **values) -> dict:
    best = min(losses, default=None)
    settings = {"training.learning_rate": 0.001, "model.dropout": 0.1, "model.pooling": "last"}
    return {
        "trial": number,
        "outcome": outcome,
        "settings": settings | {name.replace("__", "."): v for name, v in values.items()},
        "losses": losses,
        "validation_loss": best,
    }


def test_a_trial_ends_early_above_the_median_of_four():
    rows = [row(n, [loss, loss - 0.1]) for n, loss in enumerate((0.5, 0.6, 0.7, 0.8), start=1)]
    assert lags_behind(rows, [0.66], epochs=3)
    assert not lags_behind(rows, [0.64], epochs=3)
    assert not lags_behind(rows, [0.54, 9.0], epochs=3)  # the best loss counts, as in a run
    assert lags_behind(rows, [0.66, 0.56], epochs=3)
    assert not lags_behind(rows[:3], [9.0], epochs=3)
    others = [row(n, [0.1], outcome) for n, outcome in ((5, "pruned"), (6, "failed"))]
    assert not lags_behind(rows + others, [0.64], epochs=3)


def test_a_trial_is_not_ended_early_at_its_start_or_after_its_end():
    rows = [row(number, [0.5] * 8) for number in range(1, 5)]
    judged = [lags_behind(rows, [9.0] * done, epochs=8) for done in range(9)]
    assert judged == [False] * 3 + [True] * 5 + [False]


def test_the_varied_settings_depend_on_the_start_of_training():
    names = space(Settings()).keys()
    assert "training.embedding_rate" not in names
    assert 6 <= len(names) <= 8
    word2vec = Settings().updated({"training.embeddings": "word2vec"})
    assert space(word2vec).keys() - names == {"training.embedding_rate"}
    begun = space(Settings().updated({"training.init": "runs/a"})).keys()
    assert names - begun == {"model.hidden_size", "model.pooling"}
    assert "training.embedding_rate" in begun
    assert space(Settings(), {"model.dropout"}).keys() == names - {"model.dropout"}


def test_suggestions_are_in_the_space_and_repeat_with_the_seed():
    kinds = {name: kind for name, kind in space(Settings()).items() if name in VARIED}
    rows = [row(1, [0.5]), row(2, [], "failed"), row(3, [0.6], "pruned")]
    for number in range(4, 16):
        values = suggest(rows, kinds, seed=7)
        assert values == suggest(rows, kinds, seed=7)
        for name, kind in kinds.items():
            assert kind._contains(kind.to_internal_repr(values[name]))
        assert values["model.dropout"] == float(f"{values['model.dropout']:.2g}")
        rows.append(row(number, [values["model.dropout"] + 0.1]) | {"settings": values})
    assert len({r["settings"]["training.learning_rate"] for r in rows[3:]}) > 6
    assert suggest(rows, kinds, seed=7) != suggest(rows, kinds, seed=8)
    late = [r["settings"]["model.dropout"] for r in rows[-3:]]
    early = [r["settings"]["model.dropout"] for r in rows[3:10]]
    assert sum(late) / len(late) < sum(early) / len(early)  # it learns that less is better
