# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registries inside a throw-away machine: a real one, and one that misbehaves on purpose.

    registry = Registry(machine)                       # docker-registry on 127.0.0.1:PORT, plain http
    name = registry.push(image, "app", "1.0")          # "127.0.0.1:5000/app:1.0"
    secure = Registry(machine, tls=True)               # https, its CA is trusted by the machine
    closed = Registry(machine, tls=True, users={"alice": "secret"})        # htpasswd
    tokens = TokenServer(machine, users={"alice": "secret"}, identity_tokens={"id-1": "alice"})
    closed = Registry(machine, tls=True, tokens=tokens)                    # bearer tokens; closed.push(…, login="alice:secret")
    faulty = FaultyRegistry(machine, image, rules=[{"match": "/blobs/", "fault": "truncate"}])
    faulty.name("app")                                 # every name and tag is that image
    faulty.requests(), faulty.answers()                # what was asked for, and sent: dictionaries
    front = TlsFront(machine, registry)                # nginx, which wants a client certificate
    proxy = Proxy(machine, "user:password")
"""

import crypt
import itertools
import json
import pathlib

from images import OCI_INDEX

HERE = pathlib.Path(__file__).resolve().parent
_ports = itertools.count(5000)

CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{port}
{tls}{auth}"""

HTPASSWD = """
auth:
  htpasswd: {{realm: members, path: {directory}/htpasswd}}
"""

TOKENS = """
auth:
  token: {{realm: "{realm}", service: "{host}", issuer: "{issuer}", rootcertbundle: {bundle}}}
"""

ISSUER = "a token server of the tests"

# Long enough for the tests, made anew for each machine.
CERTIFICATES = """
cd {directory}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=a CA of the tests' \\
  -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={host} -keyout server.key -out server.csr 2>/dev/null
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:*.example.com,DNS:*.example.org\\n' > extensions
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out server.crt 2>/dev/null
"""

DATES = {"expired": "-startdate 20200101000000Z -enddate 20200201000000Z"}

FRONT_CERTIFICATES = """
cd {directory}
printf 'subjectAltName={names}\n' > extensions
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n' > ca.conf
: > index; echo 01 > serial
new_key () {{ openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes 2>/dev/null; }}
new_key -x509 -days 30 -subj '/CN=a CA of the tests' -keyout ca.key -out ca.crt
new_key -subj /CN=localhost -keyout server.key -out server.csr
new_key -subj /CN=client -keyout client.key -out client.csr
openssl ca -batch -config ca.conf -cert ca.crt -keyfile ca.key -extfile extensions {dates} -in server.csr -out server.crt 2>/dev/null
openssl x509 -req -in client.csr -CA ca.crt -CAkey ca.key -days 30 -set_serial 7 -out client.cert 2>/dev/null
chmod 644 client.key
"""

NGINX = """daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
  access_log {directory}/requests;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {directory}/{certificate}.crt;
    ssl_certificate_key {directory}/{certificate}.key;
    {more}
    client_max_body_size 0;
    location / {{ proxy_pass {upstream}; proxy_set_header Host $http_host; }}
  }}
}}
"""


SIGNATURE = """
cd {directory}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=tokens of the tests' \\
  -keyout sign.key -out sign.crt 2>/dev/null
"""


def make_certificates(machine, directory, trust=True):
    machine.run(["mkdir", "-p", directory])
    machine.sh(CERTIFICATES.format(directory=directory, host="localhost"))
    if trust:
        machine.sh(f"cat {directory}/ca.crt >> /etc/ssl/certs/ca-certificates.crt")


def allow_http(machine, *ports):
    """Names the registries to syscont that it may talk to without TLS."""
    hosts = ";".join(f"127.0.0.1:{port}" for port in ports)
    machine.write("/etc/syscont/syscont.conf.d/registries.conf", f"[Registries]\nInsecure={hosts};\n")
    machine.run(["systemctl", "stop", "syscontd.service"], check=False)


