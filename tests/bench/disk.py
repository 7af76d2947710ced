# SPDX-License-Identifier: LGPL-2.1-or-later
"""A journalled ext4 on a file, made anew for each store and mounted inside a throw-away machine."""

import os
import pathlib
import subprocess

MOUNT_POINT = "/bench"


class Disk:
    """with Disk(machine, directory, size_mb) as disk: …  It is mounted on disk.path inside; disk.device is its name in /sys."""

    path = MOUNT_POINT

    def __init__(self, machine, directory, size_mb):
        self._machine = machine
        self._file = pathlib.Path(directory) / f"{machine.name}.img"
        self._size_bytes = size_mb * 1024 * 1024

    def __enter__(self):
        with open(self._file, "wb") as file:
            file.truncate(self._size_bytes)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-O", "has_journal",
                        "-E", "lazy_itable_init=0,lazy_journal_init=0", self._file], check=True)
        losetup = ["losetup", "--find", "--show", self._file]
        node = subprocess.run(losetup, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.device = os.path.basename(node)
        number = os.stat(node).st_rdev
        self._machine.sh(f"""
rm -f /dev/{self.device}
mknod /dev/{self.device} b {os.major(number)} {os.minor(number)}
mkdir -p {MOUNT_POINT}
mount -t ext4 /dev/{self.device} {MOUNT_POINT}
""")
        return self

    def __exit__(self, *_):
        self._machine.run(["umount", MOUNT_POINT])
        subprocess.run(["losetup", "--detach", f"/dev/{self.device}"], check=True)
        self._file.unlink()
