# SPDX-License-Identifier: LGPL-2.1-or-later
"""Conformance cases of system images that no other file has; coverage.md says where each of them is.

And that coverage.md is right: every case and every row has a test that exists, or a reason.
"""

import ast
import json
import pathlib
import re
import unittest

import host_images
import images
from case import CHECKOUT, SyscontCase

HERE = pathlib.Path(__file__).resolve().parent


class Conformance(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.observe_for(0)

    def install(self):
        self.ctl("install", self.layout(images.test_system(), "ats"), "--name", "ats", "--set", "RECEIVER=Jupiter",
                 "--set", f"ALL_PROCESS_CAPABILITIES={images.CAPABILITIES}", "--now")
        self.assertEqual(self.wait_for_answer(8081), "Hi Jupiter from ats\n")

    def link(self):
        return self.machine.run(["readlink", f"{CHECKOUT}/ats"]).out.strip()

    def update(self, *options):
        return self.ctl_json("update", "ats", "--no-pull", *options)["result"]

    def values(self, number):
        return json.loads(self.machine.read(f"{CHECKOUT}/ats.{number}/info"))["values"]

    def test_case_131_to_149_other_values_and_back(self):
        self.install()
        self.assertFalse(self.update()["changed"])                                                # 131
        self.update("--set", "PORT=8082")
        for name in ("ats.service", "tmpfiles-ats.conf", "rootfs"):                               # 132-134
            self.assertTrue(self.machine.exists(f"{CHECKOUT}/ats.1/{name}"), name)
        self.assertEqual(self.link(), "ats.1")                                                    # 135
        self.assertEqual((self.values(1)["RECEIVER"], self.values(1)["PORT"]), ("Jupiter", "8082"))  # 136, 137
        self.assertRegex(self.values(0)["UUID"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")  # 138
        self.assertEqual(self.values(0)["UUID"], self.values(1)["UUID"])                          # 139, 140
        self.assertEqual(self.wait_for_answer(8082), "Hi Jupiter from ats\n")                     # 141
        self.ctl("rollback", "ats")
        self.assertEqual(self.link(), "ats.0")                                                    # 142
        self.assertEqual(self.wait_for_answer(8081), "Hi Jupiter from ats\n")                     # 143-145
        self.ctl("rollback", "ats")
        self.assertEqual((self.link(), self.active("ats")), ("ats.1", "active"))                  # 146, 147
        self.update("--set", "PORT=8083")
        self.assertEqual((self.link(), self.active("ats")), ("ats.2", "active"))                  # 148, 149: counts up
        self.assertEqual(self.wait_for_answer(8083), "Hi Jupiter from ats\n")

    def test_case_152_to_159_another_image_and_back(self):
        self.install()
        self.assertFalse(self.update("--reference", "ats:latest")["changed"])                     # 152
        self.assertEqual(self.link(), "ats.0")                                                    # 153
        self.ctl("pull", self.layout(images.update(), "other"))
        self.assert_fails(7, "ValueMissing", "update", "ats", "--no-pull", "--reference", "other:latest",
                          mentions=["unreplaced value for: ''VAR_WITH_NO_DEFAULT''"])             # 154
        self.assertEqual(self.link(), "ats.0")                                                    # 155
        self.update("--reference", "other:latest", "--set", "VAR_WITH_NO_DEFAULT=x")              # 156
        self.assertEqual(self.active("ats"), "active")                                            # 157
        self.assertEqual(self.wait_for_answer(8081), "update\n")
        self.ctl("rollback", "ats")
        self.machine.wait_for(lambda: self.fetch(8081) == "Hi Jupiter from ats\n", 10, "the first image")  # 158, 159

    def test_case_107_and_108_edited_file_stays(self):
        self.ctl("install", self.layout(host_images.conformance(), "hostfs"), "--name", "ats", "--allow-host-path=/broken-symlink")
        path = "/usr/local/lib/secret-message-template"
        self.machine.write(path, "edited\n")
        self.update("--set", "RECEIVER=Venus")
        self.assertEqual(self.machine.read(path), "edited\n")
        self.ctl("uninstall", "ats")
        self.assertEqual(self.machine.read(path), "edited\n")
        self.machine.run(["rm", path])


def tests_of(path):
    for item in ast.parse(path.read_text()).body:
        if isinstance(item, ast.ClassDef):
            for member in item.body:
                if isinstance(member, ast.FunctionDef) and member.name.startswith("test_"):
                    yield f"{path.stem}.{item.name}.{member.name}"


class Coverage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (HERE / "coverage.md").read_text()
        cls.rows = re.findall(r"^\| ([0-9RM][^|]*) \| ([^|]+) \|$", text, re.MULTILINE)
        cls.known = {name for path in HERE.glob("test_*.py") for name in tests_of(path)}

    def test_every_named_test_exists(self):
        self.assertGreater(len(self.rows), 50)
        for _, text in self.rows:
            for name in re.findall(r"`([^`]+)`", text):
                file, colon, path = name.partition(":")
                with self.subTest(name):
                    if colon:
                        self.assertIn(f'"{path}', (HERE.parent / file).read_text())
                    else:
                        self.assertIn(name, self.known)

    def test_every_case_is_there_once(self):
        numbers = []
        for cases, _ in self.rows:
            for first, last in re.findall(r"\b(\d+)(?:-(\d+))?\b(?![A-Z])", cases) if cases[0].isdigit() else ():
                numbers += range(int(first), int(last or first) + 1)
        self.assertEqual(sorted(numbers), list(range(1, 166)))

    def test_every_row_is_there_once(self):
        rows = [cases for cases, _ in self.rows if not cases[0].isdigit()]
        skipped = {"RP": {4, 12, 20}, "MJ": {3, 14}}
        wanted = [f"{kind}{n:02}" for kind, last in (("RP", 26), ("MJ", 15)) for n in range(1, last + 1) if n not in skipped[kind]]
        self.assertEqual(sorted(rows), sorted([*wanted, "R25", "R26"]))
