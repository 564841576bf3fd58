"""Scripts tell what their user can mend in one sentence."""

import pytest

from sentiment_lstm.errors import DataError, UsageError, run_script


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("Expected a, found b."), 1, "Error: Expected a, found b.\n"),
        (UsageError("Expected c, found d."), 2, "Error: Expected c, found d.\n"),
        (FileNotFoundError("no such file"), 1, "found: no such file.\n"),
    ],
)
def test_what_fails_is_one_sentence(capsys, error, code, said):
    def main() -> int:
        raise error

    with pytest.raises(SystemExit) as end:
        run_script(main)
    assert end.value.code == code
    err = capsys.readouterr().err
    assert err.endswith(said)
    assert err.count("\n") == 1


def test_a_script_ends_with_its_own_code():
    with pytest.raises(SystemExit) as end:
        run_script(lambda: 3)
    assert end.value.code == 3
