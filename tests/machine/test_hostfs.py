# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that images bring to the host. Names like case_86 are the conformance cases of system images."""

import hashlib
import json

import host_images
import images
from case import CHECKOUT, SyscontCase
from host_images import host, link


class HostFiles(SyscontCase):
    def install(self, image, name, *options):
        return self.ctl("install", self.layout(image, f"image-{name}"), "--name", name, *options)

    def assert_refused(self, status, error, image, name, *options, mentions=()):
        before = self.host()
        result = self.assert_fails(status, error, "install", self.layout(image, f"image-{name}"), "--name", name, *options,
                                   mentions=mentions)
        self.assert_absent(name)
        self.assert_host_is(before)
        return result

    def info(self, name):
        return json.loads(self.machine.read(f"{CHECKOUT}/{name}/info"))

    def stat(self, path):
        return self.machine.run(["stat", "-c", "%F %a %U:%G %h", path]).out.strip()

    # --- installed, and removed again ---

    def test_case_87_to_106_of_the_conformance_image(self):
        before = self.host()
        self.install(host_images.conformance(), "ats", "--set", "RECEIVER=Venus", "--allow-host-path=/broken-symlink")
        lib = "/usr/local/lib"
        self.assertEqual(self.stat("/usr/local/placeholder-lib").split()[0], "directory")       # 87
        self.assertEqual(self.machine.read(f"{lib}/secret-message"), "Hello $RECEIVER\n")         # 93
        self.assertEqual(self.machine.read(f"{lib}/secret-message-template"), "Hello Venus\n")    # 85, 94, 101
        self.assertEqual(self.machine.read(f"{lib}/renamed-ats"), "placeholder\n")
        self.assertFalse(self.machine.exists(f"{lib}/placeholder-file"))
        self.assertEqual(self.machine.run(["readlink", "/broken-symlink"]).out, "no-such-file\n")
        self.assertEqual(self.stat(f"{lib}/secret-message"), "regular file 644 root:root 1")      # 105, 106

        info = self.info("ats")
        self.assertEqual(sorted(info["installed-files"]),
                         ["/broken-symlink", f"{lib}/renamed-ats", f"{lib}/secret-message", f"{lib}/secret-message-template",
                          "/usr/local/placeholder-lib"])
        sums = info["installed-files-checksum"]
        self.assertEqual(sums[f"{lib}/secret-message-template"], hashlib.sha256(b"Hello Venus\n").hexdigest())
        self.assertEqual((sums["/usr/local/placeholder-lib"], sums["/broken-symlink"]), ("0", "0"))
        self.assertEqual(info["installed-files-template"], [f"{lib}/secret-message-template"])
        self.assertEqual(info["rename-installed-files"], {f"{lib}/placeholder-file": f"{lib}/renamed-ats"})
        self.assertEqual(info["use-links"], False)

        self.ctl("uninstall", "ats")                                                              # 100, 103, 104
        self.assert_absent("ats")
        self.assertFalse(self.machine.exists("/usr/local/placeholder-lib"))
        self.assertEqual(self.machine.run(["test", "-L", "/broken-symlink"], check=False).status, 1)
        self.assert_host_is(before)

    def test_variables_are_listed_and_required(self):
        image = host({"/etc/needs/x": "$NEEDED\n"}, {"installedFilesTemplate": ["/etc/needs/x"],
                                                     "renameFiles": {"/etc/other": "/etc/$OTHER"}})
        source = self.layout(image, "needs")
        self.ctl("pull", source)
        listed = self.ctl("inspect", "needs").out
        self.assertIn("NEEDED", listed)
        self.assertIn("OTHER", listed)
        self.assert_refused(7, "ValueMissing", image, "needs", "--set", "OTHER=x", mentions=["''NEEDED''", "/etc/needs/x"])

    def test_modified_file_stays_and_is_told(self):
        self.install(host({"/etc/modified/a": "a\n", "/etc/modified/b": "b\n", "/usr/local/share/gone": "x\n"}), "modified")
        self.machine.sh("echo edited > /etc/modified/a; rm /usr/local/share/gone")
        result = self.ctl("uninstall", "modified")
        self.assertIn("/etc/modified/a", result.err + result.out)
        self.assertEqual(self.machine.read("/etc/modified/a"), "edited\n")
        self.assertFalse(self.machine.exists("/etc/modified/b"))
        self.machine.sh("rm -r /etc/modified")

    def test_replaced_by_a_link_is_not_followed(self):
        self.install(host({"/etc/replaced": "x\n"}), "replaced")
        self.machine.sh("cp /etc/replaced /etc/precious; ln -sf precious /etc/replaced")
        self.ctl("uninstall", "replaced")
        self.assertEqual(self.machine.read("/etc/precious"), "x\n")
        self.assertEqual(self.machine.run(["readlink", "/etc/replaced"]).out, "precious\n")
        self.machine.sh("rm /etc/precious /etc/replaced")

    def test_modes_are_plain(self):
        layer_files = {"/usr/local/bin/special": ("#!/bin/sh\n", 0o6777), "/etc/special": ("x", 0o600)}
        self.install(host(layer_files), "special")
        self.assertEqual(self.stat("/usr/local/bin/special"), "regular file 755 root:root 1")
        self.assertEqual(self.stat("/etc/special"), "regular file 644 root:root 1")

    def test_no_container_service(self):
        before = self.host()
        self.install(host({"/usr/local/bin/tool": ("#!/bin/sh\necho tool\n", 0o755)}, {"noContainerService": True}), "tool")
        self.assertEqual(self.machine.run(["/usr/local/bin/tool"]).out, "tool\n")
        self.assertFalse(self.machine.exists("/etc/systemd/system/tool.service"))
        self.ctl("uninstall", "tool")
        self.assert_host_is(before)

    def test_directories_that_were_made_go_with_the_last(self):
        before = self.host()
        self.install(host({"/etc/deep/er/a": "a\n"}), "first")
        self.install(host({"/etc/deep/er/b": "b\n"}), "second")
        self.ctl("uninstall", "first")
        self.assertEqual(self.list_directory("/etc/deep/er"), ["b"])
        self.ctl("uninstall", "second")
        self.assert_host_is(before)

    def test_failed_start_leaves_nothing(self):
        unit = images.SIMPLE_UNIT.replace("[Service]\n", "[Service]\nType=oneshot\n")
        config = images.runtime_config(["/bin/sh", "-c", "exit 3"], images.CAPABILITIES)
        self.assert_refused(1, "StartFailed", host({"/etc/fails/x": "x\n"}, unit=unit, config=config), "fails", "--now")

    # --- what is there already ---

    def test_identical_file_of_another_container_is_shared(self):
        before = self.host()
        for component in ("apiserver", "scheduler", "proxy"):
            result = self.install(host_images.kubernetes(component), component)
        self.assertIn("shared", result.err)
        self.ctl("uninstall", "apiserver", "proxy")
        self.assertTrue(self.machine.exists("/etc/kubernetes/config"))
        self.ctl("uninstall", "scheduler")
        self.assert_host_is(before)

    def test_other_file_of_another_container_is_kept(self):
        self.install(host({"/usr/local/share/common": "first\n"}), "first")
        result = self.install(host({"/usr/local/share/common": "second\n"}), "second")
        self.assertIn('kept as the container "first" has it', result.err)
        self.ctl("uninstall", "second")
        self.assertEqual(self.machine.read("/usr/local/share/common"), "first\n")

    def test_file_of_the_administrator_below_etc_is_kept(self):
        self.machine.sh("echo mine > /etc/mine.conf")
        result = self.install(host({"/etc/mine.conf": "theirs\n"}), "mine")
        self.assertIn("/etc/mine.conf", result.err)
        self.assertEqual(self.info("mine")["installed-files"], [])
        self.ctl("uninstall", "mine")
        self.assertEqual(self.machine.read("/etc/mine.conf"), "mine\n")
        self.machine.sh("rm /etc/mine.conf")

    def test_identical_file_of_nobody_stays(self):
        self.machine.sh("echo same > /usr/local/share/same")
        self.install(host({"/usr/local/share/same": "same\n"}), "same")
        self.ctl("uninstall", "same")
        self.assertEqual(self.machine.read("/usr/local/share/same"), "same\n")
        self.machine.sh("rm /usr/local/share/same")

    def test_conflicts_are_all_told_and_nothing_is_written(self):
        """TH04: a file, a directory, a fifo, a link above; whose they are."""
        self.machine.sh("echo x > /usr/local/share/file; mkdir /etc/dir; mkfifo /etc/fifo; ln -s /tmp /etc/linked")
        wanted = {"/usr/local/share/file": "y\n", "/etc/dir": "y\n", "/etc/fifo": "y\n", "/etc/linked/x": "y\n", "/etc/free": "y\n"}
        self.assert_refused(1, "HostFileConflict", host(wanted), "conflict",
                            mentions=['"/usr/local/share/file"', '"/etc/dir"', '"/etc/fifo"', '"/etc/linked"', "nobody known"])
        self.machine.sh("rm -r /usr/local/share/file /etc/dir /etc/fifo /etc/linked")

    def test_conflict_names_the_package(self):
        self.assert_refused(1, "HostFileConflict", host({"/usr/bin/env": "y\n"}), "package", "--allow-host-path=/usr/bin/env",
                            mentions=['"/usr/bin/env"', 'the package "coreutils"'])

    # --- paths ---

    def test_paths_that_are_refused(self):
        """TH05, TH07: outside the prefixes, critical ones also when they were allowed."""
        for number, path in enumerate(["/usr/bin/x", "/root/x", "/x"]):
            self.assert_refused(7, "HostPathRefused", host({path: "x\n"}), f"outside-{number}", mentions=[path, "--allow-host-path"])
        critical = ["/etc/passwd", "/etc/sudoers.d/x", "/etc/ld.so.preload", "/etc/polkit-1/rules.d/x", "/etc/dbus-1/x",
                    "/usr/lib/systemd/system-generators/x", "/etc/cron.d/x", "/boot/x", "/dev/shm/x", "/proc/sys/kernel/core_pattern",
                    "/run/x", "/var/lib/syscont/x", "/etc/systemd/system/other.service.d/x"]
        image = host({path: "x\n" for path in critical})
        allow = [f"--allow-host-path={path}" for path in critical]
        self.assert_refused(7, "HostPathRefused", image, "critical", *allow, mentions=["no image may install"])

    def test_renames_that_are_refused(self):
        for number, target in enumerate(["../../etc/x", "x", "/", "/etc/../x", "/etc/$V"]):
            image = host({"/etc/a": "x\n"}, {"renameFiles": {"/etc/a": target}, "defaultValues": {"V": "../../root"}})
            self.assert_refused(7, "TemplateInvalid", image, f"rename-{number}", mentions=["renameFiles"])
        image = host({"/etc/a": "x\n"}, {"renameFiles": {"/etc/a": "/etc/cron.d/$NAME"}})
        self.assert_refused(7, "HostPathRefused", image, "rename-critical", mentions=["/etc/cron.d/rename-critical"])
        image = host({"/etc/a": "x\n", "/etc/b": "y\n"}, {"renameFiles": {"/etc/a": "/etc/c", "/etc/b": "/etc/c"}})
        self.assert_refused(7, "TemplateInvalid", image, "rename-same", mentions=["same name"])

    def test_link_to_what_is_critical_is_refused(self):
        self.assert_refused(7, "HostPathRefused", host({"/etc/link": link("shadow")}), "shadow", mentions=["/etc/link"])

    def test_hostfs_that_is_a_link_is_refused(self):
        layer = images.exports(images.Layer(), images.SIMPLE_UNIT, images.runtime_config(["/bin/sleep", "9"], images.CAPABILITIES))
        image = images.Image([images.base(), layer.symlink("/exports/hostfs", "/etc")])
        self.assert_refused(7, "TemplateInvalid", image, "linked", mentions=["/exports/hostfs"])

    def test_prefixes_come_from_the_configuration(self):
        self.machine.sh("mkdir -p /etc/syscont/syscont.conf.d; printf '[HostFiles]\\nAllowedPrefixes=/srv\\n' > /etc/syscont/syscont.conf.d/h.conf;"
                        "systemctl stop syscontd")
        self.addCleanup(self.machine.sh, "rm /etc/syscont/syscont.conf.d/h.conf; systemctl stop syscontd")
        self.assert_refused(7, "HostPathRefused", host({"/etc/a": "x\n"}), "narrow")
        self.install(host({"/srv/a": "x\n"}), "wide")
        self.assertEqual(self.machine.read("/srv/a"), "x\n")

    def test_option_wants_a_path(self):
        result = self.ctl("install", "x", "--allow-host-path=etc/../x", check=False)
        self.assertEqual(result.status, 2)
        self.assertIn("allow-host-paths", result.err)

    # --- well-known images ---

    def test_kubernetes_makes_missing_sources(self):
        self.install(host_images.kubernetes("apiserver"), "apiserver", "--now")
        self.assertEqual(self.active("apiserver"), "active")
        self.assertEqual(self.machine.read("/etc/tmpfiles.d/apiserver.conf"), "d /run/kubernetes 0700 0 0 - -\n")

    # --- interrupted ---

    def test_daemon_killed_while_the_service_starts(self):
        """By then the files are on the host; the next daemon takes them away again."""
        before = self.host()
        unit = images.SIMPLE_UNIT.replace("[Service]\n", "[Service]\nType=oneshot\n")
        source = self.layout(host({"/etc/killed/x": "x\n", "/usr/local/bin/killed": ("#!/bin/sh\n", 0o755)}, unit=unit), "killed")
        self.ctl("pull", source)
        client = self.machine.spawn(["syscontctl", "install", "killed", "--name", "killed", "--now"])
        self.machine.wait_for(lambda: self.active("killed") == "activating", 60, "the start of the unit")
        self.assertTrue(self.machine.exists("/usr/local/bin/killed"))
        self.machine.run(["systemctl", "kill", "-s", "KILL", "syscontd.service"])
        client.communicate()
        self.list_containers()
        self.assert_absent("killed")
        self.assert_host_is(before)
