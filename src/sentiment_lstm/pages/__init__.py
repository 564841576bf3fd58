"""Pages for a browser, each one file that needs no network: light and dark, phone and print.

A page is a template of this folder that extends `base.html`; values are escaped unless a template
says otherwise. Knows no model and no measure.
"""

from __future__ import annotations

from typing import Any


def render(template: str, **values: Any) -> str:  # noqa: ANN401
    """Fill in a template of this folder.

    Args:
        template: its name, such as `report.html`.
        values: what it shows; strings become text. A template names what is markup already (`svg`
            of `plots.svg`) as `safe`.

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
    return page.encode(errors="replace").decode()  # a lone surrogate has no form in a file
