"""Errors derive from built-in ones, and scripts print a user's mistakes in one sentence."""

import inspect
import pickle

import pytest

from sentiment_lstm import errors
from sentiment_lstm.errors import (
    BundleError,
    DataError,
    HubError,
    MissingExtraError,
    SentimentError,
    StorageError,
    TrainingError,
    UsageError,
    run_script,
)

BUILT_IN = {
    UsageError: ValueError,
    DataError: ValueError,
    BundleError: OSError,
    HubError: OSError,
    TrainingError: Exception,
    MissingExtraError: ImportError,
    StorageError: OSError,
}


def test_every_error_derives_from_a_built_in_one():
    classes = {value for _, value in inspect.getmembers(errors, inspect.isclass)}
    assert {c for c in classes if issubclass(c, SentimentError)} == {SentimentError, *BUILT_IN}


@pytest.mark.parametrize(("error", "built_in"), BUILT_IN.items())
def test_programs_catch_the_built_in_errors(error, built_in):
    with pytest.raises(built_in) as caught:
        raise error("Expected a, found b.")
    assert isinstance(caught.value, SentimentError)


@pytest.mark.parametrize("error", BUILT_IN)
def test_errors_keep_their_message_in_another_process(error):
    """`OSError` and `ImportError` treat `str` and `pickle` specially."""
    raised = error("Expected a, found b.")
    sent = pickle.loads(pickle.dumps(raised))
    assert (type(sent), str(sent), str(raised)) == (error, str(raised), "Expected a, found b.")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("Expected a, found b."), 1, "Error: Expected a, found b.\n"),
        (UsageError("Expected c, found d."), 2, "Error: Expected c, found d.\n"),
        (FileNotFoundError("no such file"), 1, "found: no such file.\n"),
    ],
)
def test_a_failing_script_prints_one_sentence(capsys, error, code, message):
    def main() -> int:
        raise error

    with pytest.raises(SystemExit) as end:
        run_script(main)
    assert end.value.code == code
    err = capsys.readouterr().err
    assert err.endswith(message)
    assert err.count("\n") == 1


def test_a_script_ends_with_its_own_code():
    with pytest.raises(SystemExit) as end:
        run_script(lambda: 3)
    assert end.value.code == 3
