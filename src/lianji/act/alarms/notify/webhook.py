"""By HTTP: JSON to any address, and the group robots of WeCom and DingTalk.

WeCom (developer.work.weixin.qq.com, document 99110): ``markdown`` of at most 4096 bytes, 20
messages a minute. DingTalk (open.dingtalk.com, "custom robot access"): ``markdown`` with a title,
20 messages a minute; a signed robot wants ``timestamp`` in milliseconds and ``sign``, the base64 of
HMAC-SHA256 of ``timestamp\\nsecret`` keyed with the secret. Both answer 200 also to what they
refuse, with an ``errcode`` other than 0. Redirects are not followed and no proxy is looked for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx

from lianji.act.alarms.notify.failure import not_sent
from lianji.act.alarms.notify.message import Message
from lianji.act.alarms.notify.settings import NotifySettings, told
from lianji.base.clock import now_us

MARKDOWN_BYTES_MAX = 4_000
SIGNATURE = "Lianji-Signature"


def send_webhook(settings: NotifySettings, message: Message) -> None:
    """Raises NotSent, or InputError for a secret that is not there."""
    url, secret = told(settings.url), told(settings.secret)
    parameters: dict[str, str] = {}
    if settings.kind == "dingtalk" and secret:
        timestamp_ms = str(now_us() // 1000)
        parameters = {"timestamp": timestamp_ms, "sign": dingtalk_sign(timestamp_ms, secret)}
    body = json.dumps(body_of(settings, message), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if settings.kind == "webhook" and secret:
        headers[SIGNATURE] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    try:
        with httpx.Client(timeout=settings.timeout_s, trust_env=False) as client:
            target = httpx.URL(url).copy_merge_params(parameters)
            answer = client.post(target, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"{type(error).__name__}: {error}".replace(url, "...")
        raise not_sent(settings.goes_to, said) from None
    _check(settings, answer)


def body_of(settings: NotifySettings, message: Message) -> dict[str, Any]:
    if settings.kind == "webhook":
        return message.as_json()
    text = markdown_of(message)
    if settings.kind == "wecom":
        return {"msgtype": "markdown", "markdown": {"content": text}}
    return {"msgtype": "markdown", "markdown": {"title": message.title, "text": text}}


def dingtalk_sign(timestamp_ms: str, secret: str) -> str:
    """The signature, base64 and not yet encoded for a URL."""
    signed = f"{timestamp_ms}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def markdown_of(message: Message) -> str:
    """The message as the robots' Markdown, cut where it grows too long, which it then says."""
    parts = [f"### {_harmless(message.title)}"]
    parts += [f"> {_harmless(one)}".replace("\n", "\n> ") for one in message.paragraphs()]
    if message.page:
        parts.append(f"[Lianji 联机]({message.page.rstrip('/')}/alarms)")
    text = ""
    for part in parts:
        longer = f"{text}\n\n{part}" if text else part
        if len(longer.encode()) > MARKDOWN_BYTES_MAX:
            return f"{text}\n\n..."
        text = longer
    return text


def _harmless(text: str) -> str:
    """Names come from outside: none of them calls a whole group (``<@all>``) or draws."""
    return text.replace("<", "‹").replace(">", "›").replace("[", "［").replace("]", "］")


def _check(settings: NotifySettings, answer: httpx.Response) -> None:
    if not answer.is_success:
        raise not_sent(settings.goes_to, f"HTTP {answer.status_code} {answer.text[:200]}")
    if settings.kind == "webhook":
        return
    try:
        said = answer.json()
        code = said.get("errcode")
    except (ValueError, AttributeError):
        raise not_sent(settings.goes_to, f"no JSON: {answer.text[:200]}") from None
    if code != 0:
        raise not_sent(settings.goes_to, f"errcode {code} {said.get('errmsg', '')}")
