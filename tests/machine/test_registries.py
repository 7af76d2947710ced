# SPDX-License-Identifier: LGPL-2.1-or-later
"""How registries are reached: registries.d, certs.d, proxies, short names."""

import images
from case import SyscontCase
from registry import FaultyRegistry, Proxy, Registry, TlsFront, allow_http

RULES = "/etc/syscont/registries.d/test.conf"


class RegistriesCase(SyscontCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.machine.run, ["rm", "-rf", RULES, "/etc/containers/certs.d", "/etc/docker/certs.d"])

    def rules(self, text):
        self.machine.write(RULES, text)

    def pull(self, name):
        return self.ctl_json("pull", name)["result"]

    def is_stored(self, name):
        return any(name in row["references"] for row in self.list_images())


class Places(RegistriesCase):
    """Mirrors, locations and what is blocked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(cls.machine)
        cls.cache = Registry(cls.machine)
        cls.mirror = FaultyRegistry(cls.machine, images.plain(text="mirrored\n"))
        allow_http(cls.machine, cls.registry.port)

    def setUp(self):
        super().setUp()
        self.mirror.set_rules([])
        self.begin = len(self.mirror.requests())

    def asked(self):
        return [row["path"] for row in self.mirror.requests()[self.begin:]]

    def use_mirror(self, more=""):
        self.rules(f"[Registry {self.registry.host}]\nMirrors={self.mirror.host}/cache\n"
                   f"[Mirror {self.mirror.host}/cache]\nInsecure=yes\n{more}")

    def test_mirror_is_asked_first(self):
        name = self.registry.name("team/only-mirrored", "1.0")
        self.use_mirror()
        result = self.pull(name)
        self.assertEqual(result["mirror"], self.mirror.host)
        self.assertEqual(result["reference"], name)
        self.assertTrue(self.is_stored(name))
        self.assertIn("/v2/cache/team/only-mirrored/manifests/1.0", self.asked())

    def test_registry_is_asked_when_the_mirror_fails(self):
        name = self.registry.push(images.plain(text="mirrored\n"), "team/broken-mirror", "1.0")
        self.use_mirror()
        for rule in ({"fault": "status", "status": 404}, {"fault": "status", "status": 503}, {"fault": "reset"},
                     {"fault": "status", "status": 401, "headers": {"WWW-Authenticate": 'Basic realm="x"'}}):
            with self.subTest(rule):
                self.mirror.set_rules([{"match": "/v2/", **rule}])
                result = self.pull(name)
                self.assertNotIn("mirror", result)
                self.ctl("rmi", name)
                self.ctl("prune")

    def test_blobs_come_from_elsewhere_when_a_mirror_has_lost_them(self):
        name = self.registry.push(images.plain(text="mirrored\n"), "team/lost-blobs", "1.0")
        self.use_mirror()
        self.mirror.set_rules([{"match": "/blobs/", "fault": "status", "status": 404}])
        self.assertEqual(self.pull(name)["mirror"], self.mirror.host)

    def test_damaged_blob_of_a_mirror_comes_from_the_registry(self):
        image = images.plain(text="damaged at the mirror\n")
        self.mirror.serve(image)
        self.addCleanup(self.mirror.serve, images.plain(text="mirrored\n"))
        name = self.registry.push(image, "team/damaged-blobs", "1.0")
        self.use_mirror()
        self.mirror.set_rules([{"match": "/blobs/", "fault": "wrong"}])
        result = self.pull(name)
        self.assertEqual((result["mirror"], result["digest"]), (self.mirror.host, image.digest))
        blobs = [path for path in self.asked() if "/blobs/" in path]
        self.assertEqual(len(blobs), len(set(blobs)))
        self.assertIn(f'"{self.mirror.host}"', self.machine.sh("journalctl -u syscontd -p notice -o cat"))

    def test_mirror_for_digests_only(self):
        image = images.plain(text="by digest\n")
        self.mirror.serve(image)
        self.addCleanup(self.mirror.serve, images.plain(text="mirrored\n"))
        name = self.registry.push(image, "team/by-digest", "1.0")
        self.use_mirror("DigestOnly=yes\n")
        self.assertNotIn("mirror", self.pull(name))
        self.assertTrue(self.asked())
        self.assertEqual([path for path in self.asked() if "/manifests/" in path], [])
        by_digest = f"{self.registry.host}/team/by-digest@{image.digest}"
        self.assertEqual(self.pull(by_digest)["mirror"], self.mirror.host)

    def test_everybody_fails(self):
        self.use_mirror()
        self.mirror.set_rules([{"match": "/v2/", "fault": "status", "status": 404}])
        self.assert_fails(3, "ManifestUnknown", "pull", self.registry.name("no/such"),
                          mentions=[f'mirror "{self.mirror.host}"', f'registry "{self.registry.host}" has no'])

    def test_mirror_cannot_bring_another_image(self):
        digest = images.plain(text="something else\n").digest
        self.use_mirror()
        result = self.ctl("pull", f"{self.registry.host}/team/other@{digest}", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertFalse(self.is_stored(f"{self.registry.host}/team/other@{digest}"))

    def test_two_mirrors_with_the_real_registry(self):
        self.cache.push(images.plain(text="cached\n"), "docker.io/library/busybox", "1.36")
        self.rules(f"[Registry docker.io]\nMirrors=127.0.0.1:1;{self.cache.host}/docker.io\n"
                   f"[Mirror {self.cache.host}/docker.io]\nInsecure=yes\n")
        self.assertEqual(self.pull("docker.io/busybox:1.36")["mirror"], self.cache.host)
        self.assertTrue(self.is_stored("docker.io/busybox:1.36"))

    def test_location_takes_the_place_of_a_prefix(self):
        self.cache.push(images.plain(text="elsewhere\n"), "inner/etcd", "3.5")
        self.rules(f"[Registry registry.example.com/infra]\nLocation={self.cache.host}/inner\nInsecure=yes\n")
        result = self.pull("registry.example.com/infra/etcd:3.5")
        self.assertNotIn("mirror", result)
        self.ctl("install", "registry.example.com/infra/etcd:3.5", "--name", "etcd")
        self.assertEqual(self.container("etcd")["reference"], "registry.example.com/infra/etcd:3.5")

    def test_NP03_blocked(self):
        self.rules("[Registry *.example.com]\nBlocked=yes\n")
        for name in ("registry.example.com/a", "REGISTRY.example.com:5000/a", "a.b.example.com/c@sha256:" + "0" * 64):
            self.assert_fails(7, "PolicyRejected", "pull", name, mentions=["[Registry *.example.com]", RULES])
        self.assert_fails(7, "PolicyRejected", "install", "registry.example.com/a", mentions=[RULES])

    def test_wrong_files_are_named(self):
        name = self.registry.push(images.plain(), "plain")
        for text, mention in (("[Registry a.example.com]\nBlcoked=yes\n", "[Registry a.example.com] Blcoked"),
                              ("[Registries]\nBlocked=yes\n", "[Registries]"), ("nonsense\n", RULES),
                              ("[Registry a.example.com]\nProxy=proxy\n", "[Registry a.example.com] Proxy")):
            with self.subTest(text):
                self.rules(text)
                self.assert_fails(2, "InvalidArgument", "pull", name, mentions=[RULES, mention])
        self.rules("")
        self.ctl("pull", name)

    def test_insecure_in_registries_d(self):
        name = self.cache.push(images.plain(text="plain http\n"), "insecure")
        result = self.ctl("pull", name, check=False)
        self.assertEqual(result.status, 8, result)
        self.rules(f"[Registry {self.cache.host}]\nInsecure=yes\n")
        self.ctl("pull", name)


class Certificates(RegistriesCase):
    """certs.d, with what RP21 has."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(cls.machine, tls=True, trust=False)
        cls.name = cls.registry.push(images.plain(), "plain")
        cls.front = TlsFront(cls.machine, Registry(cls.machine))
        cls.guarded = cls.front.push(images.plain(), "guarded")

    def certificates(self, host, *files, top="/etc/containers/certs.d", source=None):
        """Copies files of a registry into its directory; returns that."""
        source = source or self.registry.directory
        self.machine.sh(f"mkdir -p {top}/{host}; cd {source}; cp {' '.join(files)} {top}/{host}/")
        return f"{top}/{host}"

    def test_own_authority(self):
        for top in ("/etc/containers/certs.d", "/etc/docker/certs.d"):
            with self.subTest(top):
                self.assert_fails(8, "TlsFailed", "pull", self.name, mentions=["certs.d", "does not trust"])
                self.certificates(self.registry.host, "ca.crt", top=top)
                self.ctl("pull", self.name)
                self.machine.run(["rm", "-rf", top])
                self.ctl("rmi", self.name)

    def test_authority_behind_a_symbolic_link(self):
        directory = f"/etc/containers/certs.d/{self.registry.host}"
        self.machine.sh(f"mkdir -p {directory}; ln -s {self.registry.directory}/ca.crt {directory}/")
        self.ctl("pull", self.name)

    def test_authority_of_another_port(self):
        self.certificates("127.0.0.1", "ca.crt")
        self.assert_fails(8, "TlsFailed", "pull", self.name)

    def test_RP21(self):
        for kind, mention in (("expired", "it has expired"), ("other-name", "for another name"), ("self-signed", "does not trust"),
                              ("old", "no TLS connection")):
            with self.subTest(kind):
                front = TlsFront(self.machine, self.registry, kind)
                self.certificates(front.host, "ca.crt", source=front.directory)
                self.assert_fails(8, "TlsFailed", "pull", front.name("plain"), mentions=[mention])
                self.assertEqual(front.requests(), 0)

    def test_client_certificate(self):
        host, source = self.front.host, self.front.directory
        self.certificates(host, "ca.crt", source=source)
        result = self.ctl("pull", self.guarded, check=False)
        self.assertEqual(result.status, 8, result)
        self.assertIn("client certificate", result.err)
        self.certificates(host, "client.cert", "client.key", source=source)
        self.ctl("pull", self.guarded)

    def test_half_pairs_and_bad_files_are_named(self):
        host, source = self.front.host, self.front.directory
        directory = self.certificates(host, "ca.crt", "client.cert", source=source)
        self.assert_fails(8, "TlsFailed", "pull", self.guarded, mentions=[directory, "client.cert", "client.key"])
        self.machine.sh(f"mv {directory}/client.cert {directory}/client.key")
        self.assert_fails(8, "TlsFailed", "pull", self.guarded, mentions=[directory, "client.cert", "client.key"])
        self.machine.sh(f"rm {directory}/client.key; chmod 666 {directory}/ca.crt")
        self.assert_fails(8, "TlsFailed", "pull", self.guarded, mentions=[f"{directory}/ca.crt", "others than root"])
        self.machine.sh(f"chmod 644 {directory}/ca.crt; ln -s /nowhere {directory}/b.crt")
        self.assert_fails(8, "TlsFailed", "pull", self.guarded, mentions=[f"{directory}/b.crt"])
        self.machine.sh(f"rm {directory}/b.crt; echo nonsense > {directory}/ca.crt")
        self.assert_fails(8, "TlsFailed", "pull", self.guarded, mentions=["*.crt", "certs.d", host])


