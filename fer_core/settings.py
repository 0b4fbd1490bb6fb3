"""What can be set from outside, each by an environment variable ``FER_<NAME>``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
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
