# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images in the store: names, sizes, what is damaged, what is newer."""

import gzip
import json
import re
import time

import images
from case import BUS_NAME, CHECKOUT, ERROR, MANAGER, MANAGER_PATH, REPOSITORY, SyscontCase
from registry import FaultyRegistry, Registry, allow_http


class Names(SyscontCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_images)

    def remove_images(self):
        for row in self.list_images():
            self.ctl("rmi", row["digest"])

    def names(self):
        return sorted(name for row in self.list_images() for name in row["references"])

    def digest_of(self, name):
        return next(row["digest"] for row in self.list_images() if name in row["references"])

    def pull(self, name, **content):
        image = images.plain(**content)
        self.ctl("pull", self.layout(image, name))
        return image

    def test_new_name_is_of_the_same_image(self):
        image = self.pull("first")
        self.ctl("tag", "first", "registry.example.com/team/second:1.0", "third")
        self.assertEqual(self.names(), ["first:latest", "registry.example.com/team/second:1.0", "third:latest"])
        self.assertEqual({row["digest"] for row in self.list_images()}, {image.digest})

    def test_digits_name_an_image(self):
        image = self.pull("first")
        self.ctl("tag", image.digest.removeprefix("sha256:")[:12], "second")
        self.assertIn("second:latest", self.names())

    def test_name_of_another_image_is_taken_from_it(self):
        self.pull("first")
        second = self.pull("second", text="second\n")
        self.ctl("tag", "second", "first")
        self.assertEqual(self.digest_of("first:latest"), second.digest)
        self.assertEqual(self.names(), ["first:latest", "second:latest"])
        self.ctl("prune")
        self.assert_repository_is_sound()

    def test_one_name_of_several_can_go(self):
        self.pull("first")
        self.ctl("tag", "first", "second")
        self.ctl("install", "first", "--name", "web")
        self.assert_fails(5, "Busy", "rmi", "first", mentions=['"web"'])
        self.ctl("rmi", "second")
        self.assertEqual(self.names(), ["first:latest"])
        self.assert_fails(5, "Busy", "rmi", self.digest_of("first:latest"), mentions=['"web"'])
        self.ctl("uninstall", "web")
        self.ctl("rmi", "first")
        self.assertEqual(self.names(), [])

    def test_what_cannot_be_a_name(self):
        self.pull("first")
        for status, name in ((2, "Not A Name"), (2, "a@sha256:" + "0" * 64), (2, "docker:x"), (2, "")):
            with self.subTest(name):
                result = self.ctl("tag", "first", name, check=False)
                self.assertEqual(result.status, status, result)
        result = self.ctl("tag", "first", "x" * 250, check=False)
        self.assertEqual(result.status, 2, result)
        self.assertIn("too long", result.err)
        self.assertEqual(self.names(), ["first:latest"])

    def test_unknown_image(self):
        result = self.ctl("tag", "no-such", "second", check=False)
        self.assertEqual(result.status, 3, result)
        self.assertIn("no-such", result.err)

    def test_over_the_bus(self):
        self.pull("first")
        self.busctl("call", BUS_NAME, MANAGER_PATH, MANAGER, "TagImage", "ssa{sv}", "first", "second", "0")
        self.assertIn("second:latest", self.names())
        result = self.gdbus("TagImage", "no-such", "third", "{}", check=False)
        self.assertIn(ERROR + "NotFound", result.err)


def data_layer():
    """One file is too large to be written from memory."""
    return images.base().directory("/data").file("/data/lower", "lower\n").file("/data/large", bytes(range(256)) * 8192)


def service_with_data():
    """Two layers, each with a file that only it has."""
    upper = images.Layer().directory("/www").file("/www/index.html", "hello\n").directory("/work").file("/data/upper", "upper\n")
    return images.Image([data_layer(), upper], json.loads(images.plain().config_bytes)["config"])


