"""Models on the Hugging Face hub: downloads one, and uploads a saved model.

Only the files of a bundle are downloaded, and their sizes are checked first. Nothing else in a
repository is read, and nothing is unpickled. A copy in the cache is used if the hub cannot be
reached.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypedDict

from sentiment_lstm import __version__
from sentiment_lstm.bundle import CARD, CONFIG, FILES, GRAPHS, METRICS, TOKENIZER, save_bundle
from sentiment_lstm.card import PLACE
from sentiment_lstm.data.libraries import first_line
from sentiment_lstm.errors import HubError, UsageError
from sentiment_lstm.hub_client import LIBRARY, errors_as_sentences, hub_client
from sentiment_lstm.storage import write_atomically

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi

    from sentiment_lstm.bundle import Bundle

MOST_TEXT_BYTES = 64 * 2**20
MOST_WEIGHTS_BYTES = 2 * 2**30
"""Larger files are not downloaded. A text file is the card or JSON; a graph counts as weights."""

_NAME = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@(\S+))?")
_TEXTS = (CARD, METRICS, TOKENIZER, CONFIG)


class Options(TypedDict, total=False):
    """How to get a model from the hub, by the names that `huggingface_hub` uses.

    `revision`: a branch, a tag or a commit; None means `main`. `token`: None means the one in the
    environment or of `hf auth login`; False means none. `cache_dir`: where copies are kept.
    `local_files_only`: use only these copies.
    """

    revision: str | None
    token: str | bool | None
    cache_dir: str | os.PathLike[str] | None
    local_files_only: bool


def is_hub_name(name: str) -> bool:
    """Whether a name has the form OWNER/NAME or OWNER/NAME@REVISION."""
    return _NAME.fullmatch(name) is not None


def download(
    name: str,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Path:
    """Download a model, unless the cache holds it already.

    A branch or tag is looked up first, so all files are of one commit.

    Args:
        name: OWNER/NAME or OWNER/NAME@REVISION.
        revision: as in `Options`, like the other arguments.
        token: see there.
        cache_dir: see there.
        local_files_only: see there.

    Returns:
        The folder of the model in the cache. The folder's name is the hash of the commit.

    Raises:
        HubError: there is no such model or revision, the token gives no access to it, the
            repository holds no bundle, a file is too large, or the connection ended.
        MissingExtraError: `huggingface_hub` is missing or too old.
        UsageError: `name` and `revision` both give a revision.
    """
    name, revision = _name_and_revision(name, revision)
    wanted = f"a folder {name} or a model of that name on the hub"
    if revision:
        wanted = f"the revision {revision} of the model {name} on the hub"
    cache = Path(cache_dir).expanduser() if cache_dir else None
    with hub_client(token) as api, errors_as_sentences(wanted, local_files_only=local_files_only):
        commit = api.resolve_revision(
            name, revision=revision, cache_dir=cache, local_files_only=local_files_only
        )
        files = () if local_files_only else _files_to_download(api, name, commit.resolved)
        # One after another, in this thread, because Ctrl-C would wait for the client's threads.
        for file in files:
            api.hf_hub_download(name, file, revision=commit, cache_dir=cache)
        last = api.hf_hub_download(
            name, CONFIG, revision=commit, cache_dir=cache, local_files_only=True
        )
        return Path(last).parent


def push(
    bundle: Bundle,
    name: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    token: str | bool | None = None,
    commit_message: str | None = None,
) -> CommitInfo:
    """Upload a model in one commit. Arguments and errors as `SentimentClassifier.push_to_hub`.

    The mixin of `huggingface_hub` is not used: it may upload a folder in several commits, so that a
    repository could hold half of a model. It also needs the library when this package is imported.
    """
    if not is_hub_name(name):
        raise UsageError(f"Expected OWNER/NAME to push to, found {name!r}: name a repository.")
    name, revision = _name_and_revision(name, revision)
    with (
        TemporaryDirectory() as parent,
        hub_client(token) as api,
        errors_as_sentences(f"a repository {name} on the hub to push to", uploads=True),
    ):
        _require_token(token, name)
        folder = Path(parent, name.partition("/")[2])
        save_bundle(folder, bundle)
        _complete_card(folder / CARD, name)
        api.create_repo(name, private=private, exist_ok=True)
        parent_commit, old_files = _prepared_branch(
            api, name, revision, private=private, create_pr=create_pr
        )
        uploads = _uploads(folder)
        for upload in uploads:
            if upload.path_in_repo not in _TEXTS:  # one after another, as in `download`
                api.preupload_lfs_files(
                    name, [upload], revision=revision, create_pr=create_pr, free_memory=False
                )
        return api.create_commit(
            name,
            [*_deletions(uploads, old_files), *uploads],
            commit_message=commit_message or f"Upload a model with sentiment-lstm {__version__}",
            revision=revision,
            create_pr=create_pr,
            parent_commit=parent_commit,
        )


def _name_and_revision(name: str, revision: str | None) -> tuple[str, str | None]:
    match = _NAME.fullmatch(name)
    repository, own = match.groups() if match else (name, None)
    if own and revision:
        raise UsageError(
            f"Expected one revision, found {own} in the name and {revision}: leave one out."
        )
    return repository, own or revision


def _files_to_download(api: HfApi, name: str, commit: str) -> list[str]:
    """The files of the bundle, `config.json` last: if it is in the cache, all are there.

    Returns:
        Their names; none if the hub cannot be reached.

    Raises:
        HubError: a file of a bundle is missing or too large.
    """
    import httpx2
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        listed: list[Any] = api.get_paths_info(name, [*GRAPHS, *FILES], revision=commit)
    except (httpx2.TransportError, OfflineModeIsEnabled):
        return []
    sizes = {file.path: getattr(file, "size", 0) for file in listed}
    if missing := [file for file in FILES if file not in sizes]:
        raise HubError(
            f"Expected a model of sentiment-lstm in {name} on the hub, found no "
            f"{', '.join(missing)} there; name another model."
        )
    for file, size in sizes.items():
        most = MOST_TEXT_BYTES if file in _TEXTS else MOST_WEIGHTS_BYTES
        if size > most:
            raise HubError(
                f"Expected {file} of {name} on the hub to have at most {most:,} bytes, found "
                f"{size:,}; it was not downloaded, name another model."
            )
    return [file for file in (*GRAPHS, *FILES) if file in sizes]


def _require_token(token: str | bool | None, name: str) -> None:
    from huggingface_hub import get_token

    if not token and (token is False or not get_token()):
        raise HubError(
            f"Expected a token to push to {name} on the hub, found none; run `hf auth login`, or "
            "set HF_TOKEN."
        )


def _complete_card(path: Path, name: str) -> None:
    """Name the model in the card's example, and check the front matter.

    A card that someone wrote by hand may lack the library and the task; they are added.
    """
    import yaml
    from huggingface_hub import ModelCard

    content = path.read_text(encoding="utf-8").replace(PLACE, f'"{name}"')
    try:
        card = ModelCard(content)
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise HubError(
            f"Expected front matter in the model's {CARD} that the hub can read, found: "
            f"{first_line(error)}; correct it, or delete it, then save the model again."
        ) from error
    for key, value in (("library_name", LIBRARY), ("pipeline_tag", "text-classification")):
        if not card.data.get(key):
            card.data[key] = value
            content = str(card)
    write_atomically(path, content.encode("utf-8"))


def _prepared_branch(
    api: HfApi, name: str, revision: str | None, *, private: bool | None, create_pr: bool
) -> tuple[str | None, set[str]]:
    """The commit that the upload follows, and the names of its files. A new branch is made."""
    from huggingface_hub.errors import RevisionNotFoundError

    info = api.model_info(name)
    if private and info.private is False:
        raise HubError(
            f"Expected a private repository, found that {name} is public; make it private on its "
            "page, or push to another one."
        )
    if revision:
        try:
            info = api.model_info(name, revision=revision)
        except RevisionNotFoundError:
            if create_pr:
                raise
            api.create_branch(name, branch=revision)
            info = api.model_info(name, revision=revision)
    return info.sha, {file.rfilename for file in info.siblings or []}


def _uploads(folder: Path) -> list[CommitOperationAdd]:
    from huggingface_hub import CommitOperationAdd

    files = [folder / name for name in (*GRAPHS, *FILES) if (folder / name).is_file()]
    return [CommitOperationAdd(path_in_repo=path.name, path_or_fileobj=path) for path in files]


def _deletions(
    uploads: list[CommitOperationAdd], old_files: set[str]
) -> list[CommitOperationDelete]:
    """Delete the graphs of an older model that this one lacks."""
    from huggingface_hub import CommitOperationDelete

    new = {upload.path_in_repo for upload in uploads}
    return [CommitOperationDelete(name) for name in GRAPHS if name in old_files - new]
