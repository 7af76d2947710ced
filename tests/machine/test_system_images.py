# SPDX-License-Identifier: LGPL-2.1-or-later
"""Well-known system images, from the first installation to the last trace. docker has a file of its own."""

import json

import system_images
from case import CHECKOUT, SyscontCase

# Asks for sysName.0
SNMP_GET = """
import socket
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(1)
peer.sendto(bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010105000500"), ("127.0.0.1", 1161))
print(peer.recv(1000))
"""

GUEST_INFO = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(b'{"execute":"guest-info"}\\n')
print(peer.makefile().readline())
"""


class SystemImageCase(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # what works() finds is more than that the service stays up
        cls.observe_for(0)

    def install(self, make, name, *options):
        """Of each image there are two versions."""
        self.make, self.name = make, name
        self.before = self.host()
        return self.ctl("install", self.layout(make("1"), name), "--name", name, *options)

    def version(self):
        return self.machine.read(f"{CHECKOUT}/{self.name}/rootfs/etc/image-version").strip()

    def update(self):
        self.ctl("pull", self.layout(self.make("2"), self.name))
        self.ctl("update", self.name, "--no-pull")
        self.assertEqual(self.version(), "2")

    def rollback(self):
        self.ctl("rollback", self.name)
        self.assertEqual(self.version(), "1")

    def uninstall(self, *kept):
        """kept: what a service has written stays; here until we have seen that it does."""
        self.ctl("uninstall", self.name)
        self.assert_absent(self.name)
        for path in kept:
            self.machine.run(["rm", "-r", path])
        self.assert_host_is(self.before)

    def live(self, works, *kept):
        """The life after the installation; works() says whether the service does."""
        for step in (lambda: None, self.update, self.rollback):
            step()
            works()
        self.uninstall(*kept)

    def is_active(self):
        self.assertEqual(self.active(self.name), "active")


class SystemImages(SystemImageCase):
    def etcdctl(self, name, port, *arguments):
        return self.machine.run([f"/usr/local/bin/{name}ctl", f"--endpoints=http://127.0.0.1:{port}", *arguments]).out

    def etcd_values(self, name, client, peer):
        urls = {"ETCD_LISTEN_CLIENT_URLS": client, "ETCD_ADVERTISE_CLIENT_URLS": client, "ETCD_LISTEN_PEER_URLS": peer,
                "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer}
        values = [f"--set={key}=http://127.0.0.1:{port}" for key, port in urls.items()]
        return [*values, f"--set=ETCD_NAME={name}", f"--set=ETCD_INITIAL_CLUSTER={name}=http://127.0.0.1:{peer}"]

    def test_two_of_etcd_side_by_side(self):
        before = self.host()
        self.install(system_images.etcd, "one", *self.etcd_values("a", 8101, 8111), "--now")
        self.ctl("install", "one", "--name", "two", *self.etcd_values("b", 8102, 8112), "--now")
        for name, port in (("one", 8101), ("two", 8102)):
            self.wait_for_answer(port, "/health")
            self.etcdctl(name, port, "put", "who", name)
        self.assertIn(", a, ", self.etcdctl("one", 8101, "member", "list"))
        self.assertIn(", b, ", self.etcdctl("two", 8102, "member", "list"))
        self.assertTrue(self.machine.exists("/etc/two/etcd.conf"))
        second = self.machine.sh("systemctl show -P InvocationID two")
        for step in (self.update, self.rollback):
            step()
            self.wait_for_answer(8101, "/health")
            self.assertEqual(self.etcdctl("one", 8101, "get", "--print-value-only", "who"), "one\n")
        self.assertEqual(self.machine.sh("systemctl show -P InvocationID two"), second)
        self.ctl("uninstall", "one")
        self.assertEqual(self.etcdctl("two", 8102, "get", "--print-value-only", "who"), "two\n")
        self.ctl("uninstall", "two")
        self.machine.sh("rm -r /var/lib/one /var/lib/two")
        self.assert_host_is(before)

    def test_flannel(self):
        drop_in = "/etc/systemd/system/docker.service.d/flannel.conf"
        self.install(system_images.flannel, "flannel", "--now")
        self.assertTrue(self.machine.exists("/etc/systemd/system/docker.service.requires/flannel.service"))

        def works():
            self.is_active()
            self.assertIn("subnet.env", self.machine.read(drop_in))
        self.live(works)

    def test_net_snmp(self):
        self.machine.sh("rm -f /etc/snmp/snmpd.conf")
        self.install(system_images.net_snmp, "net-snmp", "--now")
        self.assertFalse(self.machine.exists("/etc/tmpfiles.d/net-snmp.conf"))
        self.live(lambda: self.assertIn("rebuilt", self.machine.run(["/usr/bin/python3", "-Ic", SNMP_GET]).out), "/var/lib/net-snmp")

    def test_kubelet(self):
        """Mounts of the container are seen by the host, and the other way round."""
        volume = "/var/lib/kubelet/pod/volume"
        extra = ', {"type": "bind", "source": "/srv", "destination": "/srv", "options": ["bind", "ro"]}'
        self.install(system_images.kubelet, "kubelet", "--set", f"ADDTL_MOUNTS={extra}", "--now")

        def works():
            self.machine.wait_for(lambda: self.machine.exists(volume), 10, "the pod's volume")
            self.assertEqual(self.machine.read(volume), "volume of kubelet\n")
            self.machine.sh("mkdir -p /run/late; mount -t tmpfs late /run/late; echo seen > /run/late/file")
            self.assertEqual(self.machine.run(["runc", "exec", "kubelet", "/bin/cat", "/rootfs/run/late/file"]).out, "seen\n")
            self.machine.sh("umount /run/late; rmdir /run/late")
            self.assertIn("/srv", self.machine.run(["runc", "exec", "kubelet", "/bin/cat", "/proc/mounts"]).out)
        self.addCleanup(self.machine.run, ["umount", "-R", "/var/lib/kubelet"], check=False)
        works()
        self.update()
        works()
        self.rollback()
        works()
        self.ctl("stop", "kubelet")
        self.machine.sh("umount /var/lib/kubelet")
        self.uninstall("/var/lib/kubelet")

    def test_kubeadm(self):
        self.install(system_images.kubeadm, "kubeadm", "--now")
        lines = self.machine.read("/etc/tmpfiles.d/kubeadm.conf").splitlines()
        self.assertLessEqual({"d /run/kubernetes 0700 0 0 - -", "d /var/lib/kubeadm 0700 0 0 - -"}, set(lines))
        self.assertEqual(self.machine.run(["/usr/local/bin/kubectl"]).out, "kubectl\n")
        self.live(self.is_active)

    def test_buildah_runs_once(self):
        self.ctl("pull", self.layout(system_images.buildah(), "buildah"))
        before = self.host()
        result = self.ctl("install", "buildah", "--name", "buildah")
        self.assertIn("Version:", result.out)
        self.assertEqual(self.list_containers(), [])
        self.assertEqual(self.ctl("run", "buildah", "/usr/bin/buildah", "from", "scratch").out, "working-container\n")
        self.assertIn("working-container", self.ctl("run", "buildah", "/usr/bin/buildah", "containers").out)
        self.machine.run(["rm", "-r", "/var/lib/buildah"])
        self.assert_host_is(before)

    def test_hello_world(self):
        """Written for a runtime before 1.0."""
        result = self.install(system_images.hello_world, "hello", "--set", "PORT=8093", "--set", "RECEIVER=Mars", "--now")
        for what in ("platform", "capabilities", "rlimits", "ociVersion"):
            self.assertIn(what, result.err)
        self.live(lambda: self.assertEqual(self.wait_for_answer(8093), "Hi Mars\n"))

    def test_qemu_guest_agent(self):
        self.machine.sh("mkdir /dev/virtio-ports")
        self.addCleanup(self.machine.sh, "rmdir /dev/virtio-ports")
        self.install(system_images.qemu_guest_agent, "qemu-ga", "--now")
        capabilities = json.loads(self.machine.read(f"{CHECKOUT}/qemu-ga/config.json"))["process"]["capabilities"]
        self.assertIn("CAP_KILL", capabilities["bounding"])

        def works():
            ask = ["/usr/bin/python3", "-Ic", GUEST_INFO, "/run/qemu-ga/agent.sock"]
            # the socket of the one before may still be there
            self.machine.wait_for(lambda: "supported_commands" in self.machine.run(ask, check=False).out, 10, "the agent's answer")
            self.assertEqual(self.machine.run(["runc", "exec", "qemu-ga", "/bin/ls", "/dev/fuse"]).out, "/dev/fuse\n")
        self.live(works)

    def test_azure_does_without_the_runtime(self):
        self.install(system_images.azure, "azure", "--now")
        self.live(lambda: self.assertEqual(self.wait_for_answer(8092, "/image-version"), f"{self.version()}\n"))

    def test_open_vm_tools_is_for_other_machines(self):
        self.install(system_images.open_vm_tools, "open-vm-tools")
        self.live(lambda: self.assertEqual(self.active("open-vm-tools"), "inactive"))
