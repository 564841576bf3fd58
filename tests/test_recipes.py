"""Recipes for users open, and name sources that a stranger can have."""

from pathlib import Path

import pytest

from sentiment_lstm.data.registry import data_set
from sentiment_lstm.setting_names import read_toml
from sentiment_lstm.settings import Settings

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))
BROUGHT_ALONG = {"imdb", "grammar"}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_opens_and_names_sources_that_are_public(recipe):
    settings = Settings().updated(read_toml(recipe))
    for data in (settings.data, *settings.mixture):
        for source in (data.source, *data.exclude):
            scheme, _, name = source.partition(":")
            if scheme == "data":
                assert data_set(name.partition(":")[0]).hub, f"{name} has no public copy"
            else:
                assert scheme in {*BROUGHT_ALONG, "hf"}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_says_how_it_is_called(recipe):
    header = recipe.read_text("utf-8").partition("[data]")[0]
    assert f"sentiment-lstm train --config recipes/{recipe.name}" in header
    assert f"--out runs/{recipe.stem}" in header
