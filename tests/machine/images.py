# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds images out of nothing: OCI layouts and archives, honest and hostile ones. Deterministic.

    layer = Layer().directory("/etc").file("/etc/motd", "hi\\n").symlink("/etc/m", "motd")
    image = Image([layer], config={"Cmd": ["/bin/sh"]})
    image.write_layout(directory, tag="latest")     # for oci:DIRECTORY
    image.write_archive(file, tag="latest")         # for oci-archive:FILE
    image.write_directory(directory)                # for skopeo's dir:DIRECTORY

Image(layers, config=None, compression="gzip", docker=False, architecture=None)
    layers: Layer objects or the bytes of a tar; compression: gzip, zstd, none or a list, one for each
    docker: media types of Docker's schema 2
    manifest, config_bytes: bytes that may be replaced before it is written
Index([(Image, platform), …])      an index for several platforms; same write functions

Ready images: plain(), test_system(), update(), notify(), layered(), bulky(), no_service(). Those made to do harm
are in hostile.py.
"""

import gzip
import hashlib
import io
import json
import pathlib
import platform
import random
import shutil
import subprocess
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUSYBOX = "/bin/busybox"
APPLETS = ("cat", "env", "httpd", "id", "kill", "ls", "nc", "pwd", "sh", "sleep", "touch")

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = {
    "none": "application/vnd.oci.image.layer.v1.tar",
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = {
    "none": "application/vnd.docker.image.rootfs.diff.tar",
    "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "zstd": "application/vnd.docker.image.rootfs.diff.tar.zstd",
}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CREATED = "2024-01-02T03:04:05Z"


def native_architecture():
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c", "-3"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


class Layer:
    """A tar, entry by entry. Names are written as given, less one leading slash."""

    def __init__(self):
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)
        self._end = None

    def entry(self, name, kind, data=b"", mode=0o644, link="", uid=0, gid=0, pax=None, device=(0, 0)):
        info = tarfile.TarInfo(name[1:] if name.startswith("/") else name)
        info.type, info.mode, info.linkname = kind, mode, link
        info.uid, info.gid, info.size = uid, gid, len(data)
        info.devmajor, info.devminor = device
        info.pax_headers = pax or {}
        self._tar.addfile(info, io.BytesIO(data))
        return self

    def file(self, name, data=b"", mode=0o644, **more):
        return self.entry(name, tarfile.REGTYPE, data.encode() if isinstance(data, str) else data, mode, **more)

    def directory(self, name, mode=0o755, **more):
        return self.entry(name, tarfile.DIRTYPE, mode=mode, **more)

    def symlink(self, name, target, mode=0o777, **more):
        return self.entry(name, tarfile.SYMTYPE, mode=mode, link=target, **more)

    def hardlink(self, name, target, **more):
        return self.entry(name, tarfile.LNKTYPE, link=target, **more)

    def remove(self, name):
        """A whiteout."""
        parent, _, last = name.rpartition("/")
        return self.file(f"{parent}/.wh.{last}")

    def empty(self, name):
        """An opaque marker: what lower layers have in the directory is hidden."""
        return self.file(f"{name}/.wh..wh..opq")

    def raw(self, data):
        """Bytes that are put between two entries as they are."""
        self._tar.fileobj.write(data)
        self._tar.offset += len(data)
        return self

    def tar(self):
        if self._end is None:
            self._tar.close()
            self._end = self._buffer.getvalue()
        return self._end


class Image:
    def __init__(self, layers, config=None, compression="gzip", docker=False, architecture=None):
        tars = [layer.tar() if isinstance(layer, Layer) else layer for layer in layers]
        hows = compression if isinstance(compression, list) else [compression] * len(tars)
        kinds = DOCKER_LAYER if docker else OCI_LAYER
        self.media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
        self.architecture = architecture or native_architecture()
        self.tars = tars
        self.layers = [(kinds[how], compress(data, how)) for data, how in zip(tars, hows)]
        self.config_bytes = to_json({
            "created": CREATED,
            "architecture": self.architecture,
            "os": "linux",
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(data) for data in tars]},
            "history": [{"created": CREATED, "created_by": "a test"} for _ in tars],
        })
        self.manifest = to_json(self.describe(DOCKER_CONFIG if docker else OCI_CONFIG))
        self.extra_blobs = {}

    def describe(self, config_type):
        return {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": {"mediaType": config_type, "digest": digest_of(self.config_bytes), "size": len(self.config_bytes)},
            "layers": [{"mediaType": kind, "digest": digest_of(data), "size": len(data)} for kind, data in self.layers],
        }

    def change_manifest(self, change):
        """change gets the manifest as a dictionary and changes it or returns bytes."""
        value = json.loads(self.manifest)
        self.manifest = change(value) or to_json(value)
        return self

    def replace_config(self, data):
        """Other bytes for the config, and a manifest that agrees with them."""
        self.config_bytes = data
        def agree(manifest):
            manifest["config"].update(digest=digest_of(data), size=len(data))
        return self.change_manifest(agree)

    @property
    def digest(self):
        return digest_of(self.manifest)

    def blobs(self):
        blobs = {digest_of(data): data for data in [self.config_bytes, *(data for _, data in self.layers)]}
        blobs[self.digest] = self.manifest
        blobs.update(self.extra_blobs)
        return blobs

    def descriptor(self):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.manifest)}

    def index(self, tag):
        entry = self.descriptor()
        entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
        return {"schemaVersion": 2, "manifests": [entry]}

    def members(self, tag):
        """File names of the layout and their content."""
        members = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": to_json(self.index(tag))}
        for digest, data in sorted(self.blobs().items()):
            members["blobs/" + digest.replace(":", "/")] = data
        return members

    def write_layout(self, directory, tag="latest"):
        directory = pathlib.Path(directory)
        shutil.rmtree(directory, ignore_errors=True)
        for name, data in self.members(tag).items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(data)
        return directory

    def write_directory(self, directory):
        """For dir:DIRECTORY of skopeo, which takes manifests of every kind."""
        directory = pathlib.Path(directory)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        (directory / "version").write_text("Directory Transport Version: 1.1\n")
        for digest, data in self.blobs().items():
            (directory / digest.removeprefix("sha256:")).write_bytes(data)
        (directory / "manifest.json").write_bytes(self.manifest)
        return directory

    def write_archive(self, file, tag="latest"):
        archive = Layer()
        for name, data in self.members(tag).items():
            archive.file(name, data)
        pathlib.Path(file).write_bytes(archive.tar())
        return pathlib.Path(file)


class Index(Image):
    """Several images under one name."""

    def __init__(self, children, docker=False):
        self.children = [image for image, _ in children]
        self.media_type = DOCKER_INDEX if docker else OCI_INDEX
        self.manifest = to_json({
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "manifests": [{**image.descriptor(), "platform": self.split(text)} for image, text in children],
        })

    @staticmethod
    def split(text):
        names = ("os", "architecture", "variant")
        return dict(zip(names, text.split("/")))

    def blobs(self):
        blobs = {self.digest: self.manifest}
        for child in self.children:
            blobs.update(child.blobs())
        return blobs


# --- honest images ---

SERVE = """#!/bin/sh
# as PID 1 of a container it must ask for SIGTERM to be ended by it
httpd -f -p "$1" -h "$2" & child=$!
trap 'kill $child; exit 0' TERM INT
wait $child
"""

REPORT = """#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "id=$(id -u):$(id -g)"
echo "pwd=$START_PWD"
echo "greeting=$GREETING"
touch /www/written 2>/dev/null && echo root=writable || echo root=read-only
"""


def base(extra=()):
    """busybox, its usual names and the files that a program expects."""
    layer = Layer()
    for name in ("/bin", "/dev", "/etc", "/proc", "/run", "/sys", "/tmp", "/usr", "/usr/bin", "/var", "/var/lib"):
        layer.directory(name)
    layer.file("/bin/busybox", pathlib.Path(BUSYBOX).read_bytes(), 0o755)
    for name in APPLETS:
        layer.symlink(f"/bin/{name}", "busybox")
    layer.file("/bin/serve", SERVE, 0o755)
    layer.file("/etc/passwd", "root:x:0:0:root:/:/bin/sh\nweb:x:33:44:web:/:/bin/sh\n")
    layer.file("/etc/group", "root:x:0:\nweb:x:44:\n")
    return layer


def plain(port=8080, text="hello\n", user="", labels=None, **options):
    """No /exports: runs what the image config says, a web server."""
    layer = Layer().directory("/www").directory("/www/cgi-bin").directory("/work")
    layer.file("/www/index.html", text).file("/www/cgi-bin/report", REPORT, 0o755)
    config = {
        "Entrypoint": ["/bin/sh", "-c", 'export START_PWD="$PWD"; exec /bin/serve "$@"', "serve"],
        "Cmd": [str(port), "/www"],
        "Env": ["PATH=/bin:/usr/bin", "GREETING=good morning"],
        "WorkingDir": "/work",
        "User": user,
        "ExposedPorts": {f"{port}/tcp": {}},
        "Labels": {"Name": "plain", **(labels or {})},
    }
    return Image([base(), layer], config, **options)


def checked(test, text="hello\n", interval_s=1, **options):
    """The web server of plain() with a health check; what it may look at is the volume /data."""
    layer = Layer().directory("/www").directory("/data").file("/www/index.html", text)
    config = {
        "Entrypoint": ["/bin/serve", "8080", "/www"],
        "Env": ["PATH=/bin:/usr/bin"],
        "Volumes": {"/data": {}},
        "Healthcheck": {"Test": test, "Interval": interval_s * 1_000_000_000, "Retries": 2},
    }
    return Image([base(), layer], config, **options)


def runtime_config(args, capabilities, mounts=(), env=()):
    """The text of a config.json.template; capabilities is pasted raw, as real images do."""
    usual = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=755"]},
    ]
    sets = {name: ["@CAPABILITIES@"] for name in ("bounding", "effective", "inheritable", "permitted")}
    config = {
        "ociVersion": "1.0.0",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": list(args),
            "env": ["PATH=/bin:/usr/bin", *env],
            "cwd": "/",
            "capabilities": sets,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "test-system",
        "mounts": [*usual, *mounts],
        "linux": {"namespaces": [{"type": name} for name in ("pid", "ipc", "uts", "mount")]},
    }
    return json.dumps(config, indent=4).replace('"@CAPABILITIES@"', capabilities) + "\n"


GREET = """#!/bin/sh
echo "Hi $RECEIVER from $NAME" > "/run/$NAME/index.html"
exec /bin/serve "$PORT" "/run/$NAME"
"""

PID_FILE_UNIT = """[Unit]
Description=$NAME

