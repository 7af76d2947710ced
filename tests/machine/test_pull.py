# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images from registries and archives, whole and broken ones."""

import json
import os
import stat

import images
from case import CHECKOUT, REPOSITORY, SyscontCase
from registry import FaultyRegistry, Registry, allow_http


class Pull(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(cls.machine)
        cls.faulty = FaultyRegistry(cls.machine, images.bulky(4))
        allow_http(cls.machine, cls.registry.port, cls.faulty.port)

    def setUp(self):
        super().setUp()
        self.faulty.set_rules([])

    def image_of(self, reference):
        return next((row for row in self.list_images() if reference in row["references"]), None)

    def test_from_a_registry_to_a_service(self):
        name = self.registry.push(images.plain(port=8080), "team/seed", "1.0")
        self.ctl("pull", name)
        self.assertEqual(self.image_of(name)["digest"], images.plain(port=8080).digest)
        self.ctl("install", name, "--name", "seed", "--now")
        self.assertEqual(self.wait_for_answer(8080), "hello\n")
        self.assertEqual(self.container("seed")["digest"], images.plain(port=8080).digest)

    def test_install_pulls_what_is_missing(self):
        name = self.registry.push(images.plain(port=8088, text="fresh\n"), "fresh", "1.0")
        self.ctl("install", name, "--name", "fresh", "--now")
        self.assertEqual(self.wait_for_answer(8088), "fresh\n")

    def test_over_tls(self):
        secure = Registry(self.machine, tls=True)
        name = secure.push(images.plain(), "plain")
        self.ctl("pull", name)
        self.assertIsNotNone(self.image_of(name))

    def test_unknown_ca_is_refused(self):
        secure = Registry(self.machine, tls=True, trust=False)
        name = secure.push(images.plain(), "plain")
        self.assert_fails(8, "TlsFailed", "pull", name)
        self.assertIsNone(self.image_of(name))

    def test_http_only_where_it_is_allowed(self):
        other = Registry(self.machine)
        name = other.push(images.plain(), "plain")
        result = self.ctl("pull", name, check=False)
        self.assertEqual(result.status, 8, result)
        self.assertIsNone(self.image_of(name))

    def test_kinds_of_images(self):
        native = images.native_architecture()
        other = "arm64" if native == "amd64" else "amd64"
        kinds = {
            "docker": images.plain(docker=True),
            "zstd": images.plain(compression="zstd"),
            "uncompressed": images.plain(compression="none"),
            "mixed": images.plain(compression=["zstd", "gzip"]),
            "index": images.Index([(images.plain(architecture=other), f"linux/{other}"), (images.plain(), f"linux/{native}")]),
            "list": images.Index([(images.plain(docker=True), f"linux/{native}")], docker=True),
        }
        for tag, image in kinds.items():
            if tag == "list":
                continue  # skopeo 1.9 cannot push it from a directory
            with self.subTest(tag):
                name = self.registry.push(image, "kinds", tag)
                self.ctl("pull", name)
                self.assertIsNotNone(self.image_of(name))
        self.assertEqual(self.image_of(self.registry.name("kinds", "index"))["platform"], f"linux/{native}")
        self.assert_repository_is_sound()

    def test_no_image_for_this_platform(self):
        other = "arm64" if images.native_architecture() == "amd64" else "amd64"
        index = images.Index([(images.plain(architecture=other), f"linux/{other}")])
        name = self.registry.push(index, "foreign")
        self.assert_fails(7, "PlatformMismatch", "pull", name, mentions=[other])

    def test_image_for_another_machine(self):
        native = images.native_architecture()
        other = "arm64" if native == "amd64" else "amd64"
        name = self.registry.push(images.plain(architecture=other), "elsewhere")
        self.assert_fails(7, "PlatformMismatch", "pull", name, mentions=[other, native])
        self.assert_fails(7, "PlatformMismatch", "install", name, "--platform", f"linux/{other}",
                          mentions=[f"linux/{other}", f"linux/{native}"])
        self.ctl("pull", name, "--platform", f"linux/{other}")
        self.assert_fails(7, "PlatformMismatch", "install", name, "--name", "elsewhere", mentions=["cannot run on", native])
        self.assert_fails(7, "PlatformMismatch", "pull", name, mentions=[other, native])
        self.assertIsNone(self.container("elsewhere"))

    def test_index_that_lies_about_the_platform(self):
        native = images.native_architecture()
        other = "arm64" if native == "amd64" else "amd64"
        index = images.Index([(images.plain(architecture=other), f"linux/{native}")])
        name = self.registry.push(index, "liar")
        self.assert_fails(7, "PlatformMismatch", "pull", name, mentions=[other])

    def test_layers_are_merged(self):
        self.ctl("install", self.archive(images.layered(), "layered"), "--name", "layered")
        rootfs = self.machine.path(f"{CHECKOUT}/layered.0/rootfs")
        found = {"data": rootfs / "data", **{f"data/{path.relative_to(rootfs / 'data')}": path for path in (rootfs / "data").rglob("*")}}
        self.assertEqual(sorted(found), sorted(images.LAYERED))
        for name, (mode, content) in images.LAYERED.items():
            info = os.lstat(found[name])
            with self.subTest(name):
                self.assertEqual(f"{info.st_mode:o}", mode)
                if stat.S_ISLNK(info.st_mode):
                    self.assertEqual(os.readlink(found[name]), content)
                elif stat.S_ISREG(info.st_mode):
                    self.assertEqual(found[name].read_text(), content)
        twins = [os.stat(found[f"data/twin-{n}"]).st_ino for n in "ab"]
        self.assertEqual(twins[0], twins[1])
        self.assert_repository_is_sound()

    def test_refs_and_metadata_are_those_of_atomic(self):
        image = images.plain(text="refs\n")
        name = self.registry.push(image, "team/with_underscore", "v1.0")
        self.ctl("pull", name)
        encoded = f"ociimage/127.0.0.1_3A{self.registry.port}_2Fteam_2Fwith_5Funderscore_3Av1.0"
        blobs = {f"ociimage/{images.digest_of(data).removeprefix('sha256:')}" for _, data in image.layers}
        self.assertLessEqual({encoded} | blobs, self.refs())
        def metadata(ref, key):
            text = self.machine.run(["ostree", f"--repo={REPOSITORY}", "show", f"--print-metadata-key={key}", ref]).out
            return text.strip().strip("'")
        self.assertEqual(metadata(encoded, "docker.digest"), image.digest)
        self.assertEqual(json.loads(metadata(encoded, "docker.manifest")), json.loads(image.manifest))
        size = len(image.layers[0][1])
        ref = f"ociimage/{images.digest_of(image.layers[0][1]).removeprefix('sha256:')}"
        self.assertEqual(metadata(ref, "docker.size"), str(size))
        content = self.machine.run(["ostree", f"--repo={REPOSITORY}", "cat", encoded, "/manifest.json"]).out
        self.assertEqual(images.digest_of(content.encode()), image.digest)

    def test_second_pull_downloads_no_layer(self):
        name = self.faulty.name("twice")
        self.ctl("pull", name)
        count = len(self.faulty.requests())
        self.assertFalse(self.ctl_json("pull", name)["result"]["changed"])
        layers = {images.digest_of(data) for _, data in images.bulky(4).layers}
        again = [row["path"].rsplit("/", 1)[1] for row in self.faulty.requests()[count:]]
        self.assertEqual(layers & set(again), set())

    def test_pull_of_unknown_image(self):
        self.assert_fails(3, "ManifestUnknown", "pull", self.registry.name("no/such", "thing"))

    def test_pull_from_nowhere(self):
        self.assert_fails(8, "RegistryUnreachable", "pull", "127.0.0.1:1/app:latest")

    def test_wrong_bytes_are_refused(self):
        layer = images.digest_of(images.bulky(4, seed=7).layers[2][1])
        self.faulty.serve(images.bulky(4, seed=7))
        self.addCleanup(self.faulty.serve, images.bulky(4))
        self.faulty.set_rules([{"match": f"/blobs/{layer}", "fault": "wrong"}])
        refs = self.refs()
        self.assert_fails(7, "DigestMismatch", "pull", self.faulty.name("wrong"), mentions=[layer])
        self.assertEqual(self.refs(), refs)
        self.faulty.set_rules([])
        self.ctl("pull", self.faulty.name("wrong"))
        self.assert_repository_is_sound()

    def test_too_many_bytes_are_refused(self):
        layer = images.digest_of(images.bulky(4, seed=8).layers[2][1])
        self.faulty.serve(images.bulky(4, seed=8))
        self.addCleanup(self.faulty.serve, images.bulky(4))
        self.faulty.set_rules([{"match": f"/blobs/{layer}", "fault": "long"}])
        result = self.ctl("pull", self.faulty.name("long"), check=False)
        self.assertEqual(result.status, 7, result)

    def test_interrupted_download_is_resumed(self):
        image = images.bulky(4, seed=9)
        layer = images.digest_of(image.layers[2][1])
        self.faulty.serve(image)
        self.addCleanup(self.faulty.serve, images.bulky(4))
        self.faulty.set_rules([{"match": f"/blobs/{layer}", "fault": "truncate", "at": 500000, "times": 1}])
        self.ctl("pull", self.faulty.name("resumed"))
        ranges = [row["headers"].get("Range") for row in self.faulty.requests() if row["path"].endswith(layer)]
        self.assertEqual(len(ranges), 2)
        self.assertEqual(ranges[1], "bytes=500000-")

    def test_environment_of_the_caller_has_no_effect(self):
        proxies = {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "SSL_CERT_FILE": "/dev/null"}
        name = self.registry.push(images.plain(text="proxy\n"), "proxy")
        self.ctl("pull", name, env=proxies)


class FullDisk(SyscontCase):
    MACHINE = {"containers_size_mb": 48}

    def reserve(self, text):
        self.machine.write("/etc/syscont/syscont.conf.d/space.conf", f"[Storage]\n{text}")
        self.machine.run(["systemctl", "stop", "syscontd.service"])

    def test_no_space_left(self):
        self.reserve("KeepFreePercent=0\nKeepFreeBytes=0\n")
        self.ctl("pull", self.layout(images.plain(), "small"))
        refs, before = self.refs(), self.host()
        self.assert_fails(9, "NoSpace", "pull", self.layout(images.bulky(64), "large"))
        self.assertEqual(self.refs(), refs)
        self.assert_host_is(before)
        self.assert_repository_is_sound()
        self.ctl("pull", self.layout(images.plain(text="second\n"), "second"))
        self.ctl("install", "small", "--name", "small", "--now")
        self.wait_for_answer(8080)
        self.ctl("uninstall", "small")
        self.ctl("rmi", "small", "second")
        self.ctl("prune")

    def test_reserve_is_kept(self):
        self.reserve("KeepFreePercent=50\n")
        self.ctl("pull", self.layout(images.plain(text="third\n"), "third"))
        source = self.layout(images.bulky(24, layers=12), "reserve")
        self.assert_fails(9, "NoSpace", "pull", source, mentions=["kept free"])
        self.ctl("rmi", "third")
        self.ctl("prune")
