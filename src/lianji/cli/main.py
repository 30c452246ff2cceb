"""The command line: noun then verb, one exit code for success and one for failure."""

from __future__ import annotations

import sys

import typer

from lianji.base.errors import LianjiError, StorageError, Text
from lianji.cli import (
    access,
    alarm,
    annotation,
    backup,
    config,
    dataset,
    deploy,
    device,
    experiment,
    hub,
    importing,
    job,
    join,
    model,
    plant,
    question,
    relay,
    tag,
    template,
    train,
)
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
app.add_typer(alarm.app, name="alarm")
app.add_typer(template.app, name="template")
app.add_typer(config.app, name="config")
app.add_typer(dataset.app, name="dataset")
app.add_typer(job.app, name="job")
app.add_typer(model.app, name="model")
app.add_typer(experiment.app, name="experiment")
app.add_typer(deploy.app, name="deploy")
importing.register(app)
train.register(app)
question.register(app)
annotation.register(app)
access.register(app)
backup.register(app)
app.add_typer(hub.app, name="hub")
app.add_typer(relay.app, name="relay")
join.register(app)


def main() -> None:
    """The program. Exits 1 with cause and remedy on a failure, 2 on wrong usage."""
    try:
        app()
    except LianjiError as error:
        complain(error)
        sys.exit(1)
    except OSError as error:
        complain(_of_system(error))
        sys.exit(1)
    except KeyboardInterrupt:
        tell("Interrupted.", "已中断。")
        sys.exit(130)


def _of_system(error: OSError) -> StorageError:
    """What the operating system refused, in our form: a full disk, a file without rights."""
    where = error.filename or ""
    said = error.strerror or str(error)
    return StorageError(
        "system-refused",
        Text(f"The system refused {where or 'it'}: {said}.", f"系统拒绝操作 {where}：{said}。"),
        Text(
            "Check that the path is right, writable, and on a disk with space.",
            "请检查路径是否正确、是否有权限以及磁盘空间是否充足。",
        ),
    )


if __name__ == "__main__":
    main()
