# SPDX-License-Identifier: LGPL-2.1-or-later
"""Well-known system images, rebuilt from their description.

    docker(), etcd(), net_snmp(), buildah(), qemu_guest_agent()     around the programs of this box's packages
    flannel(), kubelet(), kubeadm(), hello_world(), azure(), open_vm_tools()
                                                                    the same units and mounts around small scripts

Each takes a version, which is what /etc/image-version says; everything else is the same in all versions.
"""

import functools
import json
import pathlib
import re
import subprocess

from host_images import EMPTY, IDLE, put
from images import CAPABILITIES, SIMPLE_UNIT, Image, Layer, base, exports, notify_program, runtime_config

# --- programs of the box ---


def libraries_of(program):
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return {word for word in listing.split() if word.startswith("/")}


@functools.cache
def programs(*paths):
    """The tar of a layer with these programs and what they load."""
    layer = Layer()
    files = sorted({*paths, *(file for path in paths for file in libraries_of(path))})
    parents = {str(parent) for file in files for parent in pathlib.Path(file).parents}
    for parent in sorted(parents - {"/"}):
        layer.directory(parent)
    for file in files:
        layer.file(file, pathlib.Path(file).read_bytes(), 0o755)
    return layer.tar()


@functools.cache
def ground():
    return base().tar()


def image(version, layer, *more, labels=None):
    layer.file("/etc/image-version", f"{version}\n")
    return Image([ground(), *more, layer], {"Labels": labels or {}}, compression="none")


# --- parts of config.json ---


def bind(path, *options):
    """The same directory of the host and of the container; "HOST=CONTAINER" for two."""
    source, _, destination = path.partition("=")
    return {"type": "bind", "source": source, "destination": destination or source, "options": [*(options or ("rbind", "rprivate", "rw"))]}


def config_of(args, mounts=(), env=(), namespaces=("pid", "ipc", "uts", "mount")):
    """Of a container with all capabilities, as a dictionary to be changed; see template_of()."""
    config = json.loads(runtime_config(args, '"@ALL_PROCESS_CAPABILITIES@"', mounts, env))
    config["linux"]["namespaces"] = [{"type": kind} for kind in namespaces]
    return config


def host_config_of(args, mounts, env=()):
    """Of one that shares everything with the host but its mounts, and sees of those what the host mounts later."""
    config = config_of(args, mounts, env, ["mount"])
    given = {"/proc", *(mount["destination"] for mount in mounts)}
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] in given]
    config["linux"]["rootfsPropagation"] = "rslave"
    config["linux"]["resources"] = {"devices": [{"allow": True, "access": "rwm"}]}
    del config["hostname"]
    return config


def template_of(config):
    """The list element "@X@" becomes $X without quotes, and without the comma before it: the value brings its own."""
    text = re.sub(r',\s*"@(\w+)@"', r"$\1", json.dumps(config, indent=4) + "\n")
    return re.sub(r'"@(\w+)@"', r"$\1", text)


# --- docker-centos, docker-fedora ---

DOCKER_UNIT = """[Unit]
Description=Docker Application Container Engine
Documentation=http://docs.docker.com
After=network.target

[Service]
Type=notify
NotifyAccess=all
EnvironmentFile=-/etc/sysconfig/docker
SELinuxContext=system_u:system_r:container_runtime_t:s0
ExecStartPre=/bin/bash $DESTDIR/rootfs/set_mounts.sh
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
ExecReload=/bin/kill -s HUP $$MAINPID
WorkingDirectory=$DESTDIR
Restart=on-failure
RuntimeDirectory=${NAME}

[Install]
WantedBy=multi-user.target
"""

# Run by the host: what the engine mounts for its containers is seen by all, and by the next engine.
SET_MOUNTS = """#!/bin/sh
findmnt /var/lib/docker >/dev/null || mount --bind /var/lib/docker /var/lib/docker
mount --make-shared /var/lib/docker
"""

# The machine has no network that packets could be forwarded to.
DOCKER_SETTINGS = {"log-driver": "json-file", "storage-driver": "overlay2", "bridge": "none", "iptables": False, "ip6tables": False}


