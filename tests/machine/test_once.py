# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers that run once and leave nothing, and roots that may be written to."""

import json

import images
from case import CHECKOUT, SyscontCase
from images import CAPABILITIES, Image, Layer, base, exports, runtime_config


def writable(text):
    config = json.loads(text)
    config["root"]["readonly"] = False
    return json.dumps(config, indent=4) + "\n"


def run_once():
    """What the conformance cases call D: its root may be written to, it has no unit, and it says that it runs once."""
    script = "echo HI $RECEIVER from $NAME; echo written > /written; cat /written"
    config = writable(runtime_config(["/bin/sh", "-c", script], CAPABILITIES))
    layer = exports(Layer(), None, config, "D ${RUN_DIRECTORY}/${NAME}\n", {"version": "1.0", "defaultValues": {}})
    return Image([base(), layer], {"Labels": {"atomic.run": "once", "atomic.type": "system"}})


def writer(version="1"):
    """A service that counts its starts in its root."""
    script = "echo start >> /starts; echo version " + version + " > /etc/version; exec /bin/serve 8110 /"
    config = writable(runtime_config(["/bin/sh", "-c", script], CAPABILITIES))
    layer = exports(Layer().file("/etc/version", "image\n"), images.SIMPLE_UNIT, config, None, {"version": "1.0"})
    return Image([base(), layer])


class Once(SyscontCase):
    def assert_nothing_left(self, name, before):
        self.assert_absent(name)
        self.assert_host_is(before)
        self.assertEqual([line for line in self.machine.sh("runc list -q; cat /proc/mounts; systemctl list-units --all 'ats*' --no-legend").split()
                          if "-run-" in line], [])

    def test_case_30_32_33_34_install_runs_it(self):
        before = self.host()
        source = self.layout(run_once(), "once")
        result = self.ctl("install", source, "--name=saturn", "--set=RECEIVER=Pluto")
        self.assertEqual(result.out, "HI Pluto from saturn\nwritten\n")
        self.assertEqual(self.list_containers(), [])
        self.assert_nothing_left("saturn", before)

    def test_case_31_run_with_a_command(self):
        before = self.host()
        self.ctl("pull", self.layout(images.plain(), "plain"))
        result = self.ctl("run", "plain:latest", "/bin/sh", "-c", "echo Hello World; echo problem >&2; exit 7", check=False)
        self.assertEqual((result.status, result.out), (7, "Hello World\n"))
        self.assertIn("problem\n", result.err)
        self.assert_nothing_left("plain", before)

    def test_input_reaches_it(self):
        self.ctl("pull", self.layout(images.plain(), "plain"))
        self.assertEqual(self.ctl("run", "-i", "plain", "/bin/cat", input="some text\n").out, "some text\n")
        self.assertEqual(self.ctl("run", "plain", "/bin/cat", input="some text\n").out, "")

    def test_killed_program(self):
        """The first process of a container cannot kill itself; somebody else can."""
        self.ctl("pull", self.layout(images.plain(), "plain"))
        client = self.machine.spawn(["syscontctl", "run", "plain", "/bin/sleep", "1000"])
        kill = ["sh", "-c", "runc kill $(runc list -q | grep plain-run-) KILL"]
        self.machine.wait_for(lambda: self.machine.run(kill, check=False).status == 0, 60, "the container")
        client.communicate()
        self.assertEqual(client.returncode, 137)

    def test_missing_program(self):
        self.ctl("pull", self.layout(images.plain(), "plain"))
        result = self.ctl("run", "plain", "/bin/not-there", check=False)
        self.assertEqual(result.status, 127)
        self.assertIn("not-there", result.err)

    def test_cancel_ends_it(self):
        before = self.host()
        self.ctl("pull", self.layout(images.plain(), "plain"))
        client = self.machine.spawn(["syscontctl", "run", "plain", "/bin/sh", "-c", "trap exit TERM; sleep 1000 & wait"])
        running = "runc list -q | grep -q plain-run-"
        self.machine.wait_for(lambda: self.machine.run(["sh", "-c", running], check=False).status == 0, 60, "the container")
        self.ctl("cancel", str(self.newest_job()["id"]))
        client.communicate()
        self.assertEqual(client.returncode, 10)
        self.assert_nothing_left("plain", before)

    def test_daemon_killed_while_it_runs(self):
        before = self.host()
        self.ctl("pull", self.layout(images.plain(), "plain"))
        client = self.machine.spawn(["syscontctl", "run", "plain", "/bin/sh", "-c", "trap exit TERM; sleep 1000 & wait"])
        running = ["sh", "-c", "runc list -q | grep -q plain-run-"]
        self.machine.wait_for(lambda: self.machine.run(running, check=False).status == 0, 60, "the container")
        self.machine.run(["systemctl", "kill", "-s", "KILL", "syscontd.service"])
        client.communicate()
        self.machine.wait_for(lambda: self.machine.run(running, check=False).status != 0, 100, "the end of the container")
        self.list_containers()
        self.assert_nothing_left("plain", before)

    def test_options_that_do_not_fit(self):
        result = self.gdbus("Install", "x", "", "{'argv': <['a']>}", check=False)
        self.assertIn("InvalidArgument", result.err)
        result = self.gdbus("Install", "x", "", "{'writable': <'always'>}", check=False)
        self.assertIn("InvalidArgument", result.err)


class WritableRoot(SyscontCase):
    def starts(self):
        return self.wait_for_answer(8110, "/starts")

    def test_what_is_written_is_kept_until_the_deployment_goes(self):
        before = self.host()
        self.ctl("install", self.layout(writer(), "writer"), "--name", "writer", "--now")
        self.assertEqual(self.starts(), "start\n")
        self.ctl("stop", "writer")
        self.assertNotIn("writer", self.machine.read("/proc/mounts"))
        self.ctl("start", "writer")
        self.assertEqual(self.starts(), "start\nstart\n")
        self.assertEqual(self.wait_for_answer(8110, "/etc/version"), "version 1\n")
        self.assertEqual(self.machine.read(f"{CHECKOUT}/writer/rootfs/etc/version"), "image\n")
        self.assert_repository_is_sound()
        self.ctl("uninstall", "writer")
        self.assert_absent("writer")
        self.assert_host_is(before)

    def test_volatile_root_starts_empty(self):
        self.ctl("install", self.layout(writer(), "writer"), "--name", "writer", "--writable=volatile", "--now")
        self.assertEqual(self.starts(), "start\n")
        self.ctl("restart", "writer")
        self.assertEqual(self.starts(), "start\n")

    def test_service_that_was_killed_starts_again(self):
        self.ctl("install", self.layout(writer(), "writer"), "--name", "writer", "--now")
        self.assertEqual(self.starts(), "start\n")
        self.machine.run(["systemctl", "kill", "-s", "KILL", "writer"])
        self.machine.wait_for(lambda: self.fetch(8110, "/starts") == "start\nstart\n", 20, "the service")


class WritableRootCrun(WritableRoot):
    def setUp(self):
        super().setUp()
        self.configure("crun", "[Runtime]\nPath=/usr/bin/crun\n")
