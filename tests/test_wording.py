from sentiment_lstm.wording import first_names


def test_the_first_names_and_how_many_more():
    assert first_names(["a", "b"]) == "a, b"
    assert first_names(["a", "b", "c"], 2) == "a, b and 1 more"
    assert first_names([str(n) for n in range(1500)], 1) == "0 and 1,499 more"
    assert first_names([]) == ""
