"""The words of the page of jobs."""

from __future__ import annotations

from lianji.base.errors import Text

TEXTS: dict[str, Text] = {
    "nav.jobs": Text("Jobs", "作业"),
    "jobs.about": Text("trainings and other functions, in turn", "依次运行的训练和其他函数"),
    "jobs.none": Text(
        "No job yet. Put one into the queue with: lianji job submit",
        "尚无作业。请用 lianji job submit 提交。",
    ),
    "jobs.job": Text("Job", "作业"),
    "jobs.state": Text("State", "状态"),
    "jobs.queued": Text("queued", "排队"),
    "jobs.running": Text("running", "运行中"),
    "jobs.done": Text("done", "完成"),
    "jobs.failed": Text("failed", "失败"),
    "jobs.stopped": Text("stopped", "已停止"),
    "jobs.stopping": Text("is ending", "正在停止"),
    "jobs.progress": Text("Progress", "进度"),
    "jobs.metrics": Text("Metrics", "指标"),
    "jobs.cpu": Text("CPU time", "CPU 时间"),
    "jobs.memory": Text("Memory", "内存"),
    "jobs.tenant": Text("Tenant", "租户"),
    "jobs.owner": Text("By", "提交者"),
    "jobs.priority": Text("Priority", "优先级"),
    "jobs.since": Text("Since", "自"),
    "jobs.attempts": Text("Runs", "运行次数"),
    "jobs.gave_way": Text("gave way {count} times", "让位 {count} 次"),
    "jobs.stop": Text("Stop", "停止"),
    "jobs.stop_sure": Text(
        "Stop {name}? What it saved stays.", "确定停止 {name}？已保存的内容会保留。"
    ),
    "jobs.log": Text("Log", "日志"),
    "jobs.log_none": Text("It has said nothing yet.", "尚无日志。"),
    "jobs.close": Text("Close", "关闭"),
    "jobs.tenants": Text("Tenants", "租户"),
    "jobs.tenants_about": Text(
        "what each has now, and its part of what was used lately",
        "当前占用，以及近期用量中的份额",
    ),
    "jobs.runs": Text("Running", "运行中"),
    "jobs.waits": Text("Queued", "排队"),
    "jobs.weight": Text("Weight", "权重"),
    "jobs.share": Text("Share", "份额"),
    "jobs.cores": Text("Cores", "核数"),
    "jobs.of": Text("{now} of {most}", "{now} / {most}"),
    "jobs.train": Text("Train", "训练"),
    "jobs.spec": Text("Training specification", "训练规格"),
    "jobs.no_spec": Text(
        "Specifications in the plant's folder training can be submitted here.",
        "工厂 training 文件夹中的规格可在此提交。",
    ),
    "jobs.submit": Text("Submit", "提交"),
    "audit.job-submitted": Text("submitted a job", "提交作业"),
    "audit.job-stopped": Text("stopped a job", "停止作业"),
}
