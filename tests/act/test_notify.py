"""Telling people: over a real SMTP server and a real HTTP server, and what is told when."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from lianji.act.alarms.definition import AlarmKind, Priority
from lianji.act.alarms.flood import Fold
from lianji.act.alarms.kept import Notice
from lianji.act.alarms.lines import AlarmLine
from lianji.act.alarms.notify.channel import RETRY_S, Channel, due
from lianji.act.alarms.notify.failure import NotSent
from lianji.act.alarms.notify.mail import send_mail
from lianji.act.alarms.notify.message import Message
from lianji.act.alarms.notify.settings import NotifySettings
from lianji.act.alarms.notify.webhook import dingtalk_sign, send_webhook
from lianji.act.alarms.states import AlarmState, Event
from lianji.act.alarms.store import AlarmStore
from lianji.base.errors import InputError, Text
from lianji.base.state import State
from tests.act.peers import HttpPeer, MailPeer, http_peer, mail_peer

NOW_US = 1_800_000_000_000_000
MINUTE_US = 60_000_000


def line(name: str = "b1", **more: Any) -> AlarmLine:
    fields: dict[str, Any] = {
        "id": f"p/boiler/{name}/t#hot",
        "state": AlarmState.UNACKNOWLEDGED,
        "kind": AlarmKind.HIGH,
        "priority": Priority.CRITICAL,
        "group": "boiler house",
        "tag": f"p/boiler/{name}/t",
        "message": Text(f"{name} is too hot", f"{name} 过热"),
        "action": Text("Stop the burner.", "停炉。"),
        "value": 95.5,
        "unit": "°C",
        "active": True,
        "unacknowledged": True,
        "raised_us": NOW_US,
        "returned_us": None,
        "shelved_until_us": None,
        "note": "",
        "by": "",
    }
    return AlarmLine(**fields | more)


def message(*lines: AlarmLine, **more: Any) -> Message:
    folds = tuple(Fold(one.group, (one,)) for one in lines or (line(),))
    return Message("Plant", folds, (1,) * len(folds), **more)


# -- mail ----------------------------------------------------------------------------------------


def mail_settings(peer: MailPeer, **more: Any) -> NotifySettings:
    fields = {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": peer.port,
              "security": "none", "sender": "plant@x.cn", "recipients": ["wang@x.cn"]}  # fmt: skip
    return NotifySettings.model_validate(fields | more)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A server's certificate for 127.0.0.1, signed by itself, and its key."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def starttls_peer(certificate: tuple[Path, Path]) -> Iterator[MailPeer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with mail_peer(tls_context=context, require_starttls=True, auth_required=True) as peer:
        yield peer


def test_a_mail_says_what_is_wrong_and_what_to_do_in_both_languages() -> None:
    with mail_peer() as peer:
        send_mail(mail_settings(peer), message(page="http://10.0.0.5:8460/"))
    [mail] = peer.mails
    assert mail["Subject"] == "[Plant] 紧急 / critical: b1 过热 / b1 is too hot"
    assert (mail["From"], mail["To"]) == ("plant@x.cn", "wang@x.cn")
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "95.5 °C" in text and "停炉。 / Stop the burner." in text
    assert "http://10.0.0.5:8460/alarms" in text


def test_a_name_with_a_line_end_forges_no_header() -> None:
    evil = line(message=Text("hot\r\nBcc: all@x.cn\r\n\r\nbody", "过热"))
    with mail_peer() as peer:
        send_mail(mail_settings(peer, language="en"), message(evil, tongue="en"))
    [mail] = peer.mails
    assert mail["Bcc"] is None
    assert "Bcc: all@x.cn" in mail["Subject"]


def test_with_starttls_the_password_and_the_mail_go_encrypted(
    starttls_peer: MailPeer, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "right")
    settings = mail_settings(
        starttls_peer, security="starttls", user="plant", password="env:SMTP_PASSWORD",
        ca_file=str(certificate[0]),
    )  # fmt: skip
    send_mail(settings, message())
    assert starttls_peer.encrypted == [True]
    assert starttls_peer.logins == [(b"plant", b"right")]


def test_a_wrong_password_is_told_and_not_shown(
    starttls_peer: MailPeer, certificate: tuple[Path, Path]
) -> None:
    settings = mail_settings(
        starttls_peer, security="starttls", user="plant", password="swordfish",
        ca_file=str(certificate[0]),
    )  # fmt: skip
    with pytest.raises(NotSent) as refused:
        send_mail(settings, message())
    assert "535" in refused.value.cause.en
    assert "swordfish" not in str(refused.value) + repr(settings)


def test_a_certificate_that_nobody_vouches_for_ends_it(starttls_peer: MailPeer) -> None:
    with pytest.raises(NotSent, match="certificate"):
        send_mail(mail_settings(starttls_peer, security="starttls"), message())
    assert starttls_peer.mails == []


def test_there_is_no_falling_back_to_plain() -> None:
    with mail_peer() as peer, pytest.raises(NotSent, match="STARTTLS"):
        send_mail(mail_settings(peer, security="starttls"), message())
    assert peer.mails == []


def test_a_missing_secret_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    with mail_peer() as peer, pytest.raises(InputError, match="NO_SUCH"):
        send_mail(mail_settings(peer, password="env:NO_SUCH"), message())


# -- webhooks ------------------------------------------------------------------------------------


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with http_peer() as peer:
        peer.answer = {"errcode": 0, "errmsg": "ok"}
        yield peer


def hook(peer: HttpPeer, kind: str, **more: Any) -> NotifySettings:
    return NotifySettings.model_validate({"name": kind, "kind": kind, "url": peer.url} | more)


def test_a_webhook_gets_json_and_a_signature(peer: HttpPeer) -> None:
    send_webhook(hook(peer, "webhook", secret="s3cret"), message())
    [request] = peer.requests
    assert request.query == {"key": ["hidden"]}
    [alarm] = request.json["alarms"]
    assert (alarm["id"], alarm["priority"]) == ("p/boiler/b1/t#hot", 1)
    assert alarm["message"] == {"en": "b1 is too hot", "zh": "b1 过热"}
    assert alarm["raised"].startswith("2027-01-15T08:00:00")
    signed = hmac.new(b"s3cret", request.body, hashlib.sha256).hexdigest()
    assert request.headers["lianji-signature"] == signed


def test_wecom_gets_markdown_that_calls_nobody(peer: HttpPeer) -> None:
    send_webhook(hook(peer, "wecom"), message(line(message=Text("<@all> hot", "<@all> 过热"))))
    said = peer.requests[0].json
    assert said["msgtype"] == "markdown"
    assert "过热" in said["markdown"]["content"] and "<@all>" not in said["markdown"]["content"]


def test_wecom_gets_no_more_than_it_takes(peer: HttpPeer) -> None:
    many = [line(f"boiler number {n}") for n in range(49)]
    send_webhook(hook(peer, "wecom"), message(*many))
    content = peer.requests[0].json["markdown"]["content"]
    assert len(content.encode()) <= 4096
    assert content.endswith("...")


def test_dingtalk_checks_the_signature(peer: HttpPeer) -> None:
    send_webhook(hook(peer, "dingtalk", secret="SEC0000"), message())
    [request] = peer.requests
    assert request.query["key"] == ["hidden"]
    [timestamp], [sign] = request.query["timestamp"], request.query["sign"]
    assert len(timestamp) == 13
    digest = hmac.new(b"SEC0000", f"{timestamp}\nSEC0000".encode(), "sha256").digest()
    assert sign == base64.b64encode(digest).decode()
    said = request.json["markdown"]
    assert said["title"].startswith("[Plant]") and "b1 过热" in said["text"]


def test_the_signature_is_the_one_of_the_published_example() -> None:
    """Worked out with openssl: printf '1700000000000\\nthis is secret' | openssl dgst -sha256
    -hmac 'this is secret' -binary | base64."""
    assert dingtalk_sign("1700000000000", "this is secret") == PUBLISHED_SIGN


PUBLISHED_SIGN = "sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0="


@pytest.mark.parametrize(
    ("kind", "status", "answer", "said"),
    [
        ("wecom", 200, {"errcode": 93000, "errmsg": "invalid webhook url"}, "errcode 93000"),
        ("dingtalk", 200, {"errcode": 310000, "errmsg": "sign not match"}, "sign not match"),
        ("wecom", 200, ["nonsense"], "no JSON"),
        ("webhook", 500, {}, "HTTP 500"),
        ("webhook", 302, {}, "HTTP 302"),
    ],
)
def test_a_refusal_is_told_without_the_key(
    peer: HttpPeer, kind: str, status: int, answer: Any, said: str
) -> None:
    peer.status, peer.answer = status, answer
    with pytest.raises(NotSent) as refused:
        send_webhook(hook(peer, kind), message())
    assert said in refused.value.cause.en
    assert "hidden" not in str(refused.value)


def test_nobody_there_is_told_without_the_key() -> None:
    with http_peer() as gone:
        pass
    with pytest.raises(NotSent) as refused:
        send_webhook(hook(gone, "webhook"), message())
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "email"}, "host, sender and recipients"),
        ({"kind": "wecom"}, "needs its url"),
        ({"kind": "wecom", "url": "ftp://x"}, "needs its url"),
        ({"kind": "email", "host": "h", "sender": "a", "recipients": ["b"], "user": "u",
          "security": "none"}, "starttls or tls"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        NotifySettings.model_validate({"name": "x", **fields})


# -- what is told when ---------------------------------------------------------------------------


class Stand:
    """An alarm list that a test changes."""

    def __init__(self, *lines: AlarmLine) -> None:
        self.lines = list(lines)
        self.version = 0

    def listed(self) -> list[AlarmLine]:
        return self.lines

    def now(self, *lines: AlarmLine) -> None:
        self.lines = list(lines)
        self.version += 1


@pytest.fixture
def store(state: State) -> AlarmStore:
    return AlarmStore(state)


def channel(store: AlarmStore, stand: Stand, peer: HttpPeer, **more: Any) -> Channel:
    return Channel(hook(peer, "webhook", **more), stand, store, "Plant", UTC)


def told(peer: HttpPeer) -> list[list[str]]:
    return [[alarm["id"].split("/")[2] for alarm in one.json["alarms"]] for one in peer.requests]


@pytest.mark.parametrize(
    ("more", "fields", "wanted"),
    [
        ({}, {}, True),
        ({}, {"unacknowledged": False}, False),
        ({}, {"priority": Priority.MEDIUM}, False),
        ({"priority": 3}, {"priority": Priority.MEDIUM}, True),
        ({"groups": ["boiler*"]}, {}, True),
        ({"groups": ["air", "hall"]}, {}, False),
        ({"after_min": 5}, {"raised_us": NOW_US - 4 * MINUTE_US}, False),
        ({"after_min": 5}, {"raised_us": NOW_US - 5 * MINUTE_US}, True),
    ],
)
def test_who_is_told_of_what(
    peer: HttpPeer, more: dict[str, Any], fields: dict[str, Any], wanted: bool
) -> None:
    one = line(**fields)
    assert due([one], {}, hook(peer, "webhook", **more), NOW_US) == ([one] if wanted else [])


@pytest.mark.parametrize(
    ("repeat_min", "sent_min", "raised_us", "wanted"),
    [(0, 999, NOW_US, False), (10, 9, NOW_US, False), (10, 10, NOW_US, True),
     (0, 1, NOW_US - 1, True), (10, -60, NOW_US, True)],
)  # fmt: skip
def test_what_was_told_is_told_again_in_time(
    peer: HttpPeer, repeat_min: float, sent_min: int, raised_us: int, wanted: bool
) -> None:
    """The last one: the clock was set back after it was told."""
    notice = Notice("webhook", line().id, raised_us, NOW_US - sent_min * MINUTE_US)
    settings = hook(peer, "webhook", repeat_min=repeat_min)
    assert bool(due([line()], {line().id: notice}, settings, NOW_US)) is wanted


def test_each_alarm_is_told_once_also_after_a_restart(store: AlarmStore, peer: HttpPeer) -> None:
    stand = Stand(line("b1"))
    first = channel(store, stand, peer)
    first.look(NOW_US, 0.0)
    stand.now(line("b1"), line("b2"))
    first.look(NOW_US, 10.0)
    again = channel(store, stand, peer)
    again.look(NOW_US, 20.0)
    assert told(peer) == [["b1"], ["b2"]]
    events = [row["event"] for row in store.journal(0, NOW_US + 1)]
    assert events == [Event.NOTIFIED, Event.NOTIFIED]


def test_messages_keep_their_distance_and_what_comes_meanwhile_goes_into_the_next(
    store: AlarmStore, peer: HttpPeer
) -> None:
    stand = Stand()
    one = channel(store, stand, peer, per_minute_max=10)
    for second in range(13):
        stand.now(*(line(f"b{n}", raised_us=NOW_US + n * 11_000_000) for n in range(second)))
        one.look(NOW_US + 200 * MINUTE_US, float(second))
    assert told(peer) == [["b0"], [f"b{n}" for n in range(1, 7)]]


def test_a_flood_is_one_line_that_counts_all_of_it(store: AlarmStore, peer: HttpPeer) -> None:
    stand = Stand(line("b0"))
    one = channel(store, stand, peer, language="en")
    one.look(NOW_US, 0.0)
    stand.now(*(line(f"b{n}", raised_us=NOW_US + (n > 0)) for n in range(43)))
    one.look(NOW_US, 10.0)
    said = peer.requests[1].json
    assert said["floods"] == [{"group": "boiler house", "alarms": 43}]
    assert len(said["alarms"]) == 42, "nothing is hidden"
    assert said["text"].count("\n\n") == 0
    assert "boiler house: 43 alarms at once (42 not told before)" in said["text"]


def test_a_failure_is_written_down_and_tried_again_ever_later(
    store: AlarmStore, peer: HttpPeer
) -> None:
    peer.status = 503
    one = channel(store, Stand(line()), peer)
    steady_s, tries = 0.0, []
    while steady_s < 40:
        before = len(peer.requests)
        one.look(NOW_US, steady_s)
        tries += [steady_s] * (len(peer.requests) - before)
        steady_s += 1
    assert tries == [0, RETRY_S, 3 * RETRY_S, 7 * RETRY_S]
    rows = store.journal(0, NOW_US + 1)
    assert [row["event"] for row in rows] == [Event.NOT_NOTIFIED] * 4
    assert "HTTP 503" in rows[0]["note"] and "(1x, #4)" in rows[0]["note"]
    peer.status = 200
    one.look(NOW_US, 1000.0)
    assert store.journal(0, NOW_US + 1)[0]["event"] == Event.NOTIFIED


def test_what_was_acknowledged_meanwhile_is_not_told(store: AlarmStore, peer: HttpPeer) -> None:
    peer.status = 503
    stand = Stand(line())
    one = channel(store, stand, peer)
    one.look(NOW_US, 0.0)
    stand.now(line(unacknowledged=False, state=AlarmState.ACKNOWLEDGED))
    peer.status = 200
    one.look(NOW_US, 100.0)
    assert len(peer.requests) == 1
