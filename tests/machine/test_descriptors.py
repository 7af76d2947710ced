# SPDX-License-Identifier: LGPL-2.1-or-later
"""DB08: file descriptors of every kind, given over the bus: refused with an error that says why, or read by the job."""

import json

import images
from case import BUS_NAME, MANAGER, MANAGER_PATH, SyscontCase

# give.py KIND,… METHOD SIGNATURE ARGUMENTS: calls it with a descriptor of each kind, of which the arguments say handle 0.
# Prints the answer or the error to each, and keeps what belongs to it until there is no more input.
GIVE = f"""
import json, os, select, socket, sys
from gi.repository import Gio, GLib
def memfd():
    fd = os.memfd_create("given")
    os.write(fd, b"neither an archive nor a secret")
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
pair, pipe, poll = socket.socketpair(), os.pipe(), select.epoll()
kinds = {{
    "memfd": memfd, "pipe": lambda: pipe[0], "pipe-in": lambda: pipe[1], "socket": lambda: pair[0].fileno(),
    "eventfd": lambda: os.eventfd(0), "epoll": poll.fileno,
    "path-only": lambda: os.open("/etc/hostname", os.O_PATH), "directory": lambda: os.open("/etc", os.O_RDONLY),
    "device": lambda: os.open("/dev/zero", os.O_RDONLY), "memory": lambda: os.open("/proc/self/mem", os.O_RDONLY),
    "write-only": lambda: os.open("/tmp/given", os.O_WRONLY | os.O_CREAT),
}}
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
arguments = GLib.Variant.parse(GLib.VariantType(sys.argv[3]), sys.argv[4], None, None)
for kind in sys.argv[1].split(","):
    fds = Gio.UnixFDList.new_from_array([os.dup(kinds[kind]())])
    try:
        answer, _ = bus.call_with_unix_fd_list_sync("{BUS_NAME}", "{MANAGER_PATH}", "{MANAGER}", sys.argv[2], arguments, None, 0, -1, fds)
        print(json.dumps([kind, *answer.unpack()]), flush=True)
    except GLib.Error as error:
        print(json.dumps([kind, error.message]), flush=True)
sys.stdin.read()
"""

REFUSED = ("eventfd", "epoll", "path-only", "directory", "device", "memory")
CALLS = {
    "ImportImage": ("(hsa{sv})", "(handle 0, 'oci-archive', {})"),
    "Pull": ("(sa{sv})", "('registry.example.com/app:1', {'auth': <handle 0>})"),
    "Install": ("(ssa{sv})", "('plain', '', {'secrets': <{'TOKEN': handle 0}>})"),
    "SetRegistryCredential": ("(sha{sv})", "('registry.example.com', handle 0, {})"),
    "ExportImage": ("(sha{sv})", "('plain', handle 0, {})"),
}


class Descriptors(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.machine.write("/root/give.py", GIVE)

    def give(self, kinds, method):
        argv = ["/usr/bin/python3", "-I", "/root/give.py", kinds, method, *CALLS[method]]
        return [json.loads(line) for line in self.machine.run(argv, input="").out.splitlines()]

    def open_files(self):
        return len(self.list_directory(f"/proc/{self.daemon_pid()}/fd"))

    def test_kinds_that_are_refused(self):
        self.ctl("list")
        before, open_files = self.newest_job()["id"], self.open_files()
        for method in CALLS:
            # what can only be written to is what an export needs
            kinds = {*REFUSED} if method == "ExportImage" else {*REFUSED, "socket", "write-only", "pipe-in"}
            # looks like any file, and is read by a worker that may not
            kinds -= {"memory"} if method == "ImportImage" else set()
            for kind, text in self.give(",".join(sorted(kinds)), method):
                with self.subTest(method=method, kind=kind):
                    self.assertIn("org.syscont.Error.InvalidArgument", text)
                    self.assertRegex(text, "descriptor|pipe or a")
        self.assertEqual(self.newest_job()["id"], before)
        self.assertEqual(self.open_files(), open_files)

    def test_wrong_content(self):
        _, job = self.give("memory", "ImportImage")[0]
        self.assertEqual(self.wait_for_job(job), "failed")
        _, job = self.give("memfd", "ImportImage")[0]
        self.assertEqual(self.wait_for_job(job), "failed")
        self.assertEqual(self.job_property(job, "ErrorName"), "org.syscont.Error.ImageInvalid")
        _, text = self.give("memfd", "SetRegistryCredential")[0]
        self.assertIn("org.syscont.Error.InvalidArgument", text)
        for message in (self.job_property(job, "ErrorMessage"), text):
            self.assertNotIn("archive nor", message)

    def test_secret_that_never_ends(self):
        """Others do not wait for it."""
        argv = ["/usr/bin/python3", "-I", "/root/give.py", "pipe", "SetRegistryCredential", *CALLS["SetRegistryCredential"]]
        client = self.machine.spawn(argv, stdin=-1)
        self.ctl("pull", self.layout(images.plain(), "beside"))
        _, text = json.loads(client.stdout.readline())
        self.assertIn("does not come to its end", text)
        client.communicate()