def docker_layer():
    mounts = [
        bind("/dev", "rbind", "rslave", "rw"), bind("/sys", "rbind", "rslave", "rw"), bind("${RUN_DIRECTORY}=/run", "rbind", "rshared", "rw"),
        bind("${STATE_DIRECTORY}/docker=/var/lib/docker", "rbind", "rshared", "rw"),
        bind("${CONF_DIRECTORY}/docker=/etc/docker", "rbind", "rslave", "rw"),
        {"type": "tmpfs", "source": "tmpfs", "destination": "/tmp", "options": ["mode=1777"]},
    ]
    config = host_config_of(["/usr/bin/init.sh"], mounts)
    config["mounts"].append("@ADDTL_MOUNTS@")
    config["process"]["env"] = ["PATH=/usr/sbin:/usr/bin:/bin"]
    config["process"]["selinuxLabel"] = "system_u:system_r:container_runtime_t:s0"
    layer = Layer().symlink("/var/run", "../run").directory("/root").file("/set_mounts.sh", SET_MOUNTS, 0o755)
    layer.file("/usr/bin/init.sh", "#!/bin/sh\nexec /usr/sbin/dockerd --config-file=/etc/docker/container-daemon.json\n", 0o755)
    exports(layer, DOCKER_UNIT, template_of(config), "d ${STATE_DIRECTORY}/docker - - - - -\n",
            {"version": "1.0", "defaultValues": {"ADDTL_MOUNTS": ""}})
    return put(layer, {"/etc/docker/container-daemon.json": json.dumps(DOCKER_SETTINGS) + "\n"})


def docker(version="1"):
    tools = programs("/usr/sbin/dockerd", "/usr/bin/containerd", "/usr/bin/containerd-shim-runc-v2", "/usr/sbin/runc", "/bin/bash")
    return image(version, docker_layer(), tools)


# --- etcd ---

ETCD_UNIT = """[Unit]
Description=Etcd Server
After=network.target

[Service]
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
Restart=on-failure
WorkingDirectory=$DESTDIR
RuntimeDirectory=${NAME}

[Install]
WantedBy=multi-user.target
"""

ETCD_DEFAULTS = {
    "ETCD_NAME": "default", "ETCD_DATA_DIR": "/var/lib/etcd", "ETCD_WAL_DIR": "", "ETCD_SNAPSHOT_COUNT": "10000",
    "ETCD_HEARTBEAT_INTERVAL": "100", "ETCD_ELECTION_TIMEOUT": "1000", "ETCD_LISTEN_PEER_URLS": "http://localhost:2380",
    "ETCD_LISTEN_CLIENT_URLS": "http://localhost:2379", "ETCD_MAX_SNAPSHOTS": "5", "ETCD_MAX_WALS": "5", "ETCD_CORS": "",
    "ETCD_INITIAL_ADVERTISE_PEER_URLS": "http://localhost:2380", "ETCD_INITIAL_CLUSTER": "default=http://localhost:2380",
    "ETCD_INITIAL_CLUSTER_STATE": "new", "ETCD_INITIAL_CLUSTER_TOKEN": "etcd-cluster",
    "ETCD_ADVERTISE_CLIENT_URLS": "http://localhost:2379", "ETCD_DISCOVERY": "", "ETCD_DISCOVERY_SRV": "",
    "ETCD_DISCOVERY_FALLBACK": "proxy", "ETCD_DISCOVERY_PROXY": "", "ETCD_STRICT_RECONFIG_CHECK": "false",
    "ETCD_AUTO_COMPACTION_RETENTION": "0", "ETCD_PROXY": "off", "ETCD_PROXY_FAILURE_WAIT": "5000",
    "ETCD_PROXY_REFRESH_INTERVAL": "30000", "ETCD_PROXY_DIAL_TIMEOUT": "1000", "ETCD_PROXY_WRITE_TIMEOUT": "5000",
    "ETCD_PROXY_READ_TIMEOUT": "0", "ETCD_CERT_FILE": "", "ETCD_KEY_FILE": "", "ETCD_CLIENT_CERT_AUTH": "false",
    "ETCD_TRUSTED_CA_FILE": "", "ETCD_AUTO_TLS": "false", "ETCD_PEER_CERT_FILE": "", "ETCD_PEER_KEY_FILE": "",
    "ETCD_PEER_CLIENT_CERT_AUTH": "false", "ETCD_PEER_TRUSTED_CA_FILE": "", "ETCD_PEER_AUTO_TLS": "false", "ETCD_DEBUG": "false",
    "ETCD_LOG_PACKAGE_LEVELS": "", "ETCD_ENABLE_PPROF": "false", "ETCD_METRICS": "basic", "ETCD_FORCE_NEW_CLUSTER": "false",
    "ETCD_ENABLE_V2": "false",
}


