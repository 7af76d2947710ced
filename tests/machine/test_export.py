# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images written to archives and taken in again, here and elsewhere."""

import images
from case import REPOSITORY, SyscontCase

NAME = "a.example/exported:1"


class Export(SyscontCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(lambda: self.machine.sh("rm -f /share/*.tar /share/*.tar.*"))

    def tree_of(self, digest):
        return self.machine.run(["ostree", f"--repo={REPOSITORY}", "ls", "-RCX", f"syscont/rootfs/{digest.removeprefix('sha256:')}"]).out

    def pull(self, image, name=NAME):
        return self.ctl_json("pull", self.layout(image, "source"), "--name-as", name)["result"]["digest"]

    def forget(self, *references):
        self.ctl("rmi", *references)
        self.ctl("prune")

    def image_with_everything(self):
        """What a header of a tar can say, and cannot say."""
        long = "/".join(["directory-with-a-long-name"] * 6)
        layer = images.Layer().directory("/etc", 0o1777, uid=3, gid=4)
        layer.file("/etc/setuid", "x", 0o4755, uid=1000, gid=3000000).file(f"/{long}/file", "deep\n")
        layer.symlink("/etc/long", "/" + "target/" * 30).symlink("/etc/short", "setuid").hardlink("/etc/twin", "/etc/setuid"[1:])
        layer.file("/etc/äöü", "names\n").file("/etc/empty").file("/etc/block", "x" * 512).file("/etc/big", "y" * 700001)
        layer.file("/etc/attributes", "x", pax={"SCHILY.xattr.user.note": "kept", "SCHILY.xattr.user.other": "too"})
        layer.file("/implied/only/file", "x")
        upper = images.Layer().remove("/etc/empty").empty("/implied/only").file("/implied/only/new", "x").file("/etc/setuid", "other", 0o600)
        return images.Image([layer, upper])

    def test_same_tree_on_another_store(self):
        for image in (images.layered(), self.image_with_everything(), images.plain(compression="zstd")):
            digest = self.pull(image)
            tree = self.tree_of(digest)
            result = self.ctl_json("export", NAME, "/share/out.tar")["result"]
            self.assertEqual((result["source-digest"], result["repacked"], result["reference"]), (digest, True, NAME))
            self.forget(NAME)
            again = self.ctl_json("pull", "oci-archive:/share/out.tar")["result"]
            self.assertEqual((again["digest"], again["reference"]), (result["digest"], NAME))
            self.assertEqual(self.tree_of(again["digest"]), tree)
            self.forget(NAME)
        self.assert_repository_is_sound()

    def test_the_same_bytes_every_time(self):
        """Also of what was exported before: packing again what was packed changes nothing."""
        self.pull(self.image_with_everything())
        self.ctl("export", NAME, "/share/1.tar")
        self.machine.sh(f"syscontctl export {NAME} - > /share/2.tar; syscontctl export {NAME} - | cat > /share/3.tar")
        self.ctl("pull", "oci-archive:/share/1.tar", "--name-as", NAME)
        self.assertFalse(self.ctl_json("export", NAME, "/share/4.tar")["result"]["repacked"])
        sums = {line.split()[0] for line in self.machine.sh("sha256sum /share/[1-4].tar").splitlines()}
        self.assertEqual(len(sums), 1)
        self.forget(NAME)

    def test_other_tools_read_it(self):
        self.pull(images.layered())
        self.ctl("export", NAME, "/share/out.tar")
        self.machine.run(["skopeo", "copy", "--insecure-policy", "oci-archive:/share/out.tar", "dir:/tmp/copied"])
        self.machine.sh("rm -r /tmp/copied")
        self.assertIn("oci-layout", self.machine.sh("tar tf /share/out.tar"))
        self.forget(NAME)

    def test_short_name_stays(self):
        self.ctl("pull", self.layout(images.plain(), "source"), "--name-as", "short:1")
        self.ctl("export", "short:1", "/share/out.tar")
        self.forget("short:1")
        self.assertEqual(self.ctl_json("pull", "oci-archive:/share/out.tar")["result"]["reference"], "short:1")
        self.forget("short:1")

    def test_failed_export_leaves_no_file(self):
        self.machine.write("/share/old.tar", "old\n")
        for arguments in (("no/such:image", "/share/new.tar"), ("no/such:image", "/share/old.tar")):
            self.assert_fails(3, "NotFound", "export", *arguments, mentions=["no/such:image"])
        self.assertEqual(self.machine.sh("ls /share/*.tar*"), "/share/old.tar\n")
        self.assertEqual(self.machine.read("/share/old.tar"), "old\n")

    def test_slow_reader_holds_up_nobody(self):
        self.pull(images.bulky(8, seed=41))
        self.machine.background(["sh", "-c", f"syscontctl export {NAME} - | (sleep 1000; cat)"], "slow")
        running = lambda: self.newest_job().get("phase") == "export"
        self.machine.wait_for(running, 60, "the export")
        job = self.newest_job()["id"]
        self.ctl("pull", self.layout(images.plain(), "beside"), "--name-as", "a.example/beside:1")
        self.ctl("cancel", str(job))
        self.assertEqual(self.wait_for_job(f"/org/syscont/jobs/{job}"), "cancelled")
        self.machine.sh("systemctl stop slow")
        self.forget(NAME, "a.example/beside:1")

    def test_reader_that_goes(self):
        self.pull(images.bulky(8, seed=42))
        self.machine.sh(f"(syscontctl export {NAME} - || echo $? > /share/status.tar) | head -c 1000 > /dev/null")
        self.assertEqual(self.machine.read("/share/status.tar"), "1\n")
        self.forget(NAME)

    def test_DB08_descriptors(self):
        """What cannot be written to is refused before anything happens."""
        self.pull(images.plain())
        for name, redirect in (("read-only", "< /etc/hostname"), ("directory", "< /etc"), ("device", "> /dev/null"), ("zero", "< /dev/zero")):
            with self.subTest(name):
                script = f"exec 3{redirect}; syscontctl export {NAME} /proc/self/fd/3"
                result = self.machine.run(["sh", "-c", script], check=False)
                self.assertNotEqual(result.status, 0, result)
        self.forget(NAME)

    def test_full_disk(self):
        self.pull(images.bulky(8, seed=43))
        self.machine.sh("mkdir -p /run/small && mount -t tmpfs -o size=1m small /run/small")
        self.assert_fails(9, "NoSpace", "export", NAME, "/run/small/out.tar")
        self.assertEqual(self.machine.sh("ls /run/small"), "")
        self.machine.sh("umount /run/small")
        self.forget(NAME)
