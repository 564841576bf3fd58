"""A hook of MkDocs: the first page of the documentation shows the model in the reader's browser.

It needs `onnxruntime-web` in `js/node_modules` (`npm install --prefix js`). Without it, the first
page has no such part.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

RUNTIME = Path(__file__).parent / "js" / "node_modules" / "onnxruntime-web"
FOLDER = "try"
MARK = "<!-- the page that runs the model -->"
FRAME = f"""Type here. The model runs in your browser, and your text stays there. The first visit
downloads 8 MB.

<iframe src="{FOLDER}/index.html" title="Type, and watch an LSTM read" loading="lazy"
style="width: 100%; height: 60rem; border: 0"></iframe>"""


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the page where the mark is."""
    return markdown.replace(MARK, FRAME if RUNTIME.is_dir() else "")


def on_post_build(config: MkDocsConfig) -> None:
    """Write the page's folder into the site."""
    if RUNTIME.is_dir():
        out = Path(config.site_dir) / FOLDER
        command = [sys.executable, "-m", "sentiment_lstm", "export", "--model", "default"]
        command += ["--browser", str(out), "--onnxruntime-web", str(RUNTIME)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
