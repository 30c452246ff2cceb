"""What can be wrong with a Ray cluster, in words."""

from __future__ import annotations

from lianji.base.errors import InputError, StorageError, Text


def no_ray() -> InputError:
    return InputError(
        "ray-missing",
        Text("Ray is not installed here.", "本机未安装 Ray。"),
        Text(
            "Install it with: pip install 'lianji[ray]', or take the line ray out of [jobs].",
            "请执行 pip install 'lianji[ray]'，或删除 [jobs] 中的 ray 一行。",
        ),
    )


def no_cluster(address: str, why: str) -> Text:
    return Text(
        f"The Ray cluster {address} does not answer: {why}. Check that it runs (`ray status`) and "
        "the line ray in [jobs] of lianji.toml.",
        f"Ray 集群 {address} 没有应答：{why}。请检查集群是否运行（`ray status`），"
        "以及 lianji.toml 的 [jobs] 中 ray 一行。",
    )


def folder_unseen(folder: str, host: str) -> StorageError:
    return StorageError(
        "job-folder-unseen",
        Text(
            f"{host} does not see the job's folder {folder}.",
            f"节点 {host} 看不到作业文件夹 {folder}。",
        ),
        Text(
            "Put the plant's folder on a disk that all nodes share under the same path.",
            "请将工厂文件夹放在所有节点以相同路径共享的磁盘上。",
        ),
    )


def no_node(error: Exception) -> Text:
    said = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return Text(f"No node can take it: {said}.", f"没有节点可以运行该作业：{said}。")