class Registry:
    """docker-registry, as a service of the machine."""

    def __init__(self, machine, tls=False, trust=True, port=None, users=None, tokens=None):
        self.machine = machine
        self.port = port or next(_ports)
        self.host = f"127.0.0.1:{self.port}"
        self.unit = f"test-registry-{self.port}.service"
        self.directory = directory = f"/etc/test-registry-{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        machine.run(["mkdir", "-p", directory])
        text = auth = ""
        if tls:
            make_certificates(machine, directory, trust)
            text = f"  tls: {{certificate: {directory}/server.crt, key: {directory}/server.key}}\n"
        if users:
            rows = [f"{name}:{crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n"
                    for name, password in users.items()]
            machine.write(f"{directory}/htpasswd", "".join(rows))
            auth = HTPASSWD.format(directory=directory)
        if tokens:
            auth = TOKENS.format(realm=tokens.realm, host=self.host, issuer=ISSUER, bundle=tokens.certificate)
        config = CONFIG.format(root=f"/var/lib/test-registry-{self.port}", port=self.port, tls=text, auth=auth)
        machine.write(f"{directory}/config.yml", config)
        self.config = f"{directory}/config.yml"
        self.start()

    def start(self):
        self.machine.background(["/usr/bin/docker-registry", "serve", self.config], self.unit)
        wait_for_port(self.machine, self.port, self.unit)

    def stop(self):
        self.machine.run(["systemctl", "stop", self.unit])

    def name(self, name, tag="latest"):
        return f"{self.host}/{name}:{tag}"

    def push(self, image, name, tag="latest", login=None):
        """Returns the name to pull it by. login: USER:PASSWORD"""
        place = self.machine.share / f"push-{self.port}-{name.replace('/', '-')}-{tag}"
        # dir: has no indexes, oci: has no manifests of Docker's
        if image.media_type == OCI_INDEX:
            source = f"oci:/share/{image.write_layout(place).name}:latest"
        else:
            source = f"dir:/share/{image.write_directory(place).name}"
        target = f"docker://{self.name(name, tag)}"
        more = ["--dest-creds", login] if login else []
        self.machine.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--all", "--preserve-digests",
                          "--dest-tls-verify=false", *more, source, target])
        return self.name(name, tag)


class TokenServer:
    """Gives out bearer tokens for docker-registry, see tokens.py."""

    def __init__(self, machine, users=None, identity_tokens=None, lifetime_s=600, anonymous=False, host="127.0.0.1", port=None):
        self.machine = machine
        self.port = port or next(_ports)
        self.host = f"{host}:{self.port}"
        self.realm = f"https://{self.host}/token"
        self.unit = f"test-tokens-{self.port}.service"
        self.directory = machine.share / f"tokens-{self.port}"
        self.directory.mkdir()
        inside = f"/share/{self.directory.name}"
        make_certificates(machine, inside)
        machine.sh(SIGNATURE.format(directory=inside))
        self.certificate = f"{inside}/sign.crt"
        self.config = {"issuer": ISSUER, "users": users or {}, "identity_tokens": identity_tokens or {},
                       "lifetime_s": lifetime_s, "anonymous": anonymous}
        self.configure()
        (self.directory / "tokens.py").write_text((HERE / "tokens.py").read_text())
        machine.background(["/usr/bin/python3", f"{inside}/tokens.py", inside, str(self.port)], self.unit)
        wait_for_port(machine, self.port, self.unit)

    def configure(self, **changes):
        self.config.update(changes)
        (self.directory / "config.new").write_text(json.dumps(self.config))
        (self.directory / "config.new").rename(self.directory / "config.json")

    def requests(self):
        return read_log(self.directory, "requests")


