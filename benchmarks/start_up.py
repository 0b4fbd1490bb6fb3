"""One picture in a fresh process: ``fer-dashboard analyze`` against ``DeepFace.analyze``.

``python -m benchmarks.start_up``. Measured from the start of Python to its exit, including imports
and loading, as a script or a queue pays for each picture. Uses the models of the package; DeepFace
runs with random weights in its own network. In turns.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import partial

import numpy as np

from benchmarks._deepface import deepface_variables
from benchmarks._race import race
from benchmarks._report import Report, command, table
from fer_core.paths import ROOT, SAMPLE

TURNS = 9

_DEEPFACE = f"""
from deepface import DeepFace
DeepFace.analyze({str(SAMPLE)!r}, actions=["emotion"], enforce_detection=False, silent=True)
"""
_SHIPPED = ["--detector", "haar", "--emotion", "compact"]

PROGRAMS = {
    "DeepFace.analyze": ["-c", _DEEPFACE],
    "fer-dashboard analyze": ["-m", "fer_core", "analyze", str(SAMPLE), *_SHIPPED],
    "from fer_core import Analyzer": ["-c", "from fer_core import Analyzer"],
    "import fer_core": ["-c", "import fer_core"],
    "Python alone": ["-c", ""],
}


def measure() -> Report:
    """Run each program in turns; returns elapsed and processor times."""
    busy_ms: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with deepface_variables() as variables:
        environment = os.environ | variables

        def start(name: str) -> None:
            busy_ms[name].append(_run(PROGRAMS[name], environment))

        found = race({name: partial(start, name) for name in PROGRAMS}, TURNS)
    times = {name: found.times_longer("DeepFace.analyze", name) for name in PROGRAMS}
    processor_ms = {name: float(np.median(each[1:])) for name, each in busy_ms.items()}
    rows = [
        [
            name,
            f"{found.median_ms(name):.0f}",
            f"{middle:.1f} ({low:.1f} to {high:.1f})",
            f"{processor_ms[name]:.0f}",
        ]
        for name, (middle, low, high) in times.items()
    ]
    return Report(
        "One picture in a fresh process",
        {
            "median_ms": {name: found.median_ms(name) for name in PROGRAMS},
            "times_faster": {name: list(ratio) for name, ratio in times.items()},
            "processor_ms": processor_ms,
        },
        [table(["", "median ms", "times faster (quartiles)", "processor time, ms"], rows)],
        [
            "Targets on an idle machine: 600 ms for `import fer_core`, 2000 ms for the command on "
            "a picture.",
            "The last column is summed over all cores and hardly depends on other load.",
        ],
    )


def _run(arguments: list[str], environment: dict[str, str]) -> float:
    """Run Python to its end; returns its processor time in ms.

    Raises ``CalledProcessError`` if it fails.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


run = command(measure)

if __name__ == "__main__":
    run()
