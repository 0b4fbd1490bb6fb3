"""Words that a reader of the pages could take for another thing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from fer_core.paths import ROOT

SOURCES = [*(ROOT / "fer_core").rglob("*.py"), *(ROOT / "pages").glob("*.py")]

OF_COMPUTERS = re.compile(r"\b(without a|there is no|try another) network\b", re.IGNORECASE)


def sentences(path: Path) -> Iterator[str]:
    """What a source file may show: its texts, but for docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if not isinstance(node, ast.Expr) and isinstance(child, ast.Constant | ast.JoinedStr):
                yield ast.unparse(child)


def test_a_network_is_always_a_neural_one():
    """Where the dashboard means a way to other computers, it says connection."""
    said = [text for path in SOURCES for text in sentences(path)]
    assert len(said) > 1000
    assert not [text for text in said if OF_COMPUTERS.search(text)]
