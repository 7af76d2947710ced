# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logins: htpasswd and bearer tokens of a real docker-registry, podman's files, and that no secret goes anywhere else."""

import base64
import json
import os
import stat

import images
from case import SyscontCase
from registry import FaultyRegistry, Registry, TokenServer, allow_http

PASSWORD = "canary-5d1c"
IDENTITY = "canary-identity-88"
OWN = "/var/lib/syscont/auth.json"
RUN = "/run/containers/0/auth.json"
ETC = "/etc/containers/auth.json"
HOSTS = "127.0.0.1 localhost registry.example.com auth.example.com auth.example.org\n"

TYPE = r"""
set timeout 30
log_user 1
spawn -noecho syscontctl login {registry}
expect "Username: " {{ send "alice\r" }} timeout {{ exit 97 }} eof {{ exit 98 }}
expect "Password: " {{ {typing} }} timeout {{ exit 97 }} eof {{ exit 98 }}
expect eof
exit [lindex [wait] 3]
"""
SEE_AND_SEND = 'puts [exec sh -c {{cat /proc/[0-9]*/cmdline | tr \\\\0 " "}}]; send "{password}\\r"'


def auth_file(key, user="alice", password=PASSWORD):
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {key: {"auth": auth}}})


class Login(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        machine = cls.machine
        machine.write("/etc/hosts", HOSTS)
        cls.registry = Registry(machine, tls=True, users={"alice": PASSWORD})
        cls.name = cls.registry.push(images.plain(), "team/app", login=f"alice:{PASSWORD}")
        cls.tokens = TokenServer(machine, users={"alice": PASSWORD}, identity_tokens={IDENTITY: "alice"})
        cls.with_tokens = Registry(machine, tls=True, tokens=cls.tokens)
        cls.token_name = cls.with_tokens.push(images.plain(text="by token\n"), "team/app", login=f"alice:{PASSWORD}")

    def setUp(self):
        super().setUp()
        self.tokens.configure(lifetime_s=600, answer=None, expires_in=None)
        self.addCleanup(self.machine.run, ["rm", "-f", OWN, RUN, ETC])
        self.addCleanup(self.forget)

    def forget(self):
        """The images, so that the next pull has to ask again."""
        self.remove_everything()
        names = [reference for row in self.list_images() for reference in row["references"]]
        if names:
            self.ctl("rmi", *names)

    def login(self, registry, *options, password=PASSWORD, **more):
        return self.ctl("login", registry, "-u", "alice", "--password-stdin", *options, input=password + "\n", **more)

    def stored(self):
        return json.loads(self.machine.read(OWN))["auths"]

    # --- login and logout ---

    def test_login_pull_logout(self):
        self.assert_fails(8, "RegistryAuthRequired", "pull", self.name, mentions=["syscontctl login", "team/app"])
        self.assertIn("logged in", self.login(self.registry.host).out)
        info = os.stat(self.machine.path(OWN))
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid), (0o600, 0, 0))
        self.ctl("pull", self.name)
        self.ctl("install", self.name, "--name", "app", "--now")
        self.wait_for_answer(8080)
        self.ctl("logout", self.registry.host)
        self.assertEqual(self.stored(), {})
        self.assertEqual(self.ctl("logout", self.registry.host, check=False).status, 3)
        self.ctl("uninstall", "app")
        self.forget()
        self.assert_fails(8, "RegistryAuthRequired", "pull", self.name)

    def test_wrong_password_is_not_stored(self):
        result = self.login(self.registry.host, password="wrong-canary", check=False)
        self.assertEqual(result.status, 8, result)
        self.assertIn('user "alice"', result.err)
        self.assertNotIn("wrong-canary", result.err)
        self.assertFalse(self.machine.exists(OWN))
        result = self.login(self.with_tokens.host, password="wrong-canary", check=False)
        self.assertEqual(result.status, 8, result)
        self.assertIn(self.tokens.host, result.err)
        self.assertFalse(self.machine.exists(OWN))

    def test_stored_password_that_is_wrong(self):
        self.login(self.registry.host, "--no-verify", password="wrong-canary")
        self.assert_fails(8, "RegistryAuthRequired", "pull", self.name, mentions=['user "alice"', self.registry.host])

    def test_namespace(self):
        self.login(f"{self.registry.host}/team", "--no-verify")
        self.login(f"{self.registry.host}", "--no-verify", password="wrong-canary")
        self.ctl("pull", self.name)
        self.assertEqual(set(self.stored()), {self.registry.host, f"{self.registry.host}/team"})

    def test_registry_without_logins(self):
        registry = Registry(self.machine, tls=True)
        result = self.login(registry.host)
        self.assertIn("did not ask", result.err)

    def test_wrong_use(self):
        login = ["login", "--password-stdin", "-u"]
        for arguments in (["login"], ["login", "h.io"], [*login, "alice", "https://h.io"], [*login, "alice", "busybox"],
                          [*login, "a:b", "h.io"], [*login, "alice", "h.io", "--token-server", "https://x/"],
                          ["login", "h.io", "--password-stdin"], ["logout", "h.io/a:1"],
                          ["pull", "oci:/share", "--authfile", "/dev/null"], ["install", "oci:/share", "--authfile", "-"]):
            with self.subTest(" ".join(arguments)):
                result = self.ctl(*arguments, input="x\n", check=False)
                self.assertEqual(result.status, 2, result)
        self.assertEqual(self.ctl("pull", self.name, "--authfile", "/no/such", check=False).status, 3)
        result = self.ctl("pull", self.name, "--authfile", "-", input='{"auths"', check=False)
        self.assertEqual(result.status, 2, result)
        self.assertIn("line 1", result.err)

    def test_password_is_typed(self):
        typing = SEE_AND_SEND.format(password=PASSWORD)
        result = self.machine.run(["expect", "-c", TYPE.format(registry=self.registry.host, typing=typing)], check=False)
        self.assertEqual(result.status, 0, result)
        self.assertIn("syscontctl login", result.out)
        # expect's own command line has it; what is typed is not echoed
        self.assertNotIn(PASSWORD, result.out.replace(typing, "").split("expect -c")[0])
        self.ctl("pull", self.name)

    def test_interrupted_while_typing(self):
        script = TYPE.format(registry=self.registry.host, typing='send "secr\\003"')
        result = self.machine.run(["expect", "-c", script], check=False)
        self.assertEqual(result.status, 10, result)

    def test_only_who_may_manage_trust(self):
        result = self.login(self.registry.host, user="alice", check=False)
        self.assertEqual(result.status, 4, result)
        self.assertFalse(self.machine.exists(OWN))

    # --- tokens ---

    def test_token_for_a_password(self):
        self.login(self.with_tokens.host)
        self.assertEqual(self.stored()[self.with_tokens.host]["realm"], self.tokens.host)
        self.ctl("pull", self.token_name)

    def test_token_for_an_identity_token(self):
        entry = json.dumps({"identitytoken": IDENTITY})
        before = len(self.tokens.requests())
        self.ctl("pull", self.token_name, "--authfile", "-", input=entry)
        requests = self.tokens.requests()[before:]
        self.assertEqual([row["method"] for row in requests], ["POST"])
        self.assertIn(IDENTITY, requests[0]["body"])
        self.assertNotIn(IDENTITY, requests[0]["path"] + json.dumps(requests[0]["headers"]))

    def test_RP14_token_runs_out(self):
        """However short it lives, each request gets one that works."""
        image = images.bulky(24, layers=12, seed=14)
        name = self.with_tokens.push(image, "team/long", login=f"alice:{PASSWORD}")
        self.tokens.configure(lifetime_s=2)
        self.login(self.with_tokens.host)
        self.ctl("pull", name)
        self.assert_repository_is_sound()

    def test_RP14_token_is_refused_in_the_middle(self):
        """At the second layer, and again when the download of the third is resumed: one more token each, and it goes on."""
        image = images.bulky(4, seed=15)
        faulty = FaultyRegistry(self.machine, image)
        allow_http(self.machine, faulty.port)
        layers = [images.digest_of(data) for _, data in image.layers]
        expired = {"fault": "status", "status": 401, "times": 1,
                   "headers": {"WWW-Authenticate": f'Bearer realm="{self.tokens.realm}",service="s"'}}
        faulty.set_rules([{"match": "/manifests/", **expired}, {"match": layers[1], **expired},
                          {"match": layers[2], "fault": "truncate", "at": 300000, "times": 1},
                          {"match": layers[2], **expired}])
        before = len(self.tokens.requests())
        self.ctl("pull", faulty.name("app"), "--authfile", "-", input=auth_file(faulty.host))
        self.assertEqual(len(self.tokens.requests()) - before, 3)
        rows = [row["headers"] for row in faulty.requests() if row["path"].endswith(layers[2])]
        self.assertEqual([row.get("Range") for row in rows], [None, "bytes=300000-", "bytes=300000-"])

    def test_RP13_odd_answers_of_the_token_server(self):
        self.login(self.with_tokens.host)
        for name, text in (("no token", "{}"), ("empty", ""), ("no JSON", "canary"), ("line break", '{"token":"a\\r\\nX-Evil: b"}'),
                           ("blank", '{"token":"a b"}'), ("100 KiB", json.dumps({"token": "a" * 100 * 1024})),
                           ("10 MiB", " " * 10 * 1024 * 1024 + '{"token":"a"}')):
            with self.subTest(name):
                self.tokens.configure(answer=text)
                result = self.ctl("pull", self.token_name, check=False)
                self.assertIn(result.status, (7, 8), result)
                self.assertIn(self.newest_job()["error-name"].rsplit(".", 1)[1], ("RegistryAuthRequired", "LimitExceeded"))
        for lifetime in ("-1", "0", "1000000000000", '"abc"', "1e400", "null"):
            with self.subTest(lifetime):
                self.tokens.configure(answer=None, expires_in=lifetime)
                result = self.ctl("pull", self.token_name, check=False)
                self.assertIn(result.status, (0, 8), result)
                self.forget()

    # --- files ---

    def test_files_of_podman(self):
        for path in (ETC, RUN):
            with self.subTest(path):
                self.machine.write(path, auth_file(self.registry.host), 0o600)
                self.ctl("pull", self.name)
                self.forget()
                self.machine.run(["rm", path])

    def test_what_skopeo_login_stores(self):
        self.machine.sh(f"echo {PASSWORD} | skopeo login -u alice --password-stdin {self.registry.host}/team", env={"XDG_RUNTIME_DIR": ""})
        self.assertTrue(self.machine.exists(RUN))
        self.ctl("pull", self.name)

    def test_order_of_the_files(self):
        self.machine.write(ETC, auth_file(self.registry.host), 0o600)
        self.machine.write(RUN, auth_file(self.registry.host, password="wrong-canary"), 0o600)
        self.assert_fails(8, "RegistryAuthRequired", "pull", self.name)
        self.login(self.registry.host)
        self.ctl("pull", self.name)
        self.forget()
        wrong = auth_file(self.registry.host, password="wrong-canary")
        self.assert_fails(8, "RegistryAuthRequired", "pull", self.name, "--authfile", "-", input=wrong)

    def test_file_that_others_can_read(self):
        self.machine.write(ETC, auth_file(self.registry.host), 0o644)
        self.assert_fails(8, "RegistryAuthRequired", "pull", self.name, mentions=[ETC, "chmod 600"])
        self.assertIn("chmod 600", self.machine.journal("syscontd.service"))

    def test_helper_is_not_run(self):
        self.machine.write(ETC, json.dumps({"credHelpers": {self.registry.host: "canary-helper"}}), 0o600)
        self.assert_fails(8, "RegistryAuthRequired", "pull", self.name, mentions=[ETC, "helper"])

    def test_install_with_authfile(self):
        self.machine.write("/root/auth.json", auth_file(self.registry.host), 0o600)
        self.ctl("install", self.name, "--name", "given", "--authfile", "/root/auth.json")
        self.assertIsNotNone(self.container("given"))
        self.assertFalse(self.machine.exists(OWN))

    # --- where they do not go ---

    def test_RP10_token_server_of_another_site(self):
        other = TokenServer(self.machine, users={"alice": PASSWORD}, host="auth.example.org")
        registry = Registry(self.machine, tls=True, tokens=other)
        host = f"registry.example.com:{registry.port}"
        registry.push(images.plain(), "app", login=f"alice:{PASSWORD}")
        before = len(other.requests())
        result = self.login(host, check=False)
        self.assertEqual(result.status, 8, result)
        self.assertIn(f"--token-server={other.host}", result.err)
        self.assertEqual(other.requests()[before:], [])
        self.login(host, "--token-server", other.host)
        self.ctl("pull", f"{host}/app")
        self.assertGreater(len(other.requests()), before)

    def test_RP10_token_server_of_the_same_site(self):
        own = TokenServer(self.machine, users={"alice": PASSWORD}, host="auth.example.com")
        registry = Registry(self.machine, tls=True, tokens=own)
        registry.push(images.plain(), "app", login=f"alice:{PASSWORD}")
        self.login(f"registry.example.com:{registry.port}")
        self.ctl("pull", f"registry.example.com:{registry.port}/app")

    def test_I10_RX10_secrets_stay_where_they_belong(self):
        """An origin sends us on to another one, and every sink is looked into."""
        image = images.bulky(4, seed=16)
        other = FaultyRegistry(self.machine, image)
        origin = FaultyRegistry(self.machine, image)
        allow_http(self.machine, origin.port, other.port)
        layer = images.digest_of(image.layers[0][1])
        origin.set_rules([
            {"match": "/", "fault": "status", "status": 401, "headers": {"WWW-Authenticate": 'Basic realm="x"'}, "times": 1},
            {"match": layer, "fault": "status", "status": 307, "headers": {"Location": f"http://{other.host}/v2/app/blobs/{layer}"}},
        ])
        secret = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
        (self.machine.share / "begin").touch()
        self.ctl("list")
        self.machine.run(["systemctl", "service-log-level", "syscontd.service", "debug"])
        monitor = self.machine.spawn(["sh", "-c", "exec dbus-monitor --system >/share/monitored"])
        self.addCleanup(monitor.kill)
        seen = self.machine.share / "monitored"
        self.machine.wait_for(lambda: seen.exists() and "NameAcquired" in seen.read_text(errors="replace"), 10)

        self.login(origin.host)
        self.ctl("pull", origin.name("app"))
        self.login(self.with_tokens.host)
        self.ctl("pull", self.token_name)
        self.ctl("pull", self.token_name, "--authfile", "-", input=json.dumps({"identitytoken": IDENTITY}))

        self.assertIn(f"Basic {secret}", [row["headers"].get("Authorization") for row in origin.requests()])
        self.assertNotEqual(other.requests(), [])
        self.assertEqual([row for row in other.requests() if "Authorization" in row["headers"]], [])
        self.ctl("jobs", "--json")
        self.machine.wait_for(lambda: "ListJobs" in seen.read_text(errors="replace"), 10)
        for what in (PASSWORD, IDENTITY, secret):
            self.assertNotIn(what, seen.read_text(errors="replace"))
            self.assertNotIn(what, self.machine.journal(lines=100000))
        where = "/etc /run /var/lib/syscont /var/lib/containers /var/lib/private /var/log /tmp/systemd-private-* /var/tmp/systemd-private-*"
        script = f"find {where} -type f -newer /share/begin -exec grep -laE '{PASSWORD}|{IDENTITY}|{secret}' {{}} +"
        self.assertEqual(self.machine.run(["sh", "-c", script], check=False).out.split(), [OWN])
