# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container looks like: its state, and what it writes."""

import json

import images
from case import SyscontCase


class Looking(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        images.plain().write_layout(cls.machine.share / "seen")
        cls.machine.run(["syscontctl", "install", "oci:/share/seen", "--name", "seen", "--now"])
        cls.machine.write("/etc/systemd/system/seen.service.d/10-own.conf", "[Service]\nExecStartPre=/bin/echo a word from the host\n")
        cls.machine.sh("systemctl daemon-reload; syscontctl restart seen")

    def remove_everything(self):
        """One container for all tests."""

    def test_case_112_113_status(self):
        self.ctl("start", "seen")
        out = self.machine.wait_for(lambda: self.find_in_status("a word from the host"), 20, "the journal")
        for text in ("● seen", "State: running", "Active: active (running) since ", " ago", "Image: seen:latest", "Unit: seen.service",
                     "Drop-In: /etc/systemd/system/seen.service.d/10-own.conf", "Updates: none", "(current)", "Last job: ", " start, done, "):
            self.assertIn(text, out)
        self.ctl("stop", "seen")
        result = self.ctl("status", "seen", check=False)
        self.assertEqual(result.status, 3)
        self.assertIn("Active: inactive (dead)", result.out)

    def find_in_status(self, text):
        out = self.ctl("status", "seen", check=False).out
        return out if text in out else None

    def test_status_for_programs(self):
        self.ctl("start", "seen")
        row = self.ctl_json("status", "seen", "--lines=3")["containers"][0]
        self.assertEqual((row["unit-state"]["active-state"], row["unit-state"]["sub-state"]), ("active", "running"))
        self.assertLessEqual(len(row["log"]), 3)
        listed = self.container("seen")
        self.assertEqual({key: row[key] for key in listed}, listed)

    def test_who_may_not_read_the_journal_sees_the_rest(self):
        result = self.ctl("status", "seen", user="alice", check=False)
        self.assertIn("Active: ", result.out)
        self.assertNotIn("a word from the host", result.out)

    def test_logs(self):
        self.machine.wait_for(lambda: "a word from the host" in self.ctl("logs", "seen").out, 20, "the journal")
        self.assertEqual(len(self.ctl("logs", "-n", "1", "seen").out.splitlines()), 1)
        self.assertNotIn("a word", self.ctl("logs", "--since=2100-01-01", "seen", check=False).out)
        entry = json.loads(self.ctl("logs", "--lines=1", "seen", "--json").out)
        self.assertIn("MESSAGE", entry)

    def test_logs_are_followed(self):
        client = self.machine.spawn(["syscontctl", "logs", "-f", "-n", "0", "seen"])
        self.addCleanup(client.kill)
        self.machine.wait_for(lambda: self.machine.run(["pgrep", "-x", "journalctl"], check=False).out, 20, "journalctl")
        self.ctl("restart", "seen")
        while "a word from the host" not in client.stdout.readline():
            self.assertIsNone(client.poll())

    def test_unknown_names(self):
        self.assertEqual(self.ctl("logs", "nobody", check=False).status, 3)
        self.assertEqual(self.ctl("status", "nobody", check=False).status, 3)
        self.assertEqual(self.ctl("logs", "-n", "-5", "seen", check=False).status, 2)
