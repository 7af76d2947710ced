# SPDX-License-Identifier: LGPL-2.1-or-later
"""What containers may do on the host: shown, and never more of it without somebody's consent."""

import images
from images import Image, Layer
from test_update import OBSERVE, UpdateCase

GAIN = "capability:CAP_SETUID"
EVERYTHING = ["capability:CAP_CHOWN", "capability:CAP_KILL", "capability:CAP_NET_BIND_SERVICE", "host-namespace:network",
              "masked-paths:off", "no-new-privileges:off", "readonly-paths:off", "seccomp:off", "user:root"]
RULE = """polkit.addRule(function(action, subject) {
  if (subject.user == "alice" && (action.id == "org.syscont.inspect" || action.id == "org.syscont.update"))
    return polkit.Result.YES;
});
"""


PLAN_RULE = """polkit.addRule(function(action, subject) {
  if (subject.user != "alice")
    return;
  if (action.id == "org.syscont.check" || action.id == "org.syscont.inspect")
    return polkit.Result.YES;
  if (action.id == "org.syscont.update")
    return action.lookup("privileged") == "no" && action.lookup("digest") && action.lookup("from-digest") ?
      polkit.Result.YES : polkit.Result.NO;
});
"""


def web(text="one\n", more="", mounts=(), unit=images.SIMPLE_UNIT):
    """Answers with the text; more capabilities, mounts and settings of its unit as asked for."""
    config = images.runtime_config(["/bin/serve", "8080", "/www"], images.CAPABILITIES + more, [*mounts])
    layer = Layer().directory("/www").directory("/m").file("/www/index.html", text)
    images.exports(layer, unit, config, None, {"version": "1.0", "defaultValues": {"SOURCE": "/run"}})
    return Image([images.base(), layer])


def gaining(text="two\n"):
    return web(text, f',"{GAIN.partition(":")[2]}"')


