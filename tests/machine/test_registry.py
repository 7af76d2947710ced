# SPDX-License-Identifier: LGPL-2.1-or-later
"""The registries of the tests, tried with skopeo: what fails here is no fault of syscont."""

import images
from case import MachineCase
from registry import FaultyRegistry, Registry


class Registries(MachineCase):
    def copy(self, name, *options, check=True):
        self.machine.run(["rm", "-rf", "/tmp/copy"])
        return self.machine.run(["skopeo", "copy", "--quiet", "--insecure-policy", *options, f"docker://{name}", "dir:/tmp/copy"],
                                check=check)

    def test_plain_registry_serves_what_was_pushed(self):
        image = images.plain()
        name = Registry(self.machine).push(image, "team/plain", "1.0")
        self.copy(name, "--src-tls-verify=false")
        self.assertEqual(images.digest_of(self.machine.path("/tmp/copy/manifest.json").read_bytes()), image.digest)

    def test_index_and_docker_manifest_are_kept(self):
        registry = Registry(self.machine)
        index = images.Index([(images.plain(), "linux/amd64"), (images.plain(architecture="arm64"), "linux/arm64")])
        for n, image in enumerate((index, images.plain(docker=True), images.plain(compression="zstd"))):
            name = registry.push(image, "kinds", str(n))
            raw = self.machine.run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"]).out
            self.assertEqual(images.digest_of(raw.encode()), image.digest)

    def test_trusted_ca_makes_tls_work(self):
        name = Registry(self.machine, tls=True).push(images.plain(), "plain")
        self.copy(name)

    def test_unknown_ca_does_not(self):
        name = Registry(self.machine, tls=True, trust=False).push(images.plain(), "plain")
        result = self.copy(name, check=False)
        self.assertIn("certificate signed by unknown authority", result.err)

    def test_faults(self):
        faulty = FaultyRegistry(self.machine, images.plain())
        name = faulty.name("any", "tag")
        self.copy(name, "--src-tls-verify=false")
        layer = images.digest_of(images.plain().layers[0][1])
        for rule in ({"fault": "wrong"}, {"fault": "truncate"}, {"fault": "status", "status": 500}, {"fault": "long"}):
            with self.subTest(rule["fault"]):
                faulty.set_rules([{"match": f"/blobs/{layer}", **rule}])
                result = self.copy(name, "--src-tls-verify=false", check=False)
                self.assertNotEqual(result.status, 0)
        self.assertTrue(any(layer in row["path"] for row in faulty.requests()))
