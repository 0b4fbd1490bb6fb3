"""Distributes work over a Ray cluster with Ray Data (the extra ray)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fer_core.batch.files import Piece, piece_from_text, piece_to_text
from fer_core.batch.pool import Do, Workers
from fer_core.errors import BackendFailed
from fer_core.extras import install_command

_STORE_BYTES = 100_000_000
"""The object store of a local Ray, through which only file names and counts pass."""


class _Actor:
    """One process of the cluster. Its work runs in a child process, as on one machine, because Ray
    would pass a file that kills its process on to the next one, for ever."""

    def __init__(self, do: Do, give_up: Do) -> None:
        self._workers = Workers(do, give_up, 1)

    def __call__(self, row: Mapping[str, str]) -> list[dict[str, int]]:
        piece = piece_from_text(row["piece"])
        return [{"files": count} for count in self._workers.run([piece])]


def run_on_ray(do: Do, give_up: Do, count: int | None, pieces: Sequence[Piece]) -> Iterator[int]:
    """Do all pieces on the cluster named by ``RAY_ADDRESS``, or on a local Ray with ``count``
    processes; yields the number of files of each finished piece.

    On a cluster, ``count`` None means as many processes as it has cores.
    Raises ``BackendFailed`` if Ray is absent or fails.
    """
    # Before the import, which reads them: no usage reports to Ray's makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Silences errors that it logs but survives; real failures are raised.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError as error:
        raise BackendFailed(
            f"Ray is not installed: {install_command('ray')}, or leave out --backend ray."
        ) from error

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    _join(ray, count)
    try:
        most = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
        size = min(most, len(pieces))
        rows = ray.data.from_items([{"piece": piece_to_text(piece)} for piece in pieces])
        done = rows.flat_map(
            _Actor,
            fn_constructor_args=(do, give_up),
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=size),
        )
        for row in done.iter_rows():
            yield int(row["files"])
    except RayError as error:
        reason = str(getattr(error, "cause", None) or error).strip().splitlines()[0]
        raise BackendFailed(f"Ray stopped: {reason}") from error
    finally:
        ray.shutdown()


def _join(ray: Any, count: int | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
        return
    ray.init(
        address="local",
        num_cpus=count or os.cpu_count(),
        include_dashboard=False,
        object_store_memory=_STORE_BYTES,
        **quiet,
    )
