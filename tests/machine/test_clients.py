# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same thing through busctl, gdbus and syscontctl."""

import json

import images
from case import BUS_NAME, JOB, MANAGER, MANAGER_PATH, SyscontCase


class Clients(SyscontCase):
    def setUp(self):
        super().setUp()
        self.ctl("pull", self.layout(images.plain(), "plain"))

    def test_busctl(self):
        path = self.call("Install", "ssa{sv}", "plain", "by-busctl", "1", "start", "b", "true")["data"][0]
        self.assertEqual(self.wait_for_job(path), "done")
        self.assertEqual(self.wait_for_answer(8080), "hello\n")
        result = self.job_property(path, "Result")
        self.assertTrue(result["changed"]["data"])
        container = result["container"]["data"]
        state = self.busctl("get-property", BUS_NAME, container, "org.syscont.Container", "State").out
        self.assertEqual(json.loads(state)["data"], "running")
        path = self.call("Uninstall", "asa{sv}", "1", "by-busctl", "0")["data"][0]
        self.assertEqual(self.wait_for_job(path), "done")
        self.assertIsNone(self.container("by-busctl"))

    def test_gdbus(self):
        answer = self.gdbus("Install", "plain", "by-gdbus", "{'start': <true>, 'enable': <false>}").out
        path = answer.split("'")[1]
        self.assertEqual(self.wait_for_job(path), "done")
        self.assertEqual(self.enabled("by-gdbus"), "disabled")
        self.assertEqual(self.active("by-gdbus"), "active")

    def test_all_see_the_same(self):
        self.ctl("install", "plain", "--name", "seen")
        row = self.container("seen")
        listed = self.call("ListContainers", "a{sv}", "0")["data"][0][0]
        self.assertEqual({key: value["data"] for key, value in listed.items()}["name"], "seen")
        self.assertEqual(row["digest"], images.plain().digest)
        managed = self.busctl("call", BUS_NAME, "/org/syscont", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects").out
        objects = json.loads(managed)["data"][0]
        self.assertIn(row["path"], objects)
        self.assertIn(f"/org/syscont/images/{images.plain().digest.removeprefix('sha256:')[:32]}", objects)

    def test_introspection_shows_the_documented_names(self):
        text = self.machine.run(["gdbus", "introspect", "--system", "-d", BUS_NAME, "-o", MANAGER_PATH]).out
        for name in ("Pull", "ImportImage", "Install", "Uninstall", "Start", "Stop", "Restart", "RemoveImage", "Prune", "ListJobs"):
            self.assertIn(f"{name}(", text)
        self.busctl("introspect", BUS_NAME, MANAGER_PATH, MANAGER)

    def test_second_client_watches(self):
        monitor = self.machine.spawn(["gdbus", "monitor", "--system", "--dest", "org.syscont.Manager"], text=True)
        self.machine.wait_for(lambda: "gdbus" in self.machine.run(["busctl", "list", "--no-legend"]).out, 5, "the monitor")
        self.ctl("list")
        digest = self.ctl_json("pull", self.layout(images.plain(), "watched"))["result"]["digest"]
        self.ctl("install", "watched", "--name", "watched", "--now")
        self.machine.run(["pkill", "-x", "gdbus"])
        text = monitor.communicate(timeout=10)[0]
        for signal in ("org.syscont.Manager.JobNew", "org.syscont.Manager.JobRemoved", "org.syscont.Job.Finished",
                       f"'\"watched:latest\" is {digest}'", "InterfacesAdded", "'State': <'running'>"):
            self.assertIn(signal, text)

    def test_job_stays_readable(self):
        self.ctl("prune")
        job = self.newest_job()
        self.assertEqual(job["state"], "done")
        self.assertIn("changed", self.job_property(job["path"], "Result"))
        self.busctl("call", BUS_NAME, job["path"], JOB, "Cancel", "a{sv}", "0")

    def test_no_block_returns_at_once(self):
        self.ctl("install", "plain", "--name", "later", "--no-block")
        path = self.newest_job()["path"]
        self.assertEqual(self.wait_for_job(path), "done")
        self.assertIsNotNone(self.container("later"))

    def test_json_is_one_object(self):
        for verb, key in (("list", "containers"), ("images", "images"), ("jobs", "jobs")):
            answer = self.ctl_json(verb)
            self.assertEqual(answer["version"], 1)
            self.assertIsInstance(answer[key], list)

    def test_exit_statuses(self):
        self.assertEqual(self.ctl("no-such-verb", check=False).status, 2)
        self.assertEqual(self.ctl("install", check=False).status, 2)
        self.assertEqual(self.ctl("install", "plain", "--name", "Not A Name", check=False).status, 2)
        self.assertEqual(self.ctl("uninstall", "nobody", check=False).status, 3)
        self.assertEqual(self.ctl("rmi", "nothing", check=False).status, 3)
        self.assertEqual(self.ctl("status", "nobody", check=False).status, 3)

    def test_unit_that_exists(self):
        self.machine.write("/etc/systemd/system/mine.service", "[Service]\nExecStart=/bin/true\n")
        self.addCleanup(self.machine.run, ["rm", "-f", "/etc/systemd/system/mine.service"])
        before = self.host()
        self.assert_fails(1, "UnitConflict", "install", "plain", "--name", "mine", mentions=["mine.service"])
        self.assert_fails(1, "UnitConflict", "install", "plain", "--name", "dbus")
        self.assert_host_is(before)

    def test_unknown_image(self):
        before = self.host()
        self.assert_fails(3, "NotFound", "install", "no-such-image", "--name", "x", mentions=["no-such-image", "registry"])
        self.assertEqual(self.ctl("inspect", "no-such-image", check=False).status, 3)
        self.assert_host_is(before)

    def test_idle_exit_loses_nothing(self):
        self.ctl("install", "plain", "--name", "idle")
        row = self.container("idle")
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        self.assertEqual(self.container("idle"), row)

    def test_missing_runtime(self):
        self.machine.write("/etc/syscont/syscont.conf.d/runtime.conf", "[Runtime]\nPath=/usr/bin/no-such-runtime\n")
        self.addCleanup(self.machine.sh, "rm /etc/syscont/syscont.conf.d/runtime.conf; systemctl stop syscontd.service")
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        self.assert_fails(1, "RuntimeMissing", "install", "plain", "--name", "x", mentions=["/usr/bin/no-such-runtime"])

    def test_crun_runs_it_too(self):
        self.machine.write("/etc/syscont/syscont.conf.d/runtime.conf", "[Runtime]\nPath=/usr/bin/crun\n")
        self.addCleanup(self.machine.sh, "rm /etc/syscont/syscont.conf.d/runtime.conf; systemctl stop syscontd.service")
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        # no linux.resources in it: for those crun needs a capability that a box in a virtual machine may lack
        source = self.layout(images.update(), "by-crun")
        self.ctl("install", source, "--name", "by-crun", "--set", "VAR_WITH_NO_DEFAULT=x", "--set", "PORT=8090", "--now")
        self.assertEqual(self.wait_for_answer(8090), "update\n")
        self.assertIn("by-crun", self.machine.run(["crun", "list"]).out)
