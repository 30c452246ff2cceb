"""Passwords: in a device's file, or better in the environment of the process."""

from __future__ import annotations

import os

from lianji.base.errors import Refused, Text


def secret_of(given: str, variable: str) -> str:
    """The password that the file gives, or the environment variable that it names.

    Asked when connecting, so that a missing variable is the trouble of one device and not of the
    file. Raises Refused if the variable is not set.
    """
    if not variable:
        return given
    secret = os.environ.get(variable)
    if secret is None:
        raise Refused(
            "password-missing",
            Text(
                f"The environment variable {variable} is not set.", f"环境变量 {variable} 未设置。"
            ),
            Text(
                "Set it where Lianji is started, or give the password in the device's file.",
                "请在启动联机的环境中设置该变量，或在设备文件中填写密码。",
            ),
        )
    return secret
