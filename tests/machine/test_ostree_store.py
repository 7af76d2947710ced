# SPDX-License-Identifier: LGPL-2.1-or-later
"""Repositories that other tools made, used as they are.

The cases of the image tests of atomic (numbers as in its test suite's order) and where each is tried:

    39, 42       names become refs                        test_names_become_refs, test_pull.py
    40, 41       what is stored is not fetched again       test_pull.py, test_second_name_fetches_nothing
    43-45        images lists; marks; --quiet              test_list; there is no mark ">": the column USED BY names the containers
    46, 47       after install, delete                     test_install_as_it_is, test_image_management.py
    48-50        filters                                   test_image_management.py (by name; a backend is not to be chosen)
    51-53, 57    images --all and <none>                   test_image_management.py, test_prune_takes_what_no_image_needs
    54-56        delete by name and by digits; prune       test_delete_by_name_and_digits, test_prune_keeps_what_images_need
    58-61        docker: and dockertar:                    not here: where images come from has tests of its own
    62, 63       tag                                       test_image_management.py
    64-68        info                                      test_inspect_is_as_atomics
"""

import json

import images
from case import CHECKOUT, REPOSITORY, SyscontCase
from ostree_store import OstreeStore, encode, oldest, schema1
from registry import Registry, allow_http


