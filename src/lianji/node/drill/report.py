"""The report of a drill: JSON that the hub's key has signed, and the same as a page of text."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lianji.base.clock import from_us, now_us
from lianji.base.durable import write_atomically
from lianji.base.errors import InputError, Text
from lianji.node.drill.course import RTO_GOAL_S, Found, Plan
from lianji.relay.trust.authority import Authority


def write_report(path: Path, authority: Authority, plan: Plan, found: Found) -> None:
    """``path`` and, beside it, the same name with ``.txt``. Raises OSError."""
    told = {
        "kind": "lianji-drill",
        "hub": authority.name,
        "fingerprint": authority.fingerprint,
        "finished_us": now_us(),
        "passed": found.passed,
        "rto_goal_s": RTO_GOAL_S,
        "plan": asdict(plan),
        **asdict(found),
    }
    signature = authority.signing_key.sign(_canonical(told))
    whole = {
        "report": told,
        "public_key": authority.public_key_pem.decode(),
        "signature": base64.b64encode(signature).decode(),
    }
    write_atomically(path, json.dumps(whole, ensure_ascii=False, indent=1).encode())
    write_atomically(path.with_suffix(".txt"), text_of(told).encode())


def read_report(path: Path, authority: Authority | None) -> dict[str, Any]:
    """The report, if its signature is that of the key in it, and, where one is given, that of the
    hub. Raises InputError, OSError."""
    try:
        whole = json.loads(path.read_text())
        key = serialization.load_pem_public_key(whole["public_key"].encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("its key is not Ed25519")
        if authority is not None and whole["public_key"] != authority.public_key_pem.decode():
            raise ValueError("it is signed by another hub")
        key.verify(base64.b64decode(whole["signature"]), _canonical(whole["report"]))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as error:
        why = str(error) or "its signature is wrong"
        raise InputError(
            "drill-report-wrong",
            Text(f"{path} is no report of a drill: {why}.", f"{path} 不是有效的演练报告：{why}。"),
            Text("Take the file as the drill wrote it.", "请使用演练生成的原文件。"),
        ) from error
    report: dict[str, Any] = whole["report"]
    return report


def text_of(told: dict[str, Any]) -> str:
    """A page to be read by people, in English and in Chinese."""
    passed = ("passed", "通过") if told["passed"] else ("FAILED", "未通过")
    lines = [
        f"Drill of the hub {told['hub']}, {from_us(told['started_us']):%Y-%m-%d %H:%M:%S} UTC: "
        f"{passed[0]} / 中心切换演练：{passed[1]}",
        f"Fingerprint / 指纹: {told['fingerprint']}",
        "",
        f"RTO, first edge / 首个边缘: {told['rto_first_s']:.2f} s",
        f"RTO, all edges / 全部边缘: {told['rto_all_s']:.2f} s (goal / 目标: "
        f"{told['rto_goal_s']:.0f} s)",
        f"RPO: {told['rpo_samples']:,} samples / 样本, {told['rpo_s']:.3f} s",
        f"Behind at the kill, offered again / 终止时落后并已补传: {told['behind_samples']:,} "
        f"samples / 样本, {told['behind_s']:.2f} s",
        f"Old hub fenced / 原主中心隔离用时: {told['fenced_s']:.2f} s",
        f"Failback / 切回用时: {told['failback_s']:.2f} s",
        f"Sent / 发送: {told['sent_samples']:,} samples / 样本",
        "",
        "Checks / 核对:",
        *(_line(check) for check in told["checks"]),
    ]
    return "\n".join(lines) + "\n"


def _line(check: dict[str, Any]) -> str:
    return f"  {'ok  ' if check['passed'] else 'FAIL'} {check['name']}: {check['what']}"


def _canonical(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
