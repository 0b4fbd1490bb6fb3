"""``python -m fer_core password``."""

from __future__ import annotations

import click

from fer_core.server.auth.password import hash_password


@click.command("password")
def password_command() -> None:
    """Ask for an access password twice, and print the value for FER_PASSWORD_HASH."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    try:
        click.echo(hash_password(password))
    except ValueError as error:
        raise click.ClickException(f"{error}.") from error
