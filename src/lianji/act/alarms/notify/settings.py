"""The ``[[notify]]`` parts of ``lianji.toml``: who is told of which alarms, and how."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from lianji.act.alarms.definition import DefinitionError
from lianji.base.errors import InputError, Text

ENV = "env:"


class NotifySettings(BaseModel):
    """One way out. Secrets may be told as ``env:NAME``: the variable that holds them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=80)
    """What the journal calls it; no two may share a name."""
    kind: Literal["email", "webhook", "wecom", "dingtalk"]
    """By mail, as JSON to any address, or to a group robot of WeCom or DingTalk."""
    priority: int = Field(2, ge=1, le=4)
    """Alarms of this priority and more urgent ones."""
    groups: list[str] = Field(default_factory=list)
    """Only alarms of these groups (patterns such as ``boiler*``); without any: of all."""
    language: Literal["en", "zh", "both"] = "both"
    """In which language it speaks."""
    after_min: float = Field(0.0, ge=0, le=10_080)
    """Only alarms that nobody has acknowledged for so many minutes: for whoever is called next."""
    repeat_min: float = Field(0.0, ge=0, le=10_080)
    """Tell again after so many minutes while nobody acknowledges; 0: once."""
    per_minute_max: float = Field(10.0, gt=0, le=60)
    """So many messages a minute at most; what comes meanwhile goes into the next one. The robots
    of WeCom and DingTalk take 20."""
    page: str = ""
    """The address of this page, such as ``http://192.168.1.20:8460``; it goes into the message."""
    timeout_s: float = Field(20.0, gt=0, le=300)
    """For one attempt. A failed one is tried again after 5 s, then ever later, up to 5 min."""
    url: SecretStr = SecretStr("")
    """Of a webhook or robot: its whole address, with its key."""
    secret: SecretStr = SecretStr("")
    """Of DingTalk: the key ``SEC...`` that signs each message. Of a webhook: signs the body
    (HMAC-SHA256 as hex in ``Lianji-Signature``)."""
    host: str = ""
    """Of mail: the SMTP server."""
    port: int = Field(587, ge=1, le=65535)
    """Usually 587 with ``starttls``, 465 with ``tls``, 25 without."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """Encrypted or not at all; there is no falling back to plain."""
    ca_file: str = ""
    """The certificates to trust, where the server's is none that the system knows."""
    user: str = ""
    """Of the SMTP server; empty: none is asked for."""
    password: SecretStr = SecretStr("")
    """The user's password."""
    sender: str = ""
    """The address that mail comes from."""
    recipients: list[str] = Field(default_factory=list)
    """The addresses that mail goes to."""

    @model_validator(mode="after")
    def _complete(self) -> NotifySettings:
        if self.kind == "email":
            if not (self.host and self.sender and self.recipients):
                raise DefinitionError(
                    "mail needs host, sender and recipients",
                    "邮件通知需要 host、sender 和 recipients",
                )
            if self.user and self.security == "none":
                raise DefinitionError(
                    "a password needs security = starttls or tls",
                    "使用密码时 security 应为 starttls 或 tls",
                )
        elif not self.url.get_secret_value().startswith(("http://", "https://", ENV)):
            raise DefinitionError(
                "a webhook needs its url: http://, https:// or env:NAME",
                "webhook 需要 url：http://、https:// 或 env:变量名",
            )
        return self

    @property
    def goes_to(self) -> str:
        """Where messages go, without any secret."""
        if self.kind == "email":
            return ", ".join(self.recipients)
        url = self.url.get_secret_value()
        return url if url.startswith(ENV) else url.partition("?")[0]


def told(secret: SecretStr) -> str:
    """The secret itself, from the environment where it says so.

    Raises InputError if there is no such variable.
    """
    given = secret.get_secret_value()
    if not given.startswith(ENV):
        return given
    name = given.removeprefix(ENV)
    found = os.environ.get(name)
    if found is None:
        raise InputError(
            "notify-secret-missing",
            Text(f"The environment variable {name} is not set.", f"环境变量 {name} 未设置。"),
            Text("Set it where Lianji is started.", "请在启动联机的环境中设置。"),
        )
    return found
