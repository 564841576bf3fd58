"""Requests made from the service's own description: no fault, and no answer that it lacks."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from running import running, save

schemathesis = pytest.importorskip("schemathesis", reason="the extra `dev` is not installed")

checks = pytest.importorskip("schemathesis.specs.openapi.checks")
schemathesis.serializer.alias("application/x-ndjson", "text/plain")
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    folder = save(tmp_path_factory.mktemp("models") / "films")
    with running("--model", str(folder), "--no-log-requests") as server:
        description = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        rejection = description.config.checks.negative_data_rejection
        # As in Text Embeddings Inference, 413 refuses too many texts.
        rejection.expected_statuses = [*rejection.expected_statuses, "413"]
        yield description


@pytest.fixture
def subnormal_floats():
    """Hypothesis needs them. gensim's compiled code turns them off for the whole process."""
    pytest.importorskip("torch", reason="the extra `train` is not installed")
    import torch

    torch.set_flush_denormal(False)


@pytest.mark.slow
@pytest.mark.usefixtures("subnormal_floats")
@pytest.mark.parametrize("mode", MODES, ids=["valid", "invalid"])
def test_answers_are_as_described(description, mode):
    operations = [each.ok() for each in description.get_all_operations()]
    assert {each.path for each in operations} >= {"/predict", "/", "/info", "/health"}
    for operation in operations:

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=60,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def check(case):
            # The description does not know the names of classes.
            excluded = [checks.positive_data_acceptance] if case.path == "/explain" else []
            case.call_and_validate(timeout=20, excluded_checks=excluded)

        try:
            check()
        except Unsatisfiable:
            assert mode.is_negative, "some operations take any request"
