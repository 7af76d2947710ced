# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers that "atomic install --system" has installed are taken over."""

import hashlib
import json

from case import CHECKOUT
from host_images import CAPABILITIES, SIMPLE_UNIT, Layer, host, runtime_config
from interruption import Interruption
from steps import Step
from test_update import UpdateCase

ATOMIC = "/var/lib/containers/atomic"
ELSEWHERE = "/srv/atomic"
RENAMES = "rename,renameat,renameat2"
UNIT = "/etc/systemd/system/web.service"
TMPFILES = "/etc/tmpfiles.d/web.conf"
MANIFEST = {"version": "1.0", "defaultValues": {"PORT": "8080", "WORD": "default"}, "installedFilesTemplate": ["/etc/adopted/word"]}
FILES = {"/etc/adopted/plain": "plain\n", "/etc/adopted/word": "$WORD\n", "/usr/local/bin/adopted": ("#!/bin/sh\n", 0o755)}
LINES = "d ${RUN_DIRECTORY}/adopted - - - - -\n"


def config(*arguments):
    return runtime_config(arguments or ["/bin/serve", "$PORT", "/www"], CAPABILITIES, env=["UUID=$UUID"])


def image(text=None):
    layer = Layer().directory("/www").file("/www/index.html", "served\n")
    return host(FILES, MANIFEST, SIMPLE_UNIT, text or config(), LINES, extra=layer)


