# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Docker Engine as a system container: it serves images to syscont, and gets its own update from there."""

import shutil

import system_images
from case import CHECKOUT, UNWATCHED, WATCHED, SyscontCase
from engines import Docker

DATA = "/var/lib/docker"

# A pipe would not do: with -t there is a terminal.
SHELL = r"""
set timeout 30
spawn -noecho runc exec -t docker-centos /bin/bash
expect -re {[#$] } {} timeout { exit 96 } eof { exit 95 }
send "test -t 0 && echo terminal \$((40+2)), version \$(cat /etc/image-version)\r"
expect "terminal 42, version 1" {} timeout { exit 97 } eof { exit 98 }
send "exit\r"
expect eof
exit [lindex [wait] 3]
"""


class DockerImage(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.observe_for(0)
        # as on a host where the engine has a file system of its own; overlays do not lie on the machine's root
        cls.machine.sh(f"mkdir -p {DATA}; mount -t tmpfs docker {DATA}")

    def build(self, version):
        """What "docker build" does to its own image: a layer for each tar, of which only the last one is new."""
        directory = self.machine.share / "docker-centos"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        names = []
        for number, tar in enumerate(system_images.docker(version).tars):
            names.append(f"{number}.tar")
            (directory / names[-1]).write_bytes(tar)
        (directory / "Dockerfile").write_text("FROM scratch\n" + "".join(f"ADD {name} /\n" for name in names))
        self.machine.run(["docker", "build", "-t", "docker-centos", "."], cwd="/share/docker-centos")

    def look(self):
        return self.machine.manifest(WATCHED, [*UNWATCHED, DATA])

    def version_in(self, *command):
        return self.machine.run([*command, "/bin/cat", "/etc/image-version"]).out.strip()

    def assert_serves(self, version):
        """Both the engine and what it runs in containers of its own, which is the same image here."""
        self.assertEqual(self.version_in("runc", "exec", "docker-centos"), version)
        self.assertIn("overlay2", self.machine.run(["docker", "info"]).out)

    def test_seed_scenario_and_an_update_from_itself(self):
        first = Docker(self.machine, data=DATA)
        self.build("1")
        before = self.look()

        self.ctl("pull", "docker:docker-centos:latest")
        self.assertRegex(self.ctl("images").out, r"docker-centos:latest")
        self.ctl("install", "docker-centos", "--name=docker-centos")
        self.assertIn("docker-centos -> docker-centos.0\n", self.machine.run(["ls", "-l", f"{CHECKOUT}/"]).out)
        self.assertEqual(self.machine.run(["ls", f"{CHECKOUT}/docker-centos/"]).out.split(),
                         ["config.json", "docker-centos.service", "info", "rootfs", "tmpfiles-docker-centos.conf"])
        self.assertEqual((self.enabled("docker-centos"), self.active("docker-centos")), ("enabled", "inactive"))
        first.stop()
        self.machine.run(["systemctl", "start", "docker-centos"])
        shell = self.machine.run(["expect", "-c", SHELL], check=False)
        self.assertEqual(shell.status, 0, shell)

        self.assert_serves("1")
        self.assertEqual(self.version_in("docker", "run", "--rm", "--network=none", "docker-centos"), "1")
        self.build("2")
        self.ctl("pull", "docker:docker-centos:latest")
        self.ctl("update", "docker-centos", "--no-pull")
        self.assert_serves("2")
        self.assertEqual(self.version_in("docker", "run", "--rm", "--network=none", "docker-centos"), "2")
        self.ctl("rollback", "docker-centos")
        self.assert_serves("1")

        self.ctl("uninstall", "docker-centos")
        self.assert_absent("docker-centos")
        self.assertEqual(before, self.look())
        self.assert_repository_is_sound()
