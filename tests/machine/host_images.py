# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that bring files to the host: small ones for one property each, and well-known ones rebuilt on busybox.

    host(files, manifest=…)     files: {path below /exports/hostfs: content}; see put()
    conformance()               what the conformance cases call C
    kubernetes(component)       several bring the same file
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


def kubernetes(component, own=None):
    """All of them bring the same /etc/kubernetes/config."""
    files = {"/etc/kubernetes/config": "KUBE_LOGTOSTDERR=--logtostderr=true\n", f"/etc/kubernetes/{component}": f"{component.upper()}_ARGS=\n"}
    files.update(own or {})
    binds = [{"type": "bind", "source": "/var/run/kubernetes", "destination": "/var/run/kubernetes", "options": ["rbind", "rw"]}]
    config = runtime_config(IDLE, CAPABILITIES, binds)
    return host(files, config=config, extra=Layer().directory("/var").symlink("/var/run", "../run"))
