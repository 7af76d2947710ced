# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of images and containers, shown somewhere."""

import images
from case import CHECKOUT, SyscontCase


class Mount(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        images.plain().write_layout(cls.machine.share / "shown")
        cls.machine.run(["syscontctl", "install", "oci:/share/shown", "--name", "shown-here"])

    def remove_everything(self):
        """One container for all tests."""
        self.machine.sh("umount -ql /mnt/a /mnt/b || true; rm -rf /mnt/a /mnt/b /mnt/link; systemctl reset-failed")

    def setUp(self):
        super().setUp()
        self.machine.sh("mkdir -p /mnt/a /mnt/b")

    def trees(self):
        return [name for name in self.list_directory(CHECKOUT) if name.startswith(".mount-")]

    def assert_shown(self, what, where):
        self.ctl("mount", what, where)
        self.assertEqual(self.machine.read(f"{where}/www/index.html"), "hello\n")
        options = self.machine.run(["findmnt", "-n", "-o", "OPTIONS", where]).out
        for option in ("ro", "nosuid", "nodev"):
            self.assertIn(option, options.strip().split(","))
        self.assertNotEqual(self.machine.run(["touch", f"{where}/x"], check=False).status, 0)
        self.assertEqual(self.machine.run(["cat", f"{where}/www/index.html"], user="alice").out, "hello\n")

    def test_case_72_73_74_75_image_and_container(self):
        self.assert_shown("shown:latest", "/mnt/a")
        self.assert_shown("shown-here", "/mnt/b")
        self.ctl("unmount", "/mnt/a")
        self.assertEqual(self.list_directory("/mnt/a"), [])
        self.assertEqual(len(self.trees()), 1)
        self.ctl("unmount", "/mnt/b")
        self.assertEqual(self.trees(), [])
        self.assert_repository_is_sound()

    def test_removal_takes_nothing_away(self):
        self.ctl("install", "shown", "--name", "passing")
        self.assert_shown("passing", "/mnt/a")
        self.ctl("uninstall", "passing")
        self.assertEqual(self.machine.read("/mnt/a/www/index.html"), "hello\n")
        self.ctl("unmount", "/mnt/a")

    def test_what_others_unmounted_is_swept(self):
        self.ctl("mount", "shown", "/mnt/a")
        self.machine.run(["umount", "/mnt/a"])
        self.ctl("mount", "shown", "/mnt/b")
        self.assertEqual(len(self.trees()), 1)
        self.ctl("unmount", "/mnt/b")

    def test_directory_in_use(self):
        self.ctl("mount", "shown", "/mnt/a")
        user = self.machine.spawn(["sleep", "1000"], cwd="/mnt/a/www")
        self.machine.wait_for(lambda: self.machine.run(["pgrep", "-x", "sleep"], check=False).out, 20, "the user")
        self.assert_fails(5, "Busy", "unmount", "/mnt/a")
        self.machine.run(["pkill", "-x", "sleep"])
        user.wait()
        self.ctl("unmount", "/mnt/a")

    def test_links_are_resolved_by_the_client(self):
        self.machine.run(["ln", "-s", "a", "/mnt/link"])
        self.ctl("mount", "shown", "link", cwd="/mnt")
        self.assertEqual(self.machine.read("/mnt/a/www/index.html"), "hello\n")
        self.ctl("unmount", "/mnt/link")

    def test_bad_directories(self):
        self.machine.sh("touch /mnt/a/file; ln -s b /mnt/link")
        for where, error in (("relative", "InvalidArgument"), ("/mnt/../mnt/b", "InvalidArgument"), ("/", "InvalidArgument"),
                             ("/mnt/a", "InvalidArgument"), ("/mnt/a/file", "InvalidArgument"), ("/mnt/none", "InvalidArgument"),
                             ("/mnt/link", "InvalidArgument"), ("/etc/sudoers.d", "HostPathRefused"), ("/usr/local/lib", "HostPathRefused"),
                             ("/run/x", "HostPathRefused"), ("/var/lib/syscont/x", "HostPathRefused"), (CHECKOUT, "HostPathRefused")):
            with self.subTest(where):
                result = self.gdbus("Mount", "shown", where, "{}", check=False)
                if result.status == 0:
                    path = result.out.split("'")[1]
                    self.assertEqual(self.wait_for_job(path), "failed")
                    self.assertEqual(self.job_property(path, "ErrorName"), f"org.syscont.Error.{error}")
                else:
                    self.assertIn(error, result.err)
        self.assertEqual(self.trees(), [])

    def test_other_names(self):
        self.assert_fails(3, "NotFound", "mount", "nothing", "/mnt/b")
        self.assert_fails(3, "NotFound", "unmount", "/mnt/b")
        self.assertEqual(self.ctl("mount", "shown", "/mnt/none", check=False).status, 1)
        self.assertEqual(self.ctl("mount", "--no-ask-password", "shown", "/mnt/b", user="alice", check=False).status, 4)
