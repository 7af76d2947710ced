# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one command inside the machine and measures it: `probe.py < request.json > answer.json`.

Runs in a unit of the machine, so that what it starts is in the machine's control groups. Request: argv, store (mount
point that is synced), device (of the store), apart (units whose processes do not count, the registry's), sample
(watch the memory instead of measuring time), servers (units whose processes count although they run already).

cpu is what the control groups of the whole machine used from the start of the command to the end of the sync, less
what is apart and this process: workers, daemons and systemd's own work are in it. Kernel threads are in no group.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time

CGROUP = pathlib.Path("/sys/fs/cgroup")
SAMPLE_SECONDS = 0.005
SECTOR_BYTES = 512


def cpu_of(group):
    for line in (group / "cpu.stat").read_text().splitlines():
        if line.startswith("usage_usec "):
            return int(line.split()[1]) / 1e6
    raise RuntimeError(f"no cpu time in {group}")


def group_of(unit):
    return CGROUP / "system.slice" / unit


def own_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def used_cpu(apart):
    return cpu_of(CGROUP) - sum(cpu_of(group_of(unit)) for unit in apart) - own_cpu()


def written_bytes(device):
    return int(pathlib.Path(f"/sys/block/{device}/stat").read_text().split()[6]) * SECTOR_BYTES


def sync(store):
    """syncfs(2) of one file system: what others write on the box is not waited for."""
    subprocess.run(["sync", "--file-system", store], check=True)


def processes():
    return {name for name in os.listdir("/proc") if name.isdigit()}


def processes_of(units):
    found = set()
    for unit in units:
        found |= set((group_of(unit) / "cgroup.procs").read_text().split())
    return found


def anonymous_kib(pid):
    """Private memory that no file backs; shared memory, too, for somebody has to count it."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if line.startswith(("RssAnon", "RssShmem")))
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(text.split()[0]) for text in fields.values())


class MemoryWatch:
    """The largest sum over all processes that the command, or the servers, have at one time."""

    def __init__(self, servers):
        self._others = processes() - processes_of(servers)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.peak_kib = 0
        self.peak_by_name = {}

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(SAMPLE_SECONDS):
            sizes = {pid: anonymous_kib(pid) for pid in processes() - self._others}
            if sum(sizes.values()) > self.peak_kib:
                self.peak_kib = sum(sizes.values())
                self.peak_by_name = self._by_name(sizes)

    @staticmethod
    def _by_name(sizes):
        named = {}
        for pid, size in sizes.items():
            try:
                name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                continue
            named[name] = named.get(name, 0) + size
        return named


def run_command(argv):
    result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", check=False)
    return result.returncode, result.stdout[-2000:]


def measure(request):
    sync(request["store"])
    written = written_bytes(request["device"])
    cpu = used_cpu(request["apart"])
    begin = time.monotonic()
    status, output = run_command(request["argv"])
    ended = time.monotonic()
    sync(request["store"])
    synced = time.monotonic()
    return {"status": status, "output": output, "command": ended - begin, "sync": synced - ended,
            "cpu": used_cpu(request["apart"]) - cpu, "written": written_bytes(request["device"]) - written}


def sample(request):
    with MemoryWatch(request["servers"]) as watch:
        status, output = run_command(request["argv"])
    return {"status": status, "output": output, "memory": watch.peak_kib * 1024, "memory-by-name": watch.peak_by_name}


def main():
    request = json.load(sys.stdin)
    json.dump((sample if request["sample"] else measure)(request), sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
