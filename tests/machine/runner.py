#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests that need a machine, several files at a time.

    tests/machine/runner.py --build DIR [--jobs N] [--verbose] [FILE_OR_PATTERN…]

A pattern is a part of FILE.CLASS.TEST. Prints one line for each test and, at the end, the sum as
`N passed, N failed, N skipped`. A class that cannot be set up counts as a failure of each of its tests.
"""

import argparse
import concurrent.futures
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback
import unittest

TEST_TIMEOUT_S = 900
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "registry")]
sys.dont_write_bytecode = True


class Printer(unittest.TestResult):
    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.passed = self.failed = self.left_out = 0
        self.class_size = {}

    def say(self, word, test, begin=None, text=""):
        seconds = f" ({time.monotonic() - begin:.1f} s)" if begin else ""
        self.stream.write(f"{word} {test.id() if hasattr(test, 'id') else test}{seconds}\n")
        for line in text.splitlines():
            self.stream.write(f"    {line}\n")
        self.stream.flush()

    def startTest(self, test):
        super().startTest(test)
        signal.alarm(TEST_TIMEOUT_S)
        self.begin = time.monotonic()
        self.broken = None

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)
        if self.broken == "skip":
            self.left_out += 1
        elif self.broken is None:
            self.passed += 1
            self.say("ok", test, self.begin)
        else:
            self.failed += 1
            self.say("FAILED", test, self.begin, self.broken)

    def addSkip(self, test, reason):
        self.broken = "skip"
        self.say("skipped", test, text=reason)

    def addError(self, test, error):
        self.note(test, error)

    def addFailure(self, test, error):
        self.note(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.note(subtest, error)

    def note(self, test, error):
        text = "".join(traceback.format_exception(*error))
        if not isinstance(test, unittest.TestCase):
            # setUpClass or tearDownClass: "setUpClass (module.Class)"
            count = self.class_size.get(str(test).partition("(")[2].rstrip(")"), 1) if "setUp" in str(test) else 1
            self.failed += count
            self.say("FAILED", test, text=text)
            return
        owner = getattr(test, "test_case", test)
        text = (f"{test}\n" if owner is not test else "") + text
        if self.broken is None and hasattr(owner, "on_failure"):
            try:
                text += "\n--- journal\n" + owner.on_failure()
            except Exception as problem:
                text += f"\n--- no journal: {problem}"
        self.broken = (self.broken or "") + text


def on_alarm(*_):
    raise TimeoutError(f"the test took longer than {TEST_TIMEOUT_S} s")


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def run_file(module, patterns):
    loaded = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))
    chosen = [test for test in tests_of(loaded) if not patterns or any(text in test.id() for text in patterns)]
    printer = Printer(sys.stdout)
    for test in chosen:
        name = f"{type(test).__module__}.{type(test).__qualname__}"
        printer.class_size[name] = printer.class_size.get(name, 0) + 1
    unittest.TestSuite(chosen).run(printer)
    print(f"#sum {printer.passed} {printer.failed} {printer.left_out}")


def count_tests(module):
    source = (HERE / f"{module}.py").read_text()
    return source.count("\n    def test_")


def run_in_process(module, patterns, timeout):
    """A file runs in a process of its own: what breaks it there does not break the others."""
    argv = ["/usr/bin/python3", __file__, "--file", module, *patterns]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate()
        output += f"FAILED {module}: took longer than {timeout} s\n"
    lines = output.splitlines()
    if lines and lines[-1].startswith("#sum ") and process.returncode == 0:
        return lines[:-1], [int(word) for word in lines[-1].split()[1:]]
    done = [sum(line.startswith(word) for line in lines) for word in ("ok ", "FAILED ", "skipped ")]
    lost = max(count_tests(module) - sum(done), 1)
    return lines + [f"FAILED {module}: ended with status {process.returncode}"], [done[0], done[1] + lost, done[2]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.environ.get("SYSCONT_BUILD"), help="meson build directory")
    parser.add_argument("--jobs", type=int, default=2, help="files at a time (2)")
    parser.add_argument("--timeout", type=int, default=2400, help="seconds for one file (2400)")
    parser.add_argument("--file", help=argparse.SUPPRESS)
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    if options.file:
        # unittest would take an exception for a test's; the keepers see our end and remove the machines
        signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
        signal.signal(signal.SIGALRM, on_alarm)
        return run_file(options.file, options.patterns)

    if options.build:
        os.environ["SYSCONT_BUILD"] = str(pathlib.Path(options.build).resolve())
    modules = sorted(path.stem for path in HERE.glob("test_*.py"))
    named = [text for text in options.patterns if text.removesuffix(".py") in modules]
    patterns = [text for text in options.patterns if text not in named]
    modules = [text.removesuffix(".py") for text in named] or modules
    total = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = [pool.submit(run_in_process, module, patterns, options.timeout) for module in modules]
        for run in concurrent.futures.as_completed(runs):
            lines, sums = run.result()
            print("\n".join(lines), flush=True)
            total = [a + b for a, b in zip(total, sums)]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