def etcd(version="1"):
    """Two may run side by side: its files on the host are named after the container."""
    mounts = [bind("${CONF_DIRECTORY}/${NAME}=/etc/etcd", "rbind", "rprivate", "ro"),
              bind("${STATE_DIRECTORY}/${NAME}=/var/lib/etcd", "rbind", "rprivate", "rw")]
    env = [f"{name}=${name}" for name in ETCD_DEFAULTS]
    config = config_of(["/usr/bin/etcd-env.sh", "/usr/bin/etcd"], mounts, env)
    layer = Layer().file("/usr/bin/etcd-env.sh", '#!/bin/sh\nset -a\n. /etc/etcd/etcd.conf\nexec "$@"\n', 0o755)
    exports(layer, ETCD_UNIT, template_of(config),
            "d ${STATE_DIRECTORY}/${NAME} 0700 ${HOST_UID} ${HOST_GID} - -\nZ ${STATE_DIRECTORY}/${NAME} - ${HOST_UID} ${HOST_GID} - -\n",
            # the directory is not the image's to say: what it has there was dead from the beginning
            {"version": "1.0", "defaultValues": {**ETCD_DEFAULTS, "CONF_DIRECTORY": "/dead"},
             "renameFiles": {"/etc/etcd": "$CONF_DIRECTORY/$NAME", "/usr/local/bin/etcdctl": "/usr/local/bin/${NAME}ctl"}})
    put(layer, {"/etc/etcd/etcd.conf": "# ETCD_SNAPSHOT_COUNT=5000\n",
                "/usr/local/bin/etcdctl": (pathlib.Path("/usr/bin/etcdctl").read_bytes(), 0o755)})
    return image(version, layer, programs("/usr/bin/etcd"))


# --- flannel ---

FLANNEL_UNIT = """[Unit]
Description=Flanneld overlay address etcd agent
After=$AFTER
Before=docker.service

[Service]
Type=notify
EnvironmentFile=/etc/sysconfig/flanneld
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
Restart=on-failure
WorkingDirectory=$DESTDIR
RuntimeDirectory=${NAME}

[Install]
WantedBy=multi-user.target
RequiredBy=$REQUIRED_BY
"""

FLANNELD = """#!/bin/sh
echo FLANNEL_SUBNET=10.1.1.1/24 > /run/flannel/subnet.env
printf '[Service]\\nEnvironmentFile=-/run/flannel/subnet.env\\n' > "/etc/systemd/system/docker.service.d/$NAME.conf"
exec /usr/bin/notify-ready 0
"""


def flannel(version="1"):
    """Writes a drop-in for another service, which requires it."""
    mounts = [bind("${RUN_DIRECTORY}/flannel=/run/flannel"), bind("/etc/systemd/system/docker.service.d")]
    config = config_of(["/usr/bin/flanneld-run.sh"], mounts, ["NAME=$NAME"], ["ipc", "uts", "mount"])
    sets = config["process"]["capabilities"]
    config["process"]["capabilities"] = {name: ["CAP_NET_ADMIN", "CAP_KILL"] for name in sets}
    layer = Layer().file("/usr/bin/flanneld-run.sh", FLANNELD, 0o755).file("/usr/bin/notify-ready", notify_program(), 0o755)
    exports(layer, FLANNEL_UNIT, template_of(config),
            "D ${RUN_DIRECTORY}/flannel - - - - -\n"
            "d /etc/systemd/system/docker.service.d - - - - -\n"
            "r /etc/systemd/system/docker.service.d/${NAME}.conf - - - - -\n",
            {"version": "1.0", "defaultValues": {"AFTER": "network-online.target", "REQUIRED_BY": "docker.service"}})
    put(layer, {"/etc/sysconfig/flanneld": "FLANNEL_ETCD_PREFIX=/x\n", "/etc/flanneld": EMPTY})
    return image(version, layer)


# --- net-snmp ---

