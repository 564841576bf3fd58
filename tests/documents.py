"""Reads code blocks, commands, inline code and links from Markdown. Runs nothing."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
GUIDE = [DOCS / "index.md", *sorted((DOCS / "guide").glob("*.md"))]
PROGRAM = "sentiment-lstm"

_BLOCK = re.compile(r"^```(?P<head>[^\n`]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code. In README, commands are blocks without a language."""

    language: str
    title: str | None
    code: str
    line: int


def blocks(path: Path) -> list[Block]:
    """Return the blocks of code of a page."""
    text = path.read_text(encoding="utf-8")
    page_blocks = []
    for match in _BLOCK.finditer(text):
        language, _, rest = match["head"].partition(" ")
        title = re.search(r'title="([^"]+)"', rest)
        line = text.count("\n", 0, match.start()) + 1
        page_blocks.append(Block(language, title and title[1], match["code"], line))
    return page_blocks


def pipelines(code: str) -> list[list[list[str]]]:
    """Split commands into lines, each line at its pipes, and each command into words."""
    lines = code.replace("\\\n", " ").splitlines()
    return [_pipeline(line) for line in lines if line.strip()]


def _pipeline(line: str) -> list[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def inline(path: Path) -> list[str]:
    """Return the inline code of a page, each piece on one line."""
    prose = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    return [" ".join(code.split()) for code in _INLINE.findall(prose)]


def calls(path: Path) -> Iterator[list[str]]:
    """Yield the arguments of each call of the program on a page."""
    for block in blocks(path):
        if block.language in ("", "sh") and f"{PROGRAM} " in block.code:
            for pipeline in pipelines(block.code):
                yield from (words[1:] for words in pipeline if words[0] == PROGRAM)
    for code in inline(path):
        if code.startswith(f"{PROGRAM} "):
            yield shlex.split(code)[1:]


def links(path: Path) -> list[str]:
    """Return the relative links of a page, without anchors."""
    prose = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    targets = (target.partition("#")[0] for target in _LINK.findall(prose))
    return [target for target in targets if target and "://" not in target]
