# SPDX-License-Identifier: LGPL-2.1-or-later
"""What updates tell, keep and leave behind."""

import time

import images
from case import BUS_NAME, MANAGER, MANAGER_PATH
from test_update import UpdateCase

SIGNALS = "/run/signals"


class Told(UpdateCase):
    def listen(self):
        self.machine.write(SIGNALS, "")
        listener = self.machine.spawn(["sh", "-c", f"exec gdbus monitor --system --dest {BUS_NAME} --object-path {MANAGER_PATH} >{SIGNALS} 2>&1"])
        self.addCleanup(listener.kill)
        self.machine.wait_for(lambda: "owned by" in self.machine.read(SIGNALS), 10, "the listener")

    def heard(self, signal):
        return [line for line in self.machine.read(SIGNALS).split("\n") if f".{signal} (" in line]

    def test_signals(self):
        self.install()
        self.listen()
        new, bad = images.plain(text="two\n"), images.dying(0)
        self.pull(new)
        for _ in range(2):
            self.assertTrue(self.ctl_json("update", "web", "--no-pull", "--check")["result"]["available"])
        line, = self.machine.wait_for(lambda: self.heard("UpdateAvailable"), 10)
        self.assertIn("'web'", line)
        self.assertIn(new.digest, line)
        self.pull(bad)
        self.ctl("update", "web", "--no-pull", *("--observe", "60"), check=False)
        line, = self.machine.wait_for(lambda: self.heard("RolledBack"), 10)
        self.assertIn(bad.digest, line)
        self.assertIn("web.service", line)
        self.assertEqual(len(self.heard("UpdateAvailable")), 1)

    def test_next_check(self):
        get = ["get-property", BUS_NAME, MANAGER_PATH, MANAGER, "NextCheck"]
        self.install()
        self.machine.sh("systemctl start syscont-update.timer; systemctl stop syscontd")
        self.list_containers()
        self.machine.wait_for(lambda: int(self.busctl(*get).out.split(":")[-1].strip("}\n")) > time.time() * 1e6, 10, "the time of the next check")
        self.machine.sh("systemctl stop syscont-update.timer")
        self.machine.wait_for(lambda: int(self.busctl(*get).out.split(":")[-1].strip("}\n")) == 0, 10, "no time of a check")

    def test_history_has_what_failed_and_what_was_started(self):
        self.pull(images.update())
        self.assert_fails(7, "ValueMissing", "install", "web", "--name", "web")
        self.ctl("install", "web", "--name", "web", "--set", "VAR_WITH_NO_DEFAULT=1")
        for verb in ("start", "start", "stop", "restart"):
            self.ctl(verb, "web")
        events = self.ctl_json("history", "web")["events"][-5:]
        self.assertEqual([event["event"] for event in events], ["install", "install", "start", "stop", "restart"])
        self.assertIn("VAR_WITH_NO_DEFAULT", events[0]["reason"])
        self.assertEqual(events[0]["result"], "org.syscont.Error.ValueMissing")
        self.assertEqual({event["result"] for event in events[1:]}, {"done"})


class Kept(UpdateCase):
    def test_values_can_be_set_after_the_tag_has_moved(self):
        self.pull(images.update())
        self.ctl("install", "web", "--name", "web", "--set", "VAR_WITH_NO_DEFAULT=a", "--set", "PORT=8080", "--now")
        self.answer_is("update\n")
        self.pull(images.plain(text="two\n"))
        self.ctl("prune")
        self.assertTrue(self.ctl_json("set", "web", "VAR_WITH_NO_DEFAULT=b", "--observe", "2")["result"]["changed"])
        self.answer_is("update\n")
        self.assertIn("VALUE=b", self.machine.read("/var/lib/containers/syscont/web/config.json"))
        self.assertEqual(self.container("web")["digest"], images.update().digest)

    def test_so_they_can_for_an_image_without_templates(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        self.ctl("prune")
        self.ctl("set", "web", "UNUSED=1", "--observe", "2")
        self.answer_is("one\n")
        self.assertTrue(self.update()["changed"])
        self.answer_is("two\n")

    def test_what_is_not_kept_frees_its_space(self):
        self.install(images.plain(text="1\n"), "--now")
        for number in (2, 3):
            self.pull(images.plain(text=f"{number}\n"))
            self.update()
        before = self.refs()
        result = self.ctl_json("prune", "--dry-run")["result"]
        self.assertEqual((result["freed-bytes"], self.refs()), (0, before), result)
        self.assert_repository_is_sound()
