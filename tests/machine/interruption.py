# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that ends, or stops, in the middle of what it does."""

import contextlib
import os

TRACE = "/run/strace.log"
SYSCALLS = "rename,renameat,renameat2,linkat,symlinkat,unlinkat,mkdirat,fsync,fdatasync,syncfs"


class Interruption:
    """For a SyscontCase."""

    def intents(self):
        directory = self.machine.path("/var/lib/syscont/intents")
        return os.listdir(directory) if directory.exists() else []

    @contextlib.contextmanager
    def interrupted(self, signal, number, where=()):
        """Sends the daemon a signal at that number of a thread's changing system calls. Gives its process id.

        where: a directory and system calls, when only these count, and only there.
        """
        path, calls = where or (None, SYSCALLS)
        self.ctl("list")
        pid = self.daemon_pid()
        argv = ["strace", "-f", "-qq", "-o", TRACE, "-p", str(pid), "-e", f"trace={calls}",
                "-e", f"inject={calls}:signal={signal}:when={number}", *(["-P", path] if path else [])]
        trace = self.machine.spawn(argv)
        self.machine.wait_for(lambda: "TracerPid:\t0\n" not in self.machine.path(f"/proc/{pid}/status").read_text(), 10, "strace")
        try:
            yield pid
        finally:
            if self.machine.is_on and trace.poll() is None:
                self.machine.run(["pkill", "-x", "strace"], check=False)
            trace.communicate()

    def kill_at(self, number, *arguments, where=()):
        """Runs syscontctl with a daemon that is killed in the middle; False when it came to its end before."""
        with self.interrupted("KILL", number, where) as pid:
            self.ctl(*arguments, check=False, timeout=60)
            killed = not self.machine.exists(f"/proc/{pid}") or self.daemon_pid() != pid
        self.machine.run(["systemctl", "reset-failed", "syscontd.service"])
        self.machine.wait_for(lambda: self.ctl("list", check=False).status == 0, 20, "the daemon")
        return killed

    def wait_until_settled(self):
        """What comes after a restart of the daemon has been done."""
        self.machine.wait_for(lambda: not self.intents(), 60, "the end of it")
        self.machine.wait_for(lambda: not any(row["state"] in ("queued", "running") for row in self.ctl_json("jobs")["jobs"]), 60, "the jobs")
