"""``lianji.toml``: what a plant is called, where its page is, how much it keeps."""

from __future__ import annotations

import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from lianji.act.alarms.definition import DefinitionError
from lianji.act.alarms.notify.settings import NotifySettings
from lianji.base.errors import InputError, NotFound, Text
from lianji.connect.field_errors import in_words
from lianji.dictionary.tag import check_path
from lianji.history.settings import HistorySettings
from lianji.learn.jobs.settings import JobsSettings
from lianji.relay.settings import HubSettings, RelaySettings
from lianji.spool.settings import SpoolSettings

FILE = "lianji.toml"
DEFAULT_PORT = 8460


class SiteSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = "plant"
    """The first part of the plant's own tag paths, and its partition of the table."""
    title_en: str = ""
    """The plant's name at the top of the page, in English."""
    title_zh: str = ""
    """The same in Chinese."""
    time_zone: str = "Asia/Shanghai"
    """The IANA zone of times in imported files that name none."""

    @field_validator("name")
    @classmethod
    def _one_part(cls, name: str) -> str:
        if "/" in name:
            raise ValueError("a site's name is one part of a path: it has no '/'")
        return check_path(name)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"there is no time zone {name!r}; write Asia/Shanghai or UTC"
            ) from error
        return name


class WebSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host: str = "127.0.0.1"
    """Loopback by default: nobody else sees the page until this is changed."""
    port: int = Field(DEFAULT_PORT, ge=0, le=65535)
    """The page's port; 0 takes any that is free."""
    open: bool = False
    """No log-in: everybody is administrator. Only with a loopback host: for demos and tests."""
    proxies: list[str] = Field(default_factory=list)
    """Addresses or networks of reverse proxies whose X-Forwarded-For and -Proto are believed."""
    idle_h: float = Field(12, gt=0, le=8760)
    """So long without a request ends a log-in."""
    session_h: float = Field(720, gt=0, le=8760)
    """So long after it a log-in ends anyway."""

    @field_validator("proxies")
    @classmethod
    def _networks(cls, proxies: list[str]) -> list[str]:
        for text in proxies:
            try:
                ip_network(text, strict=False)
            except ValueError as error:
                raise ValueError(f"{text!r} is no address or network such as 10.0.0.0/8") from error
        return proxies

    @model_validator(mode="after")
    def _open_only_here(self) -> WebSettings:
        if self.open and self.host != "localhost" and not _is_loopback(self.host):
            raise ValueError(
                f"open = true makes everybody administrator, so the host must be 127.0.0.1 and not "
                f"{self.host}"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class StateSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: SecretStr = SecretStr("")
    """Where users, tokens, the audit log and the alarms' state are kept: empty for the SQLite file
    ``data/state.db``, or ``postgresql+psycopg://user:password@host/name`` for a database of its own
    in PostgreSQL (it needs ``pip install 'lianji[postgres]'``), or ``env:NAME``: the variable that
    holds it."""
    audit_days: float = Field(400, ge=1, le=36_500)
    """Entries of the audit log that are older than this move to files in ``data/audit``."""
    audit_rows_max: int = Field(1_000_000, ge=1_000)
    """Beyond so many entries the oldest move too, however young."""


class ConfigurationSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    trial_s: float = Field(30.0, ge=1, le=3600)
    """A changed device that gave good values must give one again within this time, or the change is
    taken back."""
    versions_max: int = Field(100, ge=2, le=10_000)
    """So many configurations are kept to go back to."""


class ModelsSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    trust_hub: bool = True
    """A model bundle that the hub sends in its signed message is trusted, whoever signed it; else
    its key must be in ``models/trusted.txt``."""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    site: SiteSettings = Field(default_factory=lambda: SiteSettings())
    web: WebSettings = Field(default_factory=lambda: WebSettings())
    spool: SpoolSettings = Field(default_factory=lambda: SpoolSettings())
    history: HistorySettings = Field(default_factory=lambda: HistorySettings())
    state: StateSettings = Field(default_factory=lambda: StateSettings())
    notify: list[NotifySettings] = Field(default_factory=list)
    configuration: ConfigurationSettings = Field(default_factory=lambda: ConfigurationSettings())
    jobs: JobsSettings | None = None
    models: ModelsSettings = Field(default_factory=lambda: ModelsSettings())
    hub: HubSettings | None = None
    relay: RelaySettings | None = None

    @property
    def kept_spool(self) -> SpoolSettings:
        """The spool's, which keeps what a hub had for as long as it may be offered again."""
        if self.relay is None or self.relay.keep_h <= self.spool.keep_h:
            return self.spool
        return self.spool.model_copy(update={"keep_h": self.relay.keep_h})

    @field_validator("notify")
    @classmethod
    def _each_by_its_name(cls, channels: list[NotifySettings]) -> list[NotifySettings]:
        names = [channel.name for channel in channels]
        if len(set(names)) < len(names):
            raise DefinitionError("two have the same name", "名称重复")
        return channels


def load_settings(folder: Path) -> Settings:
    """Raises NotFound where there is no plant, InputError that names every wrong field."""
    path = folder / FILE
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise NotFound(
            "plant-missing",
            Text(f"There is no plant in {folder}.", f"{folder} 中没有工厂。"),
            Text(
                f"Make one with `lianji init {folder}`, or say where it is with --plant DIR.",
                f"请用 `lianji init {folder}` 新建，或用 --plant DIR 指定。",
            ),
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _invalid(
            path, Text(f"it is not TOML: {error}", f"不是有效的 TOML：{error}")
        ) from error
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise _invalid(path, in_words(error)) from error


def _invalid(path: Path, what: Text) -> InputError:
    return InputError(
        "settings-invalid",
        Text(f"In {path}: {what.en}.", f"{path}：{what.zh}。"),
        Text("Mend the file and try again.", "请修改该文件后重试。"),
    )
