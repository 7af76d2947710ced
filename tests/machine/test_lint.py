# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody is told who builds an image, and what differs between two deployments."""

import json

import images
from images import Image, Layer
from test_privileges import web
from test_update import UpdateCase


class Lint(UpdateCase):
    def lint(self, argument, *options, status=0):
        result = self.ctl("lint", argument, *options, check=False)
        self.assertEqual(result.status, status, result)
        return result.out

    def write(self, name, **files):
        for file, text in files.items():
            self.machine.write(f"/share/{name}/{file.replace('__', '.')}", text)
        return f"/share/{name}"

    def test_image(self):
        self.ctl("prune")
        refs, before = self.refs(), self.host()
        self.pull(web())
        self.assertIn("capability:CAP_CHOWN", self.lint("web"))
        listed = self.list_images()
        text = self.lint(self.layout(images.update(), "other"))
        self.assertIn("to be set: VAR_WITH_NO_DEFAULT", text)
        self.lint(self.layout(images.update(), "other"), "--strict", status=7)
        self.assertEqual(self.list_images(), listed)
        self.ctl("rmi", "web")
        self.ctl("prune")
        self.assertEqual(self.refs(), refs)
        self.assert_host_is(before)

    def test_image_that_cannot_be_installed(self):
        layer = Layer()
        images.exports(layer, "[Service]\nExecStart=$EXEC_START\nBusName=org.example\n", images.runtime_config(["/bin/sh"], '"CAP_KILL"'))
        text = self.lint(self.layout(Image([images.base(), layer]), "bad"), status=7)
        self.assertIn("error: service.template: line 3: BusName=", text)
        self.assert_fails(3, "NotFound", "lint", "nothing:latest")

    def test_everything_that_is_wrong(self):
        layer = images.exports(Layer(), "[Service]\nExecStart=$EXEC_START\nBusName=org.example\n", "{broken", "d /home/alice\n",
                               {"defaultValues": ["x"], "renameFiles": {"relative": "/etc/x"}, "health": {"interval": "never"}})
        layer.directory("/exports/hostfs").file("/exports/hostfs/root/file", "x")
        result = json.loads(self.ctl("lint", self.layout(Image([images.base(), layer]), "bad"), "--json", check=False).out)["result"]
        errors = [row["message"] for row in result["problems"] if row["level"] == "error"]
        for part in ('manifest.json: "defaultValues"', "manifest.json: renameFiles", "manifest.json: health", "service.template: line 3", "config.json.template",
                     "tmpfiles.template: line 1", "/root/file"):
            self.assertEqual(len([text for text in errors if part in text]), 1, (part, errors))

    def test_directory(self):
        config = images.runtime_config(["/bin/sh", "$HOW"], '"CAP_KILL"')
        directory = self.write("templates", service__template=images.SIMPLE_UNIT, config__json__template=config)
        self.machine.write(f"{directory}/Dockerfile", "FROM scratch\n")
        self.assertIn("to be set: HOW", self.lint(directory))
        self.assertIn("capability:CAP_KILL", self.lint(directory, "--set", "HOW=-x"))
        self.machine.write(f"{directory}/config.json.template", config.replace('"root"', '"root": 1, "root"'))
        self.assertIn("config.json.template", self.lint(directory, status=7))
        self.machine.run(["mkdir", "-p", "/share/empty"])
        self.assertEqual(self.ctl("lint", "/share/empty", check=False).status, 2)
        self.assertEqual(self.machine.sh("ls -d /tmp/syscont-lint-* 2>/dev/null || true"), "")


class Diff(UpdateCase):
    def test_two_deployments(self):
        self.install(web(), "--set", "SOURCE=hush-hush", "--now")
        self.assert_fails(1, None, "diff", "web", mentions=["no deployment but the current one"])
        self.pull(web("two\n", ',"CAP_SETUID"'))
        self.update("--accept-privileges", "--unset", "SOURCE")
        result = self.ctl_json("diff", "web")["result"]
        rows = {(row["kind"], row["action"], row["name"]) for row in result["changes"]}
        self.assertEqual(rows, {("value", "remove", "SOURCE"), ("config", "change", "config.json"), ("file", "change", "/www/index.html"),
                                ("file", "change", "/exports/config.json.template")})
        self.assertEqual([row["word"] for row in result["privilege-gains"]], ["capability:CAP_SETUID"])
        self.assertEqual(result["privilege-losses"], [])
        text = self.ctl("diff", "web", "1", "0").out
        for line in ("  change  /www/index.html", '    -                "CAP_SETUID"', "What it may not do any more:"):
            self.assertIn(line, text)
        self.assertEqual(self.ctl_json("diff", "web", "1", "1")["result"]["changes"], [])
        self.assert_fails(3, "NotFound", "diff", "web", "7", mentions=["7"])
        self.assertEqual(self.ctl("diff", "web", "x", check=False).status, 2)
        self.assertEqual(self.ctl("diff", "nobody", check=False).status, 3)
