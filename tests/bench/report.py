# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what was measured, and how it stands against the targets."""

import statistics
import sys

MIB = 1024 * 1024
# Of atomic, which is not packaged any more: medians on two cores and a journalled ext4.
ATOMIC_INSTALL_SECONDS = {"medium": 1.0, "large": 1.9}


def progress(text):
    print(text, file=sys.stderr, flush=True)


class Figures:
    """Medians by (image, compression, peer, case)."""

    def __init__(self, bench):
        self._results = bench.results
        self._memory = bench.memory

    def wall(self, *key):
        return self._median(key, lambda row: row["command"] + row["sync"])

    def command(self, *key):
        return self._median(key, lambda row: row["command"])

    def cpu(self, *key):
        return self._median(key, lambda row: row["cpu"])

    def written(self, *key):
        return self._median(key, lambda row: row["written"])

    def memory(self, *key):
        row = self._memory.get(key)
        return row and row["memory"]

    def _median(self, key, value):
        rows = self._results.get(key)
        return statistics.median(map(value, rows)) if rows else None


def number(value, form):
    return "-" if value is None else form.format(value)


def show_table(bench, figures):
    print(f"\n{'image':9} {'':5} {'case':8} {'peer':13} {'wall s':>8} {'(min':>8} {'max)':>8} {'sync s':>7} {'cpu s':>7} "
          f"{'written MB':>11} {'memory MiB':>11}")
    for key, rows in sorted(bench.results.items(), key=lambda item: (item[0][0], item[0][1], item[0][3])):
        image, compression, peer, case = key
        walls = [row["command"] + row["sync"] for row in rows]
        memory = figures.memory(*key)
        print(f"{image:9} {compression:5} {case:8} {peer:13} {figures.wall(*key):8.3f} {min(walls):8.3f} {max(walls):8.3f} "
              f"{statistics.median(row['sync'] for row in rows):7.3f} {figures.cpu(*key):7.2f} "
              f"{figures.written(*key) / 1e6:11.1f} {number(memory and memory / MIB, '{:.1f}'):>11}")
    for key, reason in bench.failures.items():
        print(f"{key[0]:9} {key[1]:5} {key[3]:8} {key[2]:13} cannot: {reason[0]}")


class Targets:
    def __init__(self):
        print(f"\n{'target':58} {'is':>9} {'wanted':>9}")

    def ratio(self, title, ours, theirs, limit):
        self.value(title, ours / theirs if ours is not None and theirs else None, limit, "")

    def value(self, title, ours, limit, unit):
        verdict = "not measured" if ours is None else "met" if ours <= limit else "MISSED"
        print(f"{title:58} {number(ours, '{:.3f}'):>9} {limit:>9.3f} {unit:4} {verdict}")


def show_pull_targets(figures, facts, targets):
    for (shape, compression), fact in facts.items():
        def ours(case):
            return shape, compression, "syscont", case
        docker = (shape, compression, "docker", "cold")
        title = f"{shape} {compression}"
        if shape == "tiny":
            targets.ratio(f"{title}: cold / podman's", figures.wall(*ours("cold")), figures.wall(shape, compression, "podman", "cold"), 1.0)
            continue
        limit = {"medium": 0.60, "large": 0.70}[shape]
        targets.ratio(f"{title}: cold / (docker + sync)", figures.wall(*ours("cold")), figures.wall(*docker), limit)
        targets.ratio(f"{title}: cpu / docker's", figures.cpu(*ours("cold")), figures.cpu(*docker), 0.55)
        targets.ratio(f"{title}: rebuilt / docker's cold", figures.wall(*ours("rebuilt")), figures.wall(*docker), 0.2)
        targets.ratio(f"{title}: rebuilt, written / unpacked size", figures.written(*ours("rebuilt")), fact["unpacked-bytes"], 0.1)
        targets.value(f"{title}: one layer of 7 kB is new", figures.command(*ours("update")), 0.2, "s")
        targets.value(f"{title}: nothing is new", figures.command(*ours("again")), 0.12, "s")
        targets.value(f"{title}: install (0.5 x atomic's {ATOMIC_INSTALL_SECONDS[shape]} s elsewhere)",
                      figures.wall(*ours("install")), ATOMIC_INSTALL_SECONDS[shape] / 2, "s")
        memory = figures.memory(*ours("cold"))
        targets.value(f"{title}: peak memory of all processes", memory and memory / MIB, 64 + 200 * fact["entries"] / MIB, "MiB")


def show(bench, facts, missing):
    figures = Figures(bench)
    for (shape, compression), fact in facts.items():
        print(f"{shape} {compression}: {fact['entries']} entries, {fact['unpacked-bytes'] / 1e6:.0f} MB unpacked, "
              f"{fact['compressed-bytes'] / 1e6:.0f} MB compressed, {len(fact['layers'])} layers")
    show_table(bench, figures)
    targets = Targets()
    show_pull_targets(figures, facts, targets)
    targets.value("list of 50 images", figures.command("50 images", "", "syscont", "list"), 0.03, "s")
    for name, programs in missing.items():
        print(f"\n{name}: missing, not measured ({', '.join(programs)} not installed)")
