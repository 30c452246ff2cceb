"""The command line: noun then verb, one exit code for success and one for failure."""

from __future__ import annotations

import os
import sys

import typer

from lianji.base.errors import LianjiError
from lianji.cli import device, importing, plant, question, tag
from lianji.cli.speech import complain, t, tell

app = typer.Typer(
    name="lianji",
    help=t(
        "Lianji joins the machines of a plant: it reads them, keeps what they say, shows it.",
        "联机：连接工厂里的每台机器，采集、长期保存并展示它们的数据。",
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
plant.register(app)
app.add_typer(device.app, name="device")
app.add_typer(tag.app, name="tag")
importing.register(app)
question.register(app)


def main() -> None:
    """The program. Exits 1 with cause and remedy on a failure, 2 on wrong usage."""
    try:
        app()
    except LianjiError as error:
        complain(error)
        sys.exit(1)
    except BrokenPipeError:
        # the reader of our output left: that is its right, and no failure
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        tell("Interrupted.", "已中断。")
        sys.exit(130)


if __name__ == "__main__":
    main()