class Privileges(UpdateCase):
    def words(self):
        return {row["word"]: row["risk"] for row in self.container("web")["privileges"]}

    def test_of_a_container(self):
        mount = {"destination": "/m", "type": "bind", "source": "/etc", "options": ["rbind", "ro"]}
        unit = images.SIMPLE_UNIT.replace("[Service]", "Conflicts=nothing.service\n[Service]\nExecStartPre=/bin/true")
        self.install(web(mounts=[mount], unit=unit))
        words = self.words()
        for word, risk in (("capability:CAP_CHOWN", "medium"), ("bind:/etc:ro", "high"), ("program:/bin/true", "high"),
                           ("host-namespace:network", "medium"), ("seccomp:off", "medium"), ("user:root", "medium"),
                           ("unit:conflicts:nothing.service", "medium"), ("unit:wanted-by:multi-user.target", "low")):
            self.assertEqual(words.get(word), risk, word)
        self.assertNotIn("host-namespace:pid", words)
        status = self.ctl("status", "web", check=False).out
        self.assertIn("bind:/etc:ro", status)
        self.assertIn("capability:CAP_CHOWN CAP_KILL CAP_NET_BIND_SERVICE", status)

    def test_limit_at_installation(self):
        self.pull(web())
        before = self.host()
        self.assert_fails(7, "PrivilegeGain", "install", "web", "--name", "web", "--accept-privilege=user:root",
                          mentions=["capability:CAP_CHOWN"])
        self.assert_host_is(before)
        self.assert_absent("web")
        self.ctl("install", "web", "--name", "web", *[f"--accept-privilege={word}" for word in EVERYTHING])

    def test_update_that_gains(self):
        self.install(web(), "--now")
        self.pull(gaining())
        before = self.host()
        result = self.assert_fails(7, "PrivilegeGain", "update", "web", "--no-pull", mentions=[GAIN, "--accept-privileges"])
        self.assertNotIn("CAP_CHOWN", result.err)
        self.assert_fails(7, "PrivilegeGain", "update", "web", "--no-pull", "--accept-privilege=seccomp:off", mentions=[GAIN])
        self.assert_host_is(before)
        self.assert_settled()
        self.assertEqual((self.fetch(8080), self.link(), self.container("web")["state"]), ("one\n", "web.0", "running"))
        result = self.update(f"--accept-privilege={GAIN}")
        self.assertEqual([row["word"] for row in result["privilege-gains"]], [GAIN])
        self.answer_is("two\n")
        self.assertIn(GAIN, self.words())
        # what ran before needs no consent
        self.ctl("stop", "web")
        self.ctl("rollback", "web")
        self.ctl("rollback", "web")
        self.assertEqual(self.link(), "web.1")

    def test_values_that_gain(self):
        mount = {"destination": "/m", "type": "bind", "source": "$SOURCE", "options": ["rbind", "ro"]}
        self.install(web(mounts=[mount]), "--set", "SOURCE=/opt", "--now")
        self.assert_fails(7, "PrivilegeGain", "set", "web", "SOURCE=/etc", mentions=["bind:/etc:ro"])
        self.assertIn("bind:/opt:ro", self.words())
        self.ctl("set", "web", "SOURCE=/etc", "--accept-privileges", *OBSERVE)
        self.assertIn("bind:/etc:ro", self.words())
        self.ctl("set", "web", "SOURCE=/etc/ssl", *OBSERVE)
        self.assertEqual(self.ctl("update", "--due", "--accept-privileges", check=False).status, 2)

    def test_staged_one_that_gains(self):
        self.install(web(), "--now")
        self.pull(gaining())
        self.assertTrue(self.update("--stage")["changed"])
        self.assert_fails(7, "PrivilegeGain", "update", "web", "--apply", mentions=[GAIN])
        self.assertEqual((self.fetch(8080), self.container("web")["staged-deployment"]), ("one\n", 1))
        self.ctl("update", "web", "--apply", "--accept-privileges", *OBSERVE)
        self.answer_is("two\n")

    def test_automatic_update_waits(self):
        self.install(web(), "--now")
        self.ctl("policy", "web", "apply")
        self.pull(gaining())
        monitor = self.machine.spawn(["gdbus", "monitor", "--system", "--dest", "org.syscont.Manager"], text=True)
        self.machine.wait_for(lambda: "gdbus" in self.machine.run(["busctl", "list", "--no-legend"]).out, 5, "the monitor")
        for _ in range(2):
            row = self.ctl_json("update", "--due")["result"]["containers"][0]
            self.assertEqual((row["changed"], row["skipped"]), (False, "blocked"))
        self.machine.run(["pkill", "-x", "gdbus"])
        text = monitor.communicate(timeout=10)[0]
        self.assertEqual(text.count("org.syscont.Manager.Blocked"), 1, text)
        self.assertIn(GAIN, text)
        row = self.container("web")
        self.assertEqual(row["state"], "blocked")
        self.assertIn(GAIN, row["state-reason"])
        self.assertEqual(self.fetch(8080), "one\n")
        self.assertIn("PrivilegeGain", self.ctl("history", "web").out)
        # another image is another matter
        self.pull(web("three\n"))
        self.assertTrue(self.ctl_json("update", "--due")["result"]["changed"])
        self.answer_is("three\n")
        self.assertEqual(self.container("web")["state"], "running")

    def make_plan(self):
        return self.ctl_json("update", "web", "--no-pull", "--dry-run", user="alice")["result"]["plan-id"]

    def test_rule_that_looks_at_the_plan(self):
        path = "/etc/polkit-1/rules.d/10-test.rules"
        mount = {"destination": "/m", "type": "bind", "source": "/etc", "options": ["rbind", "ro"]}
        update = ("update", "web", "--no-pull", *OBSERVE)
        self.install(web(), "--now")
        self.pull(web("two\n"))
        self.machine.write(path, PLAN_RULE)
        self.addCleanup(self.machine.run, ["rm", "-f", path])
        self.machine.wait_for(lambda: self.ctl("update", "web", "--no-pull", "--dry-run", user="alice", check=False).status == 0, 10,
                              "the rule")
        harmless = self.make_plan()
        # it is kept beside the job that made it, also when the service is another one
        self.machine.run(["systemctl", "restart", "syscontd"])
        for options in ((), (f"--plan-id={'0' * 64}",)):
            self.assertEqual(self.ctl(*update, *options, user="alice", check=False).status, 4)
        question = ("CanAuthorize", "'Update'")
        for request, answer in (("{'name': <'web'>, 'plan-id': <'%s'>}", "yes"), ("{'name': <'other'>, 'plan-id': <'%s'>}", "no")):
            self.assertIn(answer, self.gdbus(*question, request % harmless, "{}", user="alice").out)
        self.pull(web("three\n", mounts=[mount]))
        privileged = self.make_plan()
        self.assertEqual(self.ctl(*update, f"--plan-id={privileged}", user="alice", check=False).status, 4)
        # allowed for what the first plan says, which is not what it would be now
        self.assertEqual(self.ctl(*update, f"--plan-id={harmless}", user="alice", check=False).status, 7)
        self.assertEqual(self.fetch(8080), "one\n")
        self.pull(web("two\n"))
        self.ctl(*update, f"--plan-id={harmless}", user="alice")
        self.answer_is("two\n")

    def test_consent_is_an_action_of_its_own(self):
        path = "/etc/polkit-1/rules.d/10-test.rules"
        self.install(web(), "--now")
        self.pull(gaining())
        self.machine.write(path, RULE)
        self.addCleanup(self.machine.run, ["rm", "-f", path])
        self.machine.wait_for(lambda: self.ctl("update", "web", "--no-pull", user="alice", check=False).status == 7, 10, "the rule")
        result = self.ctl("update", "web", "--no-pull", "--accept-privileges", user="alice", check=False)
        self.assertEqual(result.status, 4, result)
        self.assertEqual(self.fetch(8080), "one\n")