class Proxies(RegistriesCase):
    DROP_IN = "/etc/systemd/system/syscont-fetch@.service.d/proxy.conf"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(cls.machine)
        cls.secure = Registry(cls.machine, tls=True)
        cls.proxy = Proxy(cls.machine)
        cls.locked = Proxy(cls.machine, "user:pass:word")
        allow_http(cls.machine, cls.registry.port)
        cls.plain_name = cls.registry.push(images.plain(), "plain")
        cls.secure_name = cls.secure.push(images.plain(), "plain")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.environment, "")

    def environment(self, text):
        self.machine.run(["mkdir", "-p", self.DROP_IN.rpartition("/")[0]])
        self.machine.write(self.DROP_IN, f"[Service]\n{text}\n")
        self.machine.run(["systemctl", "daemon-reload"])

    def count(self, proxy, name):
        begin = len(proxy.requests())
        self.ctl("pull", name)
        self.ctl("rmi", name)
        return [row["method"] for row in proxy.requests()[begin:]]

    def test_proxy_of_a_registry(self):
        self.assertEqual(self.count(self.proxy, self.secure_name), [])
        self.rules(f"[Registry {self.secure.host}]\nProxy=http://{self.proxy.host}\n"
                   f"[Registry {self.registry.host}]\nProxy=http://{self.proxy.host}\n")
        self.assertEqual(set(self.count(self.proxy, self.secure_name)), {"CONNECT"})
        self.assertIn("GET", self.count(self.proxy, self.plain_name))

    def test_proxy_with_a_password(self):
        self.rules(f"[Registry {self.secure.host}]\nProxy=http://user:pass%3Aword@{self.locked.host}\n"
                   f"[Registry {self.registry.host}]\nProxy=http://user:pass%3Aword@{self.locked.host}\n")
        self.assertEqual(set(self.count(self.locked, self.secure_name)), {"CONNECT"})
        self.assertIn("GET", self.count(self.locked, self.plain_name))
        self.rules(f"[Registry {self.secure.host}]\nProxy=http://user:secret@{self.locked.host}\n")
        result = self.assert_fails(8, "RegistryUnreachable", "pull", self.secure_name,
                                   mentions=["the proxy", "another user or password"])
        self.assertNotIn("secret", result.err)

    def test_proxy_that_is_not_there(self):
        self.rules(f"[Registry {self.secure.host}]\nProxy=http://127.0.0.1:1\n")
        self.assert_fails(8, "RegistryUnreachable", "pull", self.secure_name, mentions=['through the proxy "127.0.0.1:1"'])

    def test_RP22_environment_of_the_unit(self):
        self.environment(f"Environment=https_proxy=http://{self.proxy.host}")
        self.assertEqual(set(self.count(self.proxy, self.secure_name)), {"CONNECT"})
        self.rules(f"[Registry {self.secure.host}]\nProxy=none\n")
        self.assertEqual(self.count(self.proxy, self.secure_name), [])
        self.rules("")
        self.environment(f"Environment=https_proxy=http://{self.proxy.host} no_proxy=localhost,127.0.0.0/8")
        self.assertEqual(self.count(self.proxy, self.secure_name), [])


