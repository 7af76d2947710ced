# SPDX-License-Identifier: LGPL-2.1-or-later
"""From an image to a running service and back, as an administrator does it."""

import json

import images
from case import CHECKOUT, SyscontCase


class Install(SyscontCase):
    def setUp(self):
        super().setUp()
        self.plain = self.layout(images.plain(port=8080), "plain")

    def test_pull_then_install_then_start(self):
        self.ctl("pull", self.plain)
        self.assertIn("plain:latest", [name for row in self.list_images() for name in row["references"]])

        self.ctl("install", "plain", "--name", "seed")
        self.assertEqual(self.enabled("seed"), "enabled")
        self.assertEqual(self.active("seed"), "inactive")
        self.assertIn("seed.service", self.machine.sh("systemctl show -P Wants multi-user.target").split())

        self.machine.run(["systemctl", "start", "seed"])
        self.assertEqual(self.wait_for_answer(8080), "hello\n")
        self.assertIn("uid=0", self.machine.run(["runc", "exec", "seed", "/bin/id"]).out)

    def test_files_of_a_deployment(self):
        self.ctl("install", self.plain, "--name", "files")
        self.assertEqual(self.machine.run(["readlink", f"{CHECKOUT}/files"]).out, "files.0\n")
        self.assertEqual(self.list_directory(f"{CHECKOUT}/files/"), [".50-syscont.conf", ".image-config.json", "config.json", "files.service", "info", "rootfs"])
        modes = self.machine.sh(f"cd {CHECKOUT} && stat -c %a . files.0 files.0/config.json files.0/info").split()
        self.assertEqual(modes, ["700", "700", "600", "600"])
        unit = self.machine.read("/etc/systemd/system/files.service")
        self.assertEqual(unit, self.machine.read(f"{CHECKOUT}/files/files.service"))
        self.assertTrue(self.machine.exists("/etc/systemd/system/files.service.d/50-syscont.conf"))
        info = json.loads(self.machine.read(f"{CHECKOUT}/files/info"))
        self.assertEqual(info["revision"], images.plain(port=8080).digest.removeprefix("sha256:"))
        self.assertTrue(info["has-container-service"])
        self.assertEqual(info["installed-files"], [])
        self.assert_repository_is_sound()

    def test_image_config_becomes_the_process(self):
        source = self.layout(images.plain(port=8083, user="web"), "as-web")
        self.ctl("install", source, "--name", "as-web", "--now")
        report = self.wait_for_answer(8083, "/cgi-bin/report")
        self.assertEqual(report, "id=33:44\npwd=/work\ngreeting=good morning\nroot=read-only\n")

    def test_all_templates(self):
        source = self.layout(images.test_system(), "test-system")
        values = ["--set", "RECEIVER=Saturn", "--set", f"ALL_PROCESS_CAPABILITIES={images.CAPABILITIES}"]
        self.ctl("install", source, "--name", "ats", *values, "--now")
        self.assertEqual(self.list_directory(f"{CHECKOUT}/ats/"),
                         [".50-syscont.conf", ".image-config.json", "ats.service", "config.json", "info", "rootfs", "tmpfiles-ats.conf"])
        self.assertEqual(self.machine.read("/etc/tmpfiles.d/ats.conf"), "D /run/ats\n")
        config = json.loads(self.machine.read(f"{CHECKOUT}/ats/config.json"))
        environment = dict(text.split("=", 1) for text in config["process"]["env"])
        self.assertEqual((environment["PORT"], environment["RECEIVER"]), ("8081", "Saturn"))
        self.assertRegex(environment["UUID"], r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$")
        self.assertEqual(self.wait_for_answer(8081), "Hi Saturn from ats\n")
        self.ctl("stop", "ats")
        self.assertEqual(self.active("ats"), "inactive")

    def test_variable_without_default(self):
        source = self.layout(images.update(), "needs-value")
        before = self.host()
        result = self.assert_fails(7, "ValueMissing", "install", source, "--name", "needs")
        self.assertIn("unreplaced value for: ''VAR_WITH_NO_DEFAULT''", result.err)
        self.assert_host_is(before)
        self.ctl("install", source, "--name", "needs", "--set", "VAR_WITH_NO_DEFAULT=given", "--set", "PORT=8084", "--now")
        self.assertIn("VALUE=given", self.machine.read(f"{CHECKOUT}/needs/config.json"))
        self.assertEqual(self.wait_for_answer(8084), "update\n")

    def test_values_are_escaped_as_json(self):
        source = self.layout(images.update(), "needs-value")
        text = 'a "quoted" \\ value'
        self.ctl("install", source, "--name", "quoted", "--set", f"VAR_WITH_NO_DEFAULT={text}")
        config = json.loads(self.machine.read(f"{CHECKOUT}/quoted/config.json"))
        self.assertIn(f"VALUE={text}", config["process"]["env"])

    def test_notify_service_is_ready_when_it_says_so(self):
        source = self.layout(images.notify(delay_s=1), "notify")
        self.ctl("install", source, "--name", "notify", "--now")
        self.assertEqual(self.active("notify"), "active")
        self.assertEqual(self.machine.sh("systemctl show -P Type notify.service").strip(), "notify")
        self.ctl("stop", "notify")
        self.assertEqual(self.active("notify"), "inactive")

    def test_service_that_is_never_ready_fails_to_start(self):
        source = self.layout(images.notify(delay_s=-1), "never")
        self.ctl("install", source, "--name", "never")
        self.assert_fails(1, "StartFailed", "start", "never")
        self.assertNotEqual(self.active("never"), "active")

    def test_two_containers_share_one_copy(self):
        for name in ("one", "two"):
            self.ctl("install", self.plain, "--name", name)
        inodes = self.machine.sh(f"cd {CHECKOUT} && stat -c %i one/rootfs/bin/busybox two/rootfs/bin/busybox").split()
        self.assertEqual(inodes[0], inodes[1])

    def test_both_start_at_boot(self):
        for name, port in (("boot-a", 8085), ("boot-b", 8086)):
            source = self.layout(images.plain(port=port, text=f"{name}\n"), name)
            self.ctl("install", source, "--name", name)
        self.machine.reboot()
        for name, port in (("boot-a", 8085), ("boot-b", 8086)):
            self.assertEqual(self.wait_for_answer(port), f"{name}\n")
            self.assertEqual(self.container(name)["state"], "running")
        self.machine.kill()
        self.machine.boot()
        self.assertEqual(self.wait_for_answer(8085), "boot-a\n")

    def test_killed_runtime_does_not_prevent_the_next_start(self):
        self.ctl("install", self.plain, "--name", "restarted", "--now")
        self.wait_for_answer(8080)
        self.machine.run(["systemctl", "kill", "-s", "KILL", "restarted"])
        self.machine.wait_for(lambda: self.active("restarted") != "active" or self.fetch(8080), 10)
        self.ctl("restart", "restarted")
        self.assertEqual(self.wait_for_answer(8080), "hello\n")

    def test_uninstall_leaves_no_trace(self):
        self.ctl("pull", self.plain)
        source = self.layout(images.test_system(), "test-system")
        self.ctl("pull", source)
        before = self.host()
        refs = self.refs()
        self.ctl("install", self.plain, "--name", "gone-a", "--now")
        values = ["--set", f"ALL_PROCESS_CAPABILITIES={images.CAPABILITIES}"]
        self.ctl("install", source, "--name", "gone-b", *values, "--now")
        self.wait_for_answer(8080)
        self.ctl("uninstall", "gone-a", "gone-b")
        self.assert_host_is(before)
        self.assertEqual(self.refs(), refs)
        self.assertIsNone(self.fetch(8080))
        for name in ("gone-a", "gone-b"):
            self.assert_absent(name)
            self.assertFalse(self.machine.exists(f"/run/{name}"))
        self.assertNotIn("gone-", self.machine.run(["runc", "list", "-q"]).out)
        self.assert_repository_is_sound()

    def test_directories_that_were_made_for_it_go_when_they_are_empty(self):
        lines = ("/etc/there.d", "/etc/shared.d", "/var/lib/shared/deep", "/var/lib/$NAME")
        tmpfiles = "".join(f"d {path} - - - - -\n" for path in lines)
        layer = images.exports(images.Layer(), tmpfiles=tmpfiles)
        source = self.layout(images.Image([images.base(), layer], {"Cmd": ["/bin/sleep", "1000000"]}), "maker")
        self.ctl("pull", source)
        self.machine.sh("mkdir /etc/there.d")
        before = self.host()
        for name in ("one", "two"):
            self.ctl("install", "maker", "--name", name)
        self.machine.sh("touch /var/lib/one/data")
        self.assertIn('"/var/lib/one" is kept: it is not empty', self.ctl("uninstall", "one").err)
        self.assertTrue(self.machine.exists("/etc/shared.d"))
        self.assertIn('"/etc/shared.d" is removed if it is empty', self.ctl("uninstall", "two", "--dry-run").err)
        self.ctl("uninstall", "two")
        self.machine.sh("rm -r /var/lib/one")
        self.assert_host_is(before)
        self.machine.sh("rmdir /etc/there.d")

    def test_install_again_changes_nothing(self):
        self.ctl("install", self.plain, "--name", "again")
        before = self.host()
        result = self.ctl_json("install", self.plain, "--name", "again")
        self.assertFalse(result["result"]["changed"])
        self.assert_host_is(before)
        other = self.layout(images.plain(port=8087, text="other\n"), "other")
        self.assert_fails(1, "AlreadyExists", "install", other, "--name", "again")
        self.assert_host_is(before)

    def test_no_service(self):
        source = self.layout(images.no_service(), "no-service")
        self.ctl("install", source, "--name", "unitless")
        self.assertFalse(self.machine.exists("/etc/systemd/system/unitless.service"))
        self.ctl("uninstall", "unitless")
        self.assert_absent("unitless")

    def test_deleted_data_comes_back_from_nowhere(self):
        """prune removes what nobody uses, and nothing else."""
        self.ctl("install", self.plain, "--name", "kept", "--now")
        other = self.layout(images.bulky(2), "bulky")
        self.ctl("pull", other)
        self.ctl("rmi", "bulky")
        self.ctl("prune")
        self.assertEqual([row for row in self.list_images() if "bulky:latest" in row["references"]], [])
        self.assert_repository_is_sound()
        self.ctl("restart", "kept")
        self.assertEqual(self.wait_for_answer(8080), "hello\n")

    def test_image_in_use_is_not_removed(self):
        self.ctl("install", self.plain, "--name", "user-of-it")
        self.assert_fails(5, "Busy", "rmi", "plain", mentions=["user-of-it"])
