# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests in a machine share: one machine for each class, and the words for what syscont does.

The runner puts the build directory into the environment variable SYSCONT_BUILD.
"""

import json
import os
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "registry")]

from machine import Machine, differences  # noqa: E402

CHECKOUT = "/var/lib/containers/syscont"
REPOSITORY = CHECKOUT + "/.repo"
BUS_NAME = "org.syscont.Manager"
MANAGER_PATH = "/org/syscont/Manager"
MANAGER = "org.syscont.Manager"
JOB = "org.syscont.Job"
ERROR = "org.syscont.Error."

# Everything that an image could change on the host. Our own state, the images and what the system
# itself writes while it runs are left out.
WATCHED = ["/etc", "/usr/lib/systemd", "/usr/lib/tmpfiles.d", "/usr/local/bin", "/usr/local/lib", "/usr/local/share", "/var/lib", "/home",
           "/srv"]
UNWATCHED = [
    "/var/lib/syscont", CHECKOUT + "/.repo", CHECKOUT + "/.spool", "/var/lib/systemd", "/var/lib/private",
    "/var/lib/dbus", "/etc/.pwd.lock",
    # large, and of services that do not run
    "/var/lib/dpkg", "/var/lib/apt", "/var/lib/postgresql",
]


class MachineCase(unittest.TestCase):
    """Tests of one class share a machine; each begins and ends without containers."""

    MACHINE = {}
    machine = None

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(build=os.environ.get("SYSCONT_BUILD"), **cls.MACHINE)
        cls.addClassCleanup(cls.machine.close)
        directory = tempfile.TemporaryDirectory(prefix="syscont-images-")
        cls.addClassCleanup(directory.cleanup)
        cls.images = pathlib.Path(directory.name)

    def on_failure(self):
        """What helps to understand it; the runner prints it."""
        own = "syscontd.service,syscont-recover.service,syscont-fetch@*,syscont-unpack@*".split(",")
        return "".join(self.machine.journal(unit, 60) for unit in own) + "---\n" + self.machine.journal(lines=25)


class SyscontCase(MachineCase):
    def setUp(self):
        if not self.machine.is_on:
            self.machine.boot()
        self.addCleanup(self.remove_everything)

    def remove_everything(self):
        names = [row["name"] for row in self.list_containers()]
        if names:
            self.ctl("uninstall", *names)

    @classmethod
    def observe_for(cls, seconds):
        """How long updates and rollbacks are watched when they do not say it themselves."""
        cls.machine.write("/etc/syscont/syscont.conf.d/observe.conf", f"[Deployments]\nObserveSec={seconds}\n")
        cls.machine.run(["systemctl", "stop", "syscontd.service"], check=False)

    def configure(self, name, text):
        """A file of the configuration, for one test."""
        path = f"/etc/syscont/syscont.conf.d/{name}.conf"
        self.machine.write(path, text)
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        self.addCleanup(self.machine.sh, f"rm -f {path}; systemctl stop syscontd.service")

    # --- the command line ---

    def ctl(self, *arguments, user=None, check=True, **options):
        return self.machine.run(["syscontctl", *arguments], user=user, check=check, **options)

    def ctl_json(self, *arguments, **options):
        return json.loads(self.ctl(*arguments, "--json", **options).out)

    def list_containers(self):
        return self.ctl_json("list")["containers"]

    def list_images(self):
        return self.ctl_json("images")["images"]

    def container(self, name):
        return next((row for row in self.list_containers() if row["name"] == name), None)

    def assert_fails(self, status, error, *arguments, mentions=(), **options):
        """syscontctl ends with this exit status, and its job with this error."""
        before = self.newest_job()
        result = self.ctl(*arguments, check=False, **options)
        self.assertEqual(result.status, status, result)
        for text in mentions:
            self.assertIn(text, result.err)
        job = self.newest_job()
        if error is not None:
            self.assertNotEqual(job["id"], before["id"], f"there was no job: {result}")
            self.assertEqual(job["error-name"], ERROR + error, result)
        return result

    def newest_job(self):
        rows = self.call("ListJobs", "a{sv}", "0")["data"][0]
        rows = [{key: value["data"] for key, value in row.items()} for row in rows]
        return max(rows, key=lambda row: row["id"], default={"id": 0})

    # --- the bus ---

    def busctl(self, *arguments, **options):
        return self.machine.run(["busctl", "--json=short", *arguments], **options)

    def call(self, method, *arguments, user=None):
        result = self.busctl("call", BUS_NAME, MANAGER_PATH, MANAGER, method, *arguments, user=user)
        return json.loads(result.out)

    def gdbus(self, method, *arguments, user=None, check=True, path=MANAGER_PATH, interface=MANAGER):
        """gdbus prints the name of an error, which busctl does not."""
        argv = ["gdbus", "call", "--system", "--dest", BUS_NAME, "--object-path", path, "--method", f"{interface}.{method}"]
        return self.machine.run([*argv, *arguments], user=user, check=check)

    def job_property(self, path, name):
        text = self.busctl("get-property", BUS_NAME, path, JOB, name).out
        return json.loads(text)["data"]

    def wait_for_job(self, path, timeout=60):
        """Returns the state that the job ended with."""
        ended = ("done", "failed", "cancelled")
        self.machine.wait_for(lambda: self.job_property(path, "State") in ended, timeout, f"the end of {path}")
        return self.job_property(path, "State")

    # --- images ---

    def layout(self, image, name, tag="latest"):
        """Puts an image where the machine sees it; returns how syscontctl names it."""
        image.write_layout(self.machine.share / name, tag)
        return f"oci:/share/{name}"

    def archive(self, image, name):
        image.write_archive(self.machine.share / f"{name}.tar")
        return f"oci-archive:/share/{name}.tar"

    # --- what is there ---

    def host(self):
        return self.machine.manifest(WATCHED, UNWATCHED)

    def assert_host_is(self, before):
        self.assertEqual(differences(before, self.host()), [])

    def refs(self):
        heads = self.machine.path(f"{REPOSITORY}/refs/heads")
        return {str(path.relative_to(heads)) for path in heads.rglob("*") if path.is_file()}

    def assert_repository_is_sound(self):
        if self.machine.exists(REPOSITORY):
            result = self.machine.run(["ostree", f"--repo={REPOSITORY}", "fsck", "--quiet"], check=False)
            self.assertEqual(result.status, 0, result)

    def assert_nothing_staged(self):
        self.assertEqual([path.name for path in self.machine.path(CHECKOUT).glob(".*.partial")], [])

    def list_directory(self, path):
        return sorted(self.machine.run(["ls", "-A", path]).out.split("\n")[:-1])

    def assert_absent(self, name):
        """Nothing of a container is left but its image."""
        self.assert_no_files(name)
        self.assertFalse(self.machine.exists(f"/run/syscont/switching/{name}"))

    def assert_no_files(self, name):
        """The marker of a switch may stay until the next boot: systemd may have read the unit before it was removed."""
        for path in (f"{CHECKOUT}/{name}", f"{CHECKOUT}/{name}.0", f"/etc/systemd/system/{name}.service",
                     f"/etc/systemd/system/{name}.service.d", f"/etc/tmpfiles.d/{name}.conf",
                     f"/var/lib/syscont/containers/{name}.json",
                     f"/etc/systemd/system/multi-user.target.wants/{name}.service"):
            self.assertFalse(self.machine.exists(path), path)
        self.assertNotEqual(self.machine.run(["systemctl", "cat", name], check=False).status, 0)
        self.assertEqual([ref for ref in self.refs() if ref.startswith(f"syscont/deploy/{name}/")], [])
        self.assert_nothing_staged()

    def active(self, name):
        return self.machine.run(["systemctl", "is-active", f"{name}.service"], check=False).out.strip()

    def enabled(self, name):
        return self.machine.run(["systemctl", "is-enabled", f"{name}.service"], check=False).out.strip()

    def fetch(self, port, path="/"):
        """What answers on a port of the machine, or None."""
        result = self.machine.run(["wget", "-q", "-O-", "-T", "5", "-t", "1", f"http://127.0.0.1:{port}{path}"], check=False)
        return result.out if result.status == 0 else None

    def wait_for_answer(self, port, path="/", timeout=10):
        return self.machine.wait_for(lambda: self.fetch(port, path), timeout, f"an answer on port {port}")

    def daemon_pid(self):
        text = self.machine.run(["systemctl", "show", "-P", "MainPID", "syscontd.service"]).out
        return int(text)
