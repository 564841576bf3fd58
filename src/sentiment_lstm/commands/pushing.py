"""The command `push`: uploads a model to the Hugging Face hub."""

from __future__ import annotations

from typing import Annotated

import typer

from sentiment_lstm.commands.output import print_line, say


def push(
    model: Annotated[str, typer.Argument(help="A run or bundle folder, default, or tiny.")],
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository on the hub.")],
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
    revision: Annotated[
        str | None,
        typer.Option(help="The branch; it is made if it does not exist [default: main]."),
    ] = None,
    create_pr: Annotated[
        bool,
        typer.Option("--create-pr", help="Open a pull request instead of changing the branch."),
    ] = False,
) -> None:
    """Upload a model to the Hugging Face hub, in one commit.

    The repository is made if it does not exist. Log in first with `hf auth login`, or set the
    environment variable HF_TOKEN.
    """
    from sentiment_lstm import hub
    from sentiment_lstm.bundle import load_bundle
    from sentiment_lstm.finding import find_model

    bundle = load_bundle(find_model(model))
    commit = hub.push(bundle, name, private=private or None, revision=revision, create_pr=create_pr)
    print_line(commit.pr_url or commit.commit_url)
    reference = commit.pr_revision or commit.oid
    repository = name.partition("@")[0]
    say(f'Use it with: sentiment-lstm predict --model {repository}@{reference} "A text of yours."')
