# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images made to do harm, case by case.

Cases carry the name of the row that says what is attacked. Groups are generators of Hostile: escapes(), whiteouts(), kinds(),
attributes(), names(), repetitions(), numbers(), compression(), depths(), files_read_by_us() have it in their layers,
manifests() in the JSON of the image, configs() in what is asked for at the installation.
"""

import gzip
import json
import os
import subprocess
import tarfile

from images import (
    Layer, Image, OCI_LAYER, OCI_CONFIG, SIMPLE_UNIT, base, compress, digest_of, exports,
    runtime_config, to_json,
)

VICTIM = "/home/victim"  # of the host, where no image may do anything


def header(name, size=b"0" * 11 + b"\0", kind=b"0", mode=b"0000644\0", uid=b"0000000\0", gid=b"0000000\0",
           mtime=b"0" * 11 + b"\0", link=b"", magic=b"ustar\x0000"):
    """One tar header, each field as given; only the checksum is right."""
    block = bytearray(512)
    fields = ((0, 100, name), (100, 8, mode), (108, 8, uid), (116, 8, gid), (124, 12, size), (136, 12, mtime),
              (156, 1, kind), (157, 100, link), (257, 8, magic))
    for start, length, value in fields:
        value = value.encode() if isinstance(value, str) else value
        block[start:start + min(length, len(value))] = value[:length]
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def octal(number):
    return b"%011o\0" % number


def base256(number, length=12):
    data = number.to_bytes(length, "big", signed=number < 0)
    return bytes([data[0] | 0x80]) + data[1:]


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def pax(records):
    """A pax header in front of the next entry, its records byte by byte."""
    return header("PaxHeader", octal(len(records)), b"x") + padded(records)


def pax_record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


END = b"\0" * 1024
EMPTY = Layer().directory("/etc").file("/etc/honest", "honest\n").tar()


class Hostile:
    """One case: its row and name, the image, and what may come of it.

    outcome: "refused" while it is pulled; "not-installed": at the latest when it is installed; "harmless": refused, or
    installed without an effect on the host; "stored": must be accepted, and be harmless. codes: the error names that a
    refusal may have.
    """

    def __init__(self, name, image, outcome="refused", codes=("ImageInvalid", "LimitExceeded", "NotSupported"), check=None):
        self.name = name
        self.image = image
        self.outcome = outcome
        self.codes = codes
        self.check = check  # called with the rootfs's Path when it was stored

    def __repr__(self):
        return self.name


def _layers(*tars, **options):
    return Image(list(tars), {"Cmd": ["/bin/sleep", "1000000"]}, **options)


def escapes():
    for n, name in enumerate(("../evil", "a/../../evil", "./../x", "a//../../b")):
        yield Hostile(f"AR01-{n}", _layers(Layer().file(name, "evil")))
    for n, name in enumerate((f"/{VICTIM}/evil", "///evil")):
        yield Hostile(f"AR02-{n}", _layers(EMPTY, Layer().file("//" + name, "evil")), "harmless")
    chain = Layer()
    for n in range(41):
        chain.symlink(f"chain-{n}", f"chain-{n + 1}")
    chain.symlink("chain-41", VICTIM).file("chain-0/evil", "evil")
    yield Hostile("AR03-absolute", _layers(Layer().symlink("l", VICTIM).file("l/evil", "evil")), "harmless")
    yield Hostile("AR03-relative", _layers(Layer().symlink("l", "../../..").file("l/evil", "evil")), "harmless")
    yield Hostile("AR03-chain", _layers(chain), "harmless")
    for name, target in (("victim", VICTIM), ("self", "."), ("parent", ".."), ("dangling", "nowhere"), ("inside", "/usr")):
        lower = Layer().directory("usr").symlink("etc", target)
        yield Hostile(f"AR04-{name}-entry", _layers(lower, Layer().directory("etc").file("etc/f", "upper\n")), "stored",
                      check=lambda root: _is_real_file(root / "etc" / "f"))
        lower = Layer().directory("usr").symlink("etc", target)
        yield Hostile(f"AR04-{name}-implied", _layers(lower, Layer().file("etc/f", "upper\n")), "harmless",
                      check=lambda root: _is_real_file(root / "etc" / "f"))
    for n, target in enumerate(("/etc/shadow", "../../etc/shadow", "x/../../../etc/shadow")):
        yield Hostile(f"AR06-{n}", _layers(Layer().hardlink("stolen", target)))


def _is_real_file(path):
    if path.parent.is_symlink() or not path.parent.is_dir() or path.read_text() != "upper\n":
        raise AssertionError(f"{path} is not the upper layer's file")


def whiteouts():
    for n, name in enumerate((".wh...", "sub/.wh...", ".wh..", ".wh.", "sub/.wh.", ".wh..wh.", ".wh..wh..")):
        layer = Layer().directory("sub").file(name)
        row = "AR08" if n < 2 else "AR09"
        yield Hostile(f"{row}-{n}", _layers(EMPTY, layer), "refused")
    yield Hostile("AR09-parent", _layers(EMPTY, Layer().file(".wh.etc/honest", "x")))
    for n, name in enumerate((".wh..wh.plnk", ".wh..wh.aufs")):
        yield Hostile(f"AR09-aufs-{n}", _layers(EMPTY, Layer().file(name)), "harmless")
    late = Layer().directory("etc").file("etc/own", "own\n").empty("etc")

    def only_own(root):
        # the other two are mount points that every container gets
        if set(os.listdir(root / "etc")) - {"hosts", "resolv.conf"} != {"own"}:
            raise AssertionError(f"etc has {os.listdir(root / 'etc')}")
    yield Hostile("AR11-opaque-last", _layers(EMPTY, late), "stored", check=only_own)
    for order in ("before", "after"):
        layer = Layer().directory("etc")
        for step in ("remove", "add") if order == "before" else ("add", "remove"):
            layer.remove("etc/honest") if step == "remove" else layer.file("etc/honest", "again\n")
        yield Hostile(f"AR11-{order}", _layers(EMPTY, layer), "stored", check=_is_again)
    yield Hostile("AR12-name", _layers(Layer().file(".ostree-wh.foo")), "harmless")
    yield Hostile("AR12-device", _layers(EMPTY, Layer().entry("etc/honest", tarfile.CHRTYPE)), "harmless")
    attributes = {"SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.trusted.overlay.redirect": "/etc"}
    yield Hostile("AR12-attributes", _layers(Layer().directory("etc", pax=attributes)), "harmless")


def _is_again(root):
    if (root / "etc" / "honest").read_text() != "again\n":
        raise AssertionError("the layer's own file was hidden by its own whiteout")


def kinds():
    nodes = {"null": (tarfile.CHRTYPE, (1, 1)), "disk": (tarfile.BLKTYPE, (8, 0)), "fifo": (tarfile.FIFOTYPE, (0, 0))}
    for name, (kind, device) in nodes.items():
        yield Hostile(f"AR13-{name}", _layers(EMPTY, Layer().entry("node", kind, device=device)), "harmless")
    for flag in (b"7", b"S", b"V", b"M", b"D", b"\xff"):
        tar = header("odd", kind=flag) + END
        yield Hostile(f"AR13-type-{flag.hex()}", _layers(EMPTY, tar), "harmless")
    set_ids = Layer().file("su", "x", 0o4755).directory("sg", 0o2755)
    yield Hostile("AR14-set-ids", _layers(set_ids), "stored")


def attributes():
    def with_attribute(key, value):
        return pax(pax_record(b"SCHILY.xattr." + key, value)) + header("f") + END
    cases = {
        "empty-name": (b"", b"x"), "long-name": (b"user." + b"n" * 300, b"x"),
        "large": (b"user.large", b"v" * (64 * 1024 + 1)), "capability": (b"security.capability", b"bad"),
        "selinux": (b"security.selinux", b"unconfined_u:object_r:shadow_t:s0"),
        "acl": (b"system.posix_acl_access", b"\2\0\0\0bad"), "ima": (b"security.ima", b"\3\2x"),
    }
    for name, (key, value) in cases.items():
        yield Hostile(f"AR15-{name}", _layers(with_attribute(key, value)), "harmless")
    many = b"".join(pax_record(b"SCHILY.xattr.user.n%d" % n, b"x") for n in range(1000))
    yield Hostile("AR15-many", _layers(pax(many) + header("f") + END), "harmless")


def names():
    long_name = header("././@LongLink", octal(600), b"L")
    yield Hostile("AR17-cut-off", _layers(long_name + b"n" * 100))
    yield Hostile("AR17-without-end", _layers(header("././@LongLink", octal(512), b"L") + b"n" * 512 + header("f") + END),
                  "harmless")
    yield Hostile("AR17-1-GiB", _layers(header("././@LongLink", octal(1 << 30), b"L") + END))
    yield Hostile("AR17-wrong-length", _layers(pax(b"99 path=x\n") + header("f") + END), "harmless")
    yield Hostile("AR17-no-length", _layers(pax(b" path=x\n") + header("f") + END), "harmless")
    yield Hostile("AR17-10-MiB", _layers(pax(pax_record(b"comment", b"c" * (10 << 20))) + header("f") + END), "harmless")
    yield Hostile("AR18-nul", _layers(pax(pax_record(b"path", b"a\0b")) + header("f") + END), "harmless")
    yield Hostile("AR18-not-utf8", _layers(header(b"a\xff\xfeb") + END))
    yield Hostile("AR18-control", _layers(header(b"a\n\x1b[31mb") + END), "harmless")
    yield Hostile("AR18-direction", _layers(Layer().file("a\u202eb", "x")), "harmless")
    yield Hostile("AR18-component", _layers(Layer().file("n" * 256, "x")))
    yield Hostile("AR18-path", _layers(Layer().file("/".join(["n" * 200] * 21), "x")))


def repetitions():
    yield Hostile("AR19-files", _layers(Layer().file("a", "1").file("a", "2")), "harmless")
    yield Hostile("AR19-types", _layers(Layer().directory("a").file("a", "2")), "harmless")
    yield Hostile("AR19-child", _layers(Layer().file("a", "1").file("a/b", "2")), "harmless")
    yield Hostile("AR19-closed", _layers(Layer().directory("a", 0).file("a/b", "2")), "harmless")
    yield Hostile("AR19-link", _layers(Layer().symlink("a", "b").directory("a")), "harmless")
    yield Hostile("AR19-root", _layers(Layer().symlink(".", VICTIM).file("f", "x")), "harmless")


def numbers():
    sizes = {"huge": base256(1 << 63), "negative": base256(-1), "text": b"12345678xyz\0", "spaces": b" " * 12}
    for name, size in sizes.items():
        outcome = "harmless" if name == "spaces" else "refused"
        yield Hostile(f"AR20-size-{name}", _layers(header("f", size) + END), outcome)
    for name, number in (("past", -1), ("future", 1 << 40)):
        yield Hostile(f"AR20-mtime-{name}", _layers(header("f", mtime=base256(number)) + END), "harmless")
    for name, number in (("minus-one", -1), ("largest", (1 << 32) - 1), ("over", 1 << 31)):
        yield Hostile(f"AR20-uid-{name}", _layers(header("f", uid=base256(number, 8)) + END))
    yield Hostile("AR20-mode", _layers(header("f", mode=b"177777\0\0") + END), "harmless")
    whole = Layer().file("f", b"x" * 1000).tar()
    yield Hostile("AR21-header", _layers(whole[:300]))
    yield Hostile("AR21-data", _layers(whole[:1000]))
    yield Hostile("AR21-padding", _layers(whole[:512 + 1001]), "harmless")
    yield Hostile("AR21-no-end", _layers(whole[:512 + 1024]), "harmless")
    yield Hostile("AR21-garbage", _layers(EMPTY + b"garbage" * 100), "harmless")
    yield Hostile("AR21-second", _layers(EMPTY + Layer().file("second", "x").tar()), "harmless",
                  check=lambda root: _is_absent(root / "second"))


def _is_absent(path):
    if path.exists():
        raise AssertionError(f"{path} was taken from behind the end of the archive")


def _blob(name, data, kind="gzip"):
    """A layer whose compressed bytes are not what its media type says."""
    image = _layers(EMPTY)
    image.layers = [(OCI_LAYER[kind], data)]
    image.manifest = to_json(image.describe(OCI_CONFIG))
    return Hostile(name, image)


def compression():
    twice = compress(compress(EMPTY, "gzip"), "gzip")
    yield _blob("AR22-gzip-of-gzip", twice)
    yield _blob("AR22-zstd-as-gzip", compress(EMPTY, "zstd"))
    yield _blob("AR22-gzip-as-tar", compress(EMPTY, "gzip"), "none")
    yield _blob("AR22-zip", b"PK\x03\x04" + b"\0" * 60 + b"PK\x05\x06" + b"\0" * 18, "none")
    yield _blob("AR22-7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 506, "none")
    yield _blob("AR22-xz", b"\xfd7zXZ\0" + b"\0" * 506, "none")
    yield _blob("AR22-cpio", b"070701" + b"0" * 104 + b"TRAILER!!!\0" + b"\0" * 400, "none")
    yield _blob("AR22-empty", b"", "gzip")
    zeros = gzip.compress(header("bomb", base256(8 << 30)) + b"\0" * (64 << 20), 9, mtime=0)
    yield _blob("AR23-cut-off-bomb", zeros)
    bomb = subprocess.run(["sh", "-c", "head -c 400M /dev/zero | gzip -9n"], stdout=subprocess.PIPE, check=True).stdout
    yield _blob("AR23-ratio", gzip.compress(header("bomb", octal(400 << 20)), 9, mtime=0) + bomb
                + gzip.compress(END, 9, mtime=0))
    # a frame header that asks for a window of 2 GiB
    yield _blob("AR23-window", b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00", "zstd")
    members = gzip.compress(b"", 9, mtime=0) * 50000 + compress(EMPTY, "gzip")
    yield Hostile("AR23-members", _blob("", members).image, "harmless")


def depths():
    yield Hostile("AR25", _layers(Layer().file("/".join(["d"] * 2000) + "/f", "x")))
    segments = b"1000000\n" + b"0\n1\n" * 10
    sparse = pax(pax_record(b"GNU.sparse.major", b"1") + pax_record(b"GNU.sparse.minor", b"0")
                 + pax_record(b"GNU.sparse.name", b"f") + pax_record(b"GNU.sparse.realsize", b"9223372036854775807"))
    yield Hostile("AR26-map", _layers(sparse + header("f", octal(len(segments))) + padded(segments) + END))
    old = bytearray(header("f", octal(0), b"S", magic=b"ustar  \0"))
    old[483:495] = base256(1 << 62)
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    yield Hostile("AR26-size", _layers(bytes(old) + END), "harmless")


def files_read_by_us():
    for name in ("passwd", "group", "os-release"):
        image = Image([base(), Layer().symlink(f"etc/{name}", "/dev/zero")], {"Cmd": ["/bin/sleep", "1"], "User": "web"})
        yield Hostile(f"AR30-{name}", image, "harmless", ("ImageInvalid", "LimitExceeded", "TemplateInvalid", "InvalidArgument"))
    links = Layer()
    for mode in (0o644, 0, 0o7777):
        links.symlink(f"link-{mode:o}", "busybox", mode=mode)
    links.raw(header("bits", mode=b"0107644\0")).directory("closed", 0)
    yield Hostile("AR31", _layers(links), "stored")


def all_layers():
    """Cases whose layers are what is wrong with them."""
    for group in (escapes, whiteouts, kinds, attributes, names, repetitions, numbers, compression, depths,
                  files_read_by_us):
        yield from group()


def _text(image, old, new):
    """Replaces text of the manifest byte by byte."""
    data = image.manifest
    if old not in data:
        raise AssertionError(f"no {old!r} in the manifest")
    image.manifest = data.replace(old, new, 1)
    return image


def manifests():
    """Cases whose manifest or config is what is wrong with them. They are read by us as JSON."""
    def small():
        return _layers(EMPTY)

    def manifest_case(name, old, new, outcome="refused"):
        return Hostile(name, _text(small(), old, new), outcome)

    def sized(number):
        image = small()
        size = b'"size":%d' % len(image.layers[0][1])
        return _text(image, size, b'"size":' + number)

    yield manifest_case("MJ01-both", b'"layers":', b'"manifests":[],"layers":')
    yield manifest_case("MJ02-top", b'"schemaVersion":2', b'"schemaVersion":2,"schemaVersion":2')
    yield manifest_case("MJ02-layers", b'"layers":', b'"layers":[],"layers":')
    nested = small()
    nested.manifest = b"[" * 100000 + b"]" * 100000
    yield Hostile("MJ04-nested", nested)
    for n, number in enumerate((b"-1", b"1e3", b"1.9", b"0x10", b"010", b'"12"', b"9223372036854775808",
                                b"99999999999999999999", b"null", b"true")):
        yield Hostile(f"MJ05-{n}", sized(number))
    for name, data in (("empty", b""), ("null", b"null"), ("list", b"[]"), ("text", b'"x"'), ("object", b"{}")):
        image = small()
        image.manifest = data
        yield Hostile(f"MJ06-{name}", image)
    for name, change in (("mark", lambda data: b"\xef\xbb\xbf" + data), ("trailing", lambda data: data + b"{}"),
                         ("comment", lambda data: b"/* x */" + data),
                         ("surrogate", lambda data: data.replace(b'"layers"', b'"x":"\\ud800","layers"')),
                         ("nul", lambda data: data.replace(b'"layers"', b'"x":"a\\u0000b","layers"')),
                         ("nan", lambda data: data.replace(b'"layers"', b'"x":NaN,"layers"'))):
        image = small()
        image.manifest = change(image.manifest)
        yield Hostile(f"MJ06-{name}", image)
    true_digest = digest_of(small().layers[0][1]).encode()
    for n, digest in enumerate((b"sha256:../../etc/passwd", true_digest.upper(), true_digest[:-1], true_digest + b"0",
                                b"sha512:" + b"0" * 128, b"md5:" + b"0" * 32, b"", b":", true_digest + b" ")):
        yield manifest_case(f"MJ07-{n}", true_digest, digest)
    many = small().change_manifest(lambda manifest: manifest.update(layers=manifest["layers"] * 500))
    yield Hostile("MJ09-many", many)
    other = small().change_manifest(lambda manifest: manifest["layers"][0].update(mediaType="application/zip"))
    yield Hostile("MJ10-type", other)
    foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    other = small().change_manifest(lambda manifest: manifest["layers"][0].update(mediaType=foreign, urls=["http://x/"]))
    yield Hostile("MJ10-foreign", other)
    for name, kind in (("artifact", "application/vnd.oci.artifact.manifest.v1+json"),
                       ("schema1", "application/vnd.docker.distribution.manifest.v1+prettyjws")):
        other = small().change_manifest(lambda manifest: manifest.update(mediaType=kind))
        other.media_type = kind
        yield Hostile(f"MJ10-{name}", other)
    for name, kind in (("helm", "application/vnd.cncf.helm.config.v1+json"), ("cosign", "application/vnd.dev.cosign.simplesigning.v1+json"),
                       ("encrypted", OCI_LAYER["gzip"] + "+encrypted")):
        other = small()
        other.manifest = other.manifest.replace((OCI_CONFIG if name == "helm" else OCI_LAYER["gzip"]).encode(), kind.encode())
        yield Hostile(f"MJ10-{name}", other)
    wrong = small()
    wrong.replace_config(json.dumps({**json.loads(wrong.config_bytes), "rootfs": {"type": "x"}}).encode())
    yield Hostile("MJ11-rootfs", wrong)
    config = small()
    config.replace_config(config.config_bytes + b"{}")
    yield Hostile("MJ11-trailing", config)
    lie = small()
    other_layer = compress(Layer().file("other", "x").tar(), "gzip")
    lie.layers = [(OCI_LAYER["gzip"], other_layer)]
    lie.manifest = to_json(lie.describe(OCI_CONFIG))
    yield Hostile("I9-diff-id", lie, codes=("ImageInvalid", "DigestMismatch"))


def configs():
    """Cases of an image config that is well-formed JSON but asks for what it must not get: at install."""
    values = {
        "env-line": {"Env": ["A=b\nExecStart=/x"]},
        "entrypoint": {"Entrypoint": ["/bin/sleep\nExecStart=/x", "%h", "$(x)"]},
        "user-over": {"User": "4294967296"}, "user-negative": {"User": "-1"}, "user-three": {"User": "0:0;"},
        "cwd-up": {"WorkingDir": "../../.."}, "cwd-proc": {"WorkingDir": "/proc/self/fd/8"},
        "volume-root": {"Volumes": {"/": {}}}, "volume-up": {"Volumes": {"/../etc": {}}},
        "signal": {"StopSignal": "9999"},
    }
    codes = ("ImageInvalid", "LimitExceeded", "TemplateInvalid", "InvalidArgument", "NotSupported")
    for name, config in values.items():
        image = Image([base()], {"Cmd": ["/bin/sleep", "1000000"], **config})
        yield Hostile(f"MJ12-{name}", image, "harmless", codes)
    labels = {"RUN": "touch /home/victim/evil", "INSTALL": "touch /home/victim/evil", "atomic.run": "touch /home/victim/evil"}
    yield Hostile("MJ13", Image([base()], {"Cmd": ["/bin/sleep", "1000000"], "Labels": labels}), "harmless",
                  codes)
    yield from templates(codes)


def templates(codes):
    def image(**more):
        return Image([base(), exports(**more)], {"Cmd": ["/bin/sleep", "1000000"]})

    def linked(name, target):
        return Image([base(), Layer().directory("exports").symlink(f"exports/{name}", target)], {"Cmd": ["/bin/sleep", "1"]})

    whole = Image([base(), Layer().symlink("exports", "/etc")], {"Cmd": ["/bin/sleep", "1"]})
    yield Hostile("TH01-exports", whole, "harmless", codes)
    yield Hostile("TH01-config", linked("config.json.template", "/etc/shadow"), "not-installed", codes)
    yield Hostile("TH01-unit", linked("service.template", "/proc/1/environ"), "not-installed", codes)
    yield Hostile("MJ15-list", image(manifest={"defaultValues": ["x"]}), "not-installed", codes)
    yield Hostile("MJ15-number", image(manifest={"renameFiles": {"/a": 1}}), "not-installed", codes)
    for n, line in enumerate(("R /home/victim", "D /home/victim", "C /home/victim/x - - - - /etc/shadow", "L+ /etc/passwd - - - - x",
                              "w /home/victim/f - - - - x", "f+ /home/victim/f", "z /etc/shadow 0666", "x /home/*")):
        yield Hostile(f"TH12-{n}", image(tmpfiles=line + "\n"), "harmless", (*codes, "HostPathRefused"))
    for name, line in (("alias", "Alias=dbus.service"), ("also", "Also=sshd.service"), ("second", "[Service]\nUser=x\nAlias=x")):
        yield Hostile(f"TH11-{name}", image(service=SIMPLE_UNIT + line + "\n"), "harmless", codes)
    broken = json.loads(runtime_config(["/bin/sleep", "1000"], '"CAP_KILL"'))
    for name, change in (("root-path", {"root": {"path": "../../..", "readonly": True}}),
                         ("hooks", {"hooks": {"prestart": [{"path": "/exports/x"}]}})):
        yield Hostile(f"TH14-{name}", image(config=json.dumps({**broken, **change})), "harmless", codes)
