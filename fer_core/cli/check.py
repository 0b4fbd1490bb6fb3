"""``python -m fer_core check``, which setup.sh runs before the dashboard starts.

A wrong setting, an unreachable database, a folder that cannot be written or a damaged network would
otherwise only be noticed by a user.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import partial

import click
from pydantic import ValidationError

from fer_core.errors import FerError
from fer_core.history import LOCAL, history
from fer_core.jobs.copies import VideoCopies, videos_folder
from fer_core.live.ice import servers_from
from fer_core.live.turn_settings import turn_settings
from fer_core.models.loading import names, smoke_test
from fer_core.models.registry import Kind, built_in, downloads
from fer_core.models.weights.files import status
from fer_core.settings import Settings, setting_problems, settings


def startup_problems() -> list[str]:
    """A sentence for each problem; empty if there is none.

    Also brings the tables of the history up to date.
    """
    try:
        wanted = settings()
    except ValidationError as error:
        return setting_problems(error)
    checks: list[Callable[[], object]] = [
        lambda: servers_from(turn_settings(), time.time()),
        lambda: history().count(LOCAL),
        VideoCopies(videos_folder()).check,
        *(partial(smoke_test, model) for model in built_in().values()),
    ]
    return [*_port_wrong(), *_models_wrong(wanted), *_failures(checks)]


@click.command("check")
def check_command() -> None:
    """Check whether the dashboard can start: settings, database, folder, networks.

    Brings the database up to date. The exit code is 1 if something is wrong.
    """
    reasons = startup_problems()
    for sentence in reasons:
        click.echo(sentence, err=True)
    if reasons:
        raise click.ClickException("The dashboard does not start until this is fixed.")
    # A missing or damaged file is no reason not to start: other models take over.
    for model in downloads().values():
        click.echo(status(model).sentence)
    click.echo(f"The history is in {history().location}.")


def _failures(checks: Iterable[Callable[[], object]]) -> list[str]:
    sentences = []
    for check in checks:
        try:
            check()
        except FerError as error:
            sentences.append(str(error))
    return sentences


def _port_wrong() -> list[str]:
    port = os.environ.get("PORT", "8501")
    if port.isascii() and port.isdigit() and 0 < int(port) < 65_536:
        return []
    return ["PORT must be a number from 1 to 65535. Correct it."]


def _models_wrong(wanted: Settings) -> list[str]:
    asked_for = {
        "FER_DETECTOR": (Kind.DETECTOR, wanted.detector),
        "FER_EMOTION": (Kind.EMOTION, wanted.emotion),
    }
    return [
        f"{variable}: there is no {kind} of this name. Choose one of {', '.join(names(kind))}."
        for variable, (kind, name) in asked_for.items()
        if name not in names(kind)
    ]
