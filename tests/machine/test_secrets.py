# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values that nobody may read: they reach config.json and can be found nowhere else."""

import images
from test_update import UpdateCase

SECRET = "correct-horse-battery-staple"
OTHER = "incorrect \"pony\" \\ battery"
PLACES = "/etc /run /var/lib/syscont /var/lib/containers/syscont /var/log /usr/lib/systemd"
STATE = "/var/lib/syscont/containers/web.secrets"
CONFIG = "/var/lib/containers/syscont/web.{}/config.json"


def serving(text="one\n", **exports):
    """Says its token to whoever asks, and needs nothing else."""
    program = f"echo \"$TOKEN\" >/run/index.html; {exports.pop('before', '')} exec /bin/serve 8080 /run"
    config = images.runtime_config(["/bin/sh", "-c", program.replace("$", "$$")], images.CAPABILITIES, env=["TOKEN=$TOKEN", f"TEXT={text.strip()}"])
    layer = images.exports(images.Layer(), exports.pop("unit", images.SIMPLE_UNIT), exports.pop("config", config), **exports)
    return images.Image([images.base(), layer])


class Secrets(UpdateCase):
    def secret(self, value=SECRET, name="secret"):
        path = f"/root/{name}"
        self.machine.write(path, value + "\n")
        return f"TOKEN={path}"

    def found(self, value):
        result = self.machine.run(["grep", "-rlF", value, *PLACES.split()], check=False)
        return sorted(path for path in result.out.split() if not path.startswith("/run/runc/"))

    def assert_nowhere_else(self, value, *deployments):
        self.assertEqual(self.found(value), sorted([*(CONFIG.format(number) for number in deployments), STATE]))
        root = ["org.syscont.Manager", "/org/syscont", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"]
        for answer in (self.busctl("call", *root).out, str(self.call("GetValues", "sa{sv}", "web", "0")), self.ctl("history", "--json").out,
                       str(self.call("ListJobs", "a{sv}", "0")), self.ctl("inspect", "web", "--json").out, self.machine.sh("journalctl -o export"),
                       self.machine.sh("systemctl show web")):
            self.assertNotIn(value, answer)

    def test_it_reaches_the_config_and_nothing_else(self):
        self.pull(serving())
        self.ctl("install", "web", "--name", "web", "--now", "--secret", self.secret())
        self.answer_is(SECRET + "\n")
        self.assert_nowhere_else(SECRET, 0)
        self.assertEqual(self.machine.sh(f"stat -c %a {STATE} {CONFIG.format(0)}").split(), ["600", "600"])
        self.assertEqual(self.call("GetValues", "sa{sv}", "web", "0")["data"][0]["TOKEN"], "********")
        self.assertFalse(self.ctl_json("install", "web", "--name", "web", "--secret", self.secret())["result"]["changed"])
        self.assert_fails(1, "AlreadyExists", "install", "web", "--name", "web", "--secret", self.secret(OTHER, "other"))

    def test_updates_keep_it_and_rollbacks_have_their_own(self):
        self.pull(serving())
        self.ctl("install", "web", "--name", "web", "--now", "--secret", self.secret())
        self.pull(serving("two\n"))
        self.update()
        self.answer_is(SECRET + "\n")
        self.ctl("set", "web", "--secret", self.secret(OTHER, "other"), *("--observe", "2"))
        self.answer_is(OTHER + "\n")
        self.assertFalse(self.ctl_json("set", "web", "--secret", self.secret(OTHER, "other"))["result"]["changed"])
        self.assert_nowhere_else(SECRET, 1)
        self.assertTrue(self.ctl_json("set", "web", "TOKEN=open", *("--observe", "2"))["result"]["changed"])
        self.answer_is("open\n")
        self.assertEqual(self.found(SECRET), [])
        self.ctl("uninstall", "web")
        self.assertFalse(self.machine.exists(STATE))

    def test_update_that_fails_forgets_it_again(self):
        self.pull(serving())
        self.ctl("install", "web", "--name", "web", "--now", "--secret", self.secret())
        self.pull(serving(before='echo "using $TOKEN" >&2; sleep 1; exit 1;'))
        result = self.assert_fails(6, "RolledBack", "update", "web", "--no-pull", "--observe", "60", "--secret", self.secret(OTHER, "other"))
        self.assertIn("using [value]", result.err)
        self.assertEqual(self.found(OTHER.replace("\\", "\\\\").replace('"', '\\"')), [])
        self.assertEqual(self.found(SECRET), sorted([CONFIG.format(0), STATE]))
        self.answer_is(SECRET + "\n")

    def test_elsewhere_it_is_refused(self):
        mount = {"type": "bind", "source": "/srv/$TOKEN", "destination": "/srv", "options": ["bind"]}
        config = images.runtime_config(["/bin/sleep", "9"], images.CAPABILITIES, [mount])
        raw = images.runtime_config(["/bin/sleep", "9"], images.CAPABILITIES).replace('"cwd"', '"x": $TOKEN, "cwd"')
        for image, mention in ((serving(unit=images.SIMPLE_UNIT.replace("$NAME", "$TOKEN")), "service.template: line 2"),
                               (serving(tmpfiles="d /run/$TOKEN\n"), "tmpfiles.template: line 1"),
                               (serving(config=config), "TOKEN"), (serving(config=raw), "config.json.template")):
            with self.subTest(mention):
                self.pull(image)
                result = self.assert_fails(7, "TemplateInvalid", "install", "web", "--name", "web", "--secret", self.secret(), mentions=[mention, "secret"])
                self.assertNotIn(SECRET, result.err)
                self.assert_absent("web")
                self.assertFalse(self.machine.exists(STATE))

    def test_wrong_input(self):
        self.pull(serving())
        large = self.secret("x" * 70000, "large")
        for options in (["--secret", "TOKEN"], ["--secret", self.secret(), "--set", "TOKEN=x"], ["--secret", "NAME=/root/secret"], ["--secret", large]):
            with self.subTest(options):
                self.assertEqual(self.ctl("install", "web", "--name", "web", *options, check=False).status, 2)
        self.assertEqual(self.ctl("install", "web", "--name", "web", "--secret", "TOKEN=/no/such", check=False).status, 3)
        self.assertIsNone(self.container("web"))
