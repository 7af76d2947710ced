# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what: every method of the bus, asked by somebody who may nothing."""

import pathlib
import xml.etree.ElementTree

import images
from case import BUS_NAME, JOB, MANAGER, HERE, SyscontCase

# They change nothing and everybody may call them.
READING = {"InspectImage", "ListImages", "ListContainers", "ListJobs", "GetContainer", "GetImage", "GetJob", "CanAuthorize",
           "GetHistory", "GetStorageInfo", "Subscribe", "Unsubscribe"}
# Arguments are read before anybody is asked, so they must be right.
RIGHT = {("Lint", "image"): "'victim:latest'", ("Plan", "operation"): "'Uninstall'", ("Plan", "request"): "{'names': <['victim']>}", ("Pull", "reference"): "127.0.0.1:1/victim:latest", ("RemoveRegistryCredential", "prefix"): "registry.example.com",
         ("SetPolicy", "policy"): "{'mode': <'none'>}", ("Mount", "directory"): "/mnt/x", ("Unmount", "directory"): "/mnt/x",
         ("Unquarantine", "digest"): "''"}
SAMPLES = {"s": "'victim'", "as": "['victim']", "a{sv}": "{}", "a{ss}": "{'KEY': 'value'}", "t": "1"}
RULE = 'polkit.addRule(function(action, subject) {{\n' \
       '  if (action.id.indexOf("org.syscont.") == 0 && action.id != "org.syscont.inspect" && subject.user == "{user}") return polkit.Result.{answer};\n}});\n'
CHALLENGE = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"


def methods(interface):
    source = pathlib.Path(HERE).parent.parent / "dbus" / f"{interface}.xml"
    for node in xml.etree.ElementTree.parse(source).iter("method"):
        yield node.get("name"), [(arg.get("name"), arg.get("type")) for arg in node.iter("arg") if arg.get("direction") == "in"]


class Access(SyscontCase):
    def setUp(self):
        super().setUp()
        self.ctl("install", self.layout(images.plain(), "victim"), "--name", "victim", "--now")

    def rule(self, user, answer):
        path = "/etc/polkit-1/rules.d/10-test.rules"
        self.machine.write(path, RULE.format(user=user, answer=answer))
        self.addCleanup(self.machine.run, ["rm", "-f", path])
        wanted = {"YES": "yes", "NO": "no"}[answer]

        def applies():
            result = self.busctl("call", BUS_NAME, "/org/syscont/Manager", MANAGER, "CanAuthorize", "sa{sv}a{sv}", "Prune", "0", "0",
                                 user=user, check=False)
            return f'"{wanted}"' in result.out
        self.machine.wait_for(applies, 10, f"the rule that says {answer}")

    def changing_methods(self):
        for name, arguments in methods(MANAGER):
            if name not in READING and not any("h" in kind for _, kind in arguments):
                yield name, [RIGHT.get((name, argument)) or SAMPLES[kind] for argument, kind in arguments]

    def assert_every_call_is(self, error, user="alice"):
        before, refs, job = self.host(), self.refs(), self.newest_job()["id"]
        count = 0
        for name, arguments in self.changing_methods():
            count += 1
            with self.subTest(name):
                result = self.gdbus(name, *arguments, user=user, check=False)
                self.assertNotEqual(result.status, 0)
                self.assertIn(error, result.err)
        self.assertGreaterEqual(count, 20)
        self.assertEqual(self.newest_job()["id"], job)
        self.assert_host_is(before)
        self.assertEqual(self.refs(), refs)
        self.assertEqual(self.active("victim"), "active")

    def test_unknown_user_is_asked_to_prove_himself(self):
        self.assert_every_call_is(CHALLENGE)

    def test_rule_that_says_no(self):
        self.rule("alice", "NO")
        before = self.host()
        for name, arguments in self.changing_methods():
            with self.subTest(name):
                result = self.gdbus(name, *arguments, user="alice", check=False)
                self.assertIn(DENIED, result.err)
        self.assert_host_is(before)

    def test_rule_that_says_yes(self):
        self.rule("alice", "YES")
        self.ctl("install", self.layout(images.plain(port=8089), "by-alice"), "--name", "by-alice", "--now", user="alice")
        self.assertEqual(self.wait_for_answer(8089), "hello\n")
        self.assertEqual(self.newest_job()["owner-uid"], int(self.machine.run(["id", "-u", "alice"]).out))
        result = self.ctl("uninstall", "by-alice", user="bob", check=False)
        self.assertEqual(result.status, 4, result)
        self.ctl("uninstall", "by-alice", user="alice")

    def test_command_line_says_that_access_was_denied(self):
        source = self.layout(images.plain(), "denied")
        self.archive(images.plain(), "denied")
        for arguments in (["pull", source], ["pull", "oci-archive:/share/denied.tar"], ["install", source, "--name", "x"],
                          ["uninstall", "victim"], ["start", "victim"], ["stop", "victim"], ["restart", "victim"],
                          ["rmi", "victim"], ["prune"]):
            with self.subTest(arguments[0]):
                result = self.ctl(*arguments, user="alice", check=False)
                self.assertEqual(result.status, 4, result)

    def test_everybody_may_look(self):
        self.assertIn("victim", self.ctl("list", user="alice").out)
        self.assertIn("victim", self.ctl("images", user="alice").out)
        self.ctl("status", "victim", user="alice")
        self.ctl("jobs", user="alice")
        self.ctl("inspect", "victim", user="alice")
        self.assertIn("victim", self.busctl("tree", BUS_NAME, "--list", user="alice").out)

    def test_a_caller_in_a_session(self):
        result = self.machine.run_unit(["syscontctl", "uninstall", "victim"], user="alice", check=False)
        self.assertEqual(result.status, 4, result)

    def test_job_of_another(self):
        self.rule("alice", "YES")
        self.ctl("list")
        self.gdbus("Prune", "{}", user="alice")
        path = self.newest_job()["path"]
        result = self.gdbus("Cancel", "{}", user="bob", check=False, path=path, interface=JOB)
        self.assertIn("org.freedesktop.DBus.Error", result.err)

    def test_wrong_options_and_names(self):
        for method, arguments, error in (
                ("Prune", ["{'no-such-key': <true>}"], "InvalidArgument"),
                ("Prune", ["{'dry-run': <'text'>}"], "InvalidArgument"),
                ("Install", ["'victim'", "'../../etc'", "{}"], "InvalidName"),
                ("Install", ["'victim'", "'Victim'", "{}"], "InvalidName"),
                ("Pull", ["'UPPER:case:'", "{}"], "InvalidReference"),
                ("GetContainer", ["'nobody'", "{}"], "NotFound"),
                ("GetJob", ["uint64 4711", "{}"], "NotFound")):
            with self.subTest(f"{method} {arguments[0]}"):
                result = self.gdbus(method, *arguments, check=False)
                self.assertIn(f"org.syscont.Error.{error}", result.err)

    def test_files_of_set_uid_programs_are_out_of_reach(self):
        """AR14"""
        self.ctl("install", self.archive(images.layered(), "layered"), "--name", "layered")
        result = self.machine.run(["ls", "/var/lib/containers/syscont/layered.0/rootfs/data/set-uid"], user="alice", check=False)
        self.assertIn("Permission denied", result.err)
