# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs in containers: beside the service and instead of it, with pipes and on a terminal."""

import fcntl
import os
import pty
import select
import struct
import termios
import time

import images
from case import JOB, SyscontCase
from images import CAPABILITIES, Image, Layer, base, exports, runtime_config

DEADLINE_S = 30


def busy():
    """A service that runs until it is told not to, with a root that it may not write to."""
    layer = Layer().directory("/home").file("/etc/where", "from the image\n")
    for name in ("echo", "stty", "tty"):
        layer.symlink(f"/bin/{name}", "busybox")
    script = "trap 'exit 0' TERM; echo up; while :; do sleep 1000 & wait $$!; done"
    config = runtime_config(["/bin/sh", "-c", script], CAPABILITIES, env=["GREETING=good morning", "HOME=/home"])
    exports(layer, images.SIMPLE_UNIT, config, None, {"version": "1.0"})
    return Image([base(), layer])


class Terminal:
    """syscontctl with a terminal of its own, as a person would use it."""

    def __init__(self, machine, argv, rows=40, columns=100):
        self.fd, end = pty.openpty()
        self.resize(rows, columns, end)
        self.modes = termios.tcgetattr(end)
        # setsid --ctty: the terminal's keys and its end are heard only by those whose terminal it is
        argv = ["setsid", "--ctty", "--wait", "syscontctl", *argv]
        self.process = machine.spawn(argv, env={"TERM": "vt100"}, stdin=end, stdout=end, stderr=end)
        self.end = end
        self.text = ""

    def resize(self, rows, columns, end=None):
        fcntl.ioctl(self.fd if end is None else end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, text):
        """What was printed up to this; what comes after it waits for the next call."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise TimeoutError(f"no {text!r} in {self.text!r}")
            self.text += os.read(self.fd, 4096).decode(errors="replace")
        found, _, self.text = self.text.partition(text)
        return found

    def ask(self, command):
        """What a shell answers, in one line. It may draw its prompt and the command more than once."""
        self.type(command + "; echo =$((40+2))=\r")
        return self.read_until("=42=\r\n").split("\r\n")[-2]

    def wait(self):
        """The exit status; afterwards the terminal must be as it was."""
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0]:
                self.text += os.read(self.fd, 4096).decode(errors="replace")
        status = self.process.wait(timeout=1)
        self.modes_after = termios.tcgetattr(self.end)
        return status

    def close(self):
        os.close(self.fd)
        os.close(self.end)
        self.process.wait(timeout=DEADLINE_S)


class ExecCase(SyscontCase):
    RUNTIME = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.RUNTIME:
            cls.machine.write("/etc/syscont/syscont.conf.d/runtime.conf", f"[Runtime]\nPath={cls.RUNTIME}\n")
        busy().write_layout(cls.machine.share / "busy")
        cls.machine.run(["syscontctl", "install", "oci:/share/busy", "--name", "busy"])

    def remove_everything(self):
        """One container for all tests of a class."""

    def start(self):
        self.ctl("start", "busy")

    def stop(self):
        self.ctl("stop", "busy")

    def terminal(self, *argv):
        terminal = Terminal(self.machine, argv)
        self.addCleanup(terminal.close)
        return terminal

    def assert_nothing_left(self):
        """The job says its end before systemd has forgotten the unit."""
        self.machine.wait_for(lambda: self.list_units() == "", DEADLINE_S, "the end of the unit")
        self.assert_nothing_staged()

    def list_units(self):
        return self.machine.run(["systemctl", "list-units", "--all", "--no-legend", "syscont-exec-*"]).out

    def pids(self, name):
        return self.machine.run(["pgrep", "-x", name], check=False).out.split()


class Exec(ExecCase):
    def test_case_109_while_it_is_stopped(self):
        self.stop()
        result = self.ctl("exec", "busy", "echo", "hello world", "$HOME", "%h")
        self.assertEqual((result.out, result.err), ("hello world $HOME %h\n", ""))
        self.assertEqual(self.active("busy"), "inactive")
        self.assert_nothing_left()

    def test_case_110_while_it_runs(self):
        self.start()
        result = self.ctl("exec", "busy", "echo", "hello world", "$HOME", "%h")
        self.assertEqual((result.out, result.err), ("hello world $HOME %h\n", ""))
        self.assertEqual(self.ctl("exec", "busy", "cat", "/proc/1/comm").out, "sh\n")
        self.assert_nothing_left()
        self.assertEqual(self.active("busy"), "active")

    def check_exit_statuses(self):
        for status, command in ((0, ["/bin/sh", "-c", "exit 0"]), (7, ["sh", "-c", "exit 7"]), (255, ["sh", "-c", "exit 255"]),
                                (127, ["not-there"]), (127, ["/bin/not-there"]), (126, ["/etc/where"])):
            with self.subTest(command=command):
                result = self.ctl("exec", "busy", *command, check=False)
                self.assertEqual(result.status, status, result)
        self.assertIn("not-there", self.ctl("exec", "busy", "not-there", check=False).err)

    def test_exit_statuses_while_it_is_stopped(self):
        self.stop()
        self.check_exit_statuses()

    def test_exit_statuses_while_it_runs(self):
        self.start()
        self.check_exit_statuses()
        self.assertEqual(self.ctl("exec", "busy", "sh", "-c", "kill -9 $$", check=False).status, 137)

    def check_options(self):
        self.assertEqual(self.ctl("exec", "-e", "A=b c", "-e", "GREETING=x", "busy", "sh", "-c", "echo $A $GREETING").out, "b c x\n")
        self.assertEqual(self.ctl("exec", "-e", "FROM_OUTSIDE", "busy", "sh", "-c", "echo $FROM_OUTSIDE", env={"FROM_OUTSIDE": "o"}).out, "o\n")
        self.assertEqual(self.ctl("exec", "busy", "sh", "-c", "echo $GREETING $HOME").out, "good morning /home\n")
        self.assertEqual(self.ctl("exec", "-w", "/etc", "busy", "pwd").out, "/etc\n")
        self.assertEqual(self.ctl("exec", "-u", "web", "busy", "id").out.split()[:2], ["uid=33(web)", "gid=44(web)"])
        self.assertEqual(self.ctl("exec", "-u", "7:8", "busy", "id").out.split()[:2], ["uid=7", "gid=8"])
        capabilities = self.ctl("exec", "-u", "web", "busy", "cat", "/proc/self/status").out
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertIn(f"{name}:\t0000000000000000\n", capabilities)

    def test_options_while_it_is_stopped(self):
        self.stop()
        self.check_options()

    def test_options_while_it_runs(self):
        self.start()
        self.check_options()

    def test_input_only_when_it_is_wanted(self):
        self.start()
        self.assertEqual(self.ctl("exec", "-i", "busy", "cat", input="some text\n").out, "some text\n")
        self.assertEqual(self.ctl("exec", "busy", "cat", input="some text\n").out, "")

    def test_wrong_arguments(self):
        for status, mentions, arguments in (
                (2, "nobody", ["-u", "nobody", "busy", "id"]), (2, "cwd", ["-w", "etc", "busy", "pwd"]),
                (2, "cwd", ["-w", "/proc/self/fd/3", "busy", "pwd"]), (2, "env", ["-e", "=x", "busy", "env"]),
                (2, "COMMAND", ["busy"]), (3, "no-such", ["no-such", "id"]), (2, "waits", ["--no-block", "busy", "id"])):
            with self.subTest(arguments=arguments):
                result = self.ctl("exec", *arguments, check=False)
                self.assertEqual(result.status, status, result)
                self.assertIn(mentions, result.err)
        self.assert_nothing_left()

    def test_not_without_authorization(self):
        result = self.ctl("exec", "--no-ask-password", "busy", "id", user="alice", check=False)
        self.assertEqual(result.status, 4, result)

    def test_environment_is_seen_by_nobody_else(self):
        """Neither in the job nor in the unit, which everybody may read."""
        self.start()
        client = self.machine.spawn(["syscontctl", "exec", "-e", "PASSWORD=zebra", "busy", "sleep", "1000"])
        self.machine.wait_for(lambda: self.list_units(), DEADLINE_S, "the unit")
        shown = self.machine.sh("systemctl show 'syscont-exec-*'; busctl tree org.syscont.Manager; journalctl -b -o export -u syscontd -u init.scope")
        self.assertNotIn("zebra", shown)
        self.ctl("cancel", str(self.newest_job()["id"]))
        client.communicate(timeout=DEADLINE_S)


class Ends(ExecCase):
    """What makes a program end before its time."""

    def begin(self, script, name="busy"):
        """Returns when the program has said that it is up."""
        client = self.machine.spawn(["syscontctl", "exec", name, "sh", "-c", "echo up; " + script])
        self.addCleanup(client.kill)
        self.assertEqual(client.stdout.readline(), "up\n")
        return client

    def test_signals_reach_it(self):
        self.start()
        client = self.begin("trap 'echo got; exit 9' TERM; while :; do sleep 0.1; done")
        self.machine.run(["pkill", "-TERM", "-x", "syscontctl"])
        out, err = client.communicate(timeout=DEADLINE_S)
        self.assertEqual((client.returncode, out, err), (9, "got\n", ""))

    def test_cancel_ends_what_minds_no_signal(self):
        self.start()
        client = self.begin("trap '' TERM HUP INT; exec sleep 1234")
        self.assertNotEqual(self.machine.run(["pgrep", "-f", "^sleep 1234"]).out, "")
        self.ctl("cancel", str(self.newest_job()["id"]))
        client.communicate(timeout=DEADLINE_S)
        self.assertEqual(client.returncode, 10)
        self.assertEqual(self.machine.run(["pgrep", "-f", "^sleep 1234"], check=False).out, "")
        self.assert_nothing_left()

    def test_stop_of_the_service_ends_it(self):
        self.start()
        client = self.begin("exec sleep 1234")
        self.ctl("stop", "busy")
        client.communicate(timeout=DEADLINE_S)
        self.assertIn(client.returncode, (129, 137, 143))
        self.assert_nothing_left()

    def test_uninstall_ends_it_where_nothing_runs(self):
        self.ctl("install", "busy", "--name", "gone")
        client = self.begin("trap 'exit 3' TERM; sleep 1234 & wait", name="gone")
        self.ctl("uninstall", "gone")
        err = client.communicate(timeout=DEADLINE_S)[1]
        self.assertEqual(client.returncode, 3, err)
        self.assert_absent("gone")

    def test_restart_does_not_run_it_again(self):
        self.start()
        client = self.begin("exec sleep 1234")
        self.ctl("restart", "busy")
        out = client.communicate(timeout=DEADLINE_S)[0]
        self.assertEqual(out, "")
        self.assertEqual(self.active("busy"), "active")
        self.assert_nothing_left()

    def test_an_update_does_not_wait_for_it(self):
        self.start()
        client = self.begin("exec sleep 1234")
        self.ctl("update", "busy", "--force", "--observe=0")
        client.communicate(timeout=DEADLINE_S)
        self.assertEqual(self.active("busy"), "active")

    def test_only_its_owner_reaches_it(self):
        self.start()
        client = self.begin("exec sleep 1234")
        path = self.newest_job()["path"]
        for method, arguments in (("Signal", ["15"]), ("Resize", ["10", "10"])):
            result = self.gdbus(method, *arguments, path=path, interface=JOB, user="alice", check=False)
            self.assertIn("AccessDenied", result.err)
        result = self.gdbus("Resize", "10", "10", path=path, interface=JOB, check=False)
        self.assertIn("NotSupported", result.err)
        result = self.gdbus("Signal", "1000", path=path, interface=JOB, check=False)
        self.assertIn("InvalidArgument", result.err)
        self.gdbus("Signal", "15", path=path, interface=JOB)
        client.communicate(timeout=DEADLINE_S)
        self.assertEqual(client.returncode, 143)
        result = self.gdbus("Signal", "15", path=path, interface=JOB, check=False)
        self.assertIn("NotSupported", result.err)

    def test_many_at_once_are_in_nobodys_way(self):
        self.start()
        clients = [self.begin("exec sleep 1234") for _ in range(5)]
        self.ctl("prune", timeout=DEADLINE_S)
        self.ctl("stop", "busy")
        for client in clients:
            client.communicate(timeout=DEADLINE_S)


class OnTerminal(ExecCase):
    RESIZES = True

    def check_shell(self):
        terminal = self.terminal("exec", "-ti", "busy", "sh")
        terminal.read_until("# ")
        self.assertEqual(terminal.ask("stty size"), "40 100")
        self.assertEqual(terminal.ask("tty"), "/dev/pts/0")
        self.assertEqual(terminal.ask("echo $TERM"), "vt100")
        terminal.type("sleep 1000\r")
        terminal.read_until("sleep 1000")
        self.machine.wait_for(lambda: self.pids("sleep"), DEADLINE_S, "the command")
        terminal.type("\003")
        terminal.read_until("# ")
        if self.RESIZES:
            terminal.resize(20, 60)
            self.machine.wait_for(lambda: "20 60" in terminal.ask("stty size"), DEADLINE_S, "the new size")
        terminal.type("exit 7\r")
        self.assertEqual(terminal.wait(), 7, terminal.text)
        self.assertEqual(terminal.modes_after, terminal.modes)
        self.assert_nothing_left()

    def test_case_109_shell_while_it_is_stopped(self):
        self.stop()
        self.check_shell()

    def test_case_110_shell_while_it_runs(self):
        self.start()
        self.check_shell()

    def test_run_gives_a_terminal(self):
        terminal = self.terminal("run", "-ti", "busy", "sh")
        terminal.read_until("# ")
        self.assertEqual(terminal.ask("stty size"), "40 100")
        terminal.type("exit 5\r")
        self.assertEqual(terminal.wait(), 5, terminal.text)
        self.assertEqual(terminal.modes_after, terminal.modes)

    def test_closed_terminal_ends_it(self):
        self.start()
        terminal = Terminal(self.machine, ["exec", "-ti", "busy", "sh"])
        terminal.read_until("# ")
        self.assertNotEqual(self.list_units(), "")
        terminal.close()
        self.assert_nothing_left()

    def test_terminal_is_restored_when_the_service_stops(self):
        self.start()
        terminal = self.terminal("exec", "-ti", "busy", "sh")
        terminal.read_until("# ")
        self.ctl("stop", "busy")
        self.assertNotEqual(terminal.wait(), 0)
        self.assertEqual(terminal.modes_after, terminal.modes)

    def test_terminal_without_one_of_our_own(self):
        self.start()
        result = self.ctl("exec", "-ti", "busy", "sh", "-c", "tty; read a; echo got $a", input="line\n")
        self.assertIn("/dev/pts/0", result.out)
        self.assertIn("got line", result.out)

    def test_terminal_must_be_one(self):
        result = self.machine.sh("busctl call org.syscont.Manager /org/syscont/Manager org.syscont.Manager Exec 'sasaha{sv}' "
                                 "busy 1 id 3 0 1 2 1 tty b true || true")
        self.assertNotIn("/jobs/", result)


class OnTerminalCrun(OnTerminal):
    """Case 111. This crun keeps the size that a terminal began with; later ones do not."""
    RUNTIME = "/usr/bin/crun"
    RESIZES = False


class ExecCrun(Exec):
    RUNTIME = "/usr/bin/crun"
