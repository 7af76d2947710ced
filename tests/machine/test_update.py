# SPDX-License-Identifier: LGPL-2.1-or-later
"""From one image to the next and back: what is switched, what is kept, and what happens when it does not work."""

import json

import images
from case import CHECKOUT, SyscontCase
from registry import FaultyRegistry, allow_http

OBSERVE = ("--observe", "2")
DEPENDANT = """[Unit]
BindsTo=web.service
After=web.service
[Service]
ExecStart=/bin/sh -c 'for n in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1:8080/ && break; sleep 0.1; done | grep -q "%s" && exec sleep 1000000'
[Install]
WantedBy=web.service
"""
ANSWER = r"""
set timeout 30
spawn -noecho syscontctl {arguments}
expect {{
  "Go on?" {{ send "{answer}\r" }}
  timeout {{ exit 97 }}
  eof {{ exit 98 }}
}}
expect eof
exit [lindex [wait] 3]
"""


class UpdateCase(SyscontCase):
    def pull(self, image):
        self.ctl("pull", self.layout(image, "web"))

    def install(self, image=None, *options):
        self.pull(image or images.plain(text="one\n"))
        self.ctl("install", "web", "--name", "web", "--now", *options)
        if "--now" in options or image is None:
            self.wait_for_answer(8080)

    def update(self, *options):
        return self.ctl_json("update", "web", "--no-pull", *OBSERVE, *options)["result"]

    def dry_run(self, *arguments):
        return self.ctl_json(*arguments, "--dry-run")["result"]

    def changes(self, plan):
        return {(row["kind"], row["action"], row["name"]): row.get("diff", "") for row in plan["changes"]}

    def answer(self, answer, *arguments):
        """Runs syscontctl on a terminal, and types that when it asks whether to go on."""
        return self.machine.run(["expect", "-c", ANSWER.format(arguments=" ".join(arguments), answer=answer)], check=False)

    def link(self):
        return self.machine.run(["readlink", f"{CHECKOUT}/web"]).out.strip()

    def answer_is(self, text):
        self.machine.wait_for(lambda: self.fetch(8080) == text, 10, f"the answer {text!r}")

    def assert_settled(self):
        """No intent, no marker, nothing staged."""
        self.assertEqual(self.machine.run(["ls", "-A", "/var/lib/syscont/intents"], check=False).out, "")
        self.assertFalse(self.machine.exists("/run/syscont/switching/web"))
        self.assert_nothing_staged()


