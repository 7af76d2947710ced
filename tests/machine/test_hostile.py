# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images made to do harm: refused with the right error, or stored without any effect on the host."""

import json

import hostile
import images
from case import CHECKOUT, ERROR, SyscontCase
from machine import differences

WATCHED_CLOSELY = ["/etc", hostile.VICTIM, CHECKOUT, "/usr/local/bin", "/tmp"]
LEFT_OUT = [f"{CHECKOUT}/.repo", f"{CHECKOUT}/.spool"]


class Hostile(SyscontCase):
    def setUp(self):
        super().setUp()
        self.make_victim()
        # what is beside a hostile container must stay as it is
        self.ctl("install", self.layout(images.plain(), "neighbour"), "--name", "neighbour")
        self.everything = self.host()
        self.closely = self.look()
        self.pid = self.daemon_pid()

    def make_victim(self):
        victim = self.machine.path(hostile.VICTIM)
        (victim / "sub").mkdir(parents=True, exist_ok=True)
        (victim / "file").write_text("precious\n")
        (victim / "sub" / "file").write_text("x\n")
        victim.chmod(0o755)

    def look(self):
        return self.machine.manifest(WATCHED_CLOSELY, LEFT_OUT)

    def check(self, cases):
        count = 0
        for case in cases:
            count += 1
            with self.subTest(case.name):
                self.check_one(case)
        self.assertGreater(count, 0)
        self.assert_host_is(self.everything)
        self.assert_nothing_staged()
        self.assert_repository_is_sound()
        self.assertEqual(self.daemon_pid(), self.pid, "the daemon did not survive")

    def check_one(self, case):
        refs = self.refs()
        reference = f"hostile:{case.name.lower()}"
        try:
            result = pulled = self.ctl("pull", self.archive(case.image, "hostile"), "--name-as", reference, check=False, timeout=60)
            if pulled.status == 0 and case.outcome != "refused":
                result = self.install(case, reference)
            self.assert_outcome(case, result)
            if pulled.status == 0:
                self.ctl("rmi", reference)
            else:
                self.assertEqual(self.refs(), refs, "a refused image left refs behind")
        finally:
            (self.machine.share / "hostile.tar").unlink()
            changed = differences(self.closely, self.look())
            if changed:
                self.make_victim()
        self.assertEqual(changed, [])

    def install(self, case, reference):
        result = self.ctl("install", reference, "--name", "hostile", "--no-enable", check=False)
        if result.status == 0:
            try:
                self.look_inside(case)
            finally:
                self.ctl("uninstall", "hostile")
        return result

    def assert_outcome(self, case, result):
        if result.status == 0:
            self.assertIn(case.outcome, ("harmless", "stored"), "it was accepted")
            return
        self.assertNotEqual(case.outcome, "stored", result)
        job = self.newest_job()
        self.assertIn(job["error-name"].removeprefix(ERROR), case.codes, job["error-message"])
        self.assertIn(result.status, (1, 2, 7), result)
        self.assertTrue(job["error-message"].isprintable(), ascii(job["error-message"]))

    def look_inside(self, case):
        self.assertNotIn("root:", self.machine.path(f"{CHECKOUT}/hostile.0/config.json").read_text().replace("root:x", "root:"))
        if case.check:
            case.check(self.machine.path(f"{CHECKOUT}/hostile.0/rootfs"))

    def test_escapes(self):
        self.check(hostile.escapes())

    def test_whiteouts(self):
        self.check(hostile.whiteouts())

    def test_kinds(self):
        self.check(hostile.kinds())

    def test_attributes(self):
        self.check(hostile.attributes())

    def test_names(self):
        self.check(hostile.names())

    def test_repetitions(self):
        self.check(hostile.repetitions())

    def test_numbers(self):
        self.check(hostile.numbers())

    def test_compression(self):
        self.check(hostile.compression())

    def test_depths(self):
        self.check(hostile.depths())

    def test_files_that_are_read(self):
        self.check(hostile.files_read_by_us())

    def test_manifests(self):
        self.check(hostile.manifests())

    def test_configs(self):
        self.check(hostile.configs())

    def test_layout_is_read_by_the_caller(self):
        """AR29: what a link in a layout means is the caller's right to read, not root's."""
        self.layout(images.plain(), "linked")
        blobs = self.machine.share / "linked" / "blobs" / "sha256"
        config = json.loads((blobs / images.plain().digest.removeprefix("sha256:")).read_bytes())["config"]["digest"]
        (blobs / config.removeprefix("sha256:")).unlink()
        (blobs / config.removeprefix("sha256:")).symlink_to("/etc/shadow")
        result = self.ctl("pull", "oci:/share/linked", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertNotIn("root:", result.err)
