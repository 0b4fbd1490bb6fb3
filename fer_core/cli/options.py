"""Options of several commands, and the analyzer made from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from pydantic import ValidationError

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import FerError
from fer_core.models.loading import AUTO, names
from fer_core.models.registry import Kind
from fer_core.settings import setting_problems, settings

Command = TypeVar("Command", bound=Callable[..., Any])


class OneOf(click.ParamType[str]):
    """One of the names that exist when the command runs; ``click.Choice`` would fix them when the
    program starts."""

    name = "name"

    def __init__(self, names: Callable[[], Sequence[str]]) -> None:
        self._names = names

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """The names, for --help."""
        return f"[{'|'.join(self._names())}]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name unchanged; a usage error if it is unknown."""
        if value not in self._names():
            self.fail(f"{value!r} is not one of {', '.join(self._names())}.", param, ctx)
        return value

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """The names that begin with ``incomplete``."""
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]


def detector_option(command: Command) -> Command:
    """``--detector NAME``, by default that of the setting."""
    return _detector_option(command, "FER_DETECTOR")


def emotion_option(command: Command) -> Command:
    """``--emotion NAME``, by default that of the setting."""
    return _emotion_option(command, "FER_EMOTION")


def fixed_detector_option(command: Command) -> Command:
    """``--detector NAME`` whatever the setting: what is trained or measured depends on the command
    alone."""
    return _detector_option(command)


def fixed_emotion_option(command: Command) -> Command:
    """``--emotion NAME`` whatever the setting, like ``fixed_detector_option``."""
    return _emotion_option(command)


def readable_only_option(command: Command) -> Command:
    """``--readable-only``."""
    what = "Leave out faces that are too small, blurred, dark, bright, turned or covered to read."
    return click.option("--readable-only", is_flag=True, help=what)(command)


def analyzer_of(detector: str, emotion: str) -> Analyzer:
    """The analyzer with these models; the command ends with an error if one is unavailable, or if
    a setting is wrong."""
    check_settings()
    try:
        return Analyzer(detector, emotion)
    except FerError as error:
        raise click.ClickException(str(error)) from error


def check_settings() -> None:
    """End the command with an error if a setting is wrong, before a file is blamed for it."""
    try:
        settings()
    except ValidationError as error:
        raise click.ClickException(" ".join(setting_problems(error))) from error


def _detector_option(command: Command, setting: str | None = None) -> Command:
    return _model_option(command, "--detector", Kind.DETECTOR, "The face detector.", setting)


def _emotion_option(command: Command, setting: str | None = None) -> Command:
    what = "The emotion model; own/NAME is a network in models/own."
    return _model_option(command, "--emotion", Kind.EMOTION, what, setting)


def _model_option(
    command: Command, option: str, kind: Kind, what: str, setting: str | None
) -> Command:
    return click.option(
        option,
        type=OneOf(partial(names, kind)),
        default=AUTO,
        show_default=True,
        envvar=setting,
        show_envvar=True,
        help=what,
    )(command)
