"""The words of the chart page that came with comparing, notes and saving."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {
    "chart.range_28d": Text("4 weeks", "4 周"),
    "chart.range_365d": Text("1 year", "1 年"),
    "chart.compare": Text("Compare", "比较"),
    "chart.compare_none": Text("–", "–"),
    "chart.earlier": Text("{span} earlier", "{span}前"),
    "chart.each": Text("Own axes", "各自纵轴"),
    "chart.at_cursor": Text("At the cursor", "光标处"),
    "chart.least": Text("Min", "最小"),
    "chart.mean": Text("Mean", "平均"),
    "chart.most": Text("Max", "最大"),
    "note.title": Text("Notes", "注释"),
    "note.add": Text("Note", "注释"),
    "note.edit": Text("Edit", "编辑"),
    "note.delete": Text("Delete", "删除"),
    "note.delete_sure": Text("Delete the note “{text}”?", "删除注释“{text}”？"),
    "note.start": Text("From", "起"),
    "note.end": Text("To, if it lasted", "止（可留空）"),
    "note.text": Text("Text", "内容"),
}