class Adopt(Interruption, UpdateCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.observe_for(1)

    def setUp(self):
        super().setUp()
        self.clean = self.host()
        self.addCleanup(self.machine.sh, f"systemctl disable --now web 2>&1 || true; runc delete -f web; rm -rf {ATOMIC} {ELSEWHERE} /etc/atomic.conf {UNIT} {TMPFILES} /etc/adopted /usr/local/bin/adopted; systemctl daemon-reload")

    def make(self, image, number=0, below=ATOMIC, **info):
        """What atomic leaves, from its documentation: directories, link, info, unit, tmpfiles and host files."""
        runtime = self.machine.sh("command -v runc").strip()
        values = {"PORT": "8080", "WORD": "set", "NAME": "web", "DESTDIR": f"{below}/web.{number}", "UUID": "7b1f5ef4-0c3b-4ad4-9c3c-0d6f2b8f2a11",
                  "EXEC_START": f"{runtime} run 'web'", "EXEC_STOP": f"{runtime} kill 'web'", "EXEC_STARTPRE": "", "EXEC_STOPPOST": "", "HOST_UID": 0,
                  "HOST_GID": 0, "RUN_DIRECTORY": "/run", "CONF_DIRECTORY": "/etc", "STATE_DIRECTORY": "/var/lib", "RUNTIME": runtime,
                  "ATOMIC": "/usr/bin/atomic", "PIDFILE": "/run/container-web.pid", "ALL_PROCESS_CAPABILITIES": CAPABILITIES,
                  "IMAGE_ID": image.digest[7:], "IMAGE_NAME": "web"}

        def expand(text):
            for name in sorted(values, key=len, reverse=True):
                text = text.replace("${%s}" % name, str(values[name])).replace(f"${name}", str(values[name]))
            return text

        files = {path: expand(content[0] if isinstance(content, tuple) else content) for path, content in FILES.items()}
        directory = values["DESTDIR"]
        self.pull(image)
        self.machine.sh(f"mkdir -p {directory} /etc/adopted; ln -s {directory} {below}/web;"
                        f"ostree --repo={CHECKOUT}/.repo checkout syscont/rootfs/{image.digest[7:]} {directory}/rootfs")
        for path, content in files.items():
            self.machine.write(path, content)
        self.machine.sh("chmod 755 /usr/local/bin/adopted")
        self.machine.write(f"{directory}/config.json", expand(config()))
        for copy, path, text in ((f"{directory}/web.service", UNIT, SIMPLE_UNIT), (f"{directory}/tmpfiles-web.conf", TMPFILES, LINES)):
            self.machine.write(copy, expand(text))
            self.machine.write(path, expand(text))
        self.machine.write(f"{directory}/info", json.dumps({
            "image": "web", "revision": image.digest[7:], "ostree-commit": "0" * 64, "created": 1500000000, "values": values,
            "has-container-service": True, "installed-files": sorted(files),
            "installed-files-checksum": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()},
            "installed-files-template": MANIFEST["installedFilesTemplate"], "rename-installed-files": {}, "rpm-installed": None,
            "system-package": "no", "remote": None, "use-links": False, "runtime": runtime, **info}, indent=4) + "\n")
        self.machine.sh(f"systemd-tmpfiles --create {TMPFILES}; systemctl daemon-reload; systemctl enable --now web")
        self.wait_for_answer(8080)

    def test_taken_over(self):
        self.make(image(), 1)
        before = self.host()
        plan = self.dry_run("adopt", "web")
        changes = self.changes(plan)
        self.assertEqual(set(changes), {("deployment", "create", "web.0"), ("config", "change", "config.json"), ("unit", "change", "web.service"),
                                        ("drop-in", "create", "50-syscont.conf"), ("value", "create", "WORD"), ("service", "restart", "web.service")})
        self.assertIn(f"-WorkingDirectory={ATOMIC}/web.1\n+WorkingDirectory={CHECKOUT}/web\n", changes["unit", "change", "web.service"])
        self.assertIn("host-file:/etc/adopted/plain", [row["word"] for row in plan["privileges"]])
        self.assertEqual((plan["privilege-gains"], plan["notes"]), ([], []))
        self.assert_host_is(before)
        self.assertEqual(self.ctl("adopt", "web", check=False).status, 2)
        self.assertTrue(self.ctl_json("adopt", "web", "--yes")["result"]["changed"])
        self.answer_is("served\n")
        # stopped as it wants to be: in a directory that is there
        self.assertNotIn("CHDIR", self.machine.journal("web.service"))
        row = self.container("web")
        self.assertEqual((row["state"], row["reference"], row["current-deployment"]), ("running", "web:latest", 0))
        self.assertEqual(self.enabled("web"), "enabled")
        self.assertIn(f"WorkingDirectory={CHECKOUT}/web\n", self.machine.read(UNIT))
        self.assertIn("UUID=7b1f5ef4-0c3b-4ad4-9c3c-0d6f2b8f2a11", self.machine.read(f"{CHECKOUT}/web/config.json"))
        self.assertEqual(json.loads(self.machine.read("/var/lib/syscont/containers/web.json"))["values"], {"WORD": "set"})
        self.assertEqual(self.machine.sh(f"ls -A {ATOMIC}"), "")
        self.assertEqual(self.ctl_json("history", "web")["events"][-1]["event"], "adopt")
        self.assert_settled()
        self.ctl("uninstall", "web")
        self.machine.sh(f"rmdir {ATOMIC} /etc/adopted")  # atomic has recorded no directories
        self.assert_host_is(self.clean)

    def adopt_as_planned(self, plan, gains="[]"):
        options = f"{{'plan-id': <'{plan['plan-id']}'>, 'accept-privileges': <@as {gains}>}}"
        path = self.gdbus("Adopt", "web", options).out.split("'")[1]
        self.wait_for_job(path)
        return self.job_property(path, "ErrorName").rpartition(".")[2]

    def test_what_it_may_not_do_now(self):
        """What runs has less than the image asks for: somebody has taken it away."""
        self.make(image())
        config = f"{ATOMIC}/web.0/config.json"
        self.machine.write(config, self.machine.read(config).replace('"CAP_KILL",', ""))
        before = self.host()
        plan = self.dry_run("adopt", "web")
        self.assertEqual([row["word"] for row in plan["privilege-gains"]], ["capability:CAP_KILL"])
        self.assert_fails(7, "PrivilegeGain", "adopt", "web", "--yes", mentions=["CAP_KILL", "--accept-privileges"])
        self.assertEqual(self.adopt_as_planned(plan), "PrivilegeGain")
        self.machine.run(["systemctl", "stop", "web"])
        self.assertEqual(self.adopt_as_planned(plan, "['*']"), "PlanStale")
        self.machine.run(["systemctl", "start", "web"])
        result = self.answer("n", "adopt", "web")
        self.assertEqual(result.status, 10, result)
        for text in ("capability:CAP_KILL", "restart service web.service", "create  value WORD"):
            self.assertIn(text, result.out)
        self.assert_host_is(before)
        result = self.answer("y", "adopt", "web")
        self.assertEqual(result.status, 0, result)
        self.answer_is("served\n")
        self.assertIn("CAP_KILL", self.machine.read(f"{CHECKOUT}/web/config.json"))

    def test_what_does_not_stay_up_is_left_to_atomic(self):
        self.configure("patient", "[Deployments]\nObserveSec=10\n")
        self.make(image(config("/bin/sh", "-c", "echo cannot >&2; exit 3")))
        before = self.host()
        self.assert_fails(6, "RolledBack", "adopt", "web", "--yes", mentions=["web.service", "went back to what was installed"])
        self.answer_is("served\n")
        self.assertIsNone(self.container("web"))
        self.assertFalse(self.machine.exists(f"{CHECKOUT}/web"))
        self.assert_settled()
        self.assert_host_is(before)

    def test_daemon_killed_in_the_middle(self):
        """It ends as it was or as it should be. Of atomic's directories, which are not where they usually are, nothing is left then."""
        self.machine.write("/etc/atomic.conf", f"# checkout_path: /nowhere\ncheckout_path: {ELSEWHERE} # here\n")
        intents = "/var/lib/syscont/intents"
        for path, calls, number, is_done in ((intents, RENAMES, 2, False), (intents, RENAMES, 3, True), (ELSEWHERE, "unlinkat", 2, True)):
            with self.subTest(f"{path} {number}"):
                if not self.machine.exists(f"{ELSEWHERE}/web.0"):
                    self.make(image(), below=ELSEWHERE)
                before = self.host()
                self.assertTrue(self.kill_at(Step(calls, number, path), "adopt", "web", "--yes", where=path))
                self.wait_until_settled()
                self.answer_is("served\n")
                self.assert_settled()
                self.assertEqual(self.container("web") is not None, is_done)
                if not is_done:
                    self.assert_host_is(before)
                    continue
                self.assertEqual(self.list_directory(ELSEWHERE), [])
                self.assertIn(f"WorkingDirectory={CHECKOUT}/web\n", self.machine.read(UNIT))
                self.ctl("uninstall", "web")

    def test_refused(self):
        self.assert_fails(3, "NotFound", "adopt", "web", "--yes", mentions=["atomic"])
        self.make(image(), remote="/srv/elsewhere")
        self.assert_fails(1, "NotSupported", "adopt", "web", "--yes", mentions=["/srv/elsewhere"])
        info = f"{ATOMIC}/web.0/info"
        self.machine.write(info, self.machine.read(info).replace('"/srv/elsewhere"', "null"))
        self.machine.write(UNIT, self.machine.read(UNIT) + "# mine\n")
        self.assert_fails(1, "UnitConflict", "adopt", "web", "--yes", mentions=[UNIT, "drop-in"])
        self.machine.write(info, "{")
        self.assert_fails(1, "Damaged", "adopt", "web", "--yes", mentions=["info"])
        self.assertEqual(self.active("web"), "active")
