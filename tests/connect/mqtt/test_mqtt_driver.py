"""The driver against a real mosquitto."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import signal
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from lianji.base.clock import now_us
from lianji.base.errors import DeviceTimeout, LinkDown, Refused
from lianji.connect.backoff import Backoff
from lianji.connect.drivers.mqtt.driver import MqttDriver
from lianji.connect.engine import Device
from lianji.dictionary.batch import Batch
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag
from tests.connect.mqtt.conftest import config, publisher, running, tags, until
from tests.peers import free_port
from tests.peers.mqtt import PASSWORD, USERNAME, mosquitto


async def test_json_plain_and_text_arrive_with_the_time_of_arrival(tmp_path: Path) -> None:
    wanted = tags("p/data#temps[1].value", "p/power", ("p/state", "string"))
    with mosquitto(tmp_path, free_port()) as broker:
        async with running(config(broker.port), wanted) as run, publisher(broker.port) as client:
            before_us = now_us()
            await client.publish("p/data", b'{"temps":[{"value":1},{"value":20.5}]}', qos=1)
            await client.publish("p/power", b"12.5", qos=1)
            await client.publish("p/state", "停机".encode(), qos=1)
            assert await run.values(0, 1) == [20.5]
            assert await run.values(1, 1) == [12.5]
            await run.values(2, 1)
            assert run.of(2)[0].text == "停机"
            for sample in run.seen:
                assert sample.quality == Quality.GOOD
                assert before_us <= sample.time_us <= now_us()


async def test_scale_and_offset_of_the_tag_are_applied(tmp_path: Path) -> None:
    tag = Tag(path="a/b", address="p#x", scale=0.1, offset=-40)
    with mosquitto(tmp_path, free_port()) as broker:
        async with running(config(broker.port), [tag]) as run, publisher(broker.port) as client:
            await client.publish("p", b'{"x":1000}')
            assert await run.values(0, 1) == [60.0]


async def test_a_burst_arrives_whole_in_order_and_no_two_samples_share_a_time(
    tmp_path: Path,
) -> None:
    count = 1000
    with mosquitto(tmp_path, free_port()) as broker:
        async with running(config(broker.port), tags("p")) as run, publisher(broker.port) as client:
            for number in range(count):
                await client.publish("p", str(number))
            assert await run.values(0, count) == [float(number) for number in range(count)]
            assert len({sample.time_us for sample in run.seen}) == count


async def test_bad_payloads_are_bad_samples_and_the_loop_goes_on(tmp_path: Path) -> None:
    bad = [b"", b"no json", b"[" * 50_000, b'{"x":' + b"9" * 400 + b"}", b'{"x":NaN}', b"\xff"]
    with mosquitto(tmp_path, free_port()) as broker:
        async with (
            running(config(broker.port), tags("p#x")) as run,
            publisher(broker.port) as client,
        ):
            for payload in [*bad, b" " * 2_000_000, b'{"x":1}']:
                await client.publish("p", payload, qos=1)
            await run.values(0, len(bad) + 2)
            qualities = [sample.quality for sample in run.of(0)]
            assert qualities == [Quality.BAD_DECODING_ERROR] * (len(bad) + 1) + [Quality.GOOD]
            shown = run.driver.diagnosis()
            assert shown["bad_payloads"] == len(bad) + 1
            assert "bytes are more than" in str(shown["last_bad_payload"])


async def test_a_retained_message_is_uncertain_and_later_ones_are_good(tmp_path: Path) -> None:
    with mosquitto(tmp_path, free_port()) as broker:
        async with publisher(broker.port) as client:
            await client.publish("p", b"1", qos=1, retain=True)
            async with running(config(broker.port), tags("p")) as run:
                await run.values(0, 1)
                await client.publish("p", b"2", qos=1, retain=True)
                assert await run.values(0, 2) == [1.0, 2.0]
                assert [sample.quality for sample in run.of(0)] == [
                    Quality.UNCERTAIN_LAST_USABLE_VALUE,
                    Quality.GOOD,
                ]


async def test_one_wildcard_may_stand_for_the_topics_of_all_tags(tmp_path: Path) -> None:
    with mosquitto(tmp_path, free_port()) as broker:
        asked = config(broker.port, subscriptions=["p/#"])
        async with running(asked, tags("p/a", "p/b")) as run, publisher(broker.port) as client:
            for topic in ("p/a", "p/b", "p/c"):
                await client.publish(topic, b"1", qos=1)
            await until(lambda: run.driver.diagnosis()["messages"] == 3)
            assert sorted(sample.number for sample in run.seen) == [0, 1]
            assert run.driver.diagnosis()["unrouted"] == 1


async def test_a_broker_that_dies_is_a_lost_link_and_the_driver_can_be_opened_again(
    tmp_path: Path,
) -> None:
    port = free_port()
    driver = MqttDriver(config(port))
    with mosquitto(tmp_path, port) as broker:
        async with running(config(port), tags("p"), driver) as run:
            broker.process.send_signal(signal.SIGKILL)
            await asyncio.wait([run.task], timeout=20)
            assert isinstance(run.task.exception(), LinkDown)
    with pytest.raises(LinkDown) as refused:
        await driver.open()
    assert refused.value.code == "mqtt-no-connection"
    with mosquitto(tmp_path, port):
        async with running(config(port), tags("p"), driver) as run, publisher(port) as client:
            await client.publish("p", b"3")
            assert await run.values(0, 1) == [3.0]
    await driver.close()
    await driver.close()


async def test_what_came_while_we_were_away_is_kept_by_the_broker_if_asked_to(
    tmp_path: Path,
) -> None:
    with mosquitto(tmp_path, free_port()) as broker:
        lasting = config(broker.port, client_id="lianji-1", clean_start=False)
        async with running(lasting, tags("p")):
            pass
        async with publisher(broker.port) as client:
            await client.publish("p", b"5", qos=1)
        async with running(lasting, tags("p")) as run:
            assert await run.values(0, 1) == [5.0]


async def test_wrong_credentials_are_refused_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANT_SECRET", PASSWORD)
    with mosquitto(tmp_path, free_port(), passwords=True) as broker:
        for asked in (
            config(broker.port),
            config(broker.port, username=USERNAME, password="wrong"),
        ):
            with pytest.raises(Refused) as refused:
                await MqttDriver(asked).open()
            assert refused.value.code == "mqtt-bad-credentials"
            assert "用户名" in refused.value.cause.zh
        known = config(broker.port, username=USERNAME, password_env="PLANT_SECRET")
        async with running(known, tags("p")):
            pass


async def test_a_password_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(Refused, match="NO_SUCH_SECRET"):
        await MqttDriver(config(1, username="u", password_env="NO_SUCH_SECRET")).open()


async def test_a_topic_that_the_broker_refuses_is_bad_and_the_others_live(tmp_path: Path) -> None:
    acl = f"user {USERNAME}\ntopic readwrite p/open\n"
    with mosquitto(tmp_path, free_port(), passwords=True, acl=acl) as broker:
        asked = config(broker.port, username=USERNAME, password=PASSWORD)
        login = {"username": USERNAME, "password": PASSWORD}
        async with (
            running(asked, tags("p/open", "p/closed")) as run,
            publisher(broker.port, **login) as client,
        ):
            await client.publish("p/open", b"1")
            assert await run.values(0, 1) == [1.0]
            if run.driver.diagnosis().get("refused_topics"):  # mosquitto >= 2.0.12 says so
                assert [sample.quality for sample in run.of(1)] == [0x801F]


async def test_a_server_that_says_nothing_is_a_timeout_and_is_left_again() -> None:
    closed = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        closed.set()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeviceTimeout) as timeout:
            await MqttDriver(config(port, timeout_ms=200)).open()
        assert timeout.value.code == "mqtt-timeout"
        await asyncio.wait_for(closed.wait(), 10)


async def test_an_open_that_is_cancelled_leaves_no_connection_behind() -> None:
    closed = asyncio.Event()
    opened = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.set()
        while await reader.read(100):
            pass
        closed.set()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        opening = asyncio.create_task(MqttDriver(config(port, timeout_ms=300)).open())
        await asyncio.wait_for(opened.wait(), 10)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await asyncio.wait_for(closed.wait(), 10)


async def test_tls_is_checked_against_the_authority_that_was_named(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with mosquitto(tmp_path, free_port(), tls=(certificate, key)) as broker:
        with pytest.raises(Refused) as refused:
            await MqttDriver(config(broker.port, tls=True)).open()
        assert refused.value.code == "mqtt-tls"
        async with running(config(broker.port, tls=True, ca=str(certificate)), tags("p")):
            pass
        with pytest.raises(Refused, match=r"missing\.pem"):
            await MqttDriver(config(broker.port, tls=True, ca="missing.pem")).open()


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "broker.pem", folder / "broker.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


async def test_browse_shows_what_speaks(tmp_path: Path) -> None:
    with mosquitto(tmp_path, free_port()) as broker:
        async with publisher(broker.port) as client:
            data = json.dumps({"a.b": 1, "list": [True, {"t": "x"}]})
            await client.publish("plant/imm1/data", data, qos=1, retain=True)
            await client.publish("plant/imm1/power", b"7.5", qos=1, retain=True)
            await client.publish("other", b"idle", qos=1, retain=True)
            driver = MqttDriver(config(broker.port, browse_s=0.5))
            found = {item.address: (item.type, item.value) async for item in driver.browse()}
            below = {item.address async for item in driver.browse("plant/imm1/power")}
    assert found == {
        'plant/imm1/data#["a.b"]': ("number", "1"),
        "plant/imm1/data#list[0]": ("bool", "True"),
        "plant/imm1/data#list[1].t": ("string", "x"),
        "plant/imm1/power": ("number", "7.5"),
        "other": ("string", "idle"),
    }
    assert below == {"plant/imm1/power"}


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"time_path": "a..b"}, "name is missing"),
        ({"time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"time_zone": "../etc"}, "not a time zone"),
        ({"clean_start": False}, "client_id"),
        ({"password": "a", "password_env": "b"}, "not both"),
        ({"certificate": "a"}, "belong together"),
        ({"topic": "x"}, "topic"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(more: dict[str, object], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        config(1883, **more)


def test_a_text_with_a_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="scale"):
        MqttDriver(config(1)).parse(Tag(path="a", address="p", type="string", scale=2))


class Kept:
    """A sink that takes every batch."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    async def append(self, batch: Batch) -> int:
        self.batches.append(batch)
        return len(self.batches)

    def values(self) -> list[float | None]:
        return [value for batch in self.batches for value in batch.samples["value"].to_pylist()]


async def test_a_broker_that_restarts_is_found_again_by_the_framework(tmp_path: Path) -> None:
    port, sink = free_port(), Kept()
    driver = MqttDriver(config(port))
    engine = Device(
        "cell",
        driver,
        tags("p"),
        np.array([0], np.int32),
        sink,
        backoff=lambda: Backoff(first_s=0.05, longest_s=0.2),
    )
    running_engine = asyncio.create_task(engine.run())
    try:
        for value in (1.0, 2.0):
            with mosquitto(tmp_path, port):
                await until(lambda: driver.diagnosis()["subscribed"], what="subscribed")
                async with publisher(port) as client:
                    await client.publish("p", str(value))
                    await until(lambda wanted=value: wanted in sink.values())
            await until(lambda: not driver.diagnosis()["subscribed"], what="the loss is noticed")
    finally:
        running_engine.cancel()
        await asyncio.wait([running_engine])
    assert None in sink.values()  # the outage between them is on record
