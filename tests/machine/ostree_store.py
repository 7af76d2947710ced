# SPDX-License-Identifier: LGPL-2.1-or-later
"""Repositories as atomic, and skopeo's transport "ostree:", left them, made with ostree alone.

    store = OstreeStore(machine, "/var/lib/containers/syscont/.repo")
    store.add(image, "busybox:latest")       # layers, config and image commit; every kind of metadata is a string
    store.add_flat(layer, "flat:1")          # a tree without a manifest

Layers are untarred as they are, whiteouts included, which are then empty files.
"""

import gzip
import itertools
import json

import images

_numbers = itertools.count()


def encode(fullname):
    safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"
    return "".join(char if char in safe else f"_{ord(char):02X}" for char in fullname)


class OstreeStore:
    def __init__(self, machine, path):
        self.machine = machine
        self.path = path
        machine.sh(f"mkdir -p -m 0700 {path} && ostree --repo={path} init --mode=bare")

    def commit(self, branch, directory, metadata=None):
        strings = [f"--add-metadata-string={key}={value}" for key, value in (metadata or {}).items()]
        self.machine.run(["ostree", f"--repo={self.path}", "commit", f"--branch={branch}", "--subject=x", f"--tree=dir={directory}",
                          *strings])

    def commit_tar(self, branch, data, metadata=None):
        place = self.share({"tree.tar": data})
        directory = f"/tmp/{place.rsplit('/', 1)[1]}"
        self.machine.sh(f"mkdir {directory} && tar -C {directory} -xpf {place}/tree.tar --numeric-owner")
        self.commit(branch, directory, metadata)
        self.machine.run(["rm", "-rf", directory])

    def share(self, files):
        """A directory that the machine sees."""
        directory = self.machine.share / f"store-{next(_numbers)}"
        directory.mkdir()
        for name, data in files.items():
            (directory / name).write_bytes(data)
        return f"/share/{directory.name}"

    def add_layer(self, data, sizes=True):
        tar = gzip.decompress(data)
        digest = images.digest_of(data)
        metadata = {"docker.size": len(data)}
        if sizes:
            metadata.update({"docker.uncompressed_size": len(tar), "docker.uncompressed_digest": images.digest_of(tar)})
        self.commit_tar(f"ociimage/{digest.removeprefix('sha256:')}", tar, metadata)
        return digest

    def add(self, image, fullname, manifest=None, digest=True, sizes=True, config=True):
        """manifest: other bytes than the image's, e.g. of an old kind"""
        for _, data in image.layers:
            self.add_layer(data, sizes)
        if config:
            place = self.share({"content": image.config_bytes})
            self.commit(f"ociimage/{images.digest_of(image.config_bytes).removeprefix('sha256:')}", place,
                        {"docker.size": len(image.config_bytes)})
        manifest = manifest or image.manifest
        metadata = {"docker.manifest": manifest.decode(), "signatures": "0"}
        if digest:
            metadata["docker.digest"] = images.digest_of(manifest)
        self.commit(f"ociimage/{encode(fullname)}", self.share({"manifest.json": manifest}), metadata)

    def add_flat(self, layer, fullname):
        self.commit_tar(f"ociimage/{encode(fullname)}", layer.tar())


def schema1(image, labels):
    """The manifest of an image as registries had it before schema 2, newest layer first."""
    digests = [images.digest_of(data) for _, data in image.layers]
    config = json.loads(image.config_bytes)
    newest = {"architecture": config["architecture"], "os": "linux", "config": {**config["config"], "Labels": labels},
              "container_config": {"Labels": labels}}
    history = [json.dumps(newest)] + [json.dumps({"id": str(n)}) for n in range(len(digests) - 1)]
    return images.to_json({"schemaVersion": 1, "name": "x", "tag": "y", "architecture": config["architecture"],
                           "fsLayers": [{"blobSum": digest} for digest in reversed(digests)],
                           "history": [{"v1Compatibility": text} for text in history]})


def oldest(image, labels):
    """What atomic wrote first of all."""
    return images.to_json({"Name": "x", "Digest": "", "Labels": labels,
                           "Layers": [images.digest_of(data) for _, data in image.layers]})
