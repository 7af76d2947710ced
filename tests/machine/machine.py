# SPDX-License-Identifier: LGPL-2.1-or-later
"""A throw-away machine with the real systemd as PID 1, in which the project is installed and tried.

It is an overlay of the running root directory, booted by systemd-nspawn: everything installed on the
box is there, nothing on the box is changed, and everything is gone afterwards, also when the caller
is killed. Needs root. Boots in about a second. Machines may run side by side.

    with Machine(build="build") as machine:            # installs the build and boots
        machine.run(["systemctl", "is-system-running"])
        machine.run(["syscontctl", "list"], user="alice", check=False).status
        machine.reboot()                               # an orderly one
        machine.kill(); machine.boot()                 # power cut, and boot of the same disks

Machine(build=None, containers_size_mb=0, state=None, masked=(), boot=True)
    build               a meson build directory; its files are installed as `meson install` does
    containers_size_mb  /var/lib/containers is an ext4 of that size instead of a directory
    state               directory to keep (share/, containers/, console.log); default: a temporary one
    masked              further units that shall not run

run(argv, user=None, check=True, input=None, timeout=120, env=None, cwd=None) -> Result
    Runs a command inside, quickly, but outside the machine's control groups. Result has status, out
    and err (text). With check a status other than 0 raises CommandError, which shows everything.
spawn(argv, user=None, **popen) -> subprocess.Popen     the same in the background
sh(script, **as run) -> str          a shell script's standard output
run_unit(argv, user=None, properties=(), **as run)      in a transient unit (and a login session for a
                                                        user): where the caller's unit matters
background(argv, unit, properties=())                   a transient service that stays
poweroff(), boot(), reboot(), kill()                    kill(): no process gets a chance to clean up
push(source, name=None) -> path inside; pull(path) -> Path outside;  share: the directory /share
path(inside) -> Path       a path of the machine's root as seen by this process (through /proc), e.g. to read
exists(path), read(path), write(path, text, mode=0o644), wait_for(predicate, timeout, what)
journal(unit=None) -> str            messages of this boot
manifest(directories, exclude=()) -> dict               path to (type, mode, uid, gid, size, sha256 or target)
USERS                      ordinary users of the machine, password PASSWORD
"""

import atexit
import hashlib
import itertools
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
    "TERM": "dumb",
}
USERS = ("alice", "bob")
PASSWORD = "throw-away"

# What the box may run must not run inside; without the last two the state stays "starting" for half
# a minute.
MASKED = (
    "docker.service", "docker.socket", "containerd.service",
    "podman.service", "podman.socket", "podman-auto-update.service", "podman-auto-update.timer",
    "podman-restart.service", "podman-clean-transient.service",
    "postgresql.service", "postgresql@.service", "docker-registry.service", "nginx.service",
    "systemd-timesyncd.service", "dbus-org.freedesktop.timesync1.service",
    "apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer", "dpkg-db-backup.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
    "systemd-networkd-wait-online.service", "cockpit-motd.service",
)

# Installed for what images are made of; the machine is one where nobody has installed that.
REMOVED = ("etcd", "snmpd", "qemu-guest-agent")

# A box that is slow, or has other things to do, is no failure; what is there at once takes no longer.
LEAST_TIMEOUT_S = 30

_serial = itertools.count()


class MachineError(Exception):
    pass


class CommandError(MachineError):
    """A command inside ended with another status than 0."""

    def __init__(self, argv, result):
        super().__init__(f"{' '.join(map(str, argv))}: exit status {result.status}\n{result.out}{result.err}")
        self.result = result


class Result:
    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    def __repr__(self):
        return f"status {self.status}, out {self.out!r}, err {self.err!r}"


def wait_for(predicate, timeout=10, what="a condition"):
    """Returns what the predicate returns as soon as that is true."""
    timeout = max(timeout, LEAST_TIMEOUT_S)
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise MachineError(f"waited {timeout} s in vain for {what}")
        time.sleep(0.01)


