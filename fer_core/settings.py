"""The settings, each set by an environment variable ``FER_<NAME>``."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from fer_core.paths import STATE_DIR

# A larger number is a typing error, and dates or sizes calculated from it would overflow.
_MOST, _MOST_AT_ONCE, _MOST_MB = 1_000_000, 1000, 1_000_000
_YEAR_MINUTES = 366 * 24 * 60

_SHORTEST_SECRET = 32

# Hidden, because pydantic repeats the values in its errors, and they may be secrets.
CONFIG = SettingsConfigDict(
    env_prefix="FER_",
    env_ignore_empty=True,
    extra="ignore",
    hide_input_in_errors=True,
    frozen=True,  # so that what is made from them can be cached
)


def variable(name: str, description: str, **more: Any) -> Any:
    """A field that is read from a variable with another name than the field."""
    return Field(validation_alias=name, description=description, **more)


class OidcSettings(BaseSettings):
    """Sign-in with accounts of an OpenID Connect provider: all five fields, or none."""

    model_config = CONFIG

    metadata_url: str | None = variable(
        "FER_OIDC_METADATA_URL",
        "The provider's …/.well-known/openid-configuration.",
        default=None,
    )
    client_id: str | None = variable(
        "FER_OIDC_CLIENT_ID", "The ID that the provider gave this dashboard.", default=None
    )
    client_secret: SecretStr | None = variable(
        "FER_OIDC_CLIENT_SECRET", "The secret that the provider gave with the ID.", default=None
    )
    redirect_url: str | None = variable(
        "FER_OIDC_REDIRECT_URL",
        "This dashboard's address with /oauth2callback.",
        default=None,
    )
    cookie_secret: SecretStr | None = variable(
        "FER_OIDC_COOKIE_SECRET",
        "A long random text that signs the sign-in cookies.",
        default=None,
    )

    @field_validator("metadata_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^\s/?#]+/\S*", url):
            raise ValueError("not an address such as https://…/.well-known/openid-configuration")
        return url

    @field_validator("redirect_url")
    @classmethod
    def _callback(cls, url: str | None) -> str | None:
        # The provider sends whoever has signed in there, and only this path takes them in.
        if url is not None and not re.fullmatch(r"https?://[^\s/?#]+/oauth2callback", url):
            raise ValueError("not https://HOST/oauth2callback with the host of this dashboard")
        return url

    @field_validator("cookie_secret")
    @classmethod
    def _long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"it needs {_SHORTEST_SECRET} or more characters")
        return secret

    @model_validator(mode="after")
    def _whole(self) -> Self:
        values = [value for _, value in self]
        if any(values) and not all(values):
            raise ValueError("FER_OIDC_…: set all five of them, or none")
        return self


class Settings(BaseSettings):
    """The settings of this process; pydantic checks the types and names the wrong variable.

    The TURN settings are separate (fer_core/live/turn_settings.py): if they are wrong, only the
    camera does not work.
    """

    model_config = CONFIG

    weights_dir: Path | None = Field(
        default=None,
        description="A folder with the models' files, for machines without internet access.",
    )
    detector: str = Field(
        default="auto", description="The face detector: auto, or a detector's name."
    )
    emotion: str = Field(
        default="auto",
        description="The emotion model: auto, or a model's name.",
    )
    data_dir: Path = Field(
        default=STATE_DIR / "data",
        description="The folder for the history, and for videos while they are analysed or played.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("FER_DATABASE_URL", "DATABASE_URL"),
        description="The history's database: a SQLAlchemy or Heroku address. None: a SQLite file.",
    )
    retention_days: int | None = Field(
        default=None,
        ge=1,
        le=36_500,
        description="Sessions older than this are deleted. None: kept.",
    )
    max_video_mb: int = Field(
        default=1000, ge=1, le=_MOST_MB, description="Largest video file, in megabytes."
    )
    max_video_minutes: float = Field(
        default=240.0,
        gt=0.0,
        le=_YEAR_MINUTES,
        description="Longest video, or chosen part of one, in minutes.",
    )
    max_jobs: int = Field(
        default=1, ge=1, le=_MOST_AT_ONCE, description="Videos analysed at the same time."
    )
    max_user_jobs: int = Field(
        default=50,
        ge=1,
        le=_MOST,
        description="Videos that one user may have waiting or running.",
    )
    max_job_minutes: float = Field(
        default=240.0,
        gt=0.0,
        le=_YEAR_MINUTES,
        description="How long a video is analysed before it makes way for others, in minutes.",
    )
    video_hours: int = Field(
        default=24,
        ge=1,
        le=_YEAR_MINUTES // 60,
        description="How long an uploaded video is kept for replay, in hours.",
    )
    max_upload_mb: int = Field(
        default=25, ge=1, le=_MOST_MB, description="Largest picture file, in megabytes."
    )
    max_uploads_mb: int = Field(
        default=4000,
        ge=1,
        le=_MOST_MB,
        description="Files on the pages of all visitors together, in megabytes; never less than "
        "the largest file.",
    )
    max_streams: int = Field(
        default=8,
        ge=1,
        le=_MOST_AT_ONCE,
        description="Live cameras analysed at the same time, in all sessions.",
    )
    max_user_streams: int = Field(
        default=2,
        ge=1,
        le=_MOST_AT_ONCE,
        description="Live cameras of one account at the same time, with sign-in by accounts.",
    )
    max_megapixels: int = Field(
        default=64,
        ge=1,
        le=_MOST,
        description="Largest picture, in millions of pixels once decoded.",
    )
    api_tokens: SecretStr = Field(
        default=SecretStr(""),
        description="Tokens for the HTTP API, or sha256:HASH of tokens, separated by commas.",
    )
    api_max_pictures: int = Field(
        default=20, ge=1, le=_MOST, description="Pictures in one request."
    )
    api_max_body_mb: int = Field(
        default=40, ge=1, le=_MOST_MB, description="Largest request, in megabytes."
    )
    api_body_s: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="How long a request may take to arrive, in seconds.",
    )
    api_requests_per_minute: int = Field(
        default=60,
        ge=1,
        le=_MOST,
        description="Analyses per minute for each token.",
    )
    api_max_analyses: int = Field(
        default=2,
        ge=1,
        le=_MOST_AT_ONCE,
        description="Requests whose pictures are analysed at the same time.",
    )
    open: bool = Field(
        default=False, description="Whether everybody who can reach the dashboard may use it."
    )
    framed_by: str = Field(
        default="",
        description="Other sites that may show the dashboard in a frame, separated by spaces.",
    )
    password_hash: SecretStr | None = Field(
        default=None, description="The access password, as `python -m fer_core password` prints it."
    )
    oidc: OidcSettings = Field(
        default_factory=lambda: OidcSettings(), description="Sign-in with accounts."
    )

    @field_validator("password_hash")
    @classmethod
    def _made_by_the_command(cls, line: SecretStr | None) -> SecretStr | None:
        if line is not None and not is_hash(line.get_secret_value()):
            raise ValueError("not a hash; python -m fer_core password prints one")
        return line

    @field_validator("framed_by")
    @classmethod
    def _origins(cls, sites: str) -> str:
        # They become part of a header, where other characters could start another rule.
        if not all(
            re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?", each, re.A) for each in sites.split()
        ):
            raise ValueError("each site is https://NAME, without a path")
        return sites

    @field_validator("api_tokens")
    @classmethod
    def _hard_to_guess(cls, tokens: SecretStr) -> SecretStr:
        for entry in filter(None, (each.strip() for each in tokens.get_secret_value().split(","))):
            if not re.fullmatch(r"sha256:[0-9a-fA-F]{64}|(?!sha256:)[!-~]{20,}", entry):
                raise ValueError(
                    "each token has 20 or more characters (letters, digits, signs; no spaces), or "
                    "is sha256: and 64 hexadecimal digits"
                )
        return tokens


def settings() -> Settings:
    """The current settings from the environment."""
    return _settings_of(frozenset(os.environ.items()))


# Pages ask a dozen times per run, and reading them takes a millisecond.
@lru_cache(maxsize=1)
def _settings_of(_environment: frozenset[tuple[str, str]]) -> Settings:
    return Settings()


_FORM = re.compile(r"scrypt:(\d{1,7}):(\d{1,2}):(\d{1,2}):([\w-]{16,64}):([\w-]{43})", re.ASCII)


def is_hash(line: str) -> bool:
    """Whether ``matches`` can use this hash, within 64 MB of memory."""
    found = _FORM.fullmatch(line)
    if not found:
        return False
    n, r, p = (int(each) for each in found.groups()[:3])
    cost = n > 1 and n & (n - 1) == 0 and r > 0 and p > 0 and 128 * n * r <= 64_000_000
    # A lost character may leave a salt that is no base64; RFC 7914 allows no larger n for an r.
    return cost and n < 1 << 16 * r and len(found[4]) % 4 != 1


def setting_problems(error: ValidationError) -> list[str]:
    """A sentence for each setting that is wrong, without its value, which may be a secret."""
    return [_problem(fault) for fault in error.errors(include_url=False)]


def _problem(fault: Any) -> str:
    sentence: str = fault["msg"].removeprefix("Value error, ")
    if sentence.endswith("."):  # our own, which says what to do
        return sentence
    sentence = f"{sentence}. Correct it, or unset it."
    if not fault["loc"]:  # several settings together
        return sentence
    name = str(fault["loc"][0])
    # Our name, unless the setting has its own variable.
    variable = f"FER_{name.upper()}" if name in Settings.model_fields else name
    return f"{variable}: {sentence}"