SNMP_UNIT = SIMPLE_UNIT.replace("[Service]\n", "[Service]\nType=notify\nEnvironmentFile=-/etc/sysconfig/snmpd\n")


def net_snmp(version="1"):
    """A template for systemd-tmpfiles that is empty, and a manifest without default values."""
    args = ["/usr/sbin/snmpd", "-f", "-LOw", "-C", "-c", "/etc/snmp/snmpd.conf", "udp:127.0.0.1:1161"]
    mounts = [bind("/etc/snmp", "rbind", "rprivate", "ro"), bind("/var/lib/net-snmp=/var/lib/snmp")]
    config = config_of(args, mounts, ["NAME=$NAME", "RUN=$RUN_DIRECTORY"])
    layer = exports(Layer(), SNMP_UNIT, template_of(config), "", {"version": "1.0"})
    put(layer, {"/etc/sysconfig/snmpd": "OPTIONS=\n", "/etc/snmp/snmpd.conf": "rocommunity public 127.0.0.1\nsysName rebuilt\n",
                "/var/lib/net-snmp": EMPTY})
    return image(version, layer, programs("/usr/sbin/snmpd"))


# --- kubernetes ---

KUBELET_UNIT = """[Unit]
Description=kubelet
After=docker.service

[Service]
EnvironmentFile=/etc/kubernetes/config
EnvironmentFile=/etc/kubernetes/kubelet
ExecStartPre=/bin/sh -c 'findmnt $STATE_DIRECTORY/kubelet >/dev/null || mount --bind $STATE_DIRECTORY/kubelet $STATE_DIRECTORY/kubelet'
ExecStartPre=/bin/mount --make-rshared $STATE_DIRECTORY/kubelet
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
Restart=on-failure
WorkingDirectory=$DESTDIR

[Install]
WantedBy=multi-user.target
"""

# What it mounts for a pod is there on the host, and what the host mounts is seen below /rootfs.
KUBELET = """#!/bin/sh
cd /var/lib/kubelet
busybox mkdir -p pod
busybox mount -t tmpfs pod pod
echo "volume of $NAME" > pod/volume
trap 'cd /; busybox umount /var/lib/kubelet/pod; exit' TERM
echo "container=$(cat /etc/image-version)" > state
sleep 1000000 & wait
"""


def kubelet(version="1"):
    mounts = [bind("/=/rootfs", "rbind", "rslave", "ro"), bind("/dev", "rbind", "rslave", "rw"), bind("/sys", "rbind", "rslave", "rw"),
              bind("${RUN_DIRECTORY}=/run", "rbind", "rslave", "rw"), bind("/etc/kubernetes", "rbind", "rprivate", "ro"),
              bind("${STATE_DIRECTORY}/kubelet=/var/lib/kubelet", "rbind", "rshared", "rw")]
    config = host_config_of(["/usr/bin/kubelet.sh"], mounts, ["NAME=$NAME"])
    # with a slave for a root not even what is mounted as shared would be seen by the host
    config["linux"]["rootfsPropagation"] = "rshared"
    config["mounts"].append("@ADDTL_MOUNTS@")
    layer = Layer().file("/usr/bin/kubelet.sh", KUBELET, 0o755)
    exports(layer, KUBELET_UNIT, template_of(config), "d ${STATE_DIRECTORY}/kubelet - - - - -\n",
            {"version": "1.0", "defaultValues": {"ADDTL_MOUNTS": ""}})
    put(layer, {"/etc/kubernetes/config": "KUBE_LOGTOSTDERR=--logtostderr=true\n", "/etc/kubernetes/kubelet": "KUBELET_ARGS=\n"})
    return image(version, layer)


def kubeadm(version="1"):
    """Not one line for systemd-tmpfiles: the sources that are missing are made nevertheless."""
    mounts = [bind("/etc/kubernetes"), bind("/var/run/kubernetes"), bind("/var/lib/kubeadm"), bind("/etc/cni")]
    config = host_config_of(IDLE, mounts)
    layer = exports(Layer().symlink("/var/run", "../run"), SIMPLE_UNIT, template_of(config))
    put(layer, {"/etc/kubernetes/pki": EMPTY, "/etc/cni": EMPTY, "/etc/kubernetes/kubeadm-env": "KUBEADM_ARGS=\n",
                "/usr/local/bin/kubectl": ("#!/bin/sh\necho kubectl\n", 0o755), "/usr/local/bin/kubeadm": ("#!/bin/sh\necho kubeadm\n", 0o755)})
    return image(version, layer)