[Service]
ExecStartPre=$EXEC_STARTPRE
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
ExecStopPost=$EXEC_STOPPOST
Restart=on-crash
WorkingDirectory=$DESTDIR
PIDFile=$PIDFILE

[Install]
WantedBy=multi-user.target
"""

SIMPLE_UNIT = """[Unit]
Description=$NAME

[Service]
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
Restart=on-failure
WorkingDirectory=$DESTDIR

[Install]
WantedBy=multi-user.target
"""

# What a box in a virtual machine may lack cannot be given to a container either.
CAPABILITIES = '"CAP_CHOWN",\n"CAP_KILL",\n"CAP_NET_BIND_SERVICE"\n'


def exports(layer=None, service=None, config=None, tmpfiles=None, manifest=None):
    layer = (layer or Layer()).directory("/exports")
    if service is not None:
        layer.file("/exports/service.template", service)
    if config is not None:
        layer.file("/exports/config.json.template", config)
    if tmpfiles is not None:
        layer.file("/exports/tmpfiles.template", tmpfiles)
    if manifest is not None:
        layer.file("/exports/manifest.json", json.dumps(manifest, indent=4) + "\n")
    return layer


def greeting_config(**more):
    bind = {"type": "bind", "source": "${RUN_DIRECTORY}/${NAME}", "destination": "/run/${NAME}",
            "options": ["rw", "rbind", "rprivate", "nosuid", "nodev", "mode=755"]}
    env = ["PORT=$PORT", "RECEIVER=$RECEIVER", "NAME=$NAME", "UUID=$UUID"]
    return runtime_config(["/usr/bin/greet.sh"], "$ALL_PROCESS_CAPABILITIES", [bind], env, **more)


def test_system(**options):
    """All templates, pid file mode, every kind of variable. It answers on $PORT with a greeting."""
    layer = Layer().directory("/usr/bin").file("/usr/bin/greet.sh", GREET, 0o755)
    exports(layer, PID_FILE_UNIT, greeting_config(), "D ${RUN_DIRECTORY}/${NAME}\n",
            {"version": "1.0", "defaultValues": {"PORT": "8081", "RECEIVER": "World"}})
    return Image([base(), layer], {"Labels": {"Name": "atomic-test-system"}}, **options)


def update(**options):
    """Has a variable without a default, and an ordinary unit."""
    mount = {"type": "tmpfs", "source": "tmpfs", "destination": "/srv"}
    config = runtime_config(["/bin/serve", "$PORT", "/www"], CAPABILITIES, [mount], ["VALUE=$VAR_WITH_NO_DEFAULT"])
    layer = Layer().directory("/srv").directory("/www").file("/www/index.html", "update\n")
    exports(layer, SIMPLE_UNIT, config, None, {"version": "1.0", "defaultValues": {"PORT": "8081"}})
    return Image([base(), layer], {"Labels": {"atomic.type": "system"}}, **options)


NOTIFY_UNIT = """[Unit]
Description=$NAME

