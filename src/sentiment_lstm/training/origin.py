"""The provenance of a training, known after it has read its texts: names and hashes, no paths."""

from __future__ import annotations

from typing import Any

from sentiment_lstm.bundle import Bundle, fingerprint
from sentiment_lstm.provenance import bundle_name, bundle_revision, data_sets, describe
from sentiment_lstm.settings import Settings


def origin_of(settings: Settings, initial_model: Bundle | None) -> dict[str, Any]:
    """Describe the texts of a training, and the model that it starts from (`training.init`).

    Returns:
        As `provenance.describe`. If the training starts from a model, also `started_from` (its
        `name` and `fingerprint`; from the hub, also the hash of its commit as `revision`), and that
        model's data sets among `data_sets`.
    """
    origin = describe(settings)
    init = settings.training.init
    if not init or initial_model is None:
        return origin
    sets = [*origin.get("data_sets", []), *data_sets(initial_model.config.provenance)]
    if sets:
        origin["data_sets"] = list(dict.fromkeys(sets))
    start = {"name": bundle_name(init), "fingerprint": fingerprint(initial_model)}
    if revision := bundle_revision(init):
        start["revision"] = revision
    return origin | {"started_from": start}
