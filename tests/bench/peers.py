# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs that are compared: how each is started on an empty store, and what it is told.

    peer.missing()                  programs that are not installed
    peer.start(machine, store)      on an empty store, a directory of the machine; its daemon runs afterwards
    peer.stop(machine)
    peer.pull(name, image) -> argv  name on the registry; image as the machine sees it, see Image
    peer.install, peer.list_images  argv, where there is such a thing
    peer.servers                    units that run already when it is measured
"""

import dataclasses
import shutil

SHELL = ["sh", "-ec"]


@dataclasses.dataclass(frozen=True)
class Image:
    """A pulled image's local copy, for peers that do not pull."""

    layout: str
    blobs: tuple
    compression: str


class Peer:
    name = None
    programs = ()
    servers = ()
    pulls_again = False  # has a store that knows what it has already

    def missing(self):
        return [program for program in self.programs if shutil.which(program) is None]

    def start(self, machine, store):
        self.store = store

    def stop(self, machine):
        pass


class Syscont(Peer):
    name = "syscont"
    servers = ("syscontd.service",)
    pulls_again = True

    def start(self, machine, store):
        self.store = store
        machine.sh(f"""
systemctl stop syscontd.service
mkdir -p {store}/containers {store}/state /var/lib/syscont
mount --bind {store}/containers /var/lib/containers
mount --bind {store}/state /var/lib/syscont
syscontctl images >/dev/null
""")

    def stop(self, machine):
        machine.run(["syscontctl", "uninstall", "bench"], check=False)
        machine.sh("systemctl stop syscontd.service; umount /var/lib/containers /var/lib/syscont")

    def pull(self, name, image):
        return ["syscontctl", "pull", name]

    def install(self, name):
        return ["syscontctl", "install", name, "--name", "bench", "--no-enable"]

    def list_images(self):
        return ["syscontctl", "images"]


class Docker(Peer):
    name = "docker"
    programs = ("dockerd", "docker", "containerd")
    servers = ("bench-dockerd.service",)
    pulls_again = True
    HOST = "unix:///run/bench-docker.sock"

    def start(self, machine, store):
        self.store = store
        machine.background(
            ["dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=overlay2",
             f"--data-root={store}/docker", "--exec-root=/run/bench-docker", "--pidfile=/run/bench-docker.pid",
             f"--host={self.HOST}", "--insecure-registry=127.0.0.0/8"],
            self.servers[0], ["Delegate=yes"])
        answers = ["docker", f"--host={self.HOST}", "version"]
        machine.wait_for(lambda: machine.run(answers, check=False).status == 0, 60, "dockerd")

    def stop(self, machine):
        machine.run(["systemctl", "stop", *self.servers])

    def pull(self, name, image):
        return ["docker", f"--host={self.HOST}", "pull", "--quiet", name]

    def list_images(self):
        return ["docker", f"--host={self.HOST}", "images"]


class Podman(Peer):
    name = "podman"
    programs = ("podman",)
    pulls_again = True

    def command(self, *words):
        return ["env", f"TMPDIR={self.store}/tmp", "podman", f"--root={self.store}/podman", "--runroot=/run/bench-podman",
                "--storage-driver=overlay", "--cgroup-manager=cgroupfs", *words]

    def start(self, machine, store):
        self.store = store
        machine.run(["mkdir", "-p", f"{store}/tmp"])
        machine.run(self.command("images"))

    def stop(self, machine):
        machine.sh(f"umount {self.store}/podman/overlay 2>/dev/null || true; rm -rf /run/bench-podman")

    def pull(self, name, image):
        return self.command("pull", "--quiet", "--tls-verify=false", name)

    def list_images(self):
        return self.command("images")


class SkopeoDirectory(Peer):
    name = "skopeo dir:"
    programs = ("skopeo",)

    def target(self):
        return f"dir:{self.store}/directory"

    def pull(self, name, image):
        return ["env", f"TMPDIR={self.store}", "skopeo", "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false",
                f"docker://{name}", self.target()]


class SkopeoLayout(SkopeoDirectory):
    name = "skopeo oci:"

    def target(self):
        return f"oci:{self.store}/layout:latest"


class Umoci(Peer):
    """From a layout that is there already."""

    name = "umoci unpack"
    programs = ("umoci",)

    def pull(self, name, image):
        return ["umoci", "unpack", "--image", f"{image.layout}:latest", f"{self.store}/bundle"]


class OstreeTar(Peer):
    """Blob by blob, from files that are there already; layers are neither checked nor merged."""

    name = "ostree tar"
    programs = ("ostree",)

    def start(self, machine, store):
        self.store = store
        machine.run(["ostree", "init", f"--repo={store}/repo", "--mode=bare"])

    def pull(self, name, image):
        commits = [f"ostree commit --repo={self.store}/repo --branch=layer{number} --tree=tar={blob} --tar-autocreate-parents"
                   for number, blob in enumerate(image.blobs)]
        return [*SHELL, "\n".join(commits)]


class Tar(Peer):
    """The floor: blob by blob, from files that are there already."""

    name = "tar"
    programs = ("tar", "gzip", "zstd")

    def pull(self, name, image):
        option = {"gzip": "-z", "zstd": "--zstd"}[image.compression]
        lines = [f"mkdir {self.store}/root", *(f"tar -x {option} -f {blob} -C {self.store}/root" for blob in image.blobs)]
        return [*SHELL, "\n".join(lines)]


PEERS = {peer.name: peer for peer in
         (Syscont(), Docker(), Podman(), SkopeoDirectory(), SkopeoLayout(), Umoci(), OstreeTar(), Tar())}