class ShortNames(RegistriesCase):
    CONFIG = "/etc/syscont/syscont.conf.d/names.conf"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = Registry(cls.machine)
        cls.second = Registry(cls.machine)
        allow_http(cls.machine, cls.first.port, cls.second.port)

    def setUp(self):
        super().setUp()
        self.search(self.first.host, self.second.host)

    def search(self, *hosts):
        self.machine.write(self.CONFIG, f"[Registries]\nUnqualifiedSearch={';'.join(hosts)}\n"
                                        f"ShortNames=mapped={self.second.host}/infra/mapped\n")
        self.machine.run(["systemctl", "stop", "syscontd.service"], check=False)

    def test_first_that_has_it(self):
        for registry, text in ((self.first, "one\n"), (self.second, "two\n")):
            registry.push(images.plain(text=text), "both", "1.0")
        name = self.second.push(images.plain(text="three\n"), "team/second", "1.0")
        self.assertEqual(self.pull("both:1.0")["reference"], self.first.name("both", "1.0"))
        self.assertEqual(self.pull("team/second:1.0")["reference"], name)
        self.assert_fails(3, "ManifestUnknown", "pull", "neither:1.0", mentions=["UnqualifiedSearch=", self.second.host])

    def test_one_that_cannot_be_reached_ends_the_search(self):
        self.second.push(images.plain(text="four\n"), "behind", "1.0")
        self.search("127.0.0.1:1", self.second.host)
        self.assert_fails(8, "RegistryUnreachable", "pull", "behind:1.0", mentions=["UnqualifiedSearch=", '"127.0.0.1:1"'])
        self.assertFalse(self.is_stored(self.second.name("behind", "1.0")))

    def test_mapped_name_is_not_searched(self):
        self.first.push(images.plain(text="five\n"), "mapped", "1.0")
        name = self.second.push(images.plain(text="six\n"), "infra/mapped", "1.0")
        self.assertEqual(self.pull("mapped:1.0")["reference"], name)
        self.assertEqual(self.ctl_json("inspect", "mapped:1.0")["reference"], name)
        self.assertEqual(self.ctl("inspect", "mapped:2.0", check=False).status, 3)

    def test_install_takes_what_is_stored(self):
        self.first.push(images.plain(text="seven\n"), "stored", "latest")
        stored = images.plain(text="eight\n")
        self.ctl("pull", self.layout(stored, "stored"))
        self.ctl("install", "stored", "--name", "stored")
        self.assertEqual(self.container("stored")["digest"], stored.digest)
        name = self.second.push(images.plain(text="nine\n"), "pulled", "latest")
        self.ctl("pull", name)
        self.first.push(images.plain(text="ten\n"), "pulled", "latest")
        self.ctl("install", "pulled", "--name", "pulled")
        self.assertEqual(self.container("pulled")["reference"], name)

    def test_install_searches(self):
        name = self.second.push(images.plain(text="eleven\n"), "searched", "2.0")
        self.ctl("install", "searched:2.0", "--name", "searched")
        self.assertEqual(self.container("searched")["reference"], name)

    def test_error_says_what_to_write(self):
        self.search()
        result = self.ctl("pull", "busybox", check=False)
        self.assertEqual(result.status, 2, result)
        for text in ("docker.io/library/busybox", "UnqualifiedSearch=", "ShortNames="):
            self.assertIn(text, result.err)

    def test_tag_and_digest(self):
        old = images.plain(text="twelve\n")
        self.first.push(old, "both-given", "old")
        self.first.push(images.plain(text="thirteen\n"), "both-given", "1.0")
        name = f"{self.first.host}/both-given:1.0@{old.digest}"
        self.assertEqual(self.pull(name)["digest"], old.digest)
        self.assertTrue(self.is_stored(name))
        self.ctl("install", name, "--name", "both-given")
        self.assertEqual(self.container("both-given")["reference"], name)
        self.assertEqual(self.container("both-given")["digest"], old.digest)
        self.assertFalse(self.pull(name)["changed"])
        self.assertIn("both-given:1.0", self.ctl("images").out)
