from sentiment_lstm.wording import first_names, printable


def test_the_first_names_and_how_many_more():
    assert first_names(["a", "b"]) == "a, b"
    assert first_names(["a", "b", "c"], 2) == "a, b and 1 more"
    assert first_names([str(n) for n in range(1500)], 1) == "0 and 1,499 more"
    assert first_names([]) == ""


def test_characters_that_control_a_terminal_or_turn_a_text_are_replaced():
    assert printable("a\x1b[2J\r\n\u202eb\ud800\x9b\u2028\x85") == "a\ufffd[2J" + "\ufffd" * 3 + (
        "b" + "\ufffd" * 4
    )
    assert printable("a\n\tb\r", keep="\n\t") == "a\n\tb\ufffd"
    assert printable("gut, 良い, جيد \u200f") == "gut, 良い, جيد \u200f"
