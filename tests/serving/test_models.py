"""Models by name, and bundles that are replaced while the service runs."""

import asyncio
import shutil

import pytest
from running import CLASSES, save, service

from sentiment_lstm.bundle import CONFIG
from sentiment_lstm.errors import BundleError
from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.models import Models
from sentiment_lstm.serving.options import Options

SEVERAL = ("anger", "joy")


def run(scenario, *pairs, **options):
    async def main():
        models = Models(Options(models=pairs, **options), Metrics())
        try:
            await scenario(models)
        finally:
            models.close()

    asyncio.run(main())


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def loads(models, result):
    return models.metrics.loads.labels("films", result)._value.get()


def test_models_have_names(tmp_path):
    first, second = save(tmp_path / "a"), save(tmp_path / "b", SEVERAL)

    async def scenario(models):
        assert not models.ready
        await models.load()
        assert models.ready
        assert list(models.all) == ["films", "letters"]
        assert models.get("letters").classifier.classes_ == list(SEVERAL)
        assert models.default is models.get("films") is models.get()
        with pytest.raises(Refused, match="films or letters, found another name") as error:
            models.get("other")
        assert error.value.status == 404
        models.draining = True
        assert not models.ready

    run(scenario, ("films", str(first)), ("letters", str(second)))


def test_a_missing_model_stops_the_start(tmp_path):
    async def scenario(models):
        with pytest.raises(BundleError):
            await models.load()

    run(scenario, ("films", str(tmp_path)))


def test_a_replaced_bundle_is_loaded(tmp_path):
    folder = save(tmp_path / "model")

    async def scenario(models):
        await models.load()
        watching = asyncio.create_task(models.watch())
        await asyncio.sleep(0.1)
        assert loads(models, "loaded") == 1
        save(folder, SEVERAL)
        await until(lambda: loads(models, "loaded") == 2)
        assert models.default.classifier.classes_ == list(SEVERAL)
        watching.cancel()

    run(scenario, ("films", str(folder)), reload_interval=0.02)


def test_a_damaged_bundle_changes_nothing(tmp_path, caplog):
    folder = save(tmp_path / "model")

    async def scenario(models):
        await models.load()
        watching = asyncio.create_task(models.watch())
        (folder / CONFIG).write_text("{")
        await until(lambda: loads(models, "failed"))
        await asyncio.sleep(0.2)
        assert loads(models, "failed") == 1, "it is tried again only after a change"
        assert (await models.default.predict(["good"]))[0].label in CLASSES
        save(folder, SEVERAL)
        await until(lambda: loads(models, "loaded") == 2)
        shutil.rmtree(folder)
        await asyncio.sleep(0.1)
        assert (await models.default.predict(["good"]))[0].label in SEVERAL
        watching.cancel()

    run(scenario, ("films", str(folder)), reload_interval=0.02)
    assert "stays as it was" in caplog.text


def test_a_reload_loads_what_has_not_changed(tmp_path):
    folder = save(tmp_path / "model")

    async def scenario(models):
        await models.load()
        before = models.default.classifier
        await models.reload()
        assert models.default.classifier is not before
        shutil.rmtree(folder)
        await models.reload()
        assert loads(models, "failed") == 1

    run(scenario, ("films", str(folder)))


def test_requests_name_a_model(tmp_path):
    pairs = (("films", str(save(tmp_path / "a"))), ("letters", str(save(tmp_path / "b", SEVERAL))))
    with service(tmp_path, models=pairs) as (client, _):

        def labels(**values):
            answer = client.post("/predict", json={"inputs": "good", **values})
            return {each["label"] for each in answer.json()}

        assert labels() == labels(model=None) == set(CLASSES)
        assert labels(model="letters") == set(SEVERAL)
        answer = client.post("/predict", json={"inputs": "good", "model": "other"})
        assert (answer.status_code, answer.json()["error_type"]) == (404, "NotFound")
