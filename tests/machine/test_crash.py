# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is killed in the middle leaves the old state or the new one, and can be done again."""

import contextlib
import itertools
import os

import images
from case import CHECKOUT, SyscontCase
from interruption import TRACE, Interruption
from registry import FaultyRegistry, allow_http

SEEDS = itertools.count(100)
# it is killed again and again, and is to be back at once
RESTART = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=10ms\n"


class Crash(Interruption, SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slow = FaultyRegistry(cls.machine, images.bulky(8))
        allow_http(cls.machine, cls.slow.port)
        # no step is made while something is watched; one test is interrupted there
        cls.observe_for(0)
        cls.machine.write("/etc/systemd/system/syscontd.service.d/restart.conf", RESTART)
        cls.machine.run(["systemctl", "daemon-reload"])

    def setUp(self):
        super().setUp()
        self.slow.set_rules([])
        if self.machine.run(["systemctl", "is-active", self.slow.unit], check=False).status != 0:
            self.slow.start()

    def assert_whole(self, name):
        """The container is there completely, or not at all."""
        self.assert_nothing_staged()
        self.assertEqual(self.intents(), [])
        if self.container(name) is None:
            self.assert_no_files(name)
            return False
        self.machine.run(["systemctl", "cat", f"{name}.service"])
        self.ctl("start", name)
        self.wait_for_answer(8080)
        return True

    def pull_in_the_middle(self, name):
        """Starts a slow pull of an image that is new and returns when its layers are on the way."""
        self.slow.serve(images.bulky(8, seed=next(SEEDS)))
        self.slow.set_rules([{"match": "/blobs/", "fault": "slow", "rate": 400000}])
        count = len(self.slow.requests())
        self.ctl("pull", self.slow.name(name), "--no-block")
        self.machine.wait_for(lambda: sum("/blobs/" in row["path"] for row in self.slow.requests()[count:]) >= 2, 20, "a download")
        return self.newest_job()["path"]

    def pull_again(self, name, refs):
        self.assertEqual({ref for ref in self.refs() - refs if name in ref}, set())
        self.slow.set_rules([])
        self.ctl("pull", self.slow.name(name))
        self.assertTrue(any(name in ref for ref in self.refs() - refs))
        self.ctl("rmi", self.slow.name(name))
        self.ctl("prune")
        self.assert_repository_is_sound()

    def kill_unit(self, pattern):
        self.machine.run(["systemctl", "kill", "-s", "KILL", pattern])

    def test_daemon_killed_during_a_pull(self):
        refs = self.refs()
        path = self.pull_in_the_middle("killed-daemon")
        self.kill_unit("syscontd.service")
        self.machine.wait_for(lambda: self.machine.run(["busctl", "status", "org.syscont.Manager"], check=False).status == 0, 20)
        self.assertEqual(self.job_property(path, "State"), "failed")
        self.assertEqual(self.job_property(path, "ErrorName"), "org.syscont.Error.Interrupted")
        self.pull_again("killed-daemon", refs)

    def test_workers_killed_during_a_pull(self):
        for worker in ("fetch", "unpack"):
            with self.subTest(worker):
                refs = self.refs()
                path = self.pull_in_the_middle(f"killed-{worker}")
                pid = self.daemon_pid()
                self.kill_unit(f"syscont-{worker}@*")
                self.assertEqual(self.wait_for_job(path), "failed")
                self.assertEqual(self.daemon_pid(), pid)
                self.pull_again(f"killed-{worker}", refs)

    def test_pull_is_cancelled(self):
        refs = self.refs()
        path = self.pull_in_the_middle("cancelled")
        self.ctl("cancel", path.rsplit("/", 1)[1])
        self.assertEqual(self.wait_for_job(path, 10), "cancelled")
        self.pull_again("cancelled", refs)

    def test_client_killed_during_a_pull(self):
        self.slow.set_rules([{"match": "/blobs/", "fault": "slow", "rate": 4000000}])
        client = self.machine.spawn(["syscontctl", "pull", self.slow.name("client")])
        self.machine.wait_for(lambda: self.newest_job().get("state") == "running", 10)
        client.kill()
        client.communicate()
        self.assertEqual(self.wait_for_job(self.newest_job()["path"]), "done")

    def test_power_cut_during_a_pull(self):
        refs = self.refs()
        self.pull_in_the_middle("power")
        self.machine.kill()
        self.machine.boot()
        self.machine.run(["systemctl", "reset-failed"])
        self.slow.start()
        self.pull_again("power", refs)

    @contextlib.contextmanager
    def swept(self):
        """What one step left behind is not found again by the next one."""
        try:
            yield
        finally:
            self.remove_everything()
            self.machine.sh(f"rm -rf /etc/systemd/system/*steps* /etc/systemd/system/.*s.service.* /etc/systemd/system/*backwards* "
                            f"{CHECKOUT}/.link-check.*")

    def stop_at(self, step, *arguments):
        """Begins a job, freezes the daemon in the middle of it and cuts the power."""
        with self.interrupted("STOP", step):
            client = self.machine.spawn(["syscontctl", *arguments])
            frozen = lambda: client.poll() is not None or "stopped by SIGSTOP" in self.machine.path(TRACE).read_text()
            self.machine.wait_for(frozen, 60, "the daemon to be frozen")
            self.machine.kill()
            client.communicate()
        self.machine.boot()

    def assert_most_reached(self, killed):
        """What runs beside the job may make a call that was its own before."""
        self.assertGreater(sum(killed), 9 * len(killed) // 10, killed)

    def test_daemon_killed_at_each_step_of_an_install(self):
        self.ctl("pull", self.layout(images.plain(), "plain"))
        install = ["install", "plain", "--name", "steps", "--now"]
        before = self.host()
        self.ctl(*install)
        self.ctl("uninstall", "steps")
        killed, outcomes = [], []
        todo = self.learn(*install)
        self.ctl("uninstall", "steps")
        for step in todo:
            killed.append(self.kill_at(step, *install))
            with self.subTest(step), self.swept():
                outcomes.append(self.assert_whole("steps"))
                if outcomes[-1]:
                    self.ctl("uninstall", "steps")
                # so that the next one begins where the first one did
                self.assert_host_is(before)
        self.assertEqual(set(outcomes), {False, True})
        self.assert_most_reached(killed)
        self.assert_repository_is_sound()

    def test_daemon_killed_at_each_step_of_an_uninstall(self):
        self.ctl("pull", self.layout(images.plain(), "plain"))
        before = self.host()
        self.ctl("install", "plain", "--name", "backwards")
        killed = []
        for step in self.learn("uninstall", "backwards"):
            self.ctl("install", "plain", "--name", "backwards")
            killed.append(self.kill_at(step, "uninstall", "backwards"))
            with self.subTest(step), self.swept():
                if self.assert_whole("backwards"):
                    self.ctl("uninstall", "backwards")
                self.assert_host_is(before)
        self.assert_most_reached(killed)

    def assert_old_or_new(self, name):
        """What serves is what the link, the unit and the state say, and it runs. Returns what it says."""
        self.wait_until_settled()
        self.assert_nothing_staged()
        self.machine.wait_for(lambda: self.active(name) == "active", 20, f"{name} to run")
        row = self.container(name)
        self.assertNotEqual(row["state"], "damaged")
        current = row["current-deployment"]
        self.assertEqual(os.readlink(self.machine.path(f"{CHECKOUT}/{name}")), f"{name}.{current}")
        unit = self.machine.path(f"/etc/systemd/system/{name}.service").read_text()
        self.assertEqual(unit, self.machine.path(f"{CHECKOUT}/{name}.{current}/{name}.service").read_text())
        self.assertFalse(self.machine.exists(f"/run/syscont/switching/{name}"))
        numbers = {deployment["id"] for deployment in row["deployments"]}
        on_disk = {int(path.name.rsplit(".", 1)[1]) for path in self.machine.path(CHECKOUT).glob(f"{name}.[0-9]*")}
        self.assertEqual(on_disk, numbers)
        return self.wait_for_answer(8080)

    def kill_at_each_step(self, *arguments, back=None):
        """Runs syscontctl again and again, each time with a daemon that ends a step later. Returns what was served then."""
        todo = self.learn(*arguments)
        answers, killed = [self.assert_old_or_new("steps")], []
        for step in todo:
            if back and answers[-1] == "two\n":
                self.ctl(*back)
            killed.append(self.kill_at(step, *arguments))
            with self.subTest(step):
                answers.append(self.assert_old_or_new("steps"))
        self.assert_most_reached(killed)
        return set(answers)

    def install_two(self):
        one, two = images.plain(text="one\n"), images.plain(text="two\n", labels={"second": "yes"})
        self.ctl("pull", self.layout(one, "steps"))
        self.ctl("install", "steps", "--name", "steps", "--now")
        self.ctl("pull", self.layout(two, "steps"))

    def test_daemon_killed_at_each_step_of_an_update(self):
        self.install_two()
        back = ["rollback", "steps", "--no-quarantine"]
        self.assertEqual(self.kill_at_each_step("update", "steps", "--no-pull", back=back), {"one\n", "two\n"})
        self.assert_repository_is_sound()

    def test_daemon_killed_at_each_step_of_a_rollback(self):
        self.install_two()
        self.ctl("update", "steps", "--no-pull")
        self.assertEqual(self.kill_at_each_step("rollback", "steps", "--no-quarantine"), {"one\n", "two\n"})
        self.assert_repository_is_sound()

    def test_daemon_killed_while_an_update_is_watched(self):
        self.install_two()
        client = self.machine.spawn(["syscontctl", "update", "steps", "--no-pull", "--observe", "3"])
        self.machine.wait_for(lambda: self.container("steps")["state"] == "observing", 60, "the new deployment to be watched")
        self.kill_unit("syscontd.service")
        client.communicate()
        self.assertEqual(self.assert_old_or_new("steps"), "two\n")

    def test_daemon_killed_while_an_update_is_taken_back(self):
        self.ctl("pull", self.layout(images.plain(text="one\n"), "steps"))
        self.ctl("install", "steps", "--name", "steps", "--now")
        self.ctl("pull", self.layout(images.dying(0), "steps"))
        self.assertEqual(self.kill_at_each_step("update", "steps", "--no-pull", "--observe", "60", "--force"), {"one\n"})

    def some_of(self, todo, count):
        return todo[::max(1, len(todo) // count)][:count]

    def test_power_cut_during_an_update(self):
        self.install_two()
        update = ["update", "steps", "--no-pull"]
        todo = self.learn(*update)
        for step in self.some_of(todo, 6):
            if self.assert_old_or_new("steps") == "two\n":
                self.ctl("rollback", "steps", "--no-quarantine")
            with self.subTest(step):
                self.stop_at(step, *update)
                self.assert_old_or_new("steps")

    def test_power_cut_during_an_install(self):
        self.ctl("pull", self.layout(images.plain(), "plain"))
        before = self.host()
        install = ["install", "plain", "--name", "cut"]
        todo = self.learn(*install)
        self.ctl("uninstall", "cut")
        for step in self.some_of(todo, 6):
            self.stop_at(step, *install)
            with self.subTest(step):
                # files only, before anything is started
                self.assertEqual(self.intents(), [])
                self.assert_nothing_staged()
                if not self.assert_whole("cut"):
                    self.ctl("install", "plain", "--name", "cut", "--now")
                    self.wait_for_answer(8080)
                self.ctl("uninstall", "cut")
                self.assert_host_is(before)
        self.assert_repository_is_sound()

    def test_recovery_unit_only_runs_when_there_is_something_to_do(self):
        self.machine.reboot()
        text = self.machine.sh("systemctl show -P ConditionResult syscont-recover.service; systemctl is-enabled syscont-recover.service || :")
        self.assertEqual(text.split()[0], "no")
