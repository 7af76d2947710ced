# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of tests/demo that happens in the machine: demo.py BUILD"""

import pathlib
import signal
import sys
import textwrap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import images  # noqa: E402
from machine import Machine  # noqa: E402

PORT = 8080
PAGE = "hello from a system container\n"


class Demo:
    def __init__(self, machine):
        self.machine = machine
        self.failed = []

    def heading(self, text):
        print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n=== {text}", flush=True)

    def show(self, command, user=None, status=0):
        """Runs a command line in the machine and prints both, as they would be seen there."""
        prompt = f"{user}$" if user else "#"
        print(f"{prompt} {command}", flush=True)
        result = self.machine.run(["sh", "-c", command + " 2>&1"], user=user, check=False)
        print(textwrap.indent(result.out.rstrip(), "    "), flush=True)
        if result.status != status:
            self.failed.append(command)
            print(f"    exit status {result.status}, not {status}", flush=True)
        return result.out

    def wait_for_page(self):
        probe = ["wget", "-q", "-O-", f"http://127.0.0.1:{PORT}/"]
        self.machine.wait_for(lambda: self.machine.run(probe, check=False).status == 0, 10, f"port {PORT}")


def tell(demo):
    machine = demo.machine
    demo.heading("An image: busybox, a page and a command, in an OCI layout")
    images.plain(port=PORT, text=PAGE).write_layout(machine.share / "hello")
    demo.show("cd /share/hello && find . -type f | sort && cat index.json && echo")

    demo.heading("Install it as a service and start it")
    demo.show("syscontctl install oci:/share/hello --name hello --now")

    demo.heading("What there is now")
    demo.show("syscontctl list")
    demo.show("syscontctl images")
    demo.show("ls -l /var/lib/containers/syscont/ /var/lib/containers/syscont/hello/")
    demo.show("cat /etc/systemd/system/hello.service")
    demo.show("systemctl --no-pager status hello")

    demo.heading("It answers")
    demo.wait_for_page()
    answer = demo.show(f"wget -q -O- http://127.0.0.1:{PORT}/")
    if answer != PAGE:
        demo.failed.append("the answer is another one")
    demo.show("runc exec hello /bin/id")

    demo.heading("A user who may not: polkit decides, and nothing happens")
    demo.show("syscontctl uninstall hello", user="alice", status=4)
    demo.show("syscontctl list", user="alice")

    demo.heading("It starts at boot")
    machine.reboot()
    demo.wait_for_page()
    demo.show("systemctl is-enabled hello; systemctl is-active hello")

    demo.heading("And it goes without a trace")
    demo.show("syscontctl uninstall hello")
    demo.show("syscontctl list")
    demo.show("systemctl cat hello", status=1)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Machine(build=sys.argv[1]) as machine:
        demo = Demo(machine)
        demo.heading("A throw-away machine")
        print(f"booted in {machine.boot_seconds:.1f} s", flush=True)
        demo.show("systemctl is-system-running; systemctl --version | head -1; runc --version | head -1")
        tell(demo)
    for what in demo.failed:
        print(f"FAILED {what}")
    return 1 if demo.failed else 0


if __name__ == "__main__":
    sys.exit(main())
