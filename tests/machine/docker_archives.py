# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes archives as "docker save" and "podman save" do, of every layout that there was, and hostile ones.

    write(file, [(image, ["app:1.0"])], layout="docker-1.10")
    members(…)                         the same as a list of Member, to be changed
    write_members(file, members)

Layouts
    docker-1.10     <id>/{VERSION,json,layer.tar}, <config>.json, repositories, manifest.json; a layer that
                    is there already is a symbolic link
    docker-25       an OCI layout with plain layers, and manifest.json that names its blobs
    docker-25-gzip  the same with compressed layers, as the containerd image store writes it; also -zstd
    podman          <diff id>.tar, <config>.json, and links in the places of docker-1.10
"""

import dataclasses
import hashlib
import io
import json
import pathlib
import tarfile

from images import compress, digest_of, to_json

LAYOUTS = ("docker-1.10", "docker-25", "docker-25-gzip", "docker-25-zstd", "podman")


@dataclasses.dataclass
class Member:
    name: str
    data: bytes = b""
    kind: bytes = tarfile.REGTYPE
    link: str = ""


def hex_of(data):
    return hashlib.sha256(data).hexdigest()


def _docker_1_10(images):
    members, index, repositories, known = [], [], {}, {}
    for image, tags in images:
        paths = []
        for number, tar in enumerate(image.tars):
            # an id of its own for each layer of each image, as before images were named by content
            ident = hex_of(f"{image.config_bytes} {number}".encode())
            paths.append(f"{ident}/layer.tar")
            members += [Member(ident, kind=tarfile.DIRTYPE), Member(f"{ident}/VERSION", b"1.0"),
                        Member(f"{ident}/json", to_json({"id": ident}))]
            if hex_of(tar) in known:
                members.append(Member(paths[-1], kind=tarfile.SYMTYPE, link=f"../{known[hex_of(tar)]}/layer.tar"))
            else:
                known[hex_of(tar)] = ident
                members.append(Member(paths[-1], tar))
        config = f"{hex_of(image.config_bytes)}.json"
        members.append(Member(config, image.config_bytes))
        index.append({"Config": config, "RepoTags": tags, "Layers": paths})
        for tag in tags or []:
            repositories.setdefault(tag.rpartition(":")[0], {})[tag.rpartition(":")[2]] = paths[-1].partition("/")[0]
    members += [Member("manifest.json", to_json(index)), Member("repositories", to_json(repositories))]
    return members


def _docker_25(images, how="none"):
    blobs, index, children = {}, [], []
    for image, tags in images:
        layers = [compress(tar, how) for tar in image.tars]
        blobs.update({hex_of(data): data for data in [*layers, image.config_bytes, image.manifest]})
        paths = [f"blobs/sha256/{hex_of(data)}" for data in layers]
        index.append({"Config": f"blobs/sha256/{hex_of(image.config_bytes)}", "RepoTags": tags, "Layers": paths})
        children.append(image.descriptor())
    members = [Member("blobs", kind=tarfile.DIRTYPE), Member("blobs/sha256", kind=tarfile.DIRTYPE)]
    members += [Member(f"blobs/sha256/{name}", data) for name, data in sorted(blobs.items())]
    return members + [Member("index.json", to_json({"schemaVersion": 2, "manifests": children})),
                      Member("manifest.json", to_json(index)), Member("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')]


def _podman(images):
    members, index, written = [], [], set()
    for image, tags in images:
        paths = [f"{hex_of(tar)}.tar" for tar in image.tars]
        for number, (path, tar) in enumerate(zip(paths, image.tars)):
            if path not in written:
                members.append(Member(path, tar))
            written.add(path)
            ident = hex_of(f"{image.config_bytes} {number}".encode())
            members += [Member(f"{ident}/layer.tar", kind=tarfile.SYMTYPE, link=f"../{path}"),
                        Member(f"{ident}/VERSION", b"1.0"), Member(f"{ident}/json", to_json({"id": ident}))]
        config = f"{hex_of(image.config_bytes)}.json"
        members.append(Member(config, image.config_bytes))
        index.append({"Config": config, "RepoTags": tags, "Layers": paths})
    return members + [Member("repositories", b"{}"), Member("manifest.json", to_json(index))]


def members(images, layout="docker-1.10"):
    if layout == "podman":
        return _podman(images)
    if layout == "docker-1.10":
        return _docker_1_10(images)
    return _docker_25(images, layout.removeprefix("docker-25").removeprefix("-") or "none")


def write_members(file, chosen):
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as tar:
        for member in chosen:
            info = tarfile.TarInfo(member.name)
            info.type, info.linkname, info.size = member.kind, member.link, len(member.data)
            info.mode = 0o755 if member.kind == tarfile.DIRTYPE else 0o644
            tar.addfile(info, io.BytesIO(member.data))
    return pathlib.Path(file)


def write(file, images, layout="docker-1.10"):
    return write_members(file, members(images, layout))


def synthesized_digest(image):
    """Of the manifest that is made for an image that has none: by what its layers are uncompressed."""
    layers = [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar", "digest": digest_of(tar), "size": len(tar)}
              for tar in image.tars]
    return digest_of(to_json({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                   "digest": digest_of(image.config_bytes), "size": len(image.config_bytes)},
        "layers": layers,
    }))
