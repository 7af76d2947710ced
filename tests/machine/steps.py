# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a program can be interrupted: the changes that it makes to files, one after another.

strace can send a signal in place of the Nth call of one name in any thread; a step is a call that is told by its name and number.
Between two changes one step is enough, at the second or at a sync before it; of many changes in a row in one directory, in
a tree or in the repository, the first and the last are.
"""

import collections
import re

CHANGES = ("rename", "renameat", "renameat2", "linkat", "symlinkat", "unlinkat", "mkdirat")
SYNCS = ("fsync", "fdatasync", "syncfs")
CALLS = ",".join(CHANGES + SYNCS)
LINE = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<rest>.*)")
TREES = re.compile(r".*?/(\.repo|[^/]*\.partial|rootfs|[^/]*\.d)(?=/|$)")

Step = collections.namedtuple("Step", "name number place")


def _calls(trace):
    """The step that each call is, if it can be told, and whether it changed something."""
    numbers = collections.Counter()
    for line in trace.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        numbers[match["thread"], match["name"]] += 1
        places = re.findall(r"<(/[^>]*)>", match["rest"])
        step = Step(match["name"], numbers[match["thread"], match["name"]], places[-1] if places else "")
        yield step, match["name"] in CHANGES and not re.search(r"\) += -1 ", match["rest"])


def _one_for_each_change(trace):
    told = set()
    chosen = None
    for step, has_changed in _calls(trace):
        if chosen is None and step[:2] not in told:
            chosen = step
        told.add(step[:2])
        if has_changed and chosen is not None:
            tree = TREES.match(step.place)
            yield tree[0] if tree else (step.name, step.place), chosen
            chosen = None


def steps_of(trace):
    """What strace -f -y has written about CALLS."""
    rows = list(_one_for_each_change(trace))
    alike = [False, *(a[0] == b[0] for a, b in zip(rows, rows[1:])), False]
    return [row[1] for row, as_before, as_after in zip(rows, alike, alike[1:]) if not (as_before and as_after)]
