# SPDX-License-Identifier: LGPL-2.1-or-later
"""The images of the tests, tried with runc alone: what fails here is no fault of syscont."""

import gzip
import io
import json
import string
import tarfile

import hostile
import images
from case import MachineCase

UNIT = """[Service]
{kind}
WorkingDirectory=/var/lib/containers/{name}
ExecStart=runc run {name}
KillMode=mixed
TimeoutStopSec=5
"""


class Images(MachineCase):
    def unpack(self, image, name, values=None, args=None):
        """Makes a bundle of an image without whiteouts."""
        bundle = self.machine.path(f"/var/lib/containers/{name}")
        (bundle / "rootfs").mkdir(parents=True)
        for _, data in image.layers:
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
                tar.extractall(bundle / "rootfs")
        (bundle / "rootfs/run/notify").mkdir(exist_ok=True)
        template = bundle / "rootfs/exports/config.json.template"
        if template.exists():
            config = json.loads(string.Template(template.read_text()).substitute(values))
        else:
            config = json.loads(images.runtime_config(args, images.CAPABILITIES))
            config["mounts"] = [row for row in config["mounts"] if row["destination"] != "/run"]
        (bundle / "config.json").write_text(json.dumps(config))

    def start(self, name, kind="Type=simple"):
        self.machine.write(f"/etc/systemd/system/{name}.service", UNIT.format(name=name, kind=kind))
        self.machine.sh(f"systemctl daemon-reload; systemctl start {name}")
        self.addCleanup(self.machine.run, ["systemctl", "stop", name])

    def answer(self, port, path="/"):
        argv = ["wget", "-q", "-O-", f"http://127.0.0.1:{port}{path}"]
        self.machine.wait_for(lambda: self.machine.run(argv, check=False).status == 0, 10, f"port {port}")
        return self.machine.run(argv).out

    def test_plain(self):
        image = images.plain(port=8080)
        config = json.loads(image.config_bytes)["config"]
        self.unpack(image, "plain", args=config["Entrypoint"] + config["Cmd"])
        self.start("plain")
        self.assertEqual(self.answer(8080), "hello\n")
        self.assertIn("root=read-only", self.answer(8080, "/cgi-bin/report"))
        self.machine.run(["systemctl", "stop", "plain"])
        self.assertEqual(self.machine.sh("systemctl show -P Result plain").strip(), "success")

    def test_test_system(self):
        values = {"NAME": "ats", "PORT": "8081", "RECEIVER": "World", "UUID": "u", "RUN_DIRECTORY": "/run",
                  "ALL_PROCESS_CAPABILITIES": images.CAPABILITIES}
        self.unpack(images.test_system(), "ats", values)
        self.machine.sh("mkdir /run/ats")
        self.start("ats")
        self.assertEqual(self.answer(8081), "Hi World from ats\n")

    def test_update(self):
        self.unpack(images.update(), "update", {"PORT": "8082", "VAR_WITH_NO_DEFAULT": "x"})
        self.start("update")
        self.assertEqual(self.answer(8082), "update\n")

    def test_notify(self):
        self.unpack(images.notify(), "notify", args=["/usr/bin/notify-ready", "1"])
        self.start("notify", kind="Type=notify\nNotifyAccess=all")
        self.assertEqual(self.machine.sh("systemctl is-active notify").strip(), "active")

    def test_same_image_has_the_same_digest(self):
        for make in (images.plain, images.test_system, images.update, images.layered, images.bulky):
            self.assertEqual(make().digest, make().digest, make.__name__)

    def test_hostile_cases_have_names_of_their_own(self):
        cases = [*hostile.all_layers(), *hostile.manifests(), *hostile.configs()]
        self.assertEqual(len({case.name for case in cases}), len(cases))
        self.assertGreater(len(cases), 150)
