# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that images bring to the host, through updates and back. Names like case_107 are conformance cases of system images."""

import json

import host_images
from case import CHECKOUT
from host_images import host
from test_update import UpdateCase

ONE = {"/etc/up/changes": "one\n", "/etc/up/goes": "goes\n", "/usr/local/bin/tool": ("#!/bin/sh\necho one\n", 0o755)}
TWO = {"/etc/up/changes": "two\n", "/etc/up/comes": "comes\n", "/usr/local/bin/tool": ("#!/bin/sh\necho two\n", 0o755)}
FAILS = ("/bin/sh", "-c", "exit 3")


class HostFilesUpdate(UpdateCase):
    def setUp(self):
        super().setUp()
        self.before = self.host()

    def installed(self, files=ONE, *options, **more):
        self.pull(host(files, **more))
        self.ctl("install", "web", "--name", "web", "--now", *options)

    def update_to(self, files, *options, **more):
        self.pull(host(files, **more))
        return self.ctl_json("update", "web", "--no-pull", "--accept-privileges", "--observe", "2", *options)["result"]

    def record(self):
        return sorted(json.loads(self.machine.read(f"{CHECKOUT}/web/info"))["installed-files"])

    def assert_is(self, number):
        other = {"one": "/etc/up/comes", "two": "/etc/up/goes"}[number]
        self.assertEqual(self.machine.read("/etc/up/changes"), f"{number}\n")
        self.assertEqual(self.machine.run(["/usr/local/bin/tool"]).out, f"{number}\n")
        self.assertFalse(self.machine.exists(other))
        self.assertEqual(self.record(), sorted({"one": ONE, "two": TWO}[number]))

    def test_each_deployment_has_its_own(self):
        self.installed()
        self.update_to(TWO)
        self.assert_is("two")
        for number in ("one", "two"):
            self.ctl("rollback", "web")
            self.assert_is(number)
        self.assert_settled()
        self.ctl("uninstall", "web")
        self.assert_host_is(self.before)

    def test_case_107_and_108_modified_file_is_kept(self):
        self.installed()
        self.machine.write("/etc/up/changes", "the administrator's\n")
        self.machine.write("/etc/up/goes", "hers too\n")
        result = self.update_to(TWO)
        self.assertTrue(any("/etc/up/changes" in note for note in result["notes"]), result["notes"])
        for path, text in (("/etc/up/changes", "the administrator's\n"), ("/etc/up/goes", "hers too\n"), ("/etc/up/comes", "comes\n")):
            self.assertEqual(self.machine.read(path), text)
        self.ctl("rollback", "web")
        self.ctl("uninstall", "web")
        self.assertEqual(self.machine.read("/etc/up/changes"), "the administrator's\n")
        self.assertEqual(self.list_directory("/etc/up"), ["changes", "goes"])
        self.machine.sh("rm -r /etc/up")
        self.assert_host_is(self.before)

    def test_failed_update_puts_them_back(self):
        self.installed()
        unit = "[Service]\nExecStart=$EXEC_START\nWorkingDirectory=$DESTDIR\n[Install]\nWantedBy=multi-user.target\n"
        config = host_images.runtime_config(FAILS, host_images.CAPABILITIES)
        before = self.host()
        self.pull(host(TWO, unit=unit, config=config, tmpfiles="d /run/web-two - - - - -\n"))
        self.assert_fails(6, "RolledBack", "update", "web", "--no-pull", "--accept-privileges", "--observe", "60")
        self.assert_is("one")
        self.assertEqual(self.active("web"), "active")
        self.assert_settled()
        self.ctl("rollback", "web", check=False)
        self.assert_host_is(before)

    def test_conflict_names_the_package_before_anything_stops(self):
        self.installed(ONE, "--allow-host-path=/usr/bin/env")
        started = self.machine.sh("systemctl show -P InvocationID web")
        before = self.host()
        self.pull(host({**TWO, "/usr/bin/env": "mine\n"}))
        self.assert_fails(1, "HostFileConflict", "update", "web", "--no-pull", "--accept-privileges", mentions=['"/usr/bin/env"', 'the package "coreutils"'])
        self.assertEqual(self.machine.sh("systemctl show -P InvocationID web"), started)
        self.assert_host_is(before)

    def test_templates_have_the_values_of_their_deployment(self):
        manifest = {"version": "1.0", "defaultValues": {"WORD": "default"}, "installedFilesTemplate": ["/etc/up/word"],
                    "renameFiles": {"/etc/up/named": "/etc/up/named-$WORD"}}
        self.installed({"/etc/up/word": "$WORD\n", "/etc/up/named": "x\n"}, manifest=manifest)
        self.ctl("set", "web", "WORD=other", "--accept-privileges", "--observe", "2")
        self.assertEqual((self.machine.read("/etc/up/word"), self.list_directory("/etc/up")), ("other\n", ["named-other", "word"]))
        self.ctl("rollback", "web")
        self.assertEqual((self.machine.read("/etc/up/word"), self.list_directory("/etc/up")), ("default\n", ["named-default", "word"]))
