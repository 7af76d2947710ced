# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that ends, or stops, in the middle of what it does."""

import contextlib
import os

import steps

TRACE = "/run/strace.log"


class Interruption:
    """For a SyscontCase."""

    def intents(self):
        directory = self.machine.path("/var/lib/syscont/intents")
        return os.listdir(directory) if directory.exists() else []

    @contextlib.contextmanager
    def traced(self, calls, *options):
        """strace looks at the daemon's system calls of these names. Gives its process id."""
        pid = self.daemon_pid() or (self.ctl("list") and self.daemon_pid())
        argv = ["strace", "-f", "-qq", "-y", "-o", TRACE, "-p", str(pid), "-e", f"trace={calls}", *options]
        trace = self.machine.spawn(argv)
        self.machine.wait_for(lambda: "TracerPid:\t0\n" not in self.machine.path(f"/proc/{pid}/status").read_text(), 20, "strace")
        try:
            yield pid
        finally:
            if self.machine.is_on and trace.poll() is None:
                self.machine.run(["pkill", "-x", "strace"], check=False)
            trace.communicate()

    def learn(self, *arguments):
        """Runs syscontctl undisturbed. Returns the steps that the daemon makes for it."""
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        with self.traced(steps.CALLS):
            self.ctl(*arguments, check=False)
        return steps.steps_of(self.machine.path(TRACE).read_text())

    def interrupted(self, signal, step, where=None):
        """Sends the daemon a signal in place of a call. where: a directory, when only calls there count."""
        path = ["-P", where] if where else []
        return self.traced(step.name, "-e", f"inject={step.name}:signal={signal}:when={step.number}", *path)

    def kill_at(self, step, *arguments, where=None):
        """Runs syscontctl with a daemon that is killed in the middle; False when it came to its end before."""
        with self.interrupted("KILL", step, where) as pid:
            self.ctl(*arguments, check=False, timeout=60)
            killed = not self.machine.exists(f"/proc/{pid}") or self.daemon_pid() != pid
        self.machine.run(["systemctl", "reset-failed", "syscontd.service"])
        self.machine.wait_for(lambda: self.ctl("list", check=False).status == 0, 20, "the daemon")
        return killed

    def wait_until_settled(self):
        """What comes after a restart of the daemon has been done."""
        self.machine.wait_for(lambda: not self.intents(), 60, "the end of it")
        self.machine.wait_for(lambda: not any(row["state"] in ("queued", "running") for row in self.ctl_json("jobs")["jobs"]), 60, "the jobs")
