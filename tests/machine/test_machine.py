# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine itself: what the other tests rely on."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

from case import MachineCase
from machine import USERS, CommandError, Machine, differences, wait_for


class Running(MachineCase):
    def test_systemd_is_running(self):
        self.assertEqual(self.machine.system_state(), "running")
        self.assertEqual(self.machine.sh("cat /proc/1/comm").strip(), "systemd")

    def test_boots_quickly(self):
        self.assertLess(self.machine.boot_seconds, 15)

    def test_polkit_answers(self):
        self.machine.run(["busctl", "call", "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                          "org.freedesktop.DBus.Peer", "Ping"])

    def test_users_exist(self):
        for user in USERS:
            self.assertEqual(self.machine.run(["id", "-un"], user=user).out.strip(), user)

    def test_network_is_private(self):
        self.assertEqual(self.machine.sh("ls /sys/class/net; ip -o link | wc -l").split()[-1], "1")
        self.assertEqual(self.machine.sh("cat /sys/class/net/lo/flags").strip(), "0x9")

    def test_storage_takes_hard_links(self):
        self.machine.sh("cd /var/lib/containers; touch a; ln a b; test $(stat -c %h a) = 2; rm a b")

    def test_status_and_streams_arrive(self):
        result = self.machine.run(["sh", "-c", "cat; echo err >&2; exit 3"], input="text", check=False)
        self.assertEqual((result.status, result.out, result.err), (3, "text", "err\n"))
        with self.assertRaises(CommandError):
            self.machine.run(["false"])

    def test_timeout_ends_the_command(self):
        with self.assertRaises(subprocess.TimeoutExpired):
            self.machine.run(["sleep", "4711"], timeout=0.5)
        self.assertEqual(self.machine.run(["pgrep", "-f", "sleep 4711"], check=False).status, 1)

    def test_unit_has_a_session(self):
        text = self.machine.run_unit(["cat", "/proc/self/cgroup"], user="alice").out
        self.assertIn("user.slice/user-", text)

    def test_share_works_both_ways(self):
        self.machine.write("/share/inside", "one")
        self.assertEqual((self.machine.share / "inside").read_text(), "one")
        self.assertEqual(self.machine.read(self.machine.push(__file__)), pathlib.Path(__file__).read_text())

    def test_manifest_sees_a_change(self):
        before = self.machine.manifest(["/etc"], ["/etc/skel"])
        self.machine.sh("echo x > /etc/issue; touch /etc/skel/ignored")
        changed = differences(before, self.machine.manifest(["/etc"], ["/etc/skel"]))
        self.assertEqual([line.split(":")[0] for line in changed], ["/etc/issue"])


class Life(unittest.TestCase):
    def test_disks_outlive_reboot_and_power_cut(self):
        with Machine() as machine:
            first = machine.read("/proc/sys/kernel/random/boot_id")
            machine.sh("touch /etc/kept /var/lib/containers/kept")
            machine.background(["sleep", "infinity"], "sleeper.service")
            for stop in (machine.poweroff, machine.kill):
                stop()
                machine.boot()
                machine.sh("test -e /etc/kept && test -e /var/lib/containers/kept")
                self.assertEqual(machine.run(["pgrep", "-f", "sleep infinity"], check=False).status, 1)
                self.assertEqual(machine.system_state(), "running")
            self.assertIsNotNone(first)

    def test_two_machines_at_once(self):
        with Machine() as one, Machine() as two:
            one.sh("touch /etc/of-one")
            self.assertFalse(two.exists("/etc/of-one"))
            self.assertEqual([one.system_state(), two.system_state()], ["running", "running"])

    def test_small_disk_fills_up(self):
        with Machine(containers_size_mb=16) as machine:
            result = machine.run(["dd", "if=/dev/zero", "of=/var/lib/containers/big", "bs=1M"], check=False)
            self.assertIn("No space left", result.err)
            machine.reboot()
            self.assertTrue(machine.exists("/var/lib/containers/big"))

    def test_killed_caller_leaves_nothing(self):
        script = f"import sys; sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})\n" \
                 "from machine import Machine\n" \
                 "m = Machine(); print(m.state, m._nspawn.pid, m._keeper.pid, flush=True); sys.stdin.read()"
        caller = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with caller:
            state, nspawn, keeper = caller.stdout.readline().split()
            os.kill(caller.pid, signal.SIGKILL)
        wait_for(lambda: not pathlib.Path(f"/proc/{keeper}").exists(), 10, "the end of the keeper")
        self.assertFalse(pathlib.Path(f"/proc/{nspawn}").exists())
        self.assertFalse(pathlib.Path(state).exists())


if __name__ == "__main__":
    unittest.main()
