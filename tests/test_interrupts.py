import os
import pickle
import signal

import pytest

from sentiment_lstm.interrupts import Interrupted, Interrupts


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_at_once_or_at_the_next_check(number: signal.Signals, code: int):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as raised, Interrupts():
        os.kill(os.getpid(), number)
    assert raised.value.exit_code == code
    with Interrupts() as interrupts:
        interrupts.check()
        interrupts.deferred = True
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted):
            interrupts.check()
    assert signal.getsignal(number) is before


def test_an_error_after_a_signal_ends_like_the_signal():
    """An extension turns an interruption of its import into an ImportError."""

    def imported() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Interrupted as error:
            raise ImportError("initialization failed") from error

    with pytest.raises(Interrupted) as raised, Interrupts():
        imported()
    assert raised.value.exit_code == 143


def test_an_interruption_reaches_another_process_whole():
    copied = pickle.loads(pickle.dumps(Interrupted(signal.SIGTERM)))
    assert (str(copied), copied.exit_code) == ("SIGTERM", 143)
