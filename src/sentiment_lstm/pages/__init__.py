"""HTML pages, each one file that needs no network, for light and dark screens, phones and print.

A page is a template in this folder that extends `base.html`. Values are escaped unless a template
marks them as safe. Knows no model and no measure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentiment_lstm.wording import printable

STYLE = Path(__file__).parent / "style.css"
"""The style of all pages."""


def render(template: str, **values: Any) -> str:  # noqa: ANN401
    """Fill in a template of this folder.

    Args:
        template: its name, such as `report.html`.
        values: the values to show. Strings are escaped. A template marks ready markup, such as the
            result of `plots.svg`, as `safe`. Characters that are not printable are replaced.

    Returns:
        The page, HTML.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sentiment_lstm", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(template).render(**values)
    return printable(page, keep="\n\t")
