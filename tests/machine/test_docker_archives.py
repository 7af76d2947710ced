# SPDX-License-Identifier: LGPL-2.1-or-later
"""Archives of "docker save" and "podman save", of every version, whole and hostile ones."""

import json
import tarfile

import docker_archives
import images
from case import CHECKOUT, REPOSITORY, SyscontCase
from docker_archives import Member

TAG = "team/app:1.0"


class DockerArchives(SyscontCase):
    def save(self, what, layout="docker-1.10", name="saved"):
        """what: an image with the usual tag, or a list of (image, tags)"""
        chosen = what if isinstance(what, list) else [(what, [TAG])]
        docker_archives.write(self.machine.share / f"{name}.tar", chosen, layout)
        return f"docker-archive:/share/{name}.tar"

    def save_members(self, members):
        docker_archives.write_members(self.machine.share / "hostile.tar", members)
        return "docker-archive:/share/hostile.tar"

    def image_of(self, reference):
        return next((row for row in self.list_images() if reference in row["references"]), None)

    def rootfs_of(self, digest):
        ref = f"syscont/rootfs/{digest.removeprefix('sha256:')}"
        return self.machine.run(["ostree", f"--repo={REPOSITORY}", "show", ref]).out

    def forget(self, reference=TAG):
        self.ctl("rmi", reference)
        self.ctl("prune")

    def test_every_layout_gives_the_same_image(self):
        image = images.layered()
        digest = docker_archives.synthesized_digest(image)
        for layout in docker_archives.LAYOUTS:
            with self.subTest(layout):
                result = self.ctl_json("pull", self.save(image, layout))["result"]
                self.assertEqual((result["digest"], result["reference"], result["changed"]), (digest, TAG, True))
                self.assertFalse(self.ctl_json("pull", self.save(image, layout))["result"]["changed"])
                self.forget()
        self.assert_repository_is_sound()

    def test_merged_tree_is_that_of_the_layout(self):
        image = images.layered()
        self.ctl("pull", self.layout(image, "layered"), "--name-as", "a.example/layered:1")
        self.ctl("pull", self.save(image))
        both = [self.image_of(name)["digest"] for name in ("a.example/layered:1", TAG)]
        trees = [self.machine.run(["ostree", f"--repo={REPOSITORY}", "ls", "-RC",
                                   f"syscont/rootfs/{digest.removeprefix('sha256:')}"]).out for digest in both]
        self.assertEqual(trees[0], trees[1])
        self.forget("a.example/layered:1")
        self.forget()

    def test_install_from_an_archive(self):
        source = self.save([(images.plain(port=8091, text="saved\n"), ["docker-centos:latest"])], "podman", "centos")
        self.ctl("install", source, "--name=docker-centos", "--now")
        self.assertEqual(self.wait_for_answer(8091), "saved\n")
        self.assertEqual(self.container("docker-centos")["reference"], "docker-centos:latest")

    def test_source_is_kept(self):
        self.save(images.plain())
        self.ctl("pull", "dockertar://share/saved.tar")
        self.assertEqual(self.image_of(TAG)["source"], "docker-archive:/share/saved.tar")
        self.forget()
        self.ctl("pull", "dockertar:/share/saved.tar")
        self.assertEqual(self.image_of(TAG)["source"], "docker-archive:/share/saved.tar")
        self.forget()

    def test_standard_input(self):
        self.save(images.plain())
        for layout in ("docker-archive", "dockertar"):
            for how in (f"cat /share/saved.tar | syscontctl pull {layout}:-", f"syscontctl pull {layout}:- < /share/saved.tar"):
                with self.subTest(how):
                    self.machine.sh(how)
                    self.assertEqual(self.image_of(TAG)["source"], "docker-archive:-")
                    self.forget()

    def test_name_picks_one_of_several_images(self):
        pair = [(images.plain(text="a\n"), ["team/a:1", "team/a:latest"]), (images.plain(text="b\n"), ["team/b:2"])]
        source = self.save(pair)
        self.assert_fails(3, "ManifestUnknown", "pull", source, mentions=["team/a:1", "team/b:2"])
        self.assert_fails(3, "ManifestUnknown", "pull", f"{source}:team/c", mentions=["team/c", "team/b:2"])
        for name, stored in (("team/b:2", "team/b:2"), ("team/a", "team/a:latest"), ("team/a:1", "team/a:1")):
            with self.subTest(name):
                result = self.ctl_json("pull", f"{source}:{name}")["result"]
                self.assertEqual(result["reference"], stored)
                self.assertEqual(self.ctl_json("inspect", stored)["source"], f"{source}:{name}")
        self.ctl("pull", f"{source}:team/b:2", "--name-as", "other/name")
        self.assertIsNotNone(self.image_of("other/name:latest"))
        self.ctl("rmi", "team/b:2", "team/a:latest", "team/a:1", "other/name")
        self.ctl("prune")

    def test_compressed_archives(self):
        image = images.layered()
        self.save(image)
        self.archive(image, "layout")
        pack = {"gz": "gzip -kf", "zst": "zstd -qkf"}
        for kind, name, digest in (("docker-archive", "saved", docker_archives.synthesized_digest(image)),
                                   ("oci-archive", "layout", image.digest)):
            for suffix, command in pack.items():
                with self.subTest(f"{kind} {suffix}"):
                    self.machine.sh(f"{command} /share/{name}.tar")
                    source = f"{kind}:/share/{name}.tar.{suffix}"
                    result = self.ctl_json("pull", source, "--name-as", "packed:1")["result"]
                    self.assertEqual(result["digest"], digest)
                    self.forget("packed:1")

    def test_image_without_a_name(self):
        source = self.save([(images.plain(), None)])
        self.assert_fails(2, "InvalidArgument", "pull", source, mentions=["--name-as"])
        self.ctl("pull", source, "--name-as", "given:1")
        self.forget("given:1")

    def test_nothing_of_other_images_stays(self):
        pair = [(images.bulky(2, seed=21), ["team/a:1"]), (images.plain(text="b\n"), ["team/b:2"])]
        before = self.refs()
        self.ctl("pull", self.save(pair) + ":team/b:2")
        layers = {f"ociimage/{images.digest_of(tar).removeprefix('sha256:')}" for tar in pair[0][0].tars}
        self.assertEqual(layers & (self.refs() - before), set())
        self.forget("team/b:2")

    def test_wrong_platform(self):
        other = "arm64" if images.native_architecture() == "amd64" else "amd64"
        self.assert_fails(7, "PlatformMismatch", "pull", self.save(images.plain(architecture=other)), mentions=[other])

    def test_missing_file(self):
        result = self.ctl("pull", "docker-archive:/share/nothing.tar:team/app", check=False)
        self.assertEqual(result.status, 3, result)
        self.assertIn("/share/nothing.tar", result.err)

    def test_what_is_no_docker_archive(self):
        self.archive(images.plain(), "oci")
        self.assert_fails(7, "ImageInvalid", "pull", "docker-archive:/share/oci.tar", mentions=["oci-archive:"])
        (self.machine.share / "text.tar").write_text("hello\n")
        self.assert_fails(7, "ImageInvalid", "pull", "docker-archive:/share/text.tar")

    def test_damaged_archives_leave_nothing(self):
        whole = self.save(images.layered())
        data = (self.machine.share / "saved.tar").read_bytes()
        refs, before = self.refs(), self.host()
        for name, content in (("cut", data[:len(data) // 2]), ("no-index", data[:-20480]), ("garbage", data[:3000] + b"x" * 5000)):
            with self.subTest(name):
                (self.machine.share / "saved.tar").write_bytes(content)
                result = self.ctl("pull", whole, check=False)
                self.assertEqual(result.status, 7, result)
                self.assertEqual(self.refs(), refs)
        self.assert_host_is(before)
        self.assert_repository_is_sound()

    def test_cancel(self):
        """The writer of the pipe never goes on; the job ends all the same."""
        self.save(images.layered())
        self.machine.sh("mkfifo /share/stuck")
        self.machine.background(["sh", "-c", "exec 3>/share/stuck; head -c 20000 /share/saved.tar >&3; sleep 1000"], "stuck")
        job = self.ctl("pull", "--no-block", "docker-archive:/share/stuck").out.split()[-1]
        self.ctl("cancel", job)
        self.assertEqual(self.wait_for_job(f"/org/syscont/jobs/{job}"), "cancelled")
        self.machine.sh("systemctl stop stuck; rm /share/stuck")
        self.ctl("pull", self.save(images.plain()))
        self.forget()

    # --- hostile ones ---

    def rewritten(self, change, image=None):
        """Members of an archive, the rows of whose manifest.json were changed."""
        members = docker_archives.members([(image or images.plain(), [TAG])])
        index = next(member for member in members if member.name == "manifest.json")
        rows = json.loads(index.data)
        change(rows[0])
        index.data = images.to_json(rows)
        return members

    def check_refused(self, name, members, codes=("ImageInvalid",), mentions=()):
        with self.subTest(name):
            refs = self.refs()
            result = self.ctl("pull", self.save_members(members), check=False)
            self.assertEqual(result.status, 7, result)
            self.assertIn(self.newest_job()["error-name"].rpartition(".")[2], codes, result)
            for text in mentions:
                self.assertIn(text, result.err)
            self.assertNotIn("root:", result.err)
            self.assertEqual(self.refs(), refs)

    def test_AR28_paths_of_layers(self):
        for path in ("../../../etc/shadow", "/etc/shadow", "a/../../etc/shadow", "./layer.tar", "", "manifest.json", "absent/layer.tar"):
            self.check_refused(path, self.rewritten(lambda row: row.update(Layers=[path, path])))
        self.check_refused("config", self.rewritten(lambda row: row.update(Config="../../etc/shadow")))

    def test_AR28_links(self):
        honest = docker_archives.members([(images.plain(), [TAG])])
        layer = next(member for member in honest if member.name.endswith("layer.tar"))
        def with_layer(*replacement):
            return [*replacement, *(member for member in honest if member is not layer)]
        def link(target, kind=tarfile.SYMTYPE):
            return Member(layer.name, kind=kind, link=target)
        self.check_refused("to-host", with_layer(link("/etc/shadow")), mentions=[layer.name])
        self.check_refused("up-and-out", with_layer(link("../../../../etc/shadow")), mentions=["leads out"])
        self.check_refused("to-nothing", with_layer(link("../x/layer.tar")))
        self.check_refused("to-itself", with_layer(link("layer.tar")))
        self.check_refused("two-hops", with_layer(link("../one"), Member("one", kind=tarfile.SYMTYPE, link="two"), Member("two", layer.data)),
                           mentions=["link to a link"])
        self.check_refused("hard-to-host", with_layer(link("../../etc/shadow", tarfile.LNKTYPE)))
        self.check_refused("fifo", with_layer(Member(layer.name, kind=tarfile.FIFOTYPE)), mentions=["no regular file"])
        self.check_refused("device", with_layer(Member(layer.name, kind=tarfile.CHRTYPE)))
        self.check_refused("directory", with_layer(Member(layer.name, kind=tarfile.DIRTYPE)))
        for name, kind in (("one-hop", tarfile.SYMTYPE), ("hard-link", tarfile.LNKTYPE)):
            with self.subTest(name):
                target = "../shared.tar" if kind == tarfile.SYMTYPE else "shared.tar"
                self.ctl("pull", self.save_members([Member("shared.tar", layer.data), *with_layer(link(target, kind))]))
                self.forget()

    def test_AR28_documents(self):
        honest = docker_archives.members([(images.plain(), [TAG])])
        index = next(member for member in honest if member.name == "manifest.json")
        config = next(member for member in honest if member.name.endswith(".json") and member is not index)
        def without(member):
            return [other for other in honest if other is not member]
        self.check_refused("two-indexes", [*honest, index], mentions=["twice"])
        self.check_refused("no-index", without(index), mentions=["manifest.json"])
        self.check_refused("no-config", without(config), mentions=[config.name])
        for name, data in (("empty", b""), ("object", b"{}"), ("no-image", b"[]"), ("no-object", b"[1]"), ("trailing", index.data + b"x"),
                           ("twice", b'[{"Config":"a","Config":"b","Layers":[]}]'), ("deep", b"[" * 100000), ("number", b'[{"Config":1}]')):
            self.check_refused(name, [*without(index), Member("manifest.json", data)], ("ImageInvalid", "LimitExceeded"))
        self.check_refused("large", [*without(index), Member("manifest.json", b"[" + b" " * (9 << 20) + b"]")], ("ImageInvalid", "LimitExceeded"))

    def test_AR28_layers(self):
        def swapped(row):
            row["Layers"].reverse()
        self.check_refused("order", self.rewritten(swapped), ("DigestMismatch",), ["layer.tar"])
        self.check_refused("count", self.rewritten(lambda row: row["Layers"].pop()))
        self.check_refused("too-many", self.rewritten(lambda row: row.update(Layers=row["Layers"] * 100)), ("LimitExceeded",))
        honest = docker_archives.members([(images.plain(), [TAG])])
        for member in honest:
            if member.name.endswith("layer.tar"):
                member.data = b"BZh91AY&SY" + b"x" * 2000
        self.check_refused("bzip2", honest, ("NotSupported", "DigestMismatch"))

    def test_AR28_blob_that_is_not_its_name(self):
        members = docker_archives.members([(images.plain(), [TAG])], "docker-25")
        blob = next(member for member in members if len(member.data) > 100000)
        blob.data = blob.data[:-600] + b"\0" * 600 + b"x" * 512
        self.check_refused("layer", members, ("DigestMismatch", "ImageInvalid"), [blob.name])

    def test_AR28_known_layer_that_is_not_its_name(self):
        """A layer that is stored already is taken by its digest, never by its name alone."""
        self.ctl("pull", self.save(images.plain(), "podman"))
        members = docker_archives.members([(images.plain(), [TAG])], "podman")
        layer = next(member for member in members if member.name.endswith(".tar") and "/" not in member.name)
        layer.data = images.Layer().file("/evil", "x").tar()
        self.check_refused("podman", members, ("DigestMismatch",))
        self.forget()

    def test_hostile_layers_stay_inside(self):
        """An archive's layers are read by the same rules as a registry's."""
        victim = "/var/lib/victim-of-layers"
        self.machine.sh(f"mkdir -p {victim}; echo precious > {victim}/file")
        layer = images.Layer().symlink("/etc", victim).file("/etc/file", "evil")
        second = images.Layer().directory("/etc").file("/etc/file", "evil")
        self.ctl("pull", self.save(images.Image([layer, second])), check=False)
        self.assertEqual(self.machine.read(f"{victim}/file"), "precious\n")
        self.check_refused("escape", docker_archives.members([(images.Image([images.Layer().file("../evil", "x")]), [TAG])]))
        self.machine.sh(f"rm -r {victim}")
        self.ctl("rmi", TAG, check=False)
