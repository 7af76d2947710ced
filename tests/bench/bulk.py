# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds large images that look like real ones: many small files, text and binaries. Deterministic.

    image = BulkImage(MEDIUM, cache)
    image.layout("gzip", "rebuilt") -> Path     an OCI layout, tag "latest"; made once and kept in the cache

Variants: "base"; "update" differs in the last, small layer; "rebuilt" has all times changed, so that every layer has
another digest, and other content in one file of twenty.
"""

import bisect
import dataclasses
import hashlib
import itertools
import json
import os
import pathlib
import random
import shutil
import subprocess
import tarfile
import tempfile

import images

FORMAT = 1  # to be raised when other bytes are built
POOL_BYTES = 32 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
SMALL_LAYER_BYTES = 7 * 1024
COMPRESSORS = {"gzip": ["gzip", "-6", "-n", "-c"], "zstd": ["zstd", "-q", "-3", "-T1", "-c"]}
VARIANTS = ("base", "update", "rebuilt")


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str
    files: int
    total_bytes: int
    layers: int  # the last one is small
    seed: int = 1


TINY = Shape("tiny", 0, 0, 1)
MEDIUM = Shape("medium", 10_000, 200 * 1000 * 1000, 4)
LARGE = Shape("large", 60_000, 1000 * 1000 * 1000, 8)
SHAPES = {shape.name: shape for shape in (TINY, MEDIUM, LARGE)}


@dataclasses.dataclass(frozen=True)
class File:
    path: str
    size: int
    content: int  # files with the same number have the same content


def make_pool(seed):
    """Text of words, some packed structures, some compressed data: gzip makes two fifths of it."""
    numbers = random.Random(f"pool {seed}")
    letters = "etaoinshrdlucmfwypvbgkqjxz_"
    words = ["".join(numbers.choices(letters, k=numbers.randint(2, 10))) for _ in range(4000)]
    weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))
    mask = bytes(value & 0x3F for value in range(256))
    blocks = []
    for _ in range(POOL_BYTES // BLOCK_BYTES):
        kind = numbers.random()
        if kind < 0.85:
            picks = numbers.choices(words, cum_weights=weights, k=BLOCK_BYTES // 3)
            blocks.append(" ".join(picks)[:BLOCK_BYTES].encode().ljust(BLOCK_BYTES))
        elif kind < 0.97:
            blocks.append(numbers.randbytes(BLOCK_BYTES).translate(mask))
        else:
            blocks.append(numbers.randbytes(BLOCK_BYTES))
    return b"".join(blocks)


class Plan:
    """Which files are in which layer: the same for all variants."""

    def __init__(self, shape):
        numbers = random.Random(f"plan {shape.seed}")
        self.shape = shape
        self.directories = self._make_directories(numbers)
        sizes = [numbers.lognormvariate(0, 1.9) for _ in range(shape.files)]
        scale = shape.total_bytes / max(sum(sizes), 1)
        shares = [2.0 ** -layer for layer in range(shape.layers - 1)]
        bounds = [bound / sum(shares) for bound in itertools.accumulate(shares)]
        self.layers = [[] for _ in range(shape.layers)]
        for index, size in enumerate(sizes):
            path = f"{numbers.choice(self.directories)}/f{index}{numbers.choice(('.py', '.so', '.txt', '', '.h'))}"
            # one file of fourteen is a copy of an earlier one
            content = numbers.randrange(index) if index and numbers.random() < 0.07 else index
            layer = min(bisect.bisect(bounds, index / shape.files), shape.layers - 2)
            self.layers[layer].append(File(path, int(sizes[content] * scale), content))

    def _make_directories(self, numbers):
        made = ["usr", "usr/lib", "usr/share", "opt", "srv"]
        for index in range(self.shape.files // 14):
            made.append(f"{numbers.choice(made)}/d{index}")
        return [path for path in made if path.count("/") < 12]


class LayerTar:
    """Writes the tar of one layer; directories come before what is in them."""

    def __init__(self, stream, mtime):
        self._tar = tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT)
        self._mtime = mtime
        self._known = set()
        self.entries = 0

    def _add(self, path, kind, mode, data=b"", link=""):
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.linkname, info.size, info.mtime = kind, mode, link, len(data), self._mtime
        self._tar.addfile(info, _Bytes(data))
        self.entries += 1

    def _ensure_above(self, path):
        above = os.path.dirname(path)
        if above and above not in self._known:
            self._ensure_above(above)
            self._known.add(above)
            self._add(above, tarfile.DIRTYPE, 0o755)

    def file(self, path, data, mode=0o644):
        self._ensure_above(path)
        self._add(path, tarfile.REGTYPE, mode, data)

    def symlink(self, path, target):
        self._ensure_above(path)
        self._add(path, tarfile.SYMTYPE, 0o777, link=target)

    def close(self):
        self._tar.close()


class _Bytes:
    """The least that tarfile reads from: io.BytesIO would copy."""

    def __init__(self, data):
        self._data = memoryview(data)

    def read(self, size):
        part, self._data = self._data[:size], self._data[size:]
        return part


class _HashingFile:
    def __init__(self, file):
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data):
        self._hash.update(data)
        return self._file.write(data)

    @property
    def digest(self):
        return "sha256:" + self._hash.hexdigest()


class BulkImage:
    def __init__(self, shape, cache):
        self.shape = shape
        self._cache = pathlib.Path(cache)
        self._plan = None
        self._pool = None

    def layout(self, compression, variant="base"):
        place = self._cache / f"v{FORMAT}-{self.shape.name}-{self.shape.seed}-{variant}-{compression}"
        if not place.exists():
            self._cache.mkdir(parents=True, exist_ok=True)
            self._build(variant)
        return place

    def facts(self, compression, variant="base"):
        """entries, unpacked-bytes, compressed-bytes, and paths of the layers' blobs in their order"""
        place = self.layout(compression, variant)
        facts = json.loads((place / "facts.json").read_text())
        facts["blobs"] = [place / "blobs" / digest.replace(":", "/") for digest in facts["layers"]]
        return facts

    def _content(self, number, size, generation):
        if self._pool is None:
            self._pool = make_pool(self.shape.seed)
        head = f"{self.shape.name} {number} {generation}\n".encode()
        begin = random.Random(f"{number} {generation}").randrange(POOL_BYTES)
        body = self._pool[begin:begin + size]
        while len(body) < size:
            body += self._pool[:size - len(body)]
        return (head + body)[:max(size, len(head))]

    def _write_layer(self, index, variant, stream):
        rebuilt = variant == "rebuilt"
        tar = LayerTar(stream, 1_700_000_000 if rebuilt else 1_600_000_000)
        if index == 0:
            tar.file("bin/busybox", pathlib.Path(images.BUSYBOX).read_bytes(), 0o755)
            for name in images.APPLETS:
                tar.symlink(f"bin/{name}", "busybox")
        for file in self._plan.layers[index]:
            generation = 1 if rebuilt and file.content % 20 == 0 else 0
            tar.file(file.path, self._content(file.content, file.size, generation))
            if file.content % 12 == 0:
                tar.symlink(file.path + ".link", os.path.basename(file.path))
        if index == self.shape.layers - 1 and index > 0:
            text = f"{variant}\n".encode() if variant == "update" else b"base\n"
            numbers = random.Random("small layer")
            tar.file("etc/release", text)
            tar.file("etc/notes", numbers.randbytes(SMALL_LAYER_BYTES))
        tar.close()
        return tar.entries

    def _build(self, variant):
        """All compressions at once, from one tar for each layer."""
        if self._plan is None:
            self._plan = Plan(self.shape)
        with tempfile.TemporaryDirectory(dir=self._cache) as work:
            work = pathlib.Path(work)
            made = {how: [] for how in COMPRESSORS}
            diff_ids, entries, unpacked = [], 0, 0
            for index in range(self.shape.layers):
                with open(work / "tar", "wb") as file:
                    stream = _HashingFile(file)
                    entries += self._write_layer(index, variant, stream)
                    unpacked += file.tell()
                diff_ids.append(stream.digest)
                for how, argv in COMPRESSORS.items():
                    made[how].append(self._compress(work, how, argv, index))
            for how, blobs in made.items():
                layout = self._write_layout(work / f"layout-{how}", how, blobs, diff_ids, variant)
                facts = {"entries": entries, "unpacked-bytes": unpacked,
                         "compressed-bytes": sum(size for _, _, size in blobs),
                         "layers": [digest for _, digest, _ in blobs]}
                (layout / "facts.json").write_text(json.dumps(facts))
                place = self._cache / f"v{FORMAT}-{self.shape.name}-{self.shape.seed}-{variant}-{how}"
                shutil.rmtree(place, ignore_errors=True)
                layout.rename(place)

    @staticmethod
    def _compress(work, how, argv, index):
        path = work / f"{how}-{index}"
        with open(work / "tar", "rb") as source, open(path, "wb") as target:
            subprocess.run(argv, stdin=source, stdout=target, check=True)
        with open(path, "rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        return path, digest, path.stat().st_size

    def _write_layout(self, place, how, blobs, diff_ids, variant):
        image = images.Image([], {"Cmd": ["/bin/sleep", "1000000"], "Labels": {"Variant": variant}})
        config = json.loads(image.config_bytes)
        config["rootfs"]["diff_ids"] = diff_ids
        config["history"] = [{"created": images.CREATED, "created_by": "a benchmark"} for _ in diff_ids]
        image.config_bytes = images.to_json(config)
        manifest = json.loads(image.manifest)
        manifest["config"].update(digest=images.digest_of(image.config_bytes), size=len(image.config_bytes))
        manifest["layers"] = [{"mediaType": images.OCI_LAYER[how], "digest": digest, "size": size}
                              for _, digest, size in blobs]
        image.manifest = images.to_json(manifest)
        image.write_layout(place)
        for path, digest, _ in blobs:
            path.rename(place / "blobs" / digest.replace(":", "/"))
        return place
