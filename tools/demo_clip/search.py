"""Looks for muscles with which the shipped network reads an expression more surely.

``python -m tools.demo_clip.search angry`` starts from what ``poses.py`` has and prints what it
finds better; what of it looks right is then put there by hand. The network is only asked, never
told: what it makes of the clip stays its own affair.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fer_core.analysis.analyzer import Analyzer
from tools.demo_clip.expression import Expression
from tools.demo_clip.poses import MUSCLES, POSES
from tools.demo_clip.scene import draw

ROUNDS, STEP = 60, 0.25
VIEWS = ((0.0, 0.0), (7.0, 2.0))
"""Turned and nodded by so many degrees: it must be read from both."""


def sureness(analyzer: Analyzer, e: Expression, label: str) -> float:
    """The least share of a label in any of the views; 0 where not exactly one face is found."""
    shares = []
    for turn_deg, nod_deg in VIEWS:
        picture = draw(replace(e, turn_deg=turn_deg, nod_deg=nod_deg), detail=1.0)
        faces = analyzer.detect(picture)
        if len(faces) != 1:
            return 0.0
        row = analyzer.classify(analyzer.crops(picture, faces))[0]
        shares.append(float(row[list(analyzer.labels).index(label)]))
    return min(shares)


def search(label: str, muscles: Sequence[str], rng: np.random.Generator) -> Expression:
    """A hill climb: a step in a few muscles at once, kept where it is read more surely."""
    analyzer = Analyzer("haar", "compact")
    best = POSES[label]
    share = sureness(analyzer, best, label)
    print(f"{label}: {share:.2f} to begin with")
    for _ in range(ROUNDS):
        chosen = rng.choice(muscles, size=min(3, len(muscles)), replace=False)
        steps = {
            str(name): float(np.clip(getattr(best, name) + rng.normal(0.0, STEP), 0.0, 1.0))
            for name in chosen
        }
        other = replace(best, **steps)
        found = sureness(analyzer, other, label)
        if found > share:
            best, share = other, found
            print(f"{share:.2f} {best}", flush=True)
    return best


if __name__ == "__main__":
    for name in sys.argv[1:]:
        search(name, MUSCLES[name], np.random.default_rng(0))
