"""The command line: ``fer-dashboard``, or ``python -m fer_core`` in a checkout."""

from __future__ import annotations

import errno
import io
import os
import sys
from importlib import import_module
from typing import Any

import click

import fer_core
from fer_core.errors import NO_ROOM
from fer_core.extras import missing_sentence

_COMMANDS = {
    "analyze": ("fer_core.cli.analyze:analyze_command", ""),
    "batch": ("fer_core.cli.batch:batch_command", "video"),
    "check": ("fer_core.cli.check:check_command", "app"),
    "evaluate": ("fer_core.cli.train:evaluate_command", ""),
    "evaluate-detector": ("fer_core.cli.train_detector:evaluate_detector_command", ""),
    "evaluate-landmarks": ("fer_core.cli.train_landmarks:evaluate_landmarks_command", ""),
    "evaluate-pictures": ("fer_core.cli.evaluate_pictures:evaluate_pictures_command", ""),
    "password": ("fer_core.cli.password:password_command", ""),
    "serve": ("fer_core.cli.serve:serve_command", "app"),
    "train": ("fer_core.cli.train:train_command", "train"),
    "train-detector": ("fer_core.cli.train_detector:train_detector_command", "train"),
    "train-landmarks": ("fer_core.cli.train_landmarks:train_landmarks_command", "train"),
    "video": ("fer_core.cli.video:video_command", "video"),
    "weights": ("fer_core.cli.weights:weights_group", ""),
}
"""Each command's function, and the extra whose packages it needs."""


INTERRUPTED = 130
"""The exit code after Ctrl-C, as in shells."""

_FULL = (*NO_ROOM, errno.EIO)
"""What a full disk says to a program whose output is redirected to a file there."""


class _Commands(click.Group):
    """Imports a command only when it is used: one that analyses a picture needs no database."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C ends it with ``INTERRUPTED``, not with what a failure has.

        Raises ``click.ClickException`` if its output cannot be written.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno not in _FULL or error.filename is not None:
                raise
            # Else Python tries to write the rest once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.ClickException(
                f"The output cannot be written ({(error.strerror or '').lower()}). Free some space "
                "there, or write it elsewhere."
            ) from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        function, extra = _COMMANDS[cmd_name]
        module, _, attribute = function.partition(":")
        try:
            command: click.Command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            return _refusal(cmd_name, missing_sentence(extra, error))
        return command


def _refusal(name: str, sentence: str) -> click.Command:
    """A command that accepts any arguments and says why it cannot run."""

    def refuse(words: tuple[str, ...]) -> None:  # noqa: ARG001
        raise click.ClickException(sentence)

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help=sentence,
        add_help_option=False,
    )


@click.group(cls=_Commands)
@click.version_option(fer_core.__version__, prog_name="fer-dashboard")
def main() -> None:
    """Facial expression recognition in pictures, videos and live cameras."""
    for stream in (sys.stdout, sys.stderr):
        # A name that cannot be encoded for the terminal or a file must not end the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
