"""Options and error handling of the commands for training and evaluation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fer_core.cli.options import Command, check_settings
from fer_core.errors import FerError
from fer_core.extras import missing_sentence
from fer_core.media.names import printable

BAD_INPUT = 2
"""The exit code for data that cannot be used, and for a missing package."""


def path_option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    """``click.option`` for a path, or for several."""
    return click.option(*names, type=click.Path(path_type=Path), **attributes)


labels_option = path_option("--labels", required=True, help="Its CSV file.")
out_option = click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
seed_option = click.option("--seed", default=0, show_default=True, type=click.IntRange(0))


def report_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Print a sentence and exit with ``BAD_INPUT`` if the data, the folder of the run or the
    installation is unusable."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        check_settings()
        try:
            command(*args, **kwargs)
        except FerError as error:
            sentence = str(error)
        except BrokenPipeError:
            raise  # the reader of the output has had enough, and click ends quietly
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            where = f"{printable(str(error.filename))}: " if error.filename else ""
            sentence = f"{where}{reason}. Check the folders and the free space of the disk."
        except ModuleNotFoundError as error:
            sentence = missing_sentence("train", error)
        else:
            return
        click.echo(f"Error: {sentence}", err=True)
        sys.exit(BAD_INPUT)

    return wrapped
