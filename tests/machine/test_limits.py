# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is set on a unit governs the processes in its container, for images that know nothing of limits."""

import json

import images
from case import SyscontCase

LIMITS = {"MemoryMax": ("64M", "67108864"), "CPUQuota": ("20%", "200ms"), "TasksMax": ("40", "40")}
SHOWN = {"CPUQuota": "CPUQuotaPerSecUSec"}
# What the kernel has of them, where it has the controller.
FILES = {"memory": ("memory.max", "67108864"), "cpu": ("cpu.max", "20000 100000"), "pids": ("pids.max", "40")}


class Limits(SyscontCase):
    RUNTIME = "runc"

    def setUp(self):
        super().setUp()
        self.configure("runtime", f"[Runtime]\nPath=/usr/bin/{self.RUNTIME}\n")
        self.addCleanup(self.machine.sh, "rm -rf /etc/systemd/system.control/limited.service.d; systemctl daemon-reload")

    def group_of_container(self):
        state = json.loads(self.machine.run([self.RUNTIME, "state", "limited"]).out)
        lines = self.machine.read(f"/proc/{state['pid']}/cgroup").splitlines()
        return next(line.removeprefix("0::") for line in lines if line.startswith("0::"))

    def group_of_unit(self):
        return self.machine.run(["systemctl", "show", "-P", "ControlGroup", "limited"]).out.strip()

    def assert_governed(self):
        unit = self.group_of_unit()
        self.assertEqual(self.group_of_container(), f"{unit}/container")
        for name, (_, shown) in LIMITS.items():
            self.assertEqual(self.machine.run(["systemctl", "show", "-P", SHOWN.get(name, name), "limited"]).out.strip(), shown)
        for controller in self.controllers():
            file, value = FILES[controller]
            self.assertEqual(self.machine.read(f"/sys/fs/cgroup{unit}/{file}").strip(), value)
            # nothing of its own that would say more
            self.assertIn(self.machine.read(f"/sys/fs/cgroup{unit}/container/{file}").split()[0], ("max",))

    def controllers(self):
        """Of a machine on a box that binds them to the hierarchies of version 1 there are none."""
        return set(self.machine.read("/sys/fs/cgroup/system.slice/cgroup.controllers").split()) & FILES.keys()

    def test_unit_governs_the_container(self):
        values = ["--set", "VAR_WITH_NO_DEFAULT=x", "--set", "PORT=8080"]
        for kind, image, options in (("default unit", images.plain(), []), ("own unit", images.update(), values)):
            with self.subTest(kind):
                self.ctl("install", self.layout(image, "limited"), "--name", "limited", *options, "--now")
                self.wait_for_answer(8080)
                self.machine.run(["systemctl", "set-property", "limited.service", *(f"{name}={value}" for name, (value, _) in LIMITS.items())])
                self.assert_governed()
                self.ctl("restart", "limited")
                self.wait_for_answer(8080)
                self.assert_governed()
                self.ctl("uninstall", "limited")

    def test_limits_stay_through_an_update(self):
        self.ctl("install", self.layout(images.plain(), "limited"), "--name", "limited", "--now")
        self.machine.run(["systemctl", "set-property", "limited.service", *(f"{name}={value}" for name, (value, _) in LIMITS.items())])
        self.ctl("pull", self.layout(images.plain(text="two\n"), "limited"))
        self.ctl("update", "limited", "--no-pull", "--observe", "1")
        self.assertEqual(self.wait_for_answer(8080), "two\n")
        self.assert_governed()


class LimitsCrun(Limits):
    RUNTIME = "crun"