class Verify(SyscontCase):
    """What a disk, or somebody with too many rights, does to objects."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.faulty = FaultyRegistry(cls.machine, images.plain())
        allow_http(cls.machine, cls.faulty.port)
        cls.image = service_with_data()

    def setUp(self):
        super().setUp()
        self.faulty.set_rules([])
        self.faulty.serve(self.image)
        self.name = self.faulty.name("app")
        self.ctl("pull", self.name)
        self.addCleanup(self.remove_images)

    def remove_images(self):
        for row in self.list_containers():
            self.ctl("uninstall", row["name"])
        for row in self.list_images():
            self.ctl("rmi", row["digest"])
        self.ctl("prune")

    def verify(self, *arguments, status=0):
        result = self.ctl("verify", "--json", *arguments, check=False)
        self.assertEqual(result.status, status, result)
        rows = json.loads(result.out)["result"]["images"]
        return rows[0] if len(rows) == 1 else rows

    def repair(self):
        """Returns the digests of the layers that were fetched."""
        before = len(self.faulty.requests())
        row = self.verify("--repair", self.name)
        self.assertEqual((row["state"], row["error"]), ("repaired", ""))
        self.assertEqual(self.verify(self.name)["state"], "clean")
        self.assert_repository_is_sound()
        fetched = {request["path"].rsplit("/", 1)[1] for request in self.faulty.requests()[before:]}
        return fetched & {images.digest_of(data) for _, data in self.image.layers}

    def rootfs(self):
        return next(ref for ref in self.refs() if ref.startswith("syscont/rootfs/"))

    def ostree(self, *arguments):
        return self.machine.run(["ostree", f"--repo={REPOSITORY}", *arguments]).out

    def object_of(self, path):
        """Where the object of a file of the merged tree is."""
        line = self.ostree("ls", "-C", self.rootfs(), path).split()
        checksum = next(word for word in line if len(word) == 64)
        return f"{REPOSITORY}/objects/{checksum[:2]}/{checksum[2:]}.file"

    def flip(self, path):
        self.machine.run(["python3", "-c", "import sys\nwith open(sys.argv[1], 'r+b') as f:\n    byte = f.read(1)[0]\n"
                          "    f.seek(0)\n    f.write(bytes([byte ^ 1]))", path])

    def test_clean(self):
        self.assertEqual(self.verify()["state"], "clean")
        self.assertEqual(self.verify(self.name)["damaged-objects"], 0)
        self.assertIn("clean", self.ctl("verify").out)

    def test_file(self):
        harms = {
            "flipped": self.flip,
            "truncated": lambda path: self.machine.run(["truncate", "-s", "1", path]),
            "deleted": lambda path: self.machine.run(["rm", path]),
            "mode": lambda path: self.machine.run(["chmod", "4777", path]),
            "owner": lambda path: self.machine.run(["chown", "1234", path]),
            "attribute": lambda path: self.machine.run(["python3", "-c", f"import os; os.setxattr({path!r}, 'user.x', b'y')"]),
        }
        upper = images.digest_of(self.image.layers[1][1])
        for name, harm in harms.items():
            with self.subTest(name):
                path = self.object_of("/data/upper")
                harm(path)
                result = self.ctl("verify", self.name, check=False)
                self.assertEqual(result.status, 9, result)
                self.assertIn("damaged", result.out)
                row = self.verify(self.name, status=9)
                self.assertEqual((row["state"], row["damaged-objects"], row["layers"]), ("damaged", 1, [upper]))
                self.assertEqual(row["objects"], [path.rsplit("/", 2)[1] + path.rsplit("/", 1)[1]])
                self.assertEqual(self.newest_job()["error-name"], ERROR + "StorageCorrupt")
                self.assertEqual(self.repair(), {upper})

    def test_large_file(self):
        self.flip(self.object_of("/data/large"))
        self.assertEqual(self.repair(), {images.digest_of(self.image.layers[0][1])})

    def test_directory(self):
        tree = self.ostree("show", "--raw", self.rootfs())
        checksum = re.findall(r"\[byte ([^\]]*)\]", tree)[-2]
        name = "".join(part.strip().removeprefix("0x") for part in checksum.split(","))
        path = f"{REPOSITORY}/objects/{name[:2]}/{name[2:]}.dirtree"
        self.flip(path)
        self.assertEqual(self.verify(self.name, status=9)["objects"], [f"{name}.dirtree"])
        self.repair()

    def test_manifest_and_config(self):
        for ref, file in ((self.encoded(), "/manifest.json"), (self.config_ref(), "/content")):
            with self.subTest(file):
                checksum = next(word for word in self.ostree("ls", "-C", ref, file).split() if len(word) == 64)
                self.machine.run(["truncate", "-s", "3", f"{REPOSITORY}/objects/{checksum[:2]}/{checksum[2:]}.file"])
                self.verify(self.name, status=9)
                self.assertEqual(self.repair(), set())

    def encoded(self):
        return next(ref for ref in self.refs() if ref.startswith("ociimage/127"))

    def config_ref(self):
        return f"ociimage/{json.loads(self.image.manifest)['config']['digest'].removeprefix('sha256:')}"

    def test_commits(self):
        layer = f"ociimage/{images.digest_of(self.image.layers[0][1]).removeprefix('sha256:')}"
        for ref in (layer, self.rootfs(), self.config_ref(), self.encoded()):
            with self.subTest(ref):
                commit = self.ostree("rev-parse", ref).strip()
                path = f"{REPOSITORY}/objects/{commit[:2]}/{commit[2:]}.commit"
                # its time
                self.machine.run(["python3", "-c", "import sys\ntext = open(sys.argv[1], 'rb').read()\nopen(sys.argv[1], 'r+b')"
                                  ".write(text.replace(b'root file system', b'root file Xystem').replace(b'layer\\0', b'laXer\\0')"
                                  ".replace(b'content\\0', b'conXent\\0').replace(b'manifest.json\\0', b'manifest.jXon\\0'))", path])
                self.verify(self.name, status=9)
                self.repair()

    def test_other_names_survive(self):
        self.ctl("tag", self.name, "second")
        commit = self.ostree("rev-parse", self.encoded()).strip()
        self.machine.run(["rm", f"{REPOSITORY}/objects/{commit[:2]}/{commit[2:]}.commit"])
        result = self.ctl("verify", check=False)
        self.assertEqual(result.status, 9, result)
        self.assertIn("pull", result.err)
        self.ctl("pull", self.name)
        self.assert_fails(9, "StorageCorrupt", "verify", "second")
        self.ctl("rmi", "second")
        self.assertEqual(self.verify()["state"], "clean")

    def test_deployment_gets_the_whole_file(self):
        self.ctl("install", self.name, "--name", "app", "--now")
        self.wait_for_answer(8080)
        inside = f"{CHECKOUT}/app.0/rootfs/data/upper"
        content = self.machine.run(["cat", inside]).out
        self.flip(self.object_of("/data/upper"))
        self.assertNotEqual(self.machine.run(["cat", inside]).out, content)
        result = self.ctl("verify", "--repair", self.name)
        self.assertIn("1 files of containers were replaced", result.out)
        self.assertEqual(self.machine.run(["cat", inside]).out, content)
        self.assertEqual(self.machine.run(["stat", "-c", "%i", inside]).out,
                         self.machine.run(["stat", "-c", "%i", self.object_of("/data/upper")]).out)
        self.assertEqual(self.fetch(8080), "hello\n")
        self.assertEqual(self.active("app"), "active")

    def test_deployment_alone_is_damaged(self):
        self.ctl("install", self.name, "--name", "app")
        inside = f"{CHECKOUT}/app.0/rootfs/data/upper"
        self.machine.sh(f"cp -p {inside} /tmp/copy; rm {inside}; cp -p /tmp/copy {inside}")
        self.assertEqual(self.verify(self.name)["state"], "clean")
        self.machine.sh(f"echo changed > {inside}; rm {CHECKOUT}/app.0/rootfs/data/lower")
        row = self.verify(self.name, status=9)
        self.assertEqual((row["damaged-objects"], sorted(row["files"])), (0, ["app.0/data/lower", "app.0/data/upper"]))
        self.assertEqual(self.verify("--repair", self.name)["replaced-files"], 2)
        self.assertEqual(self.verify(self.name)["state"], "clean")

    def test_registry_is_away(self):
        self.flip(self.object_of("/data/upper"))
        self.faulty.set_rules([{"match": "/manifests/", "fault": "status", "status": 404}])
        row = self.verify("--repair", self.name, status=9)
        self.assertEqual(row["state"], "damaged")
        self.assertNotEqual(row["error"], "")
        self.faulty.set_rules([])
        self.ctl("pull", self.name)
        self.assertEqual(self.verify(self.name)["state"], "clean")

    def test_archive_is_imported_again(self):
        source = self.layout(images.plain(text="from a directory\n"), "directory")
        self.ctl("pull", source)
        self.machine.run(["rm", self.object_of_image("directory:latest", "/bin/busybox")])
        row = self.verify("--repair", "directory", status=9)
        self.assertIn("pull it again", row["error"])
        self.assertTrue(self.ctl_json("pull", source)["result"]["changed"])
        self.assertEqual(self.verify("directory")["state"], "clean")

    def object_of_image(self, name, path):
        digest = next(row["digest"] for row in self.list_images() if name in row["references"])
        line = self.ostree("ls", "-C", f"syscont/rootfs/{digest.removeprefix('sha256:')}", path).split()
        checksum = next(word for word in line if len(word) == 64)
        return f"{REPOSITORY}/objects/{checksum[:2]}/{checksum[2:]}.file"

    def test_images_that_share_a_damaged_file(self):
        self.ctl("tag", self.name, "second")
        self.faulty.serve(images.Image([data_layer(), images.Layer().file("/other", "x")], config={"Cmd": ["/bin/sh"]}))
        self.ctl("pull", self.faulty.name("other"))
        path = self.object_of_image(self.name, "/data/large")
        self.flip(path)
        rows = self.verify(status=9)
        self.assertEqual([row["state"] for row in rows], ["damaged", "damaged"])
        self.faulty.serve(self.image)

    def test_unknown_image(self):
        self.assert_fails(3, "NotFound", "verify", "no-such", mentions=["no-such"])
        self.assertEqual(self.ctl("verify", "Not A Name", check=False).status, 2)

    def test_only_administrators(self):
        result = self.gdbus("VerifyImages", "[]", "{}", user="alice", check=False)
        self.assertIn("org.freedesktop.DBus.Error", result.err)


class Listing(SyscontCase):
    """Sizes, and what of the store is no image's."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_images)
        lower = data_layer()
        self.first = images.Image([lower, images.Layer().file("/first", "1")], {"Cmd": ["/bin/sh"], "Labels": {"Name": "first"}})
        self.second = images.Image([lower, images.Layer().file("/second", "2")], {"Cmd": ["/bin/sh"]})
        self.ctl("pull", self.layout(self.first, "first", "1.0"))
        self.ctl("pull", self.layout(self.second, "second"))

    def remove_images(self):
        for row in self.list_images():
            self.ctl("rmi", row["digest"])
        self.ctl("prune")

    def row(self, name):
        return next(row for row in self.list_images() if name in row["references"])

    @staticmethod
    def unpacked(image, n):
        return len(gzip.decompress(image.layers[n][1]))

    def test_sizes(self):
        row = self.row("first:1.0")
        self.assertEqual(row["compressed-size"], sum(len(data) for _, data in self.first.layers))
        self.assertEqual(row["size"], self.unpacked(self.first, 0) + self.unpacked(self.first, 1))
        self.assertEqual(row["exclusive-size"], self.unpacked(self.first, 1))
        heading = self.ctl("images").out.splitlines()[0].split()
        self.assertEqual(heading, ["IMAGE", "DIGEST", "PLATFORM", "COMPRESSED", "SIZE", "EXCLUSIVE", "PULLED", "USED", "BY"])

    def test_users_are_named(self):
        self.ctl("install", "first:1.0", "--name", "web")
        line = next(line for line in self.ctl("images").out.splitlines() if line.startswith("first:1.0"))
        self.assertEqual(line.split()[-1], "web")
        self.ctl("uninstall", "web")

    def test_all_lists_layers_and_configs(self):
        self.assertNotIn("<none>", self.ctl("images").out)
        text = self.ctl("images", "--all").out
        self.assertIn("<none>", text)
        self.assertGreater(len(text.splitlines()), len(self.ctl("images").out.splitlines()))
        rows = self.ctl_json("images", "--all")["images"]
        blobs = {row["digest"]: row for row in rows if "kind" in row}
        self.assertEqual({digest for digest, row in blobs.items() if row["kind"] == "layer"},
                         {images.digest_of(data) for image in (self.first, self.second) for _, data in image.layers})
        self.assertEqual({digest for digest, row in blobs.items() if row["kind"] == "config"},
                         {images.digest_of(image.config_bytes) for image in (self.first, self.second)})
        shared = blobs[images.digest_of(self.first.layers[0][1])]
        self.assertEqual(sorted(shared["used-by"]), sorted(self.row(name)["path"] for name in ("first:1.0", "second:latest")))
        self.assertEqual((shared["size"], shared["compressed-size"]),
                         (self.unpacked(self.first, 0), len(self.first.layers[0][1])))

    def test_what_no_image_needs(self):
        self.ctl("tag", "second", "first:1.0")
        blobs = [row for row in self.ctl_json("images", "--all")["images"] if "kind" in row and not row["used-by"]]
        self.assertEqual({row["digest"]: row["kind"] for row in blobs},
                         {images.digest_of(self.first.layers[1][1]): "layer", images.digest_of(self.first.config_bytes): "config"})
        self.ctl("prune")
        self.assertEqual([row for row in self.ctl_json("images", "--all")["images"] if "kind" in row and not row["used-by"]], [])
        self.assertEqual(self.row("second:latest")["labels"], {})
        self.ctl("inspect", "second")

    def test_filters(self):
        def names(*arguments):
            return self.ctl("images", "--quiet", *arguments).out.split()
        self.ctl("tag", "first:1.0", "first:2.0", "registry.example.com/first:1.0")
        self.assertEqual(names("first"), ["first:1.0", "first:2.0"])
        self.assertEqual(names("first:2.0"), ["first:2.0"])
        self.assertEqual(names("registry.example.com/first"), ["registry.example.com/first:1.0"])
        self.assertEqual(names("firs"), [])
        self.assertEqual(len(self.ctl_json("images", "first")["images"]), 1)

    def test_quiet_has_one_column(self):
        self.assertEqual(self.ctl("images", "--quiet").out.split(), ["first:1.0", "second:latest"])

    def test_storage(self):
        info = self.ctl_json("df")["storage"]
        self.assertEqual(info["shared"], self.unpacked(self.first, 0))
        self.assertEqual(info["exclusive"], self.unpacked(self.first, 1) + self.unpacked(self.second, 1))
        self.assertEqual(info["reclaimable"], 0)
        self.assertGreater(info["repository"], 2 * 1024 * 1024)
        self.assertLess(info["repository"], self.unpacked(self.first, 0) + self.unpacked(self.second, 0))
        self.assertLess(info["available"], info["capacity"])
        self.ctl("tag", "second", "first:1.0")
        reclaimable = self.ctl_json("df")["storage"]["reclaimable"]
        self.assertGreater(reclaimable, 0)
        self.assertEqual(self.ctl_json("prune", "--dry-run")["result"]["freed-bytes"], reclaimable)
        self.assertEqual(self.ctl_json("prune")["result"]["freed-bytes"], reclaimable)
        after = self.ctl_json("df")["storage"]
        self.assertEqual((after["reclaimable"], after["repository"]), (0, self.ctl_json("df")["storage"]["repository"]))
        self.assertIn("repository", self.ctl("df").out)

    def test_storage_is_for_everybody(self):
        self.assertIn("repository", self.ctl("df", user="alice").out)


