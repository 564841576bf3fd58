"""The texts of the small models of these tests."""

TEXTS = ["a good film", "a bad film", "not bad at all", "good , not bad"]
