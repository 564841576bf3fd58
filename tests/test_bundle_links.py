"""A file of a bundle that is a link to a file elsewhere is refused. A hub's cache is links."""

from dataclasses import replace
from pathlib import Path

import pytest

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.bundle import FILES, RUN_SETTINGS, load_bundle, run_settings, save_bundle
from sentiment_lstm.errors import BundleError
from sentiment_lstm.settings import Settings

SECRET = "a secret"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "secret.txt"
    path.parent.mkdir()
    path.write_text(SECRET)
    return path


def to_link(path: Path, target: Path | str) -> None:
    path.unlink()
    path.symlink_to(target)


def in_hub_cache(folder: Path, model: Path) -> Path:
    """Lay a model out as huggingface_hub does: `snapshots` hold links to `blobs`."""
    snapshot, blobs = folder / "snapshots" / "0a1b2c", folder / "blobs"
    for each in (snapshot, blobs):
        each.mkdir(parents=True)
    for number, path in enumerate(sorted(model.iterdir())):
        (blobs / f"hash{number}").write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(Path("..", "..", "blobs", f"hash{number}"))
    return snapshot


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_a_link_out_of_the_folder_is_refused(model, tmp_path, name):
    other = tmp_path / "copies" / name
    other.parent.mkdir()
    other.write_bytes((model / name).read_bytes())
    to_link(model / name, other)
    with pytest.raises(BundleError, match=rf"^Expected {name} as a file of its own in .*, found a"):
        load_bundle(model)


def test_a_graph_that_is_a_link_is_refused(model, bundle, secret):
    save_bundle(model, replace(bundle, graphs={"model.onnx": b"graph"}))
    to_link(model / "model.onnx", secret)
    with pytest.raises(BundleError, match="a link"):
        load_bundle(model)


def test_a_card_that_is_a_link_is_not_copied_into_a_new_bundle(model, tmp_path, secret):
    to_link(model / "README.md", secret)
    with pytest.raises(BundleError, match=r"Expected README\.md as a file of its own"):
        SentimentClassifier.from_pretrained(model).save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_folder_itself_may_be_a_link(model, tmp_path):
    (tmp_path / "latest").symlink_to(model, target_is_directory=True)
    assert load_bundle(tmp_path / "latest").config == load_bundle(model).config


def test_the_cache_of_a_hub_is_read(model, tmp_path):
    snapshot = in_hub_cache(tmp_path / "hub" / "models--ann--films", model)
    assert load_bundle(snapshot).config == load_bundle(model).config
    (tmp_path / "cache").symlink_to(tmp_path / "hub", target_is_directory=True)
    path = tmp_path / "cache" / "models--ann--films" / "snapshots" / "0a1b2c"
    assert load_bundle(path).config == load_bundle(model).config


@pytest.mark.parametrize("name", ["ab" + 62 * "0", "cd" + 62 * "0", "secret"])
def test_files_that_all_models_of_the_cache_share_are_read(model, tmp_path, name):
    """A newer huggingface_hub keeps large files in `blobs/ab/ab...`, once for all models."""
    snapshot = in_hub_cache(tmp_path / "hub" / "models--ann--films", model)
    blob = (snapshot / "model.safetensors").resolve()
    shared = tmp_path / "hub" / "blobs" / "ab" / name
    shared.parent.mkdir(parents=True)
    blob.rename(shared)
    blob.symlink_to(Path("..", "..", "blobs", "ab", name))
    if name.startswith("ab"):
        assert load_bundle(snapshot).config == load_bundle(model).config
    else:
        with pytest.raises(BundleError, match=r"model\.safetensors as a file of its own"):
            load_bundle(snapshot)


@pytest.mark.parametrize("through", ["file", "folder"])
def test_a_link_behind_the_links_of_a_hub_is_refused(model, tmp_path, secret, through):
    snapshot = in_hub_cache(tmp_path / "models--evil--x", model)
    blobs = tmp_path / "models--evil--x" / "blobs"
    if through == "file":
        to_link((snapshot / "README.md").parent / Path("..", "..", "blobs", "hash0"), secret)
        to_link(snapshot / "README.md", Path("..", "..", "blobs", "hash0"))
    else:
        blobs.rename(tmp_path / "blobs")
        blobs.symlink_to(tmp_path / "blobs", target_is_directory=True)
    with pytest.raises(BundleError, match="a link"):
        load_bundle(snapshot)


def test_settings_of_a_run_that_are_a_link_are_not_read(model, tmp_path):
    settings = tmp_path / "elsewhere.json"
    settings.write_text("{}")  # the defaults
    (model / RUN_SETTINGS).symlink_to(settings)
    bundle = load_bundle(model)
    provenance = {"settings": Settings().to_dict()}
    bundle = replace(bundle, config=replace(bundle.config, provenance=provenance))
    assert run_settings(bundle) is None
