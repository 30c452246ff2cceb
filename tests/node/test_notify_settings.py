"""``[[notify]]`` in ``lianji.toml``: what is refused, in both languages and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.act.alarms.notify.settings import NotifySettings
from lianji.base.errors import InputError
from lianji.node.settings import load_settings

ROBOT = '[[notify]]\nname = "robot"\nkind = "wecom"\nurl = "https://x.cn/send?key=hidden"\n'


def load(folder: Path, text: str) -> list[NotifySettings]:
    (folder / "lianji.toml").write_text(text)
    return load_settings(folder).notify


def test_nobody_is_told_unless_the_file_says_so(tmp_path: Path) -> None:
    assert load(tmp_path, "") == []
    [channel] = load(tmp_path, ROBOT)
    assert channel.goes_to == "https://x.cn/send"
    assert "hidden" not in repr(channel)


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ('[[notify]]\nname = "m"\nkind = "email"\n', "mail needs host", "邮件通知需要 host"),
        ('[[notify]]\nname = "m"\nkind = "wecom"\n', "needs its url", "需要 url"),
        (ROBOT + ROBOT, "two have the same name", "名称重复"),
        (ROBOT + 'pager = "1"\n', "there is no field notify.0.pager", "没有名为"),
        (ROBOT + "priority = 9\n", "at most 4", "不得大于 4"),
    ],
)
def test_what_cannot_work_is_refused_in_both_languages(
    tmp_path: Path, text: str, en: str, zh: str
) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path, text)
    assert refused.value.code == "settings-invalid"
    assert en in refused.value.cause.en and zh in refused.value.cause.zh
    assert "hidden" not in str(refused.value)
