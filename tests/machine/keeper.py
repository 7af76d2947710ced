# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds what a throw-away machine needs while it exists: mounts, control group, state directory.

Started by machine.py as `keeper.py outer STATE NAME SIZE_MB REMOVE`. The outer process stays in the
caller's mount namespace; the inner one lives in a private one and mounts. Both ignore signals: they
end when their standard input is closed, which happens also when the caller is killed. Then every
process of the machine is killed, its control group removed and, with REMOVE, the state directory.

It must not know anything of syscont.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

UNSHARE = ["unshare", "--mount", "--propagation", "private"]
CGROUP = pathlib.Path("/sys/fs/cgroup")


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True, stdin=subprocess.DEVNULL)


def mount_cgroup2():
    """The box may have version 1 there; systemd inside gets the unified hierarchy only."""
    while subprocess.run(["umount", "--recursive", CGROUP], stderr=subprocess.DEVNULL).returncode == 0:
        pass
    mount("-t", "cgroup2", "cgroup2", CGROUP)


def mount_root(state):
    """An overlay of the running root; what the machine writes is kept in memory."""
    top = state / "mnt"
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", top)
    for name in ("up", "work", "root"):
        (top / name).mkdir()
    options = f"lowerdir=/,upperdir={top}/up,workdir={top}/work"
    mount("-t", "overlay", "-o", options, "overlay", top / "root")


def mount_containers(state, size_mb):
    """A directory of a real file system, or a small one of its own to be filled up."""
    if size_mb == 0:
        return
    image = state / "containers.img"
    if not image.exists():
        with open(image, "wb") as file:
            file.truncate(size_mb * 1024 * 1024)
        mke2fs = ["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=0", image]
        subprocess.run(mke2fs, check=True)
    mount("-o", "loop", image, state / "containers")


def processes_of(group):
    pids = []
    for file in group.rglob("cgroup.procs"):
        try:
            pids += [int(line) for line in file.read_text().split()]
        except OSError:
            pass
    return pids


def remove_cgroup(group):
    """Kills what is in the group and removes it from the leaves up."""
    deadline = time.monotonic() + 10
    while group.exists() and time.monotonic() < deadline:
        for pid in processes_of(group):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for path, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                pass
        time.sleep(0.02)


def has_mounts_below(directory):
    """Guards the removal of the state directory: never while the machine's root is visible in it."""
    lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    prefix = str(directory) + "/"
    return any((line.split()[4] + "/").startswith(prefix) for line in lines)


def inner(state, name, size_mb):
    mount_cgroup2()
    mount_root(state)
    mount_containers(state, size_mb)
    group = CGROUP / name
    group.mkdir()
    print("ready", os.getpid(), flush=True)
    sys.stdin.buffer.read()
    remove_cgroup(group)


def outer(state, name, size_mb, remove):
    arguments = ["/usr/bin/python3", "-I", __file__, "inner", str(state), name, str(size_mb)]
    status = subprocess.run(UNSHARE + arguments).returncode
    if remove and not has_mounts_below(state):
        shutil.rmtree(state, ignore_errors=True)
    return status


def main():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    role, state, name, size_mb = sys.argv[1:5]
    state = pathlib.Path(state)
    if role == "inner":
        return inner(state, name, int(size_mb))
    return outer(state, name, int(size_mb), sys.argv[5] == "remove")


if __name__ == "__main__":
    sys.exit(main())
