# SPDX-License-Identifier: LGPL-2.1-or-later
"""Engines inside a machine: the real Docker Engine, podman's socket, and one that answers as it is told.

    docker = Docker(machine); docker.load("/share/image.tar"); docker.stop()
    podman = Podman(machine)
    fake = FakeEngine(machine, answer, hang=False)    answers every request with these bytes, then closes
"""

import base64

# On a file system of memory: overlay2 does not work on the overlay that the machine's root is.
DOCKER_SOCKET = "/run/docker.sock"
PODMAN_SOCKET = "/run/podman/podman.sock"

FAKE = """
import base64, os, pathlib, socket, sys, time
path, uid, answer, hang = sys.argv[1], int(sys.argv[2]), base64.b64decode(pathlib.Path(sys.argv[3]).read_text()), sys.argv[4]
server = socket.socket(socket.AF_UNIX)
os.makedirs(os.path.dirname(path), exist_ok=True)
server.bind(path)
os.setuid(uid)
server.listen()
while True:
    peer, _ = server.accept()
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        data += peer.recv(65536)
    print(data.split(b"\\r\\n")[0].decode(), flush=True)
    try:
        peer.sendall(answer)
        while hang == "repeat":
            peer.sendall(b"100000\\r\\n" + bytes(1 << 20) + b"\\r\\n")
        if hang == "wait":
            peer.recv(1)
    except OSError:
        pass
    peer.close()
"""


class Engine:
    unit = "engine"

    def stop(self):
        self.machine.run(["systemctl", "stop", self.unit], check=False)


class Docker(Engine):
    def __init__(self, machine, data="/run/docker-data"):
        self.machine = machine
        machine.background(["dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=overlay2",
                            f"--data-root={data}", "--exec-root=/run/docker-exec", "--pidfile=/run/docker-test.pid",
                            "-H", f"unix://{DOCKER_SOCKET}"], self.unit, ["Delegate=yes"])
        machine.wait_for(lambda: self.docker("version", check=False).status == 0, 60, "dockerd")

    def docker(self, *arguments, **options):
        return self.machine.run(["/usr/bin/docker", "-H", f"unix://{DOCKER_SOCKET}", *arguments], **options)

    def load(self, path):
        return self.docker("load", "-i", path).out

    def save(self, name, path):
        self.docker("save", "-o", path, name)


class Podman(Engine):
    unit = "podman-engine"
    command = ["podman", "--root=/run/podman-data", "--runroot=/run/podman-run", "--storage-driver=vfs", "--cgroup-manager=cgroupfs",
               "--events-backend=file"]

    def __init__(self, machine):
        self.machine = machine
        machine.sh("mkdir -p /run/podman")
        machine.background([*self.command, "system", "service", "--time=0", f"unix://{PODMAN_SOCKET}"], self.unit)
        machine.wait_for(lambda: machine.exists(PODMAN_SOCKET), 60, "podman's socket")

    def podman(self, *arguments, **options):
        return self.machine.run([*self.command, *arguments], **options)

    def load(self, path):
        return self.podman("load", "-i", path).out

    def save(self, name, path, *options):
        self.podman("save", *options, "-o", path, name)


class FakeEngine(Engine):
    unit = "fake-engine"

    def __init__(self, machine, answer, then="close", uid=0, path=DOCKER_SOCKET):
        self.machine = machine
        machine.sh(f"rm -f {path} /run/fake-engine.log")
        machine.write("/run/fake-engine.py", FAKE)
        machine.write("/run/fake-engine.answer", base64.b64encode(answer))
        machine.background(["/usr/bin/python3", "/run/fake-engine.py", path, str(uid), "/run/fake-engine.answer", then], self.unit,
                           ["StandardOutput=file:/run/fake-engine.log"])
        machine.wait_for(lambda: machine.exists(path), 20, "the engine's socket")
        self.path = path

    def requests(self):
        return self.machine.read("/run/fake-engine.log").split("\n")[:-1]

    def stop(self):
        super().stop()
        self.machine.sh(f"rm -f {self.path}")
