# SPDX-License-Identifier: LGPL-2.1-or-later
"""What would be done, told before anything happens; and then that very thing is done, or nothing."""

import json

import images
from case import CHECKOUT
from images import Image, Layer
from registry import FaultyRegistry, allow_http
from test_privileges import GAIN, gaining, web
from test_update import UpdateCase

def with_host_file(text="one\n", content="a\n"):
    image = web(text)
    extra = Layer().directory("/exports").directory("/exports/hostfs").directory("/exports/hostfs/usr")
    extra.directory("/exports/hostfs/usr/local").directory("/exports/hostfs/usr/local/share")
    extra.file("/exports/hostfs/usr/local/share/web.txt", content)
    return Image([*image.tars, extra])


class Plan(UpdateCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.assert_nothing_staged)

    def plan(self, method, request, check=True):
        path = self.gdbus("Plan", f"'{method}'", request, "{}").out.split("'")[1]
        state = self.wait_for_job(path)
        if check:
            self.assertEqual(state, "done", self.job_property(path, "ErrorMessage"))
        return {key: value["data"] for key, value in self.job_property(path, "Result").items()}

    def everything(self):
        """What a plan must leave as it is."""
        state = self.machine.run(["sh", "-c", "cat /var/lib/syscont/containers/* /var/lib/syscont/history.jsonl"],
                                 check=False).out
        return self.host(), state, self.list_directory(CHECKOUT) if self.machine.exists(CHECKOUT) else []

    def test_installation(self):
        self.pull(with_host_file())
        before, refs = self.everything(), self.refs()
        plan = self.dry_run("install", "web", "--name", "web", "--now")
        self.assertEqual((self.everything(), self.refs()), (before, refs))
        changes = self.changes(plan)
        for row in (("deployment", "create", "web.0"), ("config", "create", "config.json"), ("unit", "create", "web.service"),
                    ("host-file", "create", "/usr/local/share/web.txt"), ("service", "enable", "web.service"),
                    ("service", "start", "web.service")):
            self.assertIn(row, changes)
        self.assertIn("+ExecStart=", changes["unit", "create", "web.service"])
        self.assertIn("host-file:/usr/local/share/web.txt", [row["word"] for row in plan["privileges"]])
        text = self.ctl("install", "web", "--name", "web", "--dry-run").out
        for line in ("  create  /usr/local/share/web.txt", "    +ExecStart=", "capability:CAP_CHOWN"):
            self.assertIn(line, text)
        self.assert_absent("web")

    def test_installation_as_planned(self):
        self.pull(with_host_file())
        plan = self.plan("Install", "{'reference': <'web'>, 'name': <'web'>}")
        self.machine.write("/usr/local/share/web.txt", "a\n")
        self.addCleanup(self.machine.run, ["rm", "-f", "/usr/local/share/web.txt"])
        options = f"{{'plan-id': <'{plan['plan-id']}'>}}"
        path = self.gdbus("Install", "'web'", "'web'", options).out.split("'")[1]
        self.assertEqual(self.wait_for_job(path), "failed")
        self.assertTrue(self.job_property(path, "ErrorName").endswith("PlanStale"))
        self.assert_absent("web")
        self.machine.run(["rm", "/usr/local/share/web.txt"])
        path = self.gdbus("Install", "'web'", "'web'", options).out.split("'")[1]
        self.assertEqual(self.wait_for_job(path), "done", self.job_property(path, "ErrorMessage"))
        self.assertEqual(self.machine.read("/usr/local/share/web.txt"), "a\n")

    def test_update(self):
        self.install(with_host_file(), "--now")
        self.pull(with_host_file("two\n", "b\n"))
        before, refs = self.everything(), self.refs()
        started = self.machine.sh("systemctl show -P InvocationID web")
        plan = self.dry_run("update", "web", "--no-pull")
        self.assertEqual((self.everything(), self.refs()), (before, refs))
        self.assertEqual(self.machine.sh("systemctl show -P InvocationID web"), started)
        self.assertEqual(sorted(self.changes(plan)), [("deployment", "create", "web.1"), ("host-file", "change", "/usr/local/share/web.txt"),
                                                      ("service", "restart", "web.service")])
        self.assertEqual((plan["privilege-gains"], plan["changed"]), ([], True))
        # somebody has changed the file meanwhile
        self.machine.write("/usr/local/share/web.txt", "changed\n")
        options = f"{{'no-pull': <true>, 'observe-usec': <uint64 1000000>, 'plan-id': <'{plan['plan-id']}'>}}"
        path = self.gdbus("Update", "['web']", options).out.split("'")[1]
        self.assertEqual(self.wait_for_job(path), "failed")
        self.assertTrue(self.job_property(path, "ErrorName").endswith("PlanStale"))
        plan = self.dry_run("update", "web", "--no-pull")
        path = self.gdbus("Update", "['web']", f"{{'no-pull': <true>, 'observe-usec': <uint64 1000000>, 'plan-id': <'{plan['plan-id']}'>}}").out.split("'")[1]
        self.assertEqual(self.wait_for_job(path), "done")
        self.answer_is("two\n")
        self.assertEqual(self.machine.read("/usr/local/share/web.txt"), "changed\n")
        self.machine.run(["rm", "/usr/local/share/web.txt"])
        self.assertFalse(self.dry_run("update", "web", "--no-pull")["changed"])
        self.assertEqual(self.ctl("update", "web", "--no-pull", "--dry-run", "--unchanged-exit=9", check=False).status, 9)

    def test_update_that_gains(self):
        self.install(web(), "--now")
        self.pull(gaining())
        plan = self.dry_run("update", "web", "--no-pull")
        self.assertEqual([row["word"] for row in plan["privilege-gains"]], [GAIN])
        diff = self.changes(plan)["config", "change", "config.json"]
        self.assertIn('+                "CAP_SETUID"', diff)
        text = self.ctl("update", "web", "--no-pull", "--dry-run").out
        self.assertIn("What it may not do now:", text)
        # showing is not consenting
        options = f"{{'no-pull': <true>, 'observe-usec': <uint64 1000000>, 'plan-id': <'{plan['plan-id']}'>}}"
        path = self.gdbus("Update", "['web']", options).out.split("'")[1]
        self.assertEqual(self.wait_for_job(path), "failed")
        self.assertTrue(self.job_property(path, "ErrorName").endswith("PrivilegeGain"))

    def test_values_are_not_shown(self):
        mount = {"destination": "/m", "type": "bind", "source": "$SOURCE", "options": ["rbind", "ro"]}
        self.install(web(mounts=[mount]), "--set", "SOURCE=/opt/hush-hush")
        plan = self.dry_run("set", "web", "SOURCE=/opt/tell-tale", "--accept-privileges")
        changes = self.changes(plan)
        self.assertIn(("value", "change", "SOURCE"), changes)
        del plan["privileges"], plan["privilege-gains"]
        self.assertNotIn("hush-hush", json.dumps(plan))
        self.assertNotIn("tell-tale", json.dumps(plan))

    def test_rollback_and_removal(self):
        self.install(with_host_file(), "--now")
        self.pull(web("two\n", f',"{GAIN.partition(":")[2]}"'))
        self.update("--accept-privileges")
        before, refs = self.everything(), self.refs()
        back = self.changes(self.dry_run("rollback", "web"))
        self.assertIn(("config", "change", "config.json"), back)
        self.assertIn(("host-file", "create", "/usr/local/share/web.txt"), back)
        self.assertIn(("service", "restart", "web.service"), back)
        gone = self.changes(self.dry_run("uninstall", "web"))
        for row in (("deployment", "remove", "web.0"), ("deployment", "remove", "web.1"), ("unit", "remove", "web.service"),
                    ("service", "stop", "web.service")):
            self.assertIn(row, gone)
        self.assertEqual((self.everything(), self.refs()), (before, refs))
        self.answer_is("two\n")

    def test_several(self):
        self.install(web())
        self.ctl("install", "web", "--name", "other")
        self.addCleanup(self.ctl, "uninstall", "other", check=False)
        rows = self.ctl_json("update", "web", "other", "--no-pull", "--dry-run")["results"]
        self.assertEqual([(row["name"], row["changed"]) for row in rows], [("web", False), ("other", False)])
        several = ["update", "web", "other", "--no-pull", "--dry-run", "--unchanged-exit=9"]
        self.assertEqual(self.ctl(*several, check=False).status, 9)
        self.pull(with_host_file())
        self.ctl("update", "web", "--no-pull", "--observe=0", "--accept-privileges")
        self.assertEqual(self.ctl(*several, check=False).status, 0)

    def test_image_that_is_not_here(self):
        registry = FaultyRegistry(self.machine, web("one\n"))
        allow_http(self.machine, registry.port)
        self.ctl("install", registry.name("web"), "--name", "web", "--now")
        registry.serve(gaining())
        before, listed = self.everything(), self.list_images()
        plan = self.dry_run("update", "web")
        self.assertEqual([row["word"] for row in plan["privilege-gains"]], [GAIN])
        self.assertGreater(plan["download-bytes"], 0)
        self.assertGreater(plan["space-bytes"], 0)
        self.assertEqual((self.everything(), self.list_images()), (before, listed))
        self.assertEqual(self.dry_run("update", "web")["plan-id"], plan["plan-id"])
        options = f"{{'plan-id': <'{plan['plan-id']}'>, 'observe-usec': <uint64 1000000>, 'accept-privileges': <['{GAIN}']>}}"
        path = self.gdbus("Update", "['web']", options).out.split("'")[1]
        self.assertEqual(self.wait_for_job(path), "done", self.job_property(path, "ErrorMessage"))
        self.answer_is("two\n")
        self.assert_repository_is_sound()
        # what was only looked at does not stay
        registry.serve(web("three\n"))
        self.dry_run("update", "web")
        self.assertTrue([ref for ref in self.refs() if "unnamed" in ref])
        self.ctl("prune")
        self.assertFalse([ref for ref in self.refs() if "unnamed" in ref])
        self.assert_repository_is_sound()

    def test_question_on_a_terminal(self):
        self.pull(web())
        result = self.answer("n", "install", "web", "--name", "web")
        self.assertEqual(result.status, 10, result)
        self.assertIn("capability:CAP_CHOWN", result.out)
        self.assert_absent("web")
        result = self.answer("y", "install", "web", "--name", "web")
        self.assertEqual(result.status, 0, result)
        self.assertIsNotNone(self.container("web"))

    def test_wrong_input(self):
        for method, request in (("Start", "{'names': <['web']>}"), ("Rollback", "{}"), ("Update", "{'names': <['a', 'b']>}"),
                                ("Update", "{'force': <true>, 'values': <{'A': 'b'}>}"),
                                ("Update", "{'names': <'web'>}"), ("Update", "{'names': <['web']>, 'mode': <'check'>}"),
                                ("Install", "{'reference': <'web'>, 'no-such-key': <true>}"),
                                ("Rollback", "{'names': <['web']>, 'plan-id': <'%s'>}" % ("0" * 64))):
            with self.subTest(f"{method} {request}"):
                result = self.gdbus("Plan", f"'{method}'", request, "{}", check=False)
                self.assertIn("org.syscont.Error.InvalidArgument", result.err)
        self.assert_fails(3, "NotFound", "update", "nobody", "--dry-run", mentions=["nobody"])
        self.install(web())
        before = self.everything()
        self.assert_fails(1, "AlreadyExists", "install", "web", "--name", "web", "--set", "SOURCE=/a", "--dry-run")
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.ctl("update", "web", "--check", "--dry-run", check=False).status, 2)
        self.assertIn("pull", self.ctl("install", self.layout(web(), "web"), "--dry-run", check=False).err)