class TlsFront:
    """nginx with TLS in front of a registry, its authority in ca.crt of its directory.

    It wants a client certificate (client.cert, client.key) of the same authority, or is of another kind:
    "expired", "other-name", "self-signed", "old" (TLS 1.0 only).
    """

    def __init__(self, machine, registry, kind="good", port=None):
        self.machine = machine
        self.registry = registry
        self.port = port or next(_ports)
        self.host = f"127.0.0.1:{self.port}"
        self.unit = f"test-front-{self.port}.service"
        self.directory = f"/etc/test-front-{self.port}"
        names = "DNS:registry.example.com" if kind == "other-name" else "DNS:localhost,IP:127.0.0.1"
        machine.run(["mkdir", "-p", self.directory])
        machine.sh(FRONT_CERTIFICATES.format(directory=self.directory, names=names, dates=DATES.get(kind, "-days 30")))
        if kind == "self-signed":
            machine.sh(f"cd {self.directory}; openssl x509 -req -in server.csr -signkey server.key -days 30 -extfile extensions "
                       "-out server.crt 2>/dev/null")
        more = {"good": f"ssl_client_certificate {self.directory}/ca.crt; ssl_verify_client on;",
                "old": "ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;"}
        machine.write(f"{self.directory}/nginx.conf", NGINX.format(directory=self.directory, port=self.port, certificate="server",
                                                                   more=more.get(kind, ""), upstream=registry.url))
        machine.background(["/usr/sbin/nginx", "-c", f"{self.directory}/nginx.conf"], self.unit)
        wait_for_port(machine, self.port, self.unit)

    def name(self, name, tag="latest"):
        return f"{self.host}/{name}:{tag}"

    def push(self, image, name, tag="latest"):
        """Behind its back; returns the name to pull it by."""
        self.registry.push(image, name, tag)
        return self.name(name, tag)

    def requests(self):
        """How many there were, and none of them without TLS."""
        return len(self.machine.read(f"{self.directory}/requests").splitlines())


class Proxy:
    """A proxy for all that passes through it, see proxy.py."""

    def __init__(self, machine, password=None, port=None):
        self.port = port or next(_ports)
        self.host = f"127.0.0.1:{self.port}"
        self.directory = machine.share / f"proxy-{self.port}"
        self.directory.mkdir()
        (self.directory / "proxy.py").write_text((HERE / "proxy.py").read_text())
        inside = f"/share/{self.directory.name}"
        unit = f"test-proxy-{self.port}.service"
        words = [password] if password else []
        machine.background(["/usr/bin/python3", f"{inside}/proxy.py", inside, str(self.port), *words], unit)
        wait_for_port(machine, self.port, unit)

    def requests(self):
        return read_log(self.directory, "requests")


class FaultyRegistry:
    """Serves one image under every name; its rules say what goes wrong, see faulty.py."""

    def __init__(self, machine, image, rules=(), port=None):
        self.machine = machine
        self.port = port or next(_ports)
        self.host = f"127.0.0.1:{self.port}"
        self.unit = f"test-faulty-{self.port}.service"
        self.directory = machine.share / f"faulty-{self.port}"
        self.serve(image)
        self.set_rules(rules)
        (self.directory / "faulty.py").write_text((HERE / "faulty.py").read_text())
        self.start()

    def start(self):
        """Again after a reboot, too."""
        inside = f"/share/{self.directory.name}"
        self.machine.background(["/usr/bin/python3", f"{inside}/faulty.py", inside, str(self.port)], self.unit)
        wait_for_port(self.machine, self.port, self.unit)

    def serve(self, image):
        image.write_layout(self.directory / "layout")
        (self.directory / "manifest").write_text(json.dumps(image.descriptor()))

    def set_rules(self, rules):
        (self.directory / "rules.new").write_text(json.dumps(list(rules)))
        (self.directory / "rules.new").rename(self.directory / "rules.json")

    def requests(self):
        return read_log(self.directory, "requests")

    def answers(self):
        """Those that have ended, in the order of their requests."""
        return sorted(read_log(self.directory, "answers"), key=lambda row: row["request"])

    def name(self, name, tag="latest"):
        return f"{self.host}/{name}:{tag}"

    def stop(self):
        self.machine.run(["systemctl", "stop", self.unit])


def read_log(directory, name):
    log = directory / name
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def wait_for_port(machine, port, unit):
    probe = ["busybox", "nc", "-w", "1", "127.0.0.1", str(port), "-e", "true"]

    def answers():
        if machine.run(["systemctl", "is-active", unit], check=False).status != 0:
            raise RuntimeError(f"{unit} ended:\n{machine.journal(unit)}")
        return machine.run(probe, check=False).status == 0

    machine.wait_for(answers, 20, f"port {port}")
