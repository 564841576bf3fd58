"""What ships states what the factory says of it."""

import pytest

from factory.measure import ship
from sentiment_lstm.bundle import SHIPPED, load_bundle


@pytest.mark.parametrize("name", ["default", "tiny"])
def test_a_shipped_bundle_states_its_origins(name):
    provenance = load_bundle(SHIPPED / name).config.provenance
    for key, value in ship.stated(name).items():
        assert provenance[key] == value
