"""The ``[history]`` part of ``lianji.toml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class S3Settings(BaseModel):
    """A bucket and the key to it. Either half of the key may be told as ``env:NAME``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")
    """``s3://bucket`` or ``s3://bucket/prefix``."""
    endpoint: str = Field(pattern=r"^https?://")
    """Where the store is, such as ``https://s3.example.com``."""
    region: str = "us-east-1"
    """What the store calls the place; many do not care."""
    access_key_id: str = Field(min_length=1)
    """The key's name, or ``env:NAME``: the variable that holds it."""
    secret_access_key: SecretStr = Field(min_length=1)
    """The key itself, or ``env:NAME``."""
    allow_http: bool = False
    """Over http anybody on the way can read what is sent."""
    path_style: bool = True
    """``endpoint/bucket/name``; false where the bucket is a part of the host's name."""
    timeout_s: float = Field(60.0, gt=0, le=600)
    """For one request. A slow line must carry two parts of 5 MiB in it."""

    @model_validator(mode="after")
    def _http_is_meant(self) -> S3Settings:
        if self.endpoint.startswith("http:") and not self.allow_http:
            raise ValueError("the endpoint is http: use https, or say allow_http = true")
        return self

    @property
    def bucket(self) -> str:
        return self.url.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        return self.url.removeprefix("s3://").partition("/")[2].strip("/")


class TierSettings(BaseModel):
    """Where older days go: a folder of another disk, or a bucket."""

    model_config = ConfigDict(extra="forbid")

    after_days: float = Field(ge=1, le=36_500)
    """Days that ended so long ago move here."""
    folder: str = ""
    """An absolute path; either this or ``bucket``."""
    bucket: S3Settings | None = None
    """See below; the tier's part of the table is below ``url``."""

    @model_validator(mode="after")
    def _one_place(self) -> TierSettings:
        if bool(self.folder) == (self.bucket is not None):
            raise ValueError("a tier has either a folder or a bucket")
        if self.folder and not self.folder.startswith("/"):
            raise ValueError("a tier's folder is an absolute path")
        return self


class SharedSettings(BaseModel):
    """A table that several processes write: a folder that all of them see, or a bucket."""

    model_config = ConfigDict(extra="forbid")

    folder: str = ""
    """An absolute path on a file system that knows hard links; either this or ``bucket``."""
    bucket: S3Settings | None = None
    """See below; the tables are the folders ``samples`` and ``modified`` below ``url``."""

    @model_validator(mode="after")
    def _one_place(self) -> SharedSettings:
        if bool(self.folder) == (self.bucket is not None):
            raise ValueError("a shared table has either a folder or a bucket")
        if self.folder and not self.folder.startswith("/"):
            raise ValueError("a shared table's folder is an absolute path")
        return self


class Retention(BaseModel):
    """How long the samples of some tags are kept."""

    model_config = ConfigDict(extra="forbid")

    tags: str = Field(min_length=1)
    """A pattern of paths, such as ``plant/*/vibration*``; ``*`` is every tag."""
    keep_days: float = Field(ge=1, le=36_500)
    """Days that ended so long ago are removed."""


class HistorySettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    flush_s: float = Field(60.0, ge=0.05, le=3600)
    """How long samples wait in memory (and in the spool) before they become a file."""
    flush_rows: int = Field(200_000, ge=1000, le=20_000_000)
    """So many samples become a file at once."""
    removed_kept_h: float = Field(24.0, ge=1, le=8760)
    """How long files that were merged or corrected stay on disk, for readers of older versions."""
    sql_memory_mb: int = Field(512, ge=64)
    """What one SQL query may take; a larger one fails and says so."""
    sql_timeout_s: float = Field(30.0, gt=0)
    """An SQL query that takes longer is interrupted."""
    tiers: list[TierSettings] = Field(default_factory=list)
    """Where older days go, the youngest tier first. Without any, all stays where it is."""
    retention: list[Retention] = Field(default_factory=list)
    """What is not kept for ever."""
    shared: SharedSettings | None = None
    """Where the table lies, if not in the plant's folder, and several hubs write it."""

    @model_validator(mode="after")
    def _older_and_older(self) -> HistorySettings:
        ages = [tier.after_days for tier in self.tiers]
        if ages != sorted(set(ages)):
            raise ValueError("each tier must be for older days than the one before it")
        if self.shared is not None and self.tiers:
            raise ValueError("a shared table has no tiers")
        return self
