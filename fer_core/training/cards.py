"""Model cards (Mitchell et al., Model Cards for Model Reporting, 2019) from their templates."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, StrictUndefined

# The cards are our own Markdown and never shown as HTML.
_TEMPLATES = Environment(undefined=StrictUndefined, keep_trailing_newline=True)


def render_card(template: Path, **facts: object) -> str:
    """The card of a network: ``template`` (Markdown in Jinja's syntax) filled with the facts."""
    return _TEMPLATES.from_string(template.read_text(encoding="utf-8")).render(**facts)
