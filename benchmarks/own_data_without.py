"""Runs `train` without one part of the network, to measure what the part is worth.

    python benchmarks/own_data_without.py LSTM train --data train.csv --out RUN
    python benchmarks/own_data_without.py n-grams train --data train.csv --out RUN

`LSTM`: the model is the wide path alone. Its temperature is fitted as usual, and the LSTM's weight
in the sum is 0. `n-grams`: the wide path counts words and pairs of words, no character n-grams.

The script replaces one function of the package and then calls the command line. It fails if the
function does not exist, or if the training did not call it. The saved model needs no script.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from sentiment_lstm import cli
from sentiment_lstm.errors import TrainingError, UsageError, run_script
from sentiment_lstm.text.hashing import NGRAM

Function = Callable[..., Any]


@dataclass
class Replacement:
    """A function of the package, `function` in `module`, and what stands in for it.

    `stand_in`: makes the new function from the old one. `calls`: of the new function so far.
    """

    module: str
    function: str
    stand_in: Callable[[Function], Function]
    calls: int = 0

    def put_in(self) -> None:
        """Replace the function for the rest of this process.

        Raises:
            UsageError: there is no such function.
        """
        module = import_module(self.module)
        original = getattr(module, self.function, None)
        if not callable(original):
            raise UsageError(
                f"Expected a function {self.function} in {self.module}, found none: "
                "name its successor in own_data_without.py."
            )
        new = self.stand_in(original)

        def counted(*arguments: object, **named: object) -> object:
            self.calls += 1
            return new(*arguments, **named)

        setattr(module, self.function, counted)

    def require_calls(self) -> None:
        """Make sure that the training used the new function.

        Raises:
            TrainingError: it did not.
        """
        if not self.calls:
            raise TrainingError(
                f"Expected the training to call {self.function}, found no call: the model has all "
                "its parts."
            )


def _only_second(fit_mixture: Function) -> Function:
    """`fit_mixture` whose second model gets all the weight."""

    def fit(_: object, second: object, *arguments: object, **named: object) -> object:
        return replace(fit_mixture(second, second, *arguments, **named), weight=1.0)

    return fit


def _only_words_and_pairs(count_texts: Function) -> Function:
    """`_count_texts` of the features that are no n-grams."""

    def count(*arguments: object) -> object:
        hashes, counts = count_texts(*arguments)
        return hashes[hashes < NGRAM], counts[hashes < NGRAM]

    return count


PARTS = {
    "LSTM": ("sentiment_lstm.training.combining", "fit_mixture", _only_second),
    "n-grams": ("sentiment_lstm.text.features", "_count_texts", _only_words_and_pairs),
}


def main() -> int:
    """Call the command line without one part.

    Raises:
        UsageError: there is no such part.
        TrainingError: the training did not call the function that was replaced.
    """
    part, *arguments = sys.argv[1:] or [""]
    if part not in PARTS:
        raise UsageError(f"Expected a part among {', '.join(PARTS)}, found {part!r}.")
    replacement = Replacement(*PARTS[part])
    replacement.put_in()
    sys.argv[1:] = arguments
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            raise
    replacement.require_calls()
    return 0


if __name__ == "__main__":
    run_script(main)
