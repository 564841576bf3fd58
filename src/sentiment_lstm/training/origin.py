"""The provenance that a training knows when it has read its texts: names and hashes, no paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentiment_lstm.bundle import fingerprint, is_bundle, load_bundle
from sentiment_lstm.provenance import bundle_name, data_sets, describe
from sentiment_lstm.settings import Settings


def origin_of(settings: Settings) -> dict[str, Any]:
    """Describe the texts of a training, and the model that it starts from.

    Returns:
        As `provenance.describe`. If the training starts from a model, also `started_from` (its
        `name` and `fingerprint`), and that model's data sets among `data_sets`.

    Raises:
        BundleError: the model to start from is damaged.
    """
    origin = describe(settings)
    init = settings.training.init
    if not init or not is_bundle(Path(init)):
        return origin
    start = load_bundle(Path(init))
    sets = [*origin.get("data_sets", []), *data_sets(start.config.provenance)]
    if sets:
        origin["data_sets"] = list(dict.fromkeys(sets))
    return origin | {"started_from": {"name": bundle_name(init), "fingerprint": fingerprint(start)}}