class Update(UpdateCase):
    def test_running_service_is_switched(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        result = self.update()
        self.assertTrue(result["changed"])
        self.assertEqual((result["from-deployment"], result["deployment"]), (0, 1))
        self.answer_is("two\n")
        self.assertEqual(self.link(), "web.1")
        self.assertTrue(self.machine.exists(f"{CHECKOUT}/web.0/rootfs"))
        row = self.container("web")
        self.assertEqual((row["state"], row["previous-deployment"], row["rollback-ready"]), ("running", 0, True))
        self.assert_settled()
        self.assert_repository_is_sound()

    def test_stopped_service_is_not_started(self):
        self.install()
        self.ctl("stop", "web")
        self.pull(images.plain(text="two\n"))
        self.assertTrue(self.update()["changed"])
        self.assertEqual(self.active("web"), "inactive")
        self.ctl("start", "web")
        self.answer_is("two\n")

    def test_same_image_changes_nothing(self):
        self.install()
        before = self.host()
        self.assertFalse(self.update()["changed"])
        self.assertEqual(self.ctl("update", "web", "--no-pull", "--unchanged-exit=7", check=False).status, 7)
        self.assert_host_is(before)
        self.assertEqual(self.link(), "web.0")

    def test_only_what_was_set_is_kept(self):
        self.ctl("install", self.layout(images.update(), "web"), "--name", "web", "--set", "VAR_WITH_NO_DEFAULT=a",
                 "--set", "PORT=8080", "--now")
        self.answer_is("update\n")
        result = self.ctl_json("set", "web", "VAR_WITH_NO_DEFAULT=b", *OBSERVE)["result"]
        self.assertTrue(result["changed"])
        self.assertIn("VALUE=b", self.machine.read(f"{CHECKOUT}/web/config.json"))
        self.answer_is("update\n")
        self.assertFalse(self.ctl_json("set", "web", "VAR_WITH_NO_DEFAULT=b", *OBSERVE)["result"]["changed"])
        self.ctl("set", "web", "--unset", "PORT", *OBSERVE)
        config = json.loads(self.machine.read(f"{CHECKOUT}/web/config.json"))
        self.assertIn("8081", config["process"]["args"])
        self.assert_fails(7, "ValueMissing", "set", "web", "--unset", "VAR_WITH_NO_DEFAULT", mentions=["VAR_WITH_NO_DEFAULT"])
        self.assertEqual(self.active("web"), "active")

    def test_from_the_registry(self):
        registry = FaultyRegistry(self.machine, images.plain(text="one\n"))
        allow_http(self.machine, registry.port)
        self.ctl("install", registry.name("web"), "--name", "web", "--now")
        self.answer_is("one\n")
        self.assertFalse(self.ctl_json("update", "web", *OBSERVE)["result"]["changed"])
        registry.serve(images.plain(text="two\n"))
        result = self.ctl_json("update", "web", "--check")["result"]
        self.assertTrue(result["available"])
        self.assertEqual(self.container("web")["available-update"]["digest"], images.plain(text="two\n").digest)
        self.answer_is("one\n")
        self.assertTrue(self.ctl_json("update", "web", *OBSERVE)["result"]["changed"])
        self.answer_is("two\n")
        self.assertNotIn("digest", self.container("web")["available-update"])

    def test_staged_now_and_applied_later(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        self.assertTrue(self.update("--stage")["changed"])
        self.assertEqual((self.container("web")["state"], self.container("web")["staged-deployment"]), ("staged", 1))
        self.answer_is("one\n")
        self.assertEqual(self.link(), "web.0")
        self.update("--apply")
        self.answer_is("two\n")
        self.assertEqual(self.link(), "web.1")
        self.assert_fails(3, "NotFound", "update", "web", "--apply", mentions=["--stage"])

    def test_number_of_deployments(self):
        self.install()
        for number in range(2, 5):
            self.pull(images.plain(text=f"{number}\n"))
            self.update()
            if number == 2:
                self.ctl("pin", "web", "0")
        self.assertEqual([row["id"] for row in self.container("web")["deployments"]], [0, 2, 3])
        self.ctl("unpin", "web", "0")
        self.assertEqual(self.machine.sh(f"cd {CHECKOUT}; echo web.*").split(), ["web.2", "web.3"])
        self.assertEqual({ref for ref in self.refs() if "deploy/web" in ref}, {"syscont/deploy/web/2", "syscont/deploy/web/3"})

    def test_held(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        self.ctl("hold", "web", "--until", "+1h", "--reason", "quarter end")
        self.assert_fails(5, "Held", "update", "web", "--no-pull", mentions=["quarter end"])
        self.ctl("hold", "web", "--release")
        self.assertTrue(self.update()["changed"])

    def test_wrong_input(self):
        self.install()
        for arguments in (["update"], ["update", "web", "--all"], ["update", "web", "--stage", "--apply"],
                          ["update", "web", "--set", "X"], ["hold", "web", "--until", "soon"], ["pin", "web", "x"],
                          ["policy", "web", "often"], ["policy", "web", "apply", "--window", "nightly"],
                          ["update", "web", "--to-digest", "sha256:1"]):
            with self.subTest(arguments):
                result = self.ctl(*arguments, check=False)
                self.assertEqual(result.status, 2, result)
        self.assert_fails(3, "NotFound", "update", "nobody", mentions=["nobody"])
        self.assert_fails(1, "NoPreviousDeployment", "rollback", "web")
        self.assert_fails(3, "NotFound", "rollback", "web", "--deployment", "17", mentions=["17"])
        self.assertEqual(self.ctl("pin", "web", "9", check=False).status, 3)


class Failure(UpdateCase):
    def assert_taken_back(self, *mentions, observe=5):
        result = self.assert_fails(6, "RolledBack", "update", "web", "--no-pull", f"--observe={observe}", mentions=mentions)
        self.answer_is("one\n")
        row = self.container("web")
        self.assertEqual((row["state"], row["current-deployment"]), ("rolled-back", 0))
        self.assertEqual(self.link(), "web.0")
        self.assert_settled()
        return result

    def assert_quarantined(self, digest):
        self.assertEqual(self.container("web")["quarantine"], [digest])
        self.assert_fails(5, "Quarantined", "update", "web", "--no-pull", mentions=["--force"])
        self.ctl("policy", "web", "apply")
        self.assertFalse(self.ctl_json("update", "--due")["result"]["changed"])
        self.answer_is("one\n")

    def test_service_that_fails_after_a_while(self):
        self.install()
        unit = self.machine.read("/etc/systemd/system/web.service")
        image = images.dying(3)
        self.pull(image)
        # a service that has ended is not watched to the end; it may be slow to begin
        result = self.assert_taken_back("web.service", observe=60)
        self.assertIn("about to fail", result.err)
        self.assertEqual(self.machine.read("/etc/systemd/system/web.service"), unit)
        self.assert_quarantined(image.digest)

    def test_service_that_is_never_ready(self):
        self.install()
        image = images.notify(delay_s=-1)
        self.pull(image)
        self.assert_taken_back()
        self.assert_quarantined(image.digest)

    def test_image_that_does_not_render(self):
        self.install()
        before = self.host()
        started = self.machine.sh("systemctl show -P InvocationID web")
        self.pull(images.update())
        self.assert_fails(7, "ValueMissing", "update", "web", "--no-pull")
        self.assert_host_is(before)
        self.assertEqual(self.machine.sh("systemctl show -P InvocationID web"), started)
        self.assertEqual(self.container("web")["quarantine"], [])

    def test_dependent_unit_that_breaks(self):
        self.install()
        self.machine.write("/etc/systemd/system/needs-web.service", DEPENDANT % "one")
        self.addCleanup(self.machine.sh, "systemctl stop needs-web; rm -f /etc/systemd/system/needs-web.service; systemctl daemon-reload")
        self.machine.sh("systemctl daemon-reload; systemctl start needs-web")
        self.machine.wait_for(lambda: self.active("needs-web") == "active", 10)
        image = images.plain(text="two\n")
        self.pull(image)
        self.assert_taken_back("needs-web.service")
        self.machine.wait_for(lambda: self.active("needs-web") == "active", 10, "the dependent unit")
        self.assertEqual(self.container("web")["quarantine"], [image.digest])

    def test_dependent_unit_runs_again(self):
        self.install()
        self.machine.write("/etc/systemd/system/needs-web.service", DEPENDANT % "o")
        self.addCleanup(self.machine.sh, "systemctl stop needs-web; rm -f /etc/systemd/system/needs-web.service; systemctl daemon-reload")
        self.machine.sh("systemctl daemon-reload; systemctl start needs-web")
        self.pull(images.plain(text="two\n"))
        self.update()
        self.assertEqual(self.active("needs-web"), "active")

    def test_forced(self):
        self.install()
        image = images.plain(text="two\n")
        self.pull(image)
        self.update()
        self.ctl("rollback", "web")
        self.answer_is("one\n")
        self.assert_quarantined(image.digest)
        self.ctl("policy", "web", "none")
        self.assertTrue(self.update("--force")["changed"])
        self.answer_is("two\n")
        self.assertEqual(self.container("web")["quarantine"], [])


class Rollback(UpdateCase):
    def test_twice_goes_forward_again(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        self.update()
        self.ctl("rollback", "web")
        self.assertEqual(self.link(), "web.0")
        self.answer_is("one\n")
        self.ctl("rollback", "web")
        self.assertEqual(self.link(), "web.1")
        self.answer_is("two\n")
        self.assert_settled()

    def test_own_unit_values_and_no_image(self):
        self.ctl("install", self.layout(images.test_system(), "web"), "--name", "web", "--set", "PORT=8080",
                 "--set", f"ALL_PROCESS_CAPABILITIES={images.CAPABILITIES}", "--set", "RECEIVER=Saturn", "--now")
        self.answer_is("Hi Saturn from web\n")
        unit = self.machine.read("/etc/systemd/system/web.service")
        self.pull(images.plain(text="two\n"))
        self.update("--accept-privileges")
        self.answer_is("two\n")
        self.assertFalse(self.machine.exists("/etc/tmpfiles.d/web.conf"))
        self.ctl("rollback", "web", "--reason", "it was slow")
        self.answer_is("Hi Saturn from web\n")
        self.assertEqual(self.machine.read("/etc/systemd/system/web.service"), unit)
        self.assertEqual(self.machine.read("/etc/tmpfiles.d/web.conf"), "D /run/web\n")
        events = self.ctl_json("history", "web")["events"]
        self.assertEqual([event["event"] for event in events[-3:]], ["install", "update", "rollback"])
        self.assertEqual((events[-2]["from-deployment"], events[-2]["to-deployment"], events[-2]["uid"]), (0, 1, 0))

    def test_missing_deployment_is_refused(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        self.update()
        self.machine.sh(f"rm -rf {CHECKOUT}/web.0")
        self.assert_fails(1, "Damaged", "rollback", "web", mentions=["web.0"])
        self.answer_is("two\n")


class Policy(UpdateCase):
    def due(self):
        return self.ctl_json("update", "--due")["result"]["containers"]

    def foreseen(self):
        """What the timer would do now, as told before anything of it is done."""
        before = self.machine.sh("cat /var/lib/syscont/containers/* /var/lib/syscont/history.jsonl /var/lib/syscont/seen.json")
        row, = self.ctl_json("update", "--due", "--dry-run")["result"]["containers"]
        after = self.machine.sh("cat /var/lib/syscont/containers/* /var/lib/syscont/history.jsonl /var/lib/syscont/seen.json")
        self.assertEqual(before, after)
        return row["available"], row["changed"], row.get("due"), row.get("skipped")

    def test_what_would_be_done(self):
        self.install()
        self.assertEqual(self.ctl_json("update", "--due", "--dry-run")["result"], {"changed": False, "containers": []})
        self.ctl("policy", "web", "apply")
        self.assertEqual(self.foreseen(), (False, False, None, None))
        self.assertEqual(self.ctl("update", "--due", "--dry-run", "--unchanged-exit=9", check=False).status, 9)
        image = images.plain(text="two\n")
        self.pull(image)
        self.assertEqual(self.foreseen(), (True, False, "apply", None))
        self.assertIn("to be applied", self.ctl("update", "--due", "--dry-run", "--unchanged-exit=9").out)
        self.ctl("policy", "web", "check")
        self.assertEqual(self.foreseen(), (True, False, None, None))
        self.ctl("policy", "web", "stage")
        self.assertEqual(self.foreseen(), (True, False, "stage", None))
        self.ctl("policy", "web", "apply", "--min-age", "3d")
        self.assertEqual(self.foreseen(), (True, False, None, "too recent"))
        self.ctl("policy", "web", "apply", "--window", "*-02-30 00:00")
        self.assertEqual(self.foreseen(), (True, False, None, "outside the window"))
        self.ctl("hold", "web", "--until", "+1d")
        self.assertEqual(self.foreseen(), (True, False, None, "held"))
        self.assertEqual(self.ctl("update", "--due", "--dry-run", "--set", "A=b", check=False).status, 2)

    def test_each_mode(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        self.assertEqual(self.due(), [])
        self.ctl("policy", "web", "check")
        row = self.due()[0]
        self.assertEqual((row["changed"], row["available"]), (False, True))
        self.ctl("policy", "web", "stage")
        self.assertTrue(self.due()[0]["changed"])
        self.assertEqual(self.container("web")["staged-deployment"], 1)
        self.assertEqual(self.due()[0]["skipped"], "staged")
        self.assertEqual(self.container("web")["staged-deployment"], 1)
        self.ctl("policy", "web", "apply", "--min-age", "3d")
        self.assertEqual(self.due()[0]["skipped"], "too recent")
        self.ctl("policy", "web", "apply", "--window", "*-02-30 00:00")
        self.assertEqual(self.due()[0]["skipped"], "outside the window")
        self.ctl("policy", "web", "apply", "--window", "*:*")
        self.assertTrue(self.due()[0]["changed"])
        self.answer_is("two\n")

    def test_timer(self):
        self.install()
        self.pull(images.plain(text="two\n"))
        self.ctl("policy", "web", "apply")
        self.assertIn("RandomizedDelay", self.machine.sh("systemctl cat syscont-update.timer"))
        self.machine.run(["systemctl", "start", "syscont-update.service"])
        self.answer_is("two\n")
