"""What ``devices/<name>.toml`` says of a broker."""

from __future__ import annotations

from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from lianji.connect.driver import DeviceConfig
from lianji.connect.drivers.mqtt.address import parse_path
from lianji.connect.drivers.mqtt.payload import Clock
from lianji.connect.secrets import secret_of


class MqttConfig(DeviceConfig):
    """One connection to one broker."""

    protocol: Literal["mqtt"]
    """``mqtt``: plain topics, JSON and Sparkplug B."""
    host: str = Field(min_length=1)
    """Name or address of the broker."""
    port: int = Field(1883, ge=1, le=65_535)
    """Its TCP port; with TLS usually 8883."""
    username: str = ""
    """Empty: without a login."""
    password: str = Field("", repr=False)
    """Of the user; better in ``password_env``."""
    password_env: str = ""
    """The environment variable that holds the password, so that no file need hold it."""
    tls: bool = False
    """True encrypts the connection and checks who the broker is."""
    ca: str = ""
    """A PEM file of the authorities to trust; empty trusts those of the operating system."""
    certificate: str = ""
    """A PEM file of our own certificate, where the broker asks for one."""
    key: str = ""
    """A PEM file of its key; both or neither."""
    client_id: str = ""
    """Empty means a new random id each time."""
    keepalive_s: int = Field(20, ge=2, le=65_535)
    """The broker hears from us at least this often."""
    qos: Literal[0, 1, 2] = 1
    """Of the subscriptions: 0 at most once, 1 at least once, 2 exactly once on the line."""
    clean_start: bool = True
    """False lets the broker keep what comes while we are away; it needs a client_id. With qos 1 a
    message is then acknowledged only when it is on disk."""
    subscriptions: list[str] = Field(default_factory=list)
    """Topics to subscribe to, with + and # if wanted; empty means exactly the tags' topics."""
    time_path: str = ""
    """Where a JSON payload says its time, such as ``ts``; empty means the time of arrival."""
    time_zone: str = "UTC"
    """The zone of times in payloads that name none, such as Asia/Shanghai."""
    rebirth: bool = True
    """Whether Sparkplug nodes may be asked for their birth certificates (a command to them)."""
    rebirth_interval_s: float = Field(30.0, ge=0.1, le=86_400)
    """A Sparkplug node is asked again no sooner than this."""
    browse_s: float = Field(5.0, ge=0.1, le=600)
    """How long browse listens."""

    def for_trial(self) -> Self:
        # a second connection of one client_id would throw the running plant's off the broker
        return self.model_copy(update={"client_id": "", "clean_start": True})

    @field_validator("time_path")
    @classmethod
    def _readable_path(cls, path: str) -> str:
        if path:
            parse_path(path)
        return path

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"'{name}' is not a time zone such as Asia/Shanghai") from error
        return name

    @model_validator(mode="after")
    def _sound_whole(self) -> Self:
        if self.password and self.password_env:
            raise ValueError("give either password or password_env, not both")
        if not self.clean_start and not self.client_id:
            raise ValueError("clean_start = false needs a client_id that stays the same")
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together")
        return self

    @property
    def acknowledges_what_is_stored(self) -> bool:
        """Not with QoS 2: there the receiver owns a message before it is done (4.3.3)."""
        return not self.clean_start and self.qos == 1

    def clock(self) -> Clock | None:
        if not self.time_path:
            return None
        return Clock(parse_path(self.time_path), ZoneInfo(self.time_zone))

    def secret(self) -> str | None:
        """The password. Raises Refused if the environment variable is not set."""
        return secret_of(self.password, self.password_env) or None