class Foreign(SyscontCase):
    """A repository that was there before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        store = OstreeStore(cls.machine, REPOSITORY)
        store.add(images.plain(), "busybox:latest")
        store.add(images.plain(), "cafe:26")
        store.add(images.layered(), "registry.example.com:5000/a_b/layered:v1")
        store.add(images.update(), "update:latest")
        old = images.plain(port=8091, text="old\n")
        store.add(old, "schema1:latest", schema1(old, {"Name": "schema1"}), config=False, sizes=False)
        older = images.plain(port=8092, text="older\n")
        store.add(older, "oldest:latest", oldest(older, {"Name": "oldest"}), digest=False, config=False, sizes=False)
        flat = images.exports(images.base(), images.SIMPLE_UNIT,
                              images.runtime_config(["/bin/serve", "8093", "/etc"], images.CAPABILITIES), None, {"version": "1.0"})
        store.add_flat(flat, "flat:1")
        cls.store = store
        cls.made = cls.machine.sh(f"ostree --repo={REPOSITORY} refs").split()

    def row(self, name):
        return next((row for row in self.list_images() if name in row["references"]), None)

    def test_list(self):
        names = {name for row in self.list_images() for name in row["references"]}
        self.assertLessEqual({"busybox:latest", "cafe:26", "registry.example.com:5000/a_b/layered:v1", "schema1:latest",
                              "oldest:latest", "flat:1"}, names)
        row = self.row("busybox:latest")
        self.assertEqual(sorted(row["references"]), ["busybox:latest", "cafe:26"])
        self.assertEqual(row["digest"], images.plain().digest)
        # 59: what atomic shows as the virtual size
        self.assertEqual(row["compressed-size"], sum(len(data) for _, data in images.plain().layers))
        self.assertEqual(row["labels"], {"Name": "plain"})
        self.assertEqual(self.row("schema1:latest")["labels"], {"Name": "schema1"})
        self.assertEqual(self.row("oldest:latest")["labels"], {"Name": "oldest"})

    def test_names_become_refs(self):
        self.assertIn("ociimage/cafe_3A26", self.refs())
        self.assertIn("ociimage/registry.example.com_3A5000_2Fa_5Fb_2Flayered_3Av1", self.refs())
        self.ctl("tag", "cafe:26", "docker.io/busybox")
        self.assertIn("ociimage/docker.io_2Fbusybox_3Alatest", self.refs())
        self.ctl("rmi", "docker.io/busybox")

    def test_inspect_is_as_atomics(self):
        text = self.ctl("inspect", "update").out
        for line in ("Image Name: update:latest", "atomic.type: system",
                     "Template variables with default value, but overridable with --set:", "PORT: 8081",
                     "Template variables that has no default value, and must be set with --set:",
                     "VAR_WITH_NO_DEFAULT: {DEF_VALUE}"):
            self.assertIn(f"{line}\n", text)
        self.assertIn("Entrypoint: /bin/sh -c", self.ctl("inspect", "busybox").out)

    def test_inspect_what_lacks_something(self):
        for name in ("schema1", "oldest", "flat:1"):
            with self.subTest(name):
                document = json.loads(self.ctl("inspect", "--json", name).out)
                self.assertIsNone(document["config"])
                self.assertEqual(document["manifest"] is None, name == "flat:1")
                self.assertIn(name, self.ctl("inspect", name).out)

    def test_install_as_it_is(self):
        self.ctl("install", "busybox", "--name", "foreign", "--now")
        self.assertEqual(self.wait_for_answer(8080), "hello\n")
        self.assertEqual(self.row("busybox:latest")["used-by"], ["/org/syscont/containers/foreign"])
        self.ctl("uninstall", "foreign")

    def test_install_of_old_kinds(self):
        for name, template in (("flat:1", True), ("schema1", False), ("oldest", False)):
            with self.subTest(name):
                result = self.ctl("install", name, "--name", "old", "--now", check=template)
                if template:
                    self.wait_for_answer(8093, "/passwd")
                    self.ctl("uninstall", "old")
                else:
                    # without a config nothing says what to run
                    self.assertEqual(result.status, 3, result)
                    self.assert_no_files("old")

    def test_layers_are_merged(self):
        self.ctl("install", "registry.example.com:5000/a_b/layered:v1", "--name", "layered")
        found = self.machine.sh(f"cd {CHECKOUT}/layered.0/rootfs && find data -printf '%p %y%m\\n'").split("\n")
        found = dict(line.split() for line in found if line)
        self.assertEqual(sorted(found), sorted(images.LAYERED))
        kinds = {0o04: "d", 0o10: "f", 0o12: "l"}
        for name, (mode, _) in images.LAYERED.items():
            # directories that a layer only implies are real ones for those who untarred it
            if name not in ("data", "data/implied"):
                self.assertEqual(found[name], f"{kinds[int(mode, 8) >> 12]}{int(mode, 8) & 0o7777:o}", name)
        self.ctl("uninstall", "layered")

    def test_verify(self):
        self.assertEqual({row["state"] for row in self.ctl_json("verify")["result"]["images"]}, {"clean"})
        self.assert_repository_is_sound()

    def test_prune_keeps_what_images_need(self):
        self.ctl("prune")
        self.assertLessEqual(set(self.made), self.refs())
        self.assertEqual(self.row("cafe:26")["labels"], {"Name": "plain"})

    def test_prune_takes_what_no_image_needs(self):
        layer = self.store.add_layer(images.bulky(1, layers=1, seed=5).layers[1][1], sizes=False)
        self.assertIn("<none>", self.ctl("images", "--all").out)
        rows = [row for row in self.ctl_json("images", "--all")["images"] if row["digest"] == layer]
        self.assertEqual([(row["kind"], row["used-by"]) for row in rows], [("layer", [])])
        self.ctl("prune")
        self.assertNotIn(f"ociimage/{layer.removeprefix('sha256:')}", self.refs())

    def test_delete_by_name_and_digits(self):
        image = images.plain(text="to be deleted\n")
        for name in ("one:1", "two:1"):
            self.store.add(image, name)
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        self.ctl("rmi", "one:1")
        self.assertIsNone(self.row("one:1"))
        self.assertIsNotNone(self.row("two:1"))
        self.ctl("rmi", image.digest.removeprefix("sha256:")[:12])
        self.assertIsNone(self.row("two:1"))
        self.assertNotIn(f"ociimage/{encode('two:1')}", self.refs())

    def test_second_name_fetches_nothing(self):
        registry = Registry(self.machine)
        allow_http(self.machine, registry.port)
        name = registry.push(images.plain(), "again")
        result = self.ctl_json("pull", name)["result"]
        self.assertEqual(result["downloaded-bytes"], 0)
        self.assertIn(name, self.row("cafe:26")["references"])
        self.ctl("rmi", name)


class Deployed(SyscontCase):
    """A host that OSTree deployed: /var is a bind mount of a directory beside the repository."""

    SYSTEM = "/var/lib/containers/sysroot/ostree"
    CHECKOUT = "/var/lib/bound/syscont"

    def test_links_are_made_within_one_mount(self):
        machine = self.machine
        OstreeStore(machine, f"{self.SYSTEM}/repo")
        machine.sh(f"mkdir -p {self.SYSTEM}/deploy/other/var/lib/bound/syscont {self.SYSTEM}/deploy/os/var/lib/bound /var/lib/bound\n"
                   f"mount --bind {self.SYSTEM}/deploy/os/var/lib/bound /var/lib/bound")
        machine.write("/etc/syscont/syscont.conf.d/storage.conf",
                      f"[Storage]\nRepository={self.SYSTEM}/repo\nCheckout={self.CHECKOUT}\n")
        machine.run(["systemctl", "stop", "syscontd.service"], check=False)
        self.ctl("install", self.layout(images.plain(), "plain"), "--name", "web", "--now")
        self.wait_for_answer(8080)
        links = machine.sh(f"stat -c %h {self.CHECKOUT}/web.0/rootfs/bin/busybox")
        self.assertGreater(int(links), 1)
        self.assertEqual([row["state"] for row in self.ctl_json("verify")["result"]["images"]], ["clean"])
        self.ctl("uninstall", "web")


class Shared(SyscontCase):
    """The repository of the operating system."""

    PATH = "/var/lib/containers/system/repo"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        store = OstreeStore(cls.machine, cls.PATH)
        tree = images.Layer().file("/usr/lib/os-release", "ID=x\n").file("/usr/bin/large", bytes(3 * 1024 * 1024))
        for branch in ("os/x86_64/stable", "ostree/0/1/0", "ociimages/not-ours"):
            store.commit_tar(branch, tree.tar())
        cls.machine.write("/etc/syscont/syscont.conf.d/repository.conf", f"[Storage]\nRepository={cls.PATH}\n")
        cls.machine.run(["systemctl", "stop", "syscontd.service"], check=False)

    def system_refs(self):
        refs = self.machine.sh(f"for ref in $(ostree --repo={self.PATH} refs); do echo $ref "
                               f"$(ostree --repo={self.PATH} rev-parse $ref); done")
        return [line for line in refs.splitlines() if not line.startswith(("ociimage/", "syscont/"))]

    def test_refs_of_the_system_are_left_alone(self):
        before = self.system_refs()
        self.assertEqual(len(before), 3)
        empty = self.ctl_json("df")["storage"]
        self.assertEqual((empty["repository"], empty["reclaimable"]), (0, 0))
        self.assertEqual(self.list_images(), [])
        self.ctl("pull", self.layout(images.plain(), "plain"))
        self.assertLess(self.ctl_json("df")["storage"]["repository"], 3 * 1024 * 1024)
        self.ctl("install", "plain", "--name", "web", "--now")
        self.wait_for_answer(8080)
        self.assertEqual([row["reference"] for row in self.ctl_json("verify")["result"]["images"]], ["plain:latest"])
        self.ctl("uninstall", "web")
        self.ctl("rmi", "plain")
        self.ctl("prune")
        self.assertEqual(self.system_refs(), before)
        self.machine.run(["ostree", f"--repo={self.PATH}", "fsck", "--quiet"])
        self.assertFalse(self.machine.exists(REPOSITORY))