# --- buildah ---


def buildah(version="1"):
    """Runs once: what it builds stays on the host."""
    mounts = [bind("/=/host", "rbind", "rslave", "ro"), bind("${RUN_DIRECTORY}=/run", "rbind", "rshared", "rw"),
              bind("${STATE_DIRECTORY}/buildah=/var/lib/containers", "rbind", "rprivate", "rw"),
              {"type": "tmpfs", "source": "tmpfs", "destination": "/tmp"}, {"type": "tmpfs", "source": "tmpfs", "destination": "/var/tmp"}]
    config = config_of(["/usr/bin/buildah", "version"], mounts, ["HOME=/tmp", "BUILDAH_ISOLATION=chroot", "NAME=$NAME"],
                       ["pid", "ipc", "mount"])
    config["linux"]["rootfsPropagation"] = "rslave"
    del config["hostname"]
    layer = Layer().directory("/etc/containers").file("/etc/containers/policy.json", '{"default":[{"type":"insecureAcceptAnything"}]}\n')
    # the machine's root is an overlay itself
    layer.file("/etc/containers/storage.conf", '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/buildah"\n')
    exports(layer, None, template_of(config), "d ${STATE_DIRECTORY}/buildah - - - - -\n")
    return image(version, layer, programs("/usr/bin/buildah"), labels={"atomic.run": "once"})


# --- configurations of runtimes before 1.0 ---

HELLO = '#!/bin/sh\necho "Hi $RECEIVER" > /run/index.html\nexec /bin/serve "$PORT" /run\n'


def hello_world(version="1"):
    config = config_of(["/usr/bin/hello.sh"], env=["PORT=$PORT", "RECEIVER=$RECEIVER"])
    config["ociVersion"] = "0.3.0"
    config["platform"] = {"os": "linux", "arch": "amd64"}
    config["hooks"] = {}
    del config["process"]["capabilities"]
    config["linux"]["capabilities"] = json.loads(f"[{CAPABILITIES}]")
    config["linux"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}]
    config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    config["linux"]["devices"] = None
    layer = Layer().file("/usr/bin/hello.sh", HELLO, 0o755)
    exports(layer, SIMPLE_UNIT, template_of(config), None, {"version": "1.0", "defaultValues": {"PORT": "8081", "RECEIVER": "World"}})
    return image(version, layer)


def qemu_guest_agent(version="1"):
    """With devices of its own, and a list of capabilities where five sets belong."""
    args = ["/usr/sbin/qemu-ga", "--method=unix-listen", "--path=/run/qemu-ga/agent.sock"]
    config = config_of(args, [bind("${RUN_DIRECTORY}/${NAME}=/run/qemu-ga"), bind("/dev/virtio-ports")])
    config["ociVersion"] = "1.0.0-rc3"
    config["process"]["capabilities"] = json.loads(f"[{CAPABILITIES}]")
    config["linux"]["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666, "uid": 0, "gid": 0}]
    config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"}]}
    layer = exports(Layer().symlink("/var/run", "../run"), SIMPLE_UNIT, template_of(config), "D ${RUN_DIRECTORY}/${NAME}\n")
    return image(version, layer, programs("/usr/sbin/qemu-ga"))


# --- units that do without the runtime, or without being started ---

AZURE_UNIT = """[Unit]
Description=Azure Linux Agent

[Service]
ExecStart=/usr/bin/python3 -I -m http.server --bind 127.0.0.1 8092
WorkingDirectory=$DESTDIR/rootfs/etc
RuntimeDirectory=$NAME
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def azure(version="1"):
    """A process of the host whose files are the image's; there is no config.json, and none is needed."""
    return image(version, exports(Layer(), AZURE_UNIT))


def open_vm_tools(version="1"):
    """For machines of another kind than this one."""
    unit = SIMPLE_UNIT.replace("[Service]", "ConditionVirtualization=vmware\n\n[Service]")
    config = host_config_of(IDLE, [bind("/proc=/host/proc"), bind("/sysroot"), bind("/=/host")])
    return image(version, exports(Layer(), unit, template_of(config)))
