# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a service does its work: found out by a timer, and by every update before the old one is forgotten."""

import images
from test_update import OBSERVE, UpdateCase

SICK = ["CMD-SHELL", "test ! -e /data/sick || { echo sick as a dog; exit 4; }"]
TIMER = "/etc/systemd/system/syscont-health@web.timer"


class Health(UpdateCase):
    def remove_everything(self):
        super().remove_everything()
        self.assertFalse(self.machine.exists(TIMER))
        self.machine.sh("rm -rf /var/lib/web")

    def health_is(self, wanted):
        self.machine.wait_for(lambda: self.container("web")["health"] == wanted, 10, f"the health {wanted!r}")

    def observe_shortly(self):
        drop_in = "/etc/syscont/syscont.conf.d/observe.conf"
        self.machine.sh(f"printf '[Deployments]\nObserveSec=2\n' > {drop_in}; systemctl stop syscontd")
        self.addCleanup(self.machine.sh, f"rm {drop_in}; systemctl stop syscontd")

    def data(self):
        return self.machine.sh("find /var/lib/web -name data -type d").strip()

    def test_it_is_found_out_again_and_again(self):
        self.install(images.checked(SICK), "--now")
        self.health_is("healthy")
        self.assertIn("healthy", self.ctl("list").out)
        self.assertIn("Health: healthy", self.ctl("status", "web").out)
        self.machine.sh(f"touch {self.data()}/sick")
        self.health_is("unhealthy")
        self.assertEqual(self.active("web"), "active")
        journal = self.machine.sh("journalctl -o cat -u syscont-health@web.service")
        self.assertIn("sick as a dog", journal)
        self.assertNotIn("Started", journal)
        self.machine.sh("systemctl stop syscontd")
        self.assertEqual(self.container("web")["health"], "unhealthy")
        self.machine.sh(f"rm {self.data()}/sick")
        self.health_is("healthy")
        self.ctl("stop", "web")
        self.health_is("none")
        self.machine.wait_for(lambda: self.machine.run(["systemctl", "is-active", "syscont-health@web.timer"], check=False).status != 0, 10)
        self.machine.sh(f"touch {self.data()}/sick")
        self.ctl("start", "web")
        self.assertEqual(self.container("web")["health"], "starting")

    def test_update_that_is_not_healthy_is_taken_back(self):
        self.install(images.checked(SICK, "one\n"), "--now")
        image = images.checked(["CMD", "/bin/sh", "-c", "echo no luck; exit 3"], "two\n")
        self.pull(image)
        self.assert_fails(6, "RolledBack", "update", "web", "--no-pull", *("--observe", "20"), mentions=["no luck", "status 3", "web.service"])
        self.answer_is("one\n")
        row = self.container("web")
        self.assertEqual((row["state"], row["quarantine"]), ("rolled-back", [image.digest]))
        self.assertIn("no luck", row["state-reason"])
        self.health_is("healthy")
        self.assert_settled()

    def test_update_waits_until_it_is_healthy(self):
        self.observe_shortly()
        self.install()
        self.pull(images.checked(["CMD-SHELL", "test -e /data/well || { touch /data/well; exit 1; }"], "two\n", interval_s=600))
        self.assertTrue(self.update("--observe", "6")["changed"])
        self.answer_is("two\n")
        self.assertEqual(self.container("web")["health"], "healthy")
        self.assertIn("OnUnitInactiveSec=600000ms", self.machine.read(TIMER))
        self.ctl("rollback", "web")
        self.assertFalse(self.machine.exists(TIMER))
        self.assertEqual(self.container("web")["health"], "none")
        self.ctl("rollback", "web")
        self.assertTrue(self.machine.exists(TIMER))
        self.assertEqual(self.container("web")["health"], "healthy")

    def test_said_at_install(self):
        self.pull(images.checked(["CMD", "/bin/false"]))
        self.ctl("install", "web", "--name", "web", "--now", "--no-healthcheck")
        self.assertFalse(self.machine.exists(TIMER))
        self.assertEqual(self.container("web")["health"], "none")
        self.ctl("uninstall", "web")
        self.ctl("install", "web", "--name", "web", "--now", "--health-cmd", "echo good >/data/was-here", "--health-interval", "1s")
        self.health_is("healthy")
        self.assertEqual(self.machine.read(f"{self.data()}/was-here"), "good\n")
        self.ctl("uninstall", "web")
        self.machine.write("/etc/systemd/system/look.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'wget -qO- http://127.0.0.1:8080/'\n")
        self.addCleanup(self.machine.sh, "rm /etc/systemd/system/look.service; systemctl daemon-reload")
        self.machine.sh("systemctl daemon-reload")
        self.ctl("install", "web", "--name", "web", "--now", "--health-unit", "look.service", "--health-interval", "1")
        self.health_is("healthy")

    def set(self, *options):
        return self.ctl_json("set", "web", *OBSERVE, *options)["result"]

    def interval_is(self, usec):
        self.assertIn(f"OnUnitInactiveSec={usec // 1000}ms", self.machine.read(TIMER))

    def test_said_later(self):
        self.pull(images.checked(["CMD", "/bin/true"], interval_s=600))
        self.ctl("install", "web", "--name", "web")
        command = ("--health-cmd", "echo good >/data/was-here")
        rows = self.ctl_json("set", "web", *command, "--dry-run")["result"]["changes"]
        diff, = [row["diff"] for row in rows if row["kind"] == "health"]
        self.assertIn("was-here", diff)
        for changed in (True, False):
            self.assertEqual(self.set(*command, "--health-interval", "1s")["changed"], changed)
        # of what is not said again it stays as it was
        rows = self.ctl_json("set", "web", "--health-interval", "2s", "--dry-run")["result"]["changes"]
        self.assertEqual([(row["kind"], row["action"]) for row in rows], [("deployment", "create"), ("deployment", "remove"), ("timer", "change"),
                                                                          ("health", "change")])
        self.set("--health-interval", "2s")
        self.assertFalse(self.set(*command)["changed"])
        self.interval_is(2000000)
        self.pull(images.checked(["CMD", "/bin/true"], "two\n", interval_s=600))
        self.assertTrue(self.update()["changed"])
        self.interval_is(2000000)
        self.assertTrue(self.update("--unset-health")["changed"])
        self.interval_is(600000000)
        self.assertFalse(self.set("--unset-health")["changed"])
        self.ctl("rollback", "web")
        self.interval_is(2000000)
        self.assertFalse(self.set(*command)["changed"])
        events = [row["event"] for row in self.ctl_json("history", "web")["events"]]
        self.assertEqual(events.count("set-values"), 2)
        self.ctl("start", "web")
        self.health_is("healthy")
        self.assertEqual(self.machine.read(f"{self.data()}/was-here"), "good\n")
        # one that fails is taken back, and so is what was said
        self.assert_fails(6, "RolledBack", "set", "web", "--health-cmd", "exit 3", *OBSERVE)
        self.assertEqual(self.container("web")["quarantine"], [])
        self.assertFalse(self.set(*command)["changed"])
        self.ctl("stop", "web")
        self.set("--no-healthcheck")
        self.assertFalse(self.machine.exists(TIMER))
        self.assertEqual(self.ctl("set", "web", "--health-interval", "often", check=False).status, 2)

    def test_unit_of_the_host_is_a_privilege(self):
        self.pull(images.plain())
        self.ctl("install", "web", "--name", "web")
        self.machine.write("/etc/systemd/system/look.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
        self.addCleanup(self.machine.sh, "rm /etc/systemd/system/look.service; systemctl daemon-reload")
        self.machine.sh("systemctl daemon-reload")
        word = "unit:health:look.service"
        gains = self.ctl_json("set", "web", "--health-unit", "look.service", "--dry-run")["result"]["privilege-gains"]
        self.assertEqual([row["word"] for row in gains], [word])
        self.assert_fails(7, "PrivilegeGain", "set", "web", "--health-unit", "look.service", mentions=[word])
        self.assertFalse(self.machine.exists(TIMER))
        self.set("--health-unit", "look.service", "--accept-privilege", word)
        self.assertIn({"word": word, "risk": "medium"}, self.container("web")["privileges"])
        self.assertTrue(self.machine.exists(TIMER))

    def test_said_in_the_manifest(self):
        def image(health):
            config = images.runtime_config(["/bin/serve", "8080", "/www"], images.CAPABILITIES)
            layer = images.exports(images.Layer().directory("/www").file("/www/index.html", "x\n"), images.SIMPLE_UNIT, config,
                                   manifest={"version": "1.0", "health": health})
            return images.Image([images.base(), layer])
        self.install(image({"command": "test -e /proc/1", "interval": "1s", "retries": 1}), "--now")
        self.health_is("healthy")
        self.ctl("uninstall", "web")
        for health, error in (({"unit": "poweroff.service"}, "web-"), ({"command": []}, "between one"), ({"command": "x", "interval": "soon"}, "soon"),
                              ({"command": 1}, "command"), ({"unit": "web-x.service", "command": "x"}, "not both")):
            with self.subTest(health):
                self.pull(image(health))
                self.assert_fails(7, "TemplateInvalid", "install", "web", "--name", "web", mentions=[] if error == "soon" else [error])
                self.assert_absent("web")

    def test_wrong_input(self):
        for options in (["--health-interval", "often"], ["--health-cmd", "x", "--health-unit", "y.service"], ["--health-unit", "../x"],
                        ["--no-healthcheck", "--health-cmd", "x"], ["--health-retries", "0"]):
            with self.subTest(options):
                self.assertEqual(self.ctl("install", "web", *options, check=False).status, 2)
