"""States that a machine, a disk or a project may be in; each is made for real.

A state is applied to a copy of a project in a process of its own, whose mounts nobody else sees.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOUND = "sound"
SOMEBODY = 65534
CAPABILITIES_VERSION = 0x20080522
NEW_NAMESPACE = 0x00020000  # CLONE_NEWNS
FREE_BYTES = 4096 * 16
Change = Callable[[Path], None]


def nothing(root: Path) -> None:
    """The sound state."""


@dataclass(frozen=True)
class State:
    """One state.

    Args:
        change: makes it of a project's folder, as root where there is one.
        rights: the command has those that files give to their owner, and none of root's.
        environment: variables beside the usual ones; None takes one away.
        streams: changes stdin, stdout and stderr in the process of the command.
        foreign: files are given to another user, which needs root.
        mounts: it needs mounts, and with them root.
        destroys: what is lost in it by itself: nothing is counted afterwards.
        deaf: nothing that is said can be heard.
        commands: that it can matter to, as a regular expression; all if empty.
        sound: the state beside which memory is measured.
    """

    change: Change = nothing
    rights: bool = False
    foreign: bool = False
    environment: Mapping[str, str | None] = field(default_factory=dict)
    streams: Change = nothing
    mounts: bool = False
    destroys: bool = False
    deaf: bool = False
    commands: str = ""
    sound: str = SOUND

    @property
    def missing(self) -> str:
        """Why the state cannot be made here; empty if it can."""
        if self.foreign and os.getuid() != 0:
            return "only root may give files away"
        return mounts_missing() if self.mounts else ""


def mounts_missing() -> str:
    """Why nothing can be mounted here; empty if it can."""
    if os.getuid() != 0:
        return "only root may mount"
    tried = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"nothing can be mounted: {tried.stderr.strip()}" if tried.returncode else ""


def own_mounts() -> None:
    """Let this process mount what no other sees."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NAMESPACE):
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rprivate", "/")


def nobody_is_listed(_: Path) -> None:
    """A system that has neither names nor home folders, as containers with a number for a user."""
    mount("--bind", os.devnull, "/etc/passwd")


def without_privileges() -> None:
    """Let this process do no more than the permissions of files say, though it is root.

    It keeps root's number, so that it can read libraries in root's home folder.
    """
    if os.getuid() != 0:
        return
    head = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(head, none):
        raise OSError(ctypes.get_errno(), "capset")


def mount(*arguments: str) -> None:
    """The system's command."""
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


# --- disks ----------------------------------------------------------------------------------------


def other_disk(folder: str, *, full: bool = False) -> Change:
    """The folder on a disk of its own, with what was in it.

    Args:
        full: with no byte left on it.
    """

    def change(root: Path) -> None:
        place = root / folder
        place.mkdir(parents=True, exist_ok=True)
        aside = root.parent / "aside"
        shutil.copytree(place, aside, symlinks=True)
        size = 2 * sum(path.stat().st_size + 8192 for path in aside.rglob("*")) + 2**20
        mount("-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", str(place))
        shutil.copytree(aside, place, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(aside)
        if full:
            fill(place / ".filler")

    return change


def fill(path: Path) -> None:
    """Write until nothing is free."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def read_only(place: str) -> Change:
    """A file or folder of the project that can only be read."""

    def change(root: Path) -> None:
        target = str(root / place)
        mount("--bind", target, target)
        mount("-o", "remount,bind,ro", target)

    return change


# --- permissions ----------------------------------------------------------------------------------


def without_rights(*places: str, mode: int = 0) -> Change:
    """Files or folders of the project of which its owner may do nothing."""

    def change(root: Path) -> None:
        for place in places:
            (root / place).chmod(mode)

    return change


def give(root: Path, user: int) -> None:
    """Make a user the owner of everything."""
    for path in (root, *root.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


def given(user: int) -> Change:
    """A project of this user's own."""
    return lambda root: give(root, user)


# --- files ----------------------------------------------------------------------------------------


def replaced(place: str, content: bytes) -> Change:
    """A file with this content, whatever was there."""

    def change(root: Path) -> None:
        clear(root / place)
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(content)

    return change


def turned(place: str, into: str) -> Change:
    """A place that is a `folder`, a `pipe`, a `loop` of links, a `dangling` link or `gone`."""

    def change(root: Path) -> None:
        path = root / place
        clear(path)
        match into:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "loop":
                path.symlink_to(path)
            case "dangling":
                path.symlink_to(root / "nowhere")

    return change


def clear(path: Path) -> None:
    """Delete a file, a link or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def each(pattern: str, change: Callable[[Path], None]) -> Change:
    """A change of every file of the project that matches."""

    def changed(root: Path) -> None:
        for path in sorted(filter(Path.is_file, root.glob(pattern))):
            change(path)

    return changed


def cut(path: Path) -> None:
    """Lose the second half of a file."""
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    """Turn one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def everything(*changes: Change) -> Change:
    """All of these changes, one after the other."""

    def change(root: Path) -> None:
        for one in changes:
            one(root)

    return change


# --- streams and limits ---------------------------------------------------------------------------


def closed(*numbers: int) -> Change:
    """These of stdin, stdout and stderr are no open files."""

    def change(_: Path) -> None:
        for number in numbers:
            os.close(number)

    return change


def full_output(_: Path) -> None:
    """Stdout goes to a disk without room."""
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def unread(*numbers: int) -> Change:
    """Whoever read these has gone."""

    def change(_: Path) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        for number in numbers:
            os.dup2(writer, number)

    return change


def limited(name: str, value: int) -> Change:
    """A limit of the process, as `FSIZE` in bytes or `NOFILE`."""
    number = getattr(resource, f"RLIMIT_{name}")
    return lambda _: resource.setrlimit(number, (value, value))


def folder_deleted(root: Path) -> None:
    """The folder that the command is started in is there no longer."""
    folder = root / "studies" / "gone"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
