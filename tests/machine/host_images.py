# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that bring files to the host: small ones for one property each, and well-known ones rebuilt on busybox.

    host(files, manifest=…)     files: {path below /exports/hostfs: content}; see put()
    conformance()               what the conformance cases call C
    etcd(), flannel(), net_snmp(), kubernetes(component)
"""

import images
from images import CAPABILITIES, SIMPLE_UNIT, Image, Layer, base, exports, runtime_config

IDLE = ("/bin/sh", "-c", "trap exit TERM; sleep 1000 & wait")
EMPTY = object()  # an empty directory


def link(target):
    return ("link", target)


def put(layer, files):
    """Content is text, (text, mode), link(target) or EMPTY; parents are made."""
    made = set()
    for path, content in files.items():
        parts = path.strip("/").split("/")
        for depth in range(len(parts)):
            parent = "/exports/hostfs" + "".join("/" + part for part in parts[:depth])
            if parent not in made:
                layer.directory(parent)
                made.add(parent)
        where = "/exports/hostfs" + path
        if content is EMPTY:
            layer.directory(where)
            made.add(where)
        elif isinstance(content, tuple) and content[0] == "link":
            layer.symlink(where, content[1])
        elif isinstance(content, tuple):
            layer.file(where, content[0], content[1])
        else:
            layer.file(where, content)
    return layer


def host(files, manifest=None, unit=SIMPLE_UNIT, config=None, tmpfiles=None, labels=None, extra=None, **options):
    layer = exports(extra or Layer(), unit, config or runtime_config(IDLE, CAPABILITIES), tmpfiles,
                    manifest if manifest is not None else {"version": "1.0"})
    return Image([base(), put(layer, files)], {"Labels": labels or {}}, **options)


def conformance():
    return host(
        {
            "/broken-symlink": link("no-such-file"),
            "/usr/local/placeholder-lib": EMPTY,
            "/usr/local/lib/secret-message": "Hello $RECEIVER\n",
            "/usr/local/lib/secret-message-template": "Hello $RECEIVER\n",
            "/usr/local/lib/placeholder-file": "placeholder\n",
        },
        {
            "version": "1.0",
            "defaultValues": {"RECEIVER": "World"},
            "renameFiles": {"/usr/local/lib/placeholder-file": "/usr/local/lib/renamed-$NAME"},
            "installedFilesTemplate": ["/usr/local/lib/secret-message-template"],
            "useLinks": False,
        })


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


def etcd(text="etcd"):
    """Two may run side by side: its files on the host are named after the container."""
    binds = [
        {"type": "bind", "source": "${CONF_DIRECTORY}/${NAME}", "destination": "/etc/etcd", "options": ["rbind", "ro", "rprivate"]},
        {"type": "bind", "source": "${STATE_DIRECTORY}/${NAME}", "destination": "/var/lib/etcd", "options": ["rbind", "rw", "rprivate"]},
    ]
    config = runtime_config(["/bin/serve", "$PORT", "/www"], CAPABILITIES, binds, ["ETCD_NAME=$ETCD_NAME"])
    layer = Layer().directory("/www").file("/www/index.html", text + "\n").directory("/etc/etcd").directory("/var")
    layer.directory("/var/lib").directory("/var/lib/etcd")
    tmpfiles = ("d ${STATE_DIRECTORY}/${NAME} 0700 ${HOST_UID} ${HOST_GID} - -\n"
                "Z ${STATE_DIRECTORY}/${NAME} - ${HOST_UID} ${HOST_GID} - -\n")
    files = {
        "/etc/etcd/etcd.conf": "ETCD_NAME=default\n",
        "/usr/local/bin/etcdctl": ("#!/bin/sh\necho etcdctl\n", 0o755),
    }
    manifest = {
        "version": "1.0",
        "defaultValues": {"PORT": "2379", "ETCD_NAME": "default", "CONF_DIRECTORY": "/dead"},
        "renameFiles": {"/etc/etcd": "$CONF_DIRECTORY/$NAME", "/usr/local/bin/etcdctl": "/usr/local/bin/${NAME}ctl"},
    }
    return host(files, manifest, ETCD_UNIT, config, tmpfiles, extra=layer)


FLANNEL_UNIT = """[Unit]
Description=Flanneld overlay address etcd agent
After=$AFTER
Before=docker.service

[Service]
Type=simple
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


def flannel():
    config = runtime_config(IDLE, CAPABILITIES)
    files = {"/etc/sysconfig/flanneld": "FLANNEL_ETCD_PREFIX=/x\n", "/etc/flanneld": EMPTY}
    tmpfiles = ("D ${RUN_DIRECTORY}/flannel - - - - -\n"
                "d /etc/systemd/system/docker.service.d - - - - -\n"
                "r /etc/systemd/system/docker.service.d/${NAME}.conf - - - - -\n")
    manifest = {"version": "1.0", "defaultValues": {"AFTER": "network-online.target", "REQUIRED_BY": "docker.service"}}
    return host(files, manifest, FLANNEL_UNIT, config, tmpfiles)


def net_snmp():
    """A template for systemd-tmpfiles that is empty, and a manifest without default values."""
    config = runtime_config(IDLE, CAPABILITIES, env=["RUN=$RUN_DIRECTORY"])
    files = {
        "/etc/sysconfig/snmpd": "OPTIONS=\n",
        "/etc/snmp/snmpd.conf": "rocommunity public\n",
        "/var/lib/net-snmp": EMPTY,
    }
    return host(files, {"version": "1.0"}, SIMPLE_UNIT, config, "")


def kubernetes(component, own=None):
    """All of them bring the same /etc/kubernetes/config."""
    files = {"/etc/kubernetes/config": "KUBE_LOGTOSTDERR=--logtostderr=true\n", f"/etc/kubernetes/{component}": f"{component.upper()}_ARGS=\n"}
    files.update(own or {})
    binds = [{"type": "bind", "source": "/var/run/kubernetes", "destination": "/var/run/kubernetes", "options": ["rbind", "rw"]}]
    config = runtime_config(IDLE, CAPABILITIES, binds)
    return host(files, config=config, extra=Layer().directory("/var").symlink("/var/run", "../run"))
