"""What ``devices/<name>.toml`` says about an OPC UA server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from lianji.connect.driver import DeviceConfig
from lianji.connect.secrets import secret_of

PORT = 4840


class OpcUaConfig(DeviceConfig):
    """One OPC UA server, reached over opc.tcp."""

    protocol: Literal["opcua"] = "opcua"
    """``opcua``, over opc.tcp."""
    url: str
    """Such as opc.tcp://192.168.0.10:4840; the port is 4840 where none is given."""
    security: Literal["none", "Basic256Sha256"] = "none"
    """The security policy; the server must offer it."""
    security_mode: Literal["SignAndEncrypt", "Sign"] = "SignAndEncrypt"
    """With a policy: sign and encrypt, or only sign."""
    username: str = ""
    """Empty: anonymous."""
    password: Annotated[str, Field(repr=False)] = ""
    """Of the user; better in ``password_env``."""
    password_env: str = ""
    """The environment variable that holds the password, so that no file does."""
    certificate: Path | None = None
    """Our own application certificate (PEM or DER). None: one is made in ``certificates``."""
    private_key: Path | None = None
    """The key of ``certificate``; both or neither."""
    server_certificate: Path | None = None
    """The only certificate that the server may show. None: the first one seen is kept in
    ``certificates`` and demanded from then on."""
    certificates: Path = Path("data/certificates")
    """Where own and first-seen certificates are kept; unsaid, below the plant's folder."""
    publishing_ms: Annotated[float, Field(ge=10, le=60_000)] = 500
    """How often the server sends what has changed."""
    sampling_ms: Annotated[float, Field(ge=0, le=60_000)] = 0
    """How often the server looks for changes; 0: as fast as it can."""
    queue_size: Annotated[int, Field(ge=2, le=10_000)] = 100
    """Changes of one node that the server keeps between two publishings."""
    watchdog_s: Annotated[float, Field(ge=0.1, le=300)] = 5.0
    """The server's state is read this often, and must be answered within this time."""
    retry_s: Annotated[float, Field(ge=0.1, le=3600)] = 10.0
    """Nodes that do not exist are asked for again after this time."""
    max_nodes_per_read: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """So many nodes are asked for in one call."""

    def in_plant(self, data: Path) -> Self:
        if "certificates" in self.model_fields_set:
            return self
        return self.model_copy(update={"certificates": data / "certificates"})

    @field_validator("url")
    @classmethod
    def _reachable_url(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise ValueError(f"'{url}' is not an address such as opc.tcp://192.168.0.10:4840")
        if "@" in parts.netloc:
            raise ValueError("name and password belong into username and password, not the url")
        netloc = parts.netloc if parts.port else f"{parts.netloc.rstrip(':')}:{PORT}"
        return parts._replace(netloc=netloc).geturl()

    @model_validator(mode="after")
    def _whole_pairs(self) -> OpcUaConfig:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key are given together or not at all")
        if self.password and self.password_env:
            raise ValueError("give password or password_env, not both")
        return self

    def secret(self) -> str:
        """The password. Raises Refused if the environment variable is not set."""
        return secret_of(self.password, self.password_env)

    @property
    def timeout_s(self) -> float:
        return self.timeout_ms / 1000
