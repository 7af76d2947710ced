# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of the local engine: the real dockerd and podman, and engines that misbehave."""

import docker_archives
import images
from case import CHECKOUT, SyscontCase
from engines import DOCKER_SOCKET, PODMAN_SOCKET, Docker, FakeEngine, Podman


def chunked(data, end=True):
    parts = [data[start:start + 100000] for start in range(0, len(data), 100000)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + (b"0\r\n\r\n" if end else b"")


class EngineCase(SyscontCase):
    def image_of(self, reference):
        return next((row for row in self.list_images() if reference in row["references"]), None)

    def archive_of(self, image, tags, name="load"):
        docker_archives.write(self.machine.share / f"{name}.tar", [(image, tags)])
        return f"/share/{name}.tar"

    def forget(self, *references):
        self.ctl("rmi", *references)
        self.ctl("prune")


class DockerEngine(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.docker = Docker(cls.machine)

    def test_seed_scenario(self):
        image = images.plain(port=8095, text="from docker\n")
        self.docker.load(self.archive_of(image, ["docker-centos:latest"]))
        result = self.ctl_json("pull", "docker:docker-centos:latest")["result"]
        self.assertEqual(result["digest"], docker_archives.synthesized_digest(image))
        row = self.image_of("docker-centos:latest")
        self.assertEqual(row["source"], "docker:docker-centos:latest")
        self.ctl("install", "docker-centos", "--name=docker-centos")
        self.assertEqual(self.machine.run(["readlink", f"{CHECKOUT}/docker-centos"]).out, "docker-centos.0\n")
        listing = self.list_directory(f"{CHECKOUT}/docker-centos/")
        self.assertLessEqual({"config.json", "docker-centos.service", "info", "rootfs"}, set(listing))
        self.machine.run(["systemctl", "start", "docker-centos"])
        self.assertEqual(self.wait_for_answer(8095), "from docker\n")
        self.assertEqual(self.machine.run(["runc", "exec", "docker-centos", "/bin/pwd"]).status, 0)

    def test_again_and_changed(self):
        name = "team/changing:1.0"
        self.docker.load(self.archive_of(images.plain(text="one\n"), [name]))
        first = self.ctl_json("pull", f"docker:{name}")["result"]
        self.assertTrue(first["changed"])
        again = self.ctl_json("pull", f"docker:{name}")["result"]
        self.assertEqual((again["changed"], again["digest"]), (False, first["digest"]))
        self.docker.load(self.archive_of(images.plain(text="two\n"), [name]))
        second = self.ctl_json("pull", f"docker:{name}")["result"]
        self.assertTrue(second["changed"])
        self.assertNotEqual(second["digest"], first["digest"])
        self.forget(name)

    def test_update_follows_the_engine(self):
        name = "team/followed:1.0"
        self.docker.load(self.archive_of(images.plain(port=8096, text="one\n"), [name]))
        self.ctl("pull", f"docker:{name}")
        self.ctl("install", name, "--name", "followed", "--now")
        self.assertEqual(self.wait_for_answer(8096), "one\n")
        self.assertFalse(self.ctl_json("update", "followed")["result"]["changed"])
        self.docker.load(self.archive_of(images.plain(port=8096, text="two\n"), [name]))
        first = self.image_of(name)["digest"]
        plan = self.ctl_json("update", "followed", "--dry-run")["result"]
        self.assertEqual((plan["from-digest"], plan["changed"]), (first, True))
        self.assertNotEqual(plan["digest"], first)
        self.assertEqual(self.image_of(name)["digest"], first)
        self.assertTrue(self.ctl_json("update", "followed", "--check")["result"]["available"])
        self.assertTrue(self.ctl_json("update", "followed", "--observe", "2", f"--plan-id={plan['plan-id']}")["result"]["changed"])
        self.machine.wait_for(lambda: self.fetch(8096) == "two\n", 10, "the new image")
        self.assertEqual(self.container("followed")["digest"], plan["digest"])
        self.docker.docker("rmi", name)
        for option in ((), ("--dry-run",), ("--check",)):
            self.assert_fails(3, "ManifestUnknown", "update", "followed", *option, mentions=[name, "docker.sock"])
        self.ctl("uninstall", "followed")
        self.forget(name)

    def test_archive_is_the_same_image(self):
        image = images.layered()
        self.docker.load(self.archive_of(image, ["layered:1"]))
        self.docker.save("layered:1", "/share/real.tar")
        from_archive = self.ctl_json("pull", "docker-archive:/share/real.tar")["result"]
        self.assertEqual(from_archive["digest"], docker_archives.synthesized_digest(image))
        self.assertFalse(self.ctl_json("pull", "docker:layered:1")["result"]["changed"])
        self.machine.sh("/usr/bin/docker save layered:1 | syscontctl pull docker-archive:- --name-as piped:1")
        self.assertEqual(self.image_of("piped:1")["digest"], from_archive["digest"])
        self.forget("layered:1", "piped:1")

    def test_real_archive_of_several_images(self):
        self.docker.load(self.archive_of(images.plain(text="a\n"), ["several/a:1"]))
        self.docker.load(self.archive_of(images.plain(text="b\n"), ["several/b:1"]))
        self.docker.docker("save", "-o", "/share/several.tar", "several/a:1", "several/b:1")
        self.assert_fails(3, "ManifestUnknown", "pull", "docker-archive:/share/several.tar", mentions=["several/a:1", "several/b:1"])
        self.ctl("pull", "docker-archive:/share/several.tar:several/b:1")
        self.forget("several/b:1")

    def test_install_from_the_engine(self):
        self.docker.load(self.archive_of(images.plain(port=8096, text="installed\n"), ["direct:1"]))
        self.ctl("install", "docker:direct:1", "--name", "direct", "--now")
        self.assertEqual(self.wait_for_answer(8096), "installed\n")

    def test_unknown_image(self):
        self.assert_fails(3, "ManifestUnknown", "pull", "docker:no/such:thing", mentions=["no/such:thing", DOCKER_SOCKET])

    def test_cancel_leaves_nothing(self):
        self.docker.load(self.archive_of(images.bulky(48, seed=31), ["bulky:1"]))
        refs = self.refs()
        job = self.ctl("pull", "--no-block", "docker:bulky:1").out.split()[-1]
        self.ctl("cancel", job)
        self.wait_for_job(f"/org/syscont/jobs/{job}")
        self.ctl("pull", "docker:bulky:1")
        self.forget("bulky:1")
        self.assertEqual({ref for ref in self.refs() if "bulky" in ref}, {ref for ref in refs if "bulky" in ref})

    def test_no_file_is_left(self):
        self.docker.load(self.archive_of(images.plain(text="spool\n"), ["spool:1"]))
        self.ctl("pull", "docker:spool:1")
        self.assertEqual(self.machine.sh(f"find {CHECKOUT}/.spool -type f 2>/dev/null || true"), "")
        self.forget("spool:1")


class PodmanEngine(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.podman = Podman(cls.machine)

    def test_from_podman(self):
        image = images.layered()
        self.podman.load(self.archive_of(image, ["localhost/layered:1"]))
        result = self.ctl_json("pull", "docker:localhost/layered:1")["result"]
        self.assertEqual(result["digest"], docker_archives.synthesized_digest(image))
        self.assertFalse(self.ctl_json("pull", "docker:localhost/layered:1")["result"]["changed"])
        self.forget("localhost/layered:1")

    def test_archives_of_podman(self):
        image = images.layered()
        self.podman.load(self.archive_of(image, ["localhost/saved:1"]))
        self.podman.save("localhost/saved:1", "/share/podman.tar")
        self.podman.save("localhost/saved:1", "/share/podman-oci.tar", "--format=oci-archive")
        result = self.ctl_json("pull", "docker-archive:/share/podman.tar")["result"]
        self.assertEqual((result["digest"], result["reference"]), (docker_archives.synthesized_digest(image), "localhost/saved:1"))
        self.ctl("pull", "oci-archive:/share/podman-oci.tar", "--name-as", "localhost/oci:1")
        self.forget("localhost/saved:1", "localhost/oci:1")

    def test_unknown_image(self):
        self.assert_fails(3, "ManifestUnknown", "pull", "docker:localhost/none:1", mentions=[PODMAN_SOCKET])


class BadEngine(EngineCase):
    def engine(self, answer, **more):
        fake = FakeEngine(self.machine, answer, **more)
        self.addCleanup(fake.stop)
        return fake

    def saved(self, image=None, tags=("app:1",)):
        return (self.machine.share / self.archive_of(image or images.plain(), list(tags)).rpartition("/")[2]).read_bytes()

    def test_no_engine(self):
        self.assert_fails(8, "RegistryUnreachable", "pull", "docker:app:1", mentions=[DOCKER_SOCKET, PODMAN_SOCKET, "Socket="])

    def test_the_one_request(self):
        fake = self.engine(chunked(self.saved()))
        self.ctl("pull", "docker:app:1")
        self.assertEqual(fake.requests(), ["GET /images/app:1/get HTTP/1.1"])
        self.forget("app:1")

    def test_body_by_its_length(self):
        data = self.saved()
        self.engine(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        self.ctl("pull", "docker:app:1")
        self.forget("app:1")

    def test_RP24_answers(self):
        data = self.saved()
        cases = {
            "500": (b'HTTP/1.1 500 Oops\r\nContent-Length: 17\r\n\r\n{"message":"bad"}', 1, "Failed", "bad"),
            "500-midway": (chunked(data[:200000], end=False), 7, "ImageInvalid", "too early"),
            "no-tar": (chunked(b"this is no tar archive at all\n" * 100), 7, "ImageInvalid", "tar"),
            "nothing": (b"", 7, "ImageInvalid", "too early"),
            "garbage": (b"\x00\x01\x02" * 1000 + b"\r\n", 7, "ImageInvalid", "malformed"),
            "damaged": (chunked(data[:len(data) // 2] + b"\xff" * 3000 + data[len(data) // 2 + 3000:]), 7, None, ""),
        }
        for name, (answer, status, error, mention) in cases.items():
            with self.subTest(name):
                fake = self.engine(answer)
                refs = self.refs()
                result = self.ctl("pull", "docker:app:1", check=False)
                self.assertEqual(result.status, status, result)
                self.assertIn(mention, result.err)
                if error:
                    self.assertEqual(self.newest_job()["error-name"].rpartition(".")[2], error)
                self.assertEqual(self.refs(), refs)
                fake.stop()
        self.assert_repository_is_sound()

    def test_RP24_other_image(self):
        """What an engine gives under a name is that name's image; two are no answer."""
        archive = docker_archives.write(self.machine.share / "two.tar", [(images.plain(), ["x:1"]), (images.plain(text="y\n"), ["y:1"])])
        self.engine(chunked(archive.read_bytes()))
        self.assert_fails(3, "ManifestUnknown", "pull", "docker:app:1")

    def test_RP24_endless(self):
        """A member without an end is over at the limit, not when the disk is full."""
        self.machine.write("/etc/syscont/syscont.conf.d/limits.conf", "[Limits]\nImageBytes=67108864\nLayerBytes=67108864\n")
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        header = images.Layer().entry("x/layer.tar", b"0").tar()[:512]
        size = b"%011o" % (1 << 32)
        header = header[:124] + size + header[135:148] + b"        " + header[156:]
        header = header[:148] + b"%06o\0 " % sum(header) + header[156:]
        self.engine(chunked(header, end=False), then="repeat")
        refs = self.refs()
        result = self.ctl("pull", "docker:app:1", check=False)
        self.assertEqual(result.status, 7, result)
        self.assertEqual(self.newest_job()["error-name"].rpartition(".")[2], "LimitExceeded")
        self.assertEqual(self.refs(), refs)
        self.machine.sh("rm /etc/syscont/syscont.conf.d/limits.conf; systemctl stop syscontd.service")

    def test_RP24_hanging_engine_is_cancelled(self):
        self.engine(b"HTTP/1.1 200 OK\r\n", then="wait")
        job = self.ctl("pull", "--no-block", "docker:app:1").out.split()[-1]
        self.ctl("list")
        self.ctl("cancel", job)
        self.assertEqual(self.wait_for_job(f"/org/syscont/jobs/{job}"), "cancelled")

    def test_RP24_socket_of_somebody_else(self):
        answer = chunked(self.saved())
        self.machine.sh("mkdir -p /run/alice; chown alice /run/alice")
        cases = {
            "symlink": f"mv {DOCKER_SOCKET} /run/alice/s; ln -s /run/alice/s {DOCKER_SOCKET}",
            "owner": f"chown alice {DOCKER_SOCKET}",
            "file": f"rm {DOCKER_SOCKET}; echo > {DOCKER_SOCKET}",
        }
        for name, change in cases.items():
            with self.subTest(name):
                fake = self.engine(answer)
                self.machine.sh(change)
                self.assert_fails(8, "RegistryUnreachable", "pull", "docker:app:1", mentions=[DOCKER_SOCKET])
                fake.stop()
                self.machine.sh(f"rm -f {DOCKER_SOCKET} /run/alice/s")
        with self.subTest("peer"):
            uid = int(self.machine.run(["id", "-u", "alice"]).out)
            self.engine(answer, uid=uid)
            self.assert_fails(8, "RegistryUnreachable", "pull", "docker:app:1", mentions=[f"user {uid} serves it"])

    def test_configured_socket(self):
        self.machine.write("/etc/syscont/syscont.conf.d/engine.conf", "[Engine]\nSocket=/run/other/engine.sock\n")
        self.machine.run(["systemctl", "stop", "syscontd.service"])
        self.engine(chunked(self.saved()), path="/run/other/engine.sock")
        self.ctl("pull", "docker:app:1")
        self.forget("app:1")
        self.machine.sh("rm /etc/syscont/syscont.conf.d/engine.conf; systemctl stop syscontd.service")

    def test_NP03_names(self):
        for text in ("docker:", "docker:///etc/passwd", "docker:../../x", "docker:a:b:c", "docker:A", "docker:a b", "docker:a\r\nb",
                     "docker:a?b", "docker:a%2e", f"docker:{'a' * 2000}"):
            with self.subTest(text[:20]):
                result = self.ctl("pull", text, check=False)
                self.assertEqual(result.status, 2, result)
