"""A plant becomes an edge, and stays one: it speaks to the hub's door.

The token is sent only to who has the key of the authority whose fingerprint stands in the
invitation: the root is fetched without trust, compared, and then nothing else is trusted. All calls
block, for some seconds at most.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from contextlib import suppress
from pathlib import Path

import httpx
from cryptography import x509

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import InputError, LianjiError, LinkDown, Text
from lianji.relay.trust import tls
from lianji.relay.trust.certificates import Key, der_of, key_pem, new_key, pem_of, request_of
from lianji.relay.trust.identity import KEY_MODE, Identity, LetIn
from lianji.relay.trust.invitation import Invitation
from lianji.relay.trust.refusals import Untrusted

ANSWER_BYTES_MAX = 262_144
TIMEOUT_S = 10.0
OK = 200
SAID_MAX = 500


def join(folder: Path, line: Invitation, proxy: str | None = None) -> Identity:
    """Make a key, have the hub sign it, and keep it in ``folder``.

    An identity that is there stays until the new one is whole. Raises Untrusted (also
    ``hub-fingerprint-wrong``, before the token was sent), InputError, LinkDown, OSError.
    """
    key = new_key()
    make_folder(folder.resolve())
    draft = folder / "joining.key"
    write_atomically(draft, key_pem(key), KEY_MODE)  # before the token is used up: it can be kept
    try:
        root_pem = _fetch_root(line, proxy)
        body = {
            "token": line.token,
            "csr": request_of(key, line.edge).decode(),
            "name": line.edge,
        }
        context = tls.client_context(root_pem)
        content = _ask(context, f"{line.address}/relay/v1/join", proxy, body)
        answer = _checked(content, key, line.edge, root_pem)
        return Identity.write(folder, key, answer)
    finally:
        draft.unlink(missing_ok=True)


def renew(folder: Path, address: str, proxy: str | None = None) -> Identity:
    """A new key and certificate, from a hub at ``address``; the old ones until they are on disk.

    Raises Untrusted if the hub has shut this edge out, InputError, LinkDown, NotFound, OSError.
    """
    old, key = Identity(folder), new_key()
    body = {"csr": request_of(key, old.edge).decode()}
    url = f"{address}/relay/v1/renew"
    content = _ask(old.client_context(), url, proxy, body)
    answer = _checked(content, key, old.edge, old.root_pem)
    return Identity.write(folder, key, answer)


def _fetch_root(line: Invitation, proxy: str | None) -> bytes:
    """The root certificate with the fingerprint of the invitation, whoever sent it."""
    status, content = _asked(tls.unverified_context(), "GET", f"{line.address}/relay/v1/ca", proxy)
    if status != OK:
        raise _no_hub(line.address)  # in our words: nobody knows who speaks
    try:
        root = x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise _no_hub(line.address) from error
    found = hashlib.sha256(der_of(root)).hexdigest()
    if not hmac.compare_digest(found, line.fingerprint):
        raise _another_hub(line, found)
    return pem_of(root)


def _ask(context: ssl.SSLContext, url: str, proxy: str | None, body: object) -> bytes:
    """What the hub answers with 200. Raises LianjiError in the hub's own words, LinkDown."""
    status, content = _asked(context, "POST", url, proxy, body)
    if status != OK:
        raise _as_said(content) or _no_hub(url)
    return content


def _asked(
    context: ssl.SSLContext, method: str, url: str, proxy: str | None, body: object = None
) -> tuple[int, bytes]:
    """Status and content. Raises LinkDown."""
    try:
        with (
            httpx.Client(verify=context, proxy=proxy, timeout=TIMEOUT_S, trust_env=False) as client,
            client.stream(method, url, json=body) as response,
        ):
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > ANSWER_BYTES_MAX:
                    raise _no_hub(url)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _unreachable(url, error) from error
    return response.status_code, bytes(content)


def _as_said(content: bytes) -> LianjiError | None:
    """The hub's own words, if these are such."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        said = json.loads(content)
        cause, remedy = (
            Text(_printable(said[part]["en"]), _printable(said[part]["zh"]))
            for part in ("cause", "remedy")
        )
        kind = Untrusted if said["code"].startswith(("edge-", "invite-")) else InputError
        return kind(_printable(said["code"]), cause, remedy)
    return None


def _printable(text: str) -> str:
    """What a terminal does not take for a command."""
    return "".join(letter for letter in text[:SAID_MAX] if letter.isprintable())


def _checked(content: bytes, key: Key, edge: str, root_pem: bytes) -> LetIn:
    try:
        answer = LetIn.model_validate_json(content)
        answer.check(key, edge, root_pem)
    except ValueError as error:
        raise InputError(
            "hub-answer-invalid",
            Text(f"The hub's answer is no use: {error}", f"中心的应答无效：{error}"),
            Text("Run the same version on both sides.", "请在两端使用相同版本。"),
        ) from error
    return answer


def _another_hub(line: Invitation, found: str) -> Untrusted:
    return Untrusted(
        "hub-fingerprint-wrong",
        Text(
            f"At {line.address} is another hub than the invitation's: its fingerprint is {found}. "
            "The token was not sent.",
            f"{line.address} 不是邀请中的中心：其指纹为 {found}。令牌未发送。",
        ),
        Text(
            "Compare it with `lianji hub sites` on the hub; if it differs, somebody is between.",
            "请在中心用 `lianji hub sites` 核对；若不一致，可能有人居间截取。",
        ),
    )


def _no_hub(address: str) -> LinkDown:
    return LinkDown(
        "hub-not-there",
        Text(f"At {address} answers something that is no hub.", f"{address} 处不是中心。"),
        Text("Check the address and the port.", "请检查地址和端口。"),
    )


def _unreachable(address: str, error: Exception) -> LinkDown:
    return LinkDown(
        "hub-unreachable",
        Text(f"{address} cannot be reached: {error}.", f"无法连接 {address}：{error}。"),
        Text(
            "Check that the hub runs, that its [hub] host lets others in, and the firewall.",
            "请检查中心是否运行、[hub] host 是否允许外部访问，以及防火墙。",
        ),
    )
