# SPDX-License-Identifier: LGPL-2.1-or-later
"""syscontctl on a terminal: asks for a password, draws progress, and is interrupted. Typed by expect."""

import images
from case import SyscontCase
from machine import PASSWORD
from registry import FaultyRegistry, allow_http

ASK = r"""
set timeout 30
spawn -noecho syscontctl {arguments}
expect "Password:" {{ sleep 0.3; send "{password}\r" }} timeout {{ exit 97 }} eof {{ exit 98 }}
expect eof
exit [lindex [wait] 3]
"""

INTERRUPT = r"""
set timeout 30
set stty_init "columns 100"
spawn -noecho syscontctl pull {name}
expect -re {{download +\[.*\] +[0-9]+ %}} {{}} timeout {{ exit 97 }} eof {{ exit 98 }}
send "\003"
expect eof
exit [lindex [wait] 3]
"""


class Terminal(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.machine.run(["usermod", "-aG", "sudo", "alice"])

    def type(self, script, user=None):
        """In a session: polkit finds no agent for a process outside of one."""
        run = self.machine.run_unit if user else self.machine.run
        return run(["expect", "-c", script], user=user, check=False)

    def test_password_is_asked_for(self):
        self.ctl("install", self.layout(images.plain(), "asked"), "--name", "asked", "--now")
        result = self.type(ASK.format(arguments="stop asked", password=PASSWORD), "alice")
        self.assertEqual(result.status, 0, result)
        self.assertIn('stop the system container "asked"', result.out)
        self.assertEqual(self.active("asked"), "inactive")

    def test_wrong_password_is_refused(self):
        self.ctl("install", self.layout(images.plain(), "kept"), "--name", "kept", "--now")
        result = self.type(ASK.format(arguments="stop kept", password="wrong"), "alice")
        self.assertEqual(result.status, 4, result)
        self.assertEqual(self.active("kept"), "active")

    def test_nobody_is_asked_when_that_is_not_wanted(self):
        self.ctl("install", self.layout(images.plain(), "quiet"), "--name", "quiet")
        result = self.ctl("start", "quiet", "--no-ask-password", user="alice", check=False)
        self.assertEqual(result.status, 4, result)

    def test_interrupt_cancels(self):
        slow = FaultyRegistry(self.machine, images.bulky(8))
        allow_http(self.machine, slow.port)
        slow.set_rules([{"match": "/blobs/", "fault": "slow", "rate": 400000}])
        refs = self.refs()
        result = self.type(INTERRUPT.format(name=slow.name("slow")))
        self.assertEqual(result.status, 10, result)
        self.assertEqual(self.newest_job()["state"], "cancelled")
        self.assertEqual(self.refs(), refs)
