"""Which machine this is, and which revision of the project's code."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FLAGS = ("avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "fma", "asimd", "sve")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "200000 100000": two cores' time
GPUS = Path("/proc/driver/nvidia/gpus")


def host_name() -> str:
    """This machine, as runs name it in their tag `host`."""
    return platform.node() or str(os.getuid())


def host_tags(root: Path) -> dict[str, str]:
    """Who runs this, from which revision.

    Args:
        root: the project; a revision is `unknown` where it is no git checkout, or git is missing.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:  # slim images have no git
            return "unknown"
        return done.stdout.strip() if done.returncode == 0 else "unknown"

    dirty = git("status", "--porcelain", "--untracked-files=no")
    state = "unknown" if dirty == "unknown" else str(bool(dirty)).lower()
    return {"host": host_name(), "git": git("rev-parse", "HEAD"), "dirty": state}


def processor() -> dict[str, str]:
    """What of the processor decides the bits of a training: texts, empty where it is not told.

    Maker, model and instruction set, as kernels are chosen by them and some instructions are
    approximations of the maker's own; the sizes of its caches, as products of matrices are summed
    in blocks that fit them.
    """
    cpu = Path("/proc/cpuinfo")
    told = {"machine": platform.machine(), "cpu": platform.processor(), "flags": ""}
    if not cpu.exists():
        return told
    fields = {}
    # from the end, so that the first core's lines are those that stay
    for line in reversed(cpu.read_text().splitlines()):
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    # ARM's kernel has other names for the same
    present = set((fields.get("flags") or fields.get("Features") or "").split())
    model = (fields.get("cpu family", ""), fields.get("model") or fields.get("CPU part") or "")
    return told | {
        "cpu": fields.get("vendor_id", fields.get("CPU implementer", "")),
        "cpu_model": " ".join(model).strip(),
        "flags": " ".join(flag for flag in FLAGS if flag in present),
        "caches": " ".join(_cache_sizes(CACHES)),
    }


def _cache_sizes(folder: Path) -> Iterator[str]:
    """`48K`, `1024K`, `32768K` of the first core, without that of instructions."""
    for cache in sorted(folder.glob("index*")):
        try:
            kind, size = (cache / "type").read_text(), (cache / "size").read_text()
        except OSError:  # not every kernel tells
            continue
        if kind.strip() != "Instruction":
            yield size.strip()


def cores() -> int:
    """How many of this machine's cores this process may use.

    Fewer than there are where a scheduler has said so, or a container's share of time.
    """
    # not on macOS
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    share = allowed or 1
    with suppress(OSError, ValueError):
        quota, period = QUOTA.read_text().split()
        share = min(share, int(quota) // int(period))  # "max" is no number: there is no quota
    return max(1, share)


def gpus() -> list[str]:
    """The graphics cards that this machine's driver tells of, of NVIDIA's."""
    return sorted(card.name for card in GPUS.glob("*"))


def most_bytes() -> int:
    """How much of this machine's memory a file may fill: half of it."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
