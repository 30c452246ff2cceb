"""Logging in, Basic256Sha256, pinned certificates, and what is said when it fails."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from lianji.base.errors import DeviceError, DeviceTimeout, InputError, LinkDown, Refused
from lianji.connect.drivers.opcua.driver import OpcUaConfig, OpcUaDriver
from lianji.connect.drivers.opcua.security import make_pair
from tests.connect.opcua.watching import driver_of, read_all
from tests.peers import free_port
from tests.peers.opcua import PASSWORD, USERNAME, OpcUaServer


async def value_through(driver: OpcUaDriver) -> object:
    await driver.open()
    try:
        (sample,) = await read_all(driver, ["ns=1;s=Double"])
    finally:
        await driver.close()
    return sample.value


async def refusal_of(driver: OpcUaDriver) -> DeviceError | InputError:
    with pytest.raises((DeviceError, InputError)) as caught:
        await driver.open()
    error = caught.value
    assert isinstance(error, DeviceError | InputError)
    assert error.cause.zh
    assert error.remedy.en
    return error


async def test_the_right_name_and_password_are_let_in(
    server: OpcUaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await value_through(driver_of(server, username=USERNAME, password=PASSWORD)) == 20.25
    monkeypatch.setenv("PLANT_PASSWORD", PASSWORD)
    hidden = driver_of(server, username=USERNAME, password_env="PLANT_PASSWORD")
    assert await value_through(hidden) == 20.25


async def test_a_wrong_password_is_refused_in_plain_words(server: OpcUaServer) -> None:
    error = await refusal_of(driver_of(server, username=USERNAME, password="guess"))
    assert isinstance(error, Refused)
    assert error.code == "opcua-login-refused"
    assert "guess" not in str(error)


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
async def test_a_secure_channel_works_with_a_certificate_that_we_make(
    server: OpcUaServer, tmp_path: Path, mode: str
) -> None:
    security = {"security": "Basic256Sha256", "security_mode": mode, "certificates": tmp_path}
    driver = driver_of(server, username=USERNAME, password=PASSWORD, **security)
    assert await value_through(driver) == 20.25
    assert stat.S_IMODE((tmp_path / "lianji.pem").stat().st_mode) == 0o600
    made = (tmp_path / "lianji.pem").read_bytes()
    assert await value_through(driver) == 20.25
    assert (tmp_path / "lianji.pem").read_bytes() == made


async def test_a_certificate_of_the_users_own_is_used(server: OpcUaServer, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(make_pair())
    driver = driver_of(
        server,
        security="Basic256Sha256",
        certificate=own,
        private_key=own,
        certificates=tmp_path / "seen",
    )
    assert await value_through(driver) == 20.25
    assert not (tmp_path / "seen" / "lianji.pem").exists()


async def test_a_server_with_another_certificate_than_before_is_not_believed(
    server: OpcUaServer, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(make_pair())
    driver = driver_of(
        server, security="Basic256Sha256", server_certificate=other, certificates=tmp_path
    )
    error = await refusal_of(driver)
    assert error.code == "opcua-certificate-changed"
    assert str(other) in error.cause.en


async def test_a_file_that_is_no_certificate_is_named(server: OpcUaServer, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    driver = driver_of(server, security="Basic256Sha256", certificate=broken, private_key=broken)
    assert (await refusal_of(driver)).code == "opcua-certificate-unreadable"


async def test_nobody_there_is_a_link_that_is_down() -> None:
    driver = OpcUaDriver(OpcUaConfig(url=f"opc.tcp://127.0.0.1:{free_port()}"))
    assert isinstance(await refusal_of(driver), LinkDown)


@asynccontextmanager
async def stranger(answer: bytes | None) -> AsyncIterator[OpcUaDriver]:
    """A driver pointed at something that is no OPC UA server."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is not None:
            writer.write(answer)
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield OpcUaDriver(OpcUaConfig(url=f"opc.tcp://127.0.0.1:{port}", timeout_ms=300))
    finally:
        listener.close()


async def test_somebody_who_never_answers_is_a_timeout() -> None:
    async with stranger(None) as driver:
        assert isinstance(await refusal_of(driver), DeviceTimeout)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"ACKF"])
async def test_somebody_who_speaks_something_else_is_a_device_error(answer: bytes) -> None:
    async with stranger(answer) as driver:
        assert isinstance(await refusal_of(driver), DeviceError)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"url": "http://127.0.0.1"}, "opc.tcp"),
        ({"url": "opc.tcp://a:b@127.0.0.1"}, "username"),
        ({"url": "opc.tcp://a", "certificate": "own.der"}, "private_key"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(settings: dict[str, str], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        OpcUaConfig.model_validate(settings)


def test_a_password_that_the_environment_lacks_is_missed_when_connecting() -> None:
    config = OpcUaConfig.model_validate({"url": "opc.tcp://a", "password_env": "NOT_SET_ANYWHERE"})
    with pytest.raises(Refused, match="NOT_SET_ANYWHERE"):
        config.secret()


def test_the_port_of_the_standard_is_added() -> None:
    assert OpcUaConfig(url="opc.tcp://plc/path").url == "opc.tcp://plc:4840/path"
