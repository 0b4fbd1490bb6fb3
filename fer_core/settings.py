"""What can be set from outside, each by an environment variable ``FER_<NAME>``."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds app.py, pages/ and models/."""


class Settings(BaseSettings):
    """The settings of this process; pydantic checks the types and names the wrong variable."""

    model_config = SettingsConfigDict(env_prefix="FER_", env_ignore_empty=True, extra="ignore")

    weights_dir: Path | None = Field(
        default=None,
        description="A folder with the networks' files, for machines without a network.",
    )
    detector: str = Field(default="auto", description="auto, yunet or haar.")
    emotion: str = Field(default="auto", description="auto, deepface, compact or own/NAME.")
    data_dir: Path = Field(
        default=ROOT / "data",
        description="The folder for the history, and for videos while they are worked on.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("FER_DATABASE_URL", "DATABASE_URL"),
        description="The history's database: a SQLAlchemy or Heroku address. None: a SQLite file.",
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="Sessions older than this are deleted. None: kept."
    )
    max_video_mb: int = Field(default=1000, ge=1, description="Largest video file, in megabytes.")
    max_jobs: int = Field(default=1, ge=1, description="Videos that are analysed at once.")
    video_hours: int = Field(
        default=24, ge=1, description="How long an uploaded video stays for replay, in hours."
    )
    max_upload_mb: int = Field(default=25, ge=1, description="Largest picture file, in megabytes.")
    max_streams: int = Field(
        default=8, ge=1, description="Live cameras that are analysed at once, in all sessions."
    )
    max_megapixels: int = Field(
        default=64, ge=1, description="Largest picture, in millions of pixels once decoded."
    )


def settings() -> Settings:
    """The settings as the environment has them now."""
    return Settings()