[Service]
Type=notify
NotifyAccess=all
TimeoutStartSec=5
TimeoutStopSec=2
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
WorkingDirectory=$DESTDIR

[Install]
WantedBy=multi-user.target
"""


def notify_program():
    with tempfile.TemporaryDirectory() as directory:
        program = f"{directory}/notify-ready"
        subprocess.run(["cc", "-static", "-O2", "-s", "-o", program, HERE / "notify-ready.c"], check=True)
        return pathlib.Path(program).read_bytes()


def notify(delay_s=1, **options):
    """Says itself when it is ready; with a delay below 0 it never is: runc hears no SIGTERM while it waits for that."""
    layer = Layer().directory("/exports").file("/exports/service.template", NOTIFY_UNIT)
    layer.file("/usr/bin/notify-ready", notify_program(), 0o755)
    return Image([base(), layer], {"Entrypoint": ["/usr/bin/notify-ready", str(delay_s)]}, **options)


def no_service(**options):
    """Asks for a deployment without a unit."""
    layer = exports(manifest={"version": "1.0", "noContainerService": True})
    return Image([base(), layer], {"Cmd": ["/bin/sh"]}, **options)


# What layered() consists of once its layers are merged: path to mode and content, target or None.
LAYERED = {
    "data": ("40750", None),
    "data/kept": ("100644", "kept\n"),
    "data/changed": ("100600", "second\n"),
    "data/now-a-directory": ("40755", None),
    "data/now-a-directory/inside": ("100644", "inside\n"),
    "data/now-a-file": ("100644", "file\n"),
    "data/opaque": ("40755", None),
    "data/opaque/own": ("100644", "own\n"),
    "data/gone-and-back": ("40755", None),
    "data/gone-and-back/new": ("100644", "new\n"),
    "data/link": ("120777", "kept"),
    "data/twin-a": ("100644", "twin\n"),
    "data/twin-b": ("100644", "twin\n"),
    "data/set-uid": ("104755", "set-uid\n"),
    "data/implied": ("40700", None),
    "data/implied/lower": ("100644", "lower\n"),
    "data/implied/upper": ("100644", "upper\n"),
}


def layered(**options):
    """Three layers that remove, hide, replace and change each other's files; see LAYERED."""
    one = base().directory("/data").file("/data/kept", "kept\n").file("/data/changed", "first\n")
    one.file("/data/removed", "removed\n").directory("/data/removed-directory").file("/data/removed-directory/x", "x\n")
    one.file("/data/now-a-directory", "file\n").directory("/data/now-a-file").file("/data/now-a-file/x", "x\n")
    one.directory("/data/opaque").file("/data/opaque/hidden", "hidden\n").symlink("/data/link", "nowhere", mode=0o644)
    one.directory("/data/gone-and-back").file("/data/gone-and-back/old", "old\n")
    one.directory("/data/implied", 0o700).file("/data/implied/lower", "lower\n")
    two = Layer().directory("/data", 0o750).file("/data/changed", "second\n", 0o600).remove("/data/removed")
    two.remove("/data/removed-directory").directory("/data/now-a-directory").file("/data/now-a-directory/inside", "inside\n")
    two.file("/data/now-a-file", "file\n").directory("/data/opaque").file("/data/opaque/own", "own\n").empty("/data/opaque")
    two.remove("/data/gone-and-back").symlink("/data/link", "kept", mode=0o644)
    two.file("/data/implied/upper", "upper\n")
    three = Layer().directory("/data/gone-and-back").file("/data/gone-and-back/new", "new\n")
    three.file("/data/twin-a", "twin\n").hardlink("/data/twin-b", "data/twin-a").file("/data/set-uid", "set-uid\n", 0o4755)
    return Image([one, two, three], {"Cmd": ["/bin/sleep", "1000000"]}, **options)


def bulky(megabytes=8, layers=4, seed=1, **options):
    """Content that no compression makes smaller, so that a pull takes its time."""
    numbers = random.Random(seed)
    size = megabytes * 1024 * 1024 // layers
    tops = [Layer().file(f"/blob-{n}", numbers.randbytes(size)) for n in range(layers)]
    return Image([base(), *tops], {"Cmd": ["/bin/sleep", "1000000"]}, **options)


def dying(after_s=3, **options):
    """A service that is up for a while and then fails."""
    return Image([base()], {"Entrypoint": ["/bin/sh", "-c", f"echo about to fail >&2; sleep {after_s}; exit 1"]}, **options)
