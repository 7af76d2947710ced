# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images in the store: names, sizes, what is damaged, what is newer."""

import images
from case import BUS_NAME, ERROR, MANAGER, MANAGER_PATH, SyscontCase


class Names(SyscontCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_images)

    def remove_images(self):
        for row in self.list_images():
            self.ctl("rmi", row["digest"])

    def names(self):
        return sorted(name for row in self.list_images() for name in row["references"])

    def digest_of(self, name):
        return next(row["digest"] for row in self.list_images() if name in row["references"])

    def pull(self, name, **content):
        image = images.plain(**content)
        self.ctl("pull", self.layout(image, name))
        return image

    def test_new_name_is_of_the_same_image(self):
        image = self.pull("first")
        self.ctl("tag", "first", "registry.example.com/team/second:1.0", "third")
        self.assertEqual(self.names(), ["first:latest", "registry.example.com/team/second:1.0", "third:latest"])
        self.assertEqual({row["digest"] for row in self.list_images()}, {image.digest})

    def test_digits_name_an_image(self):
        image = self.pull("first")
        self.ctl("tag", image.digest.removeprefix("sha256:")[:12], "second")
        self.assertIn("second:latest", self.names())

    def test_name_of_another_image_is_taken_from_it(self):
        self.pull("first")
        second = self.pull("second", text="second\n")
        self.ctl("tag", "second", "first")
        self.assertEqual(self.digest_of("first:latest"), second.digest)
        self.assertEqual(self.names(), ["first:latest", "second:latest"])
        self.ctl("prune")
        self.assert_repository_is_sound()

    def test_one_name_of_several_can_go(self):
        self.pull("first")
        self.ctl("tag", "first", "second")
        self.ctl("install", "first", "--name", "web")
        self.assert_fails(5, "Busy", "rmi", "first", mentions=['"web"'])
        self.ctl("rmi", "second")
        self.assertEqual(self.names(), ["first:latest"])
        self.assert_fails(5, "Busy", "rmi", self.digest_of("first:latest"), mentions=['"web"'])
        self.ctl("uninstall", "web")
        self.ctl("rmi", "first")
        self.assertEqual(self.names(), [])

    def test_what_cannot_be_a_name(self):
        self.pull("first")
        for status, name in ((2, "Not A Name"), (2, "a@sha256:" + "0" * 64), (2, "docker:x"), (2, "")):
            with self.subTest(name):
                result = self.ctl("tag", "first", name, check=False)
                self.assertEqual(result.status, status, result)
        result = self.ctl("tag", "first", "x" * 250, check=False)
        self.assertEqual(result.status, 2, result)
        self.assertIn("too long", result.err)
        self.assertEqual(self.names(), ["first:latest"])

    def test_unknown_image(self):
        result = self.ctl("tag", "no-such", "second", check=False)
        self.assertEqual(result.status, 3, result)
        self.assertIn("no-such", result.err)

    def test_over_the_bus(self):
        self.pull("first")
        self.busctl("call", BUS_NAME, MANAGER_PATH, MANAGER, "TagImage", "ssa{sv}", "first", "second", "0")
        self.assertIn("second:latest", self.names())
        result = self.gdbus("TagImage", "no-such", "third", "{}", check=False)
        self.assertIn(ERROR + "NotFound", result.err)