def _run_group(argv, input, timeout, cwd="/"):
    """Runs a command in a process group of its own, so that a timeout ends what it started, too."""
    process = subprocess.Popen(argv, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=cwd,
                               start_new_session=True)
    if isinstance(input, str):
        input = input.encode()
    try:
        out, err = process.communicate(input, timeout)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return Result(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


class Machine:
    def __init__(self, build=None, containers_size_mb=0, state=None, masked=(), boot=True):
        self.name = f"syscont-test-{os.getpid()}-{next(_serial)}"
        self.build = build and pathlib.Path(build).resolve()
        self.boot_seconds = None
        self._nspawn = None
        self._leader = None
        self._keeper = None
        self._hashes = {}
        self._make_state(state)
        self._start_keeper(containers_size_mb, remove=state is None)
        try:
            self._prepare_root(masked)
            if boot:
                self.boot()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- the outside: namespaces, mounts, files ---

    def _make_state(self, state):
        if state is None:
            state = tempfile.mkdtemp(prefix="syscont-test-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        self.state = pathlib.Path(state).resolve()
        self.share = self.state / "share"
        for name in ("mnt", "containers", "share"):
            (self.state / name).mkdir(parents=True, exist_ok=True)
        self.share.chmod(0o1777)
        self.root = self.state / "mnt" / "root"

    def _start_keeper(self, size_mb, remove):
        argv = ["/usr/bin/python3", "-I", str(HERE / "keeper.py"), "outer", str(self.state), self.name,
                str(size_mb), "remove" if remove else "keep"]
        self._keeper = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=ENVIRONMENT, start_new_session=True, text=True)
        atexit.register(self.close)
        words = self._keeper.stdout.readline().split()
        if len(words) != 2:
            self.close()
            raise MachineError("the machine's mounts could not be made (see above); it needs root")
        self._keeper_pid = int(words[1])

    def outside(self, argv, timeout=120, check=True):
        """Runs a command of the box where the machine's root directory is mounted."""
        result = _run_group(["nsenter", "-t", str(self._keeper_pid), "-m", "--", *map(str, argv)], None, timeout)
        if check and result.status != 0:
            raise CommandError(argv, result)
        return result

    def _prepare_root(self, masked):
        if self.build:
            argv = ["env", f"DESTDIR={self.root}", "meson", "install", "--quiet", "--no-rebuild", "-C", self.build]
            self.outside(argv)
        script = f"""
set -e
cd {self.root}
rm -f etc/machine-id usr/sbin/policy-rc.d
# an id of its own, but no first boot: that would enable every unit of the box by its preset
tr -d - < /proc/sys/kernel/random/uuid > etc/machine-id
mkdir -p var/lib/containers var/log/journal share
for unit in {' '.join((*MASKED, *masked))}; do
  ln -sfn /dev/null etc/systemd/system/$unit
done
for name in {' '.join(REMOVED)}; do
  rm -f lib/systemd/system/$name.service etc/systemd/system/*.wants/$name.service etc/init.d/$name etc/rc?.d/*$name
done
for user in {' '.join(USERS)}; do
  chroot . useradd --create-home --shell /bin/bash $user
  echo "$user:{PASSWORD}" | chroot . chpasswd
done
chroot . systemd-sysusers
"""
        self.outside(["sh", "-c", script])

    # --- life ---

    def boot(self, timeout=60):
        """Boots, also again after poweroff() or kill(), and waits until systemd has finished to start."""
        if self._nspawn is not None:
            raise MachineError("the machine runs already")
        begin = time.monotonic()
        nspawn = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--register=no", "--keep-unit",
                  f"--machine={self.name}", "--capability=all", "--private-network",
                  "--system-call-filter=@keyring bpf @mount",
                  f"--bind={self.state}/containers:/var/lib/containers:norbind",
                  f"--bind={self.share}:/share:norbind"]
        if os.path.exists("/dev/fuse"):
            nspawn.append("--bind=/dev/fuse")
        # its own control group instead of a cgroup namespace: two machines would collide on /payload
        enter = ["nsenter", "-t", str(self._keeper_pid), "-m", "--", "sh", "-c",
                 f'echo $$ > /sys/fs/cgroup/{self.name}/cgroup.procs; exec "$@"', "sh"]
        with open(self.state / "console.log", "ab") as console:
            self._nspawn = subprocess.Popen(enter + nspawn, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                            env=ENVIRONMENT, start_new_session=True, cwd="/")
        self.wait_for(self._find_leader, timeout, "the machine's PID 1")
        self.wait_for(self._is_up, timeout, "the end of the boot")
        self.boot_seconds = time.monotonic() - begin

    def _find_leader(self):
        if self._nspawn.poll() is not None:
            log = (self.state / "console.log").read_text(errors="replace")
            raise MachineError(f"systemd-nspawn ended with status {self._nspawn.returncode}\n{log[-4000:]}")
        try:
            children = pathlib.Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            for pid in children:
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    self._leader = int(pid)
                    return True
        except OSError:
            pass
        return False

    def _is_up(self):
        if not self.path("/run/systemd/private").exists():
            return False
        return self.system_state() in ("running", "degraded")

    @property
    def is_on(self):
        return self._leader is not None

    def system_state(self):
        return self.run(["systemctl", "is-system-running"], check=False).out.strip()

    def poweroff(self, timeout=60):
        """An orderly shutdown."""
        os.kill(self._leader, signal.SIGRTMIN + 4)
        self._nspawn.wait(timeout)
        self._nspawn = self._leader = None

    def reboot(self):
        self.poweroff()
        self.boot()

    def kill(self):
        """Power off without a shutdown: everything inside ends at once. What was written stays written."""
        self._nspawn.kill()
        os.kill(self._leader, signal.SIGKILL)
        self._nspawn.wait()
        self._nspawn = self._leader = None
        script = f"""
for try in $(seq 500); do
  find /sys/fs/cgroup/{self.name} -mindepth 1 -depth -type d -exec rmdir {{}} + 2>/dev/null
  [ -z "$(ls -d /sys/fs/cgroup/{self.name}/*/ 2>/dev/null)" ] && exit 0
  sleep 0.02
done
exit 1
"""
        self.outside(["sh", "-c", script])

    def close(self):
        """Ends the machine and removes every trace of it. May be repeated."""
        atexit.unregister(self.close)
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        keeper.stdin.close()
        keeper.wait()
        keeper.stdout.close()
        if self._nspawn is not None:
            self._nspawn.wait()
        self._nspawn = self._leader = None

    # --- commands ---

    def command(self, argv, user=None, env=None, cwd=None):
        """The command line that runs argv inside, for callers that need a terminal or pipes of their own."""
        if not self.is_on:
            raise MachineError("the machine is off")
        command = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        if user is not None:
            command += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env", "--"]
        words = [f"{key}={value}" for key, value in {**ENVIRONMENT, **(env or {})}.items() if user is None or key != "HOME"]
        command += ["env", *(["-C", cwd] if cwd else []), *words]
        return command + [str(word) for word in argv]

    def run(self, argv, user=None, check=True, input=None, timeout=120, env=None, cwd=None):
        result = _run_group(self.command(argv, user, env, cwd), input, timeout)
        if check and result.status != 0:
            raise CommandError(argv, result)
        return result

    def sh(self, script, **options):
        return self.run(["sh", "-ec", script], **options).out

    def spawn(self, argv, user=None, env=None, cwd=None, **popen):
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **popen}
        return subprocess.Popen(self.command(argv, user, env, cwd), env=ENVIRONMENT, cwd="/", start_new_session=True, **popen)

    def run_unit(self, argv, user=None, properties=(), **options):
        command = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
        if user is not None:
            command += ["-p", "PAMName=login", "-p", f"User={user}"]
        for text in properties:
            command += ["-p", text]
        return self.run(command + ["--", *argv], **options)

    def background(self, argv, unit, properties=()):
        command = ["systemd-run", "--quiet", "--collect", f"--unit={unit}"]
        for text in properties:
            command += ["-p", text]
        self.run(command + ["--", *argv])

    wait_for = staticmethod(wait_for)

    # --- files ---

    def path(self, inside):
        """Symbolic links on the way are resolved as this process sees them: use it for plain paths."""
        return pathlib.Path(f"/proc/{self._leader}/root{inside}")

    def exists(self, inside):
        return os.path.lexists(self.path(inside))

    def read(self, inside):
        return self.run(["cat", inside]).out

    def write(self, inside, text, mode=0o644):
        data = text.encode() if isinstance(text, str) else text
        script = 'mkdir -p "$(dirname "$1")"; cat > "$1"; chmod "$2" "$1"'
        self.run(["sh", "-ec", script, "sh", inside, f"{mode:o}"], input=data)

    def push(self, source, name=None):
        source = pathlib.Path(source)
        target = self.share / (name or source.name)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
        return f"/share/{target.name}"

    def pull(self, inside):
        target = self.share / f"pulled-{next(_serial)}-{os.path.basename(inside)}"
        self.run(["cp", "-a", inside, f"/share/{target.name}"])
        return target

    def journal(self, unit=None, lines=2000):
        filters = ["-u", unit] if unit else []
        argv = ["journalctl", "--boot", "--quiet", "--no-pager", "--output=short-monotonic", f"--lines={lines}"]
        return self.run(argv + filters, check=False).out

    def manifest(self, directories, exclude=()):
        """What is on the machine's disks: compare two of them to see what a job left behind."""
        entries = {}
        for directory in directories:
            for path in self._walk(directory, tuple(exclude)):
                entries[path] = _describe(self.path(path), self._hashes)
        return entries

    def _walk(self, directory, exclude):
        yield directory
        top = str(self.path("/"))
        for parent, directories, files in os.walk(self.path(directory)):
            parent = "/" + parent[len(top):].strip("/")
            directories[:] = [name for name in directories if f"{parent.rstrip('/')}/{name}" not in exclude]
            for name in directories + files:
                path = f"{parent.rstrip('/')}/{name}"
                if path not in exclude:
                    yield path


def _describe(path, hashes):
    """hashes remembers the content of files whose stat says that they did not change."""
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    content = ""
    if kind == stat.S_IFREG:
        key = (path, info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        if key not in hashes:
            hashes[key] = hashlib.sha256(path.read_bytes()).hexdigest()
        content = hashes[key]
    elif kind == stat.S_IFLNK:
        content = os.readlink(path)
    return (f"{info.st_mode:o}", info.st_uid, info.st_gid, content)


def differences(before, after):
    """Lines that say how two manifests differ; empty when they are the same."""
    lines = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new:
            lines.append(f"{path}: {old or 'absent'} -> {new or 'absent'}")
    return lines