class Check(SyscontCase):
    """Whether a registry has something newer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(cls.machine)
        cls.faulty = FaultyRegistry(cls.machine, images.plain())
        allow_http(cls.machine, cls.registry.port, cls.faulty.port)

    def setUp(self):
        super().setUp()
        self.faulty.set_rules([])
        self.addCleanup(self.remove_images)

    def remove_images(self):
        for row in self.list_images():
            self.ctl("rmi", row["digest"])

    def check(self, *arguments):
        rows = self.ctl_json("check", *arguments)["result"]["images"]
        return {row["reference"]: row for row in rows}

    def test_newer(self):
        old, new = images.plain(text="old\n"), images.plain(text="new\n")
        self.faulty.serve(old)
        name = self.faulty.name("app")
        self.ctl("pull", name)
        self.assertEqual(self.check()[name]["newer"], False)
        self.assertIn("up to date", self.ctl("check", name).out)
        self.faulty.serve(new)
        count = len(self.faulty.requests())
        row = self.check(name)[name]
        self.assertEqual((row["digest"], row["available-digest"], row["newer"]), (old.digest, new.digest, True))
        self.assertIn("newer", self.ctl("check").out)
        self.assertEqual([row["path"] for row in self.faulty.requests()[count:] if "/blobs/" in row["path"]], [])
        self.assertEqual([row["digest"] for row in self.list_images()], [old.digest])

    def test_first_seen_is_when_the_registry_was_asked(self):
        name = self.faulty.name("seen")
        self.faulty.serve(images.plain(text="seen 1\n"))
        self.ctl("pull", name)
        self.faulty.serve(images.plain(text="seen 2\n"))
        self.ctl("check", name)
        asked_usec = time.time() * 1e6
        self.ctl("pull", name)
        row = next(row for row in self.list_images() if name in row["references"])
        self.assertLess(row["first-seen"], asked_usec)
        noted = json.loads(self.machine.run(["cat", "/var/lib/syscont/seen.json"]).out)["digests"]
        self.assertEqual(row["first-seen"], noted[row["digest"]])

    def test_pull_if_newer(self):
        self.faulty.serve(images.plain())
        name = self.faulty.name("if-newer")
        self.assertEqual(self.ctl("pull", "--if-newer", "127.0.0.1:1/app:1", check=False).status, 8)
        self.assertTrue(self.ctl_json("pull", "--if-newer", name)["result"]["changed"])
        self.assertFalse(self.ctl_json("pull", "--if-newer", name)["result"]["changed"])
        self.faulty.stop()
        self.addCleanup(self.faulty.start)
        self.assertEqual(self.ctl("pull", name, check=False).status, 8)
        result = self.ctl_json("pull", "--if-newer", name)["result"]
        self.assertEqual((result["changed"], result["digest"]), (False, images.plain().digest))
        self.assertIn("127.0.0.1", result["unchecked"])
        result = self.ctl("pull", "--if-newer", name)
        self.assertIn("kept as it is", result.out)
        self.assertIn("warning: ", result.err)
        self.assertEqual(self.ctl("pull", "--if-newer", "--quiet", name).err, "")

    def test_several_platforms(self):
        native = images.native_architecture()
        def index(text):
            other = "arm64" if native == "amd64" else "amd64"
            return images.Index([(images.plain(architecture=other, text=text), f"linux/{other}"),
                                 (images.plain(text=text), f"linux/{native}")])
        name = self.registry.push(index("old\n"), "several")
        self.ctl("pull", name)
        self.assertFalse(self.check(name)[name]["newer"])
        self.registry.push(index("new\n"), "several")
        self.assertEqual(self.check(name)[name]["available-digest"], images.plain(text="new\n").digest)

    def test_names_of_one_source_are_asked_once(self):
        self.faulty.serve(images.plain())
        name = self.faulty.name("app")
        self.ctl("pull", name)
        self.ctl("tag", name, "mine")
        count = len(self.faulty.requests())
        self.assertEqual(sorted(self.check()), sorted([name, "mine:latest"]))
        self.assertEqual(len([row for row in self.faulty.requests()[count:] if "/manifests/" in row["path"]]), 1)

    def test_digest_never_changes(self):
        image = images.plain(text="pinned\n")
        self.registry.push(image, "pinned")
        name = f"{self.registry.host}/pinned@{image.digest}"
        self.ctl("pull", name)
        row = self.check()[name]
        self.assertEqual((row["pinned"], row["newer"], row["available-digest"]), (True, False, image.digest))

    def test_error_is_that_of_one_image(self):
        good = self.registry.push(images.plain(text="good\n"), "good")
        self.faulty.serve(images.plain())
        bad = self.faulty.name("bad")
        self.ctl("pull", good)
        self.ctl("pull", bad)
        self.faulty.set_rules([{"match": "/manifests/", "fault": "status", "status": 404}])
        rows = self.check()
        self.assertEqual(rows[good]["error"], "")
        self.assertEqual(rows[bad]["error-name"], ERROR + "ManifestUnknown")
        self.assertFalse(rows[bad]["newer"])
        self.assert_fails(3, "ManifestUnknown", "check", bad, mentions=[bad])

    def test_what_came_from_elsewhere(self):
        self.ctl("pull", self.layout(images.plain(text="elsewhere\n"), "elsewhere"))
        self.assertEqual(self.check(), {})
        self.assert_fails(1, "NotSupported", "check", "elsewhere", mentions=["oci:/share/elsewhere"])
        self.assert_fails(3, "NotFound", "check", "no-such")
