# SPDX-License-Identifier: LGPL-2.1-or-later
"""A token server for docker-registry: `tokens.py DIRECTORY PORT`, over TLS with server.crt and server.key there.

DIRECTORY/config.json says who is who:

    {"issuer": TEXT, "users": {NAME: PASSWORD}, "identity_tokens": {TOKEN: NAME}, "lifetime_s": N,
     "anonymous": true: nobody may pull, too; "expires_in": JSON that is said about a
     token's life, "answer": TEXT that is said instead of a token}

GET with Basic authorization and POST with grant_type=refresh_token (distribution's "Token Authentication Specification"
and "OAuth2 Token Authentication"); a token is a JWT, signed ES256 by sign.key, with sign.crt in its x5c header. Who is
known may pull and push. Each request becomes a line of JSON in DIRECTORY/requests.
"""

import base64
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

DIRECTORY = pathlib.Path(sys.argv[1])
# docker-registry takes a token for as long after its end, because clocks differ
LEEWAY_S = 60
_lock = threading.Lock()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_der_integers(data):
    """The two of an ECDSA signature, 32 bytes each (RFC 7518, 3.4)."""
    position = 2
    for _ in range(2):
        size = data[position + 1]
        yield data[position + 2:position + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        position += 2 + size


def sign(claims):
    pem = (DIRECTORY / "sign.crt").read_text()
    der = "".join(line for line in pem.splitlines() if "-----" not in line)
    header = {"typ": "JWT", "alg": "ES256", "x5c": [der]}
    text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", DIRECTORY / "sign.key"], input=text.encode(),
                               stdout=subprocess.PIPE, check=True).stdout
    return f"{text}.{encode(b''.join(read_der_integers(signature)))}"


def make_token(config, user, service, scopes):
    now = int(time.time())
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":", 2)
        allowed = ["pull", "push"] if user else ["pull"]
        access.append({"type": kind, "name": name, "actions": [word for word in actions.split(",") if word in allowed]})
    return sign({"iss": config["issuer"], "sub": user, "aud": service, "access": access, "jti": str(time.monotonic_ns()),
                 "iat": now - LEEWAY_S, "nbf": now - LEEWAY_S, "exp": now - LEEWAY_S + config["lifetime_s"]})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def record(self, body=""):
        line = json.dumps({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
        with _lock, open(DIRECTORY / "requests", "a") as log:
            log.write(line + "\n")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def find_user(self, config):
        """None for a wrong login, "" for nobody."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return "" if config.get("anonymous") else None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user if config["users"].get(user) == password else None

    def give(self, config, user, fields, member):
        if user is None:
            return self.answer(401, b'{"details":"incorrect username or password"}')
        if config.get("answer") is not None:
            return self.answer(200, config["answer"].encode())
        scopes = " ".join(fields.get("scope", [])).split()
        token = make_token(config, user, fields.get("service", [""])[0], scopes)
        lifetime = config.get("expires_in") or json.dumps(config["lifetime_s"])
        return self.answer(200, f'{{"{member}":"{token}","expires_in":{lifetime}}}'.encode())

    def do_GET(self):
        self.record()
        config = json.loads((DIRECTORY / "config.json").read_text())
        fields = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.give(config, self.find_user(config), fields, "token")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.record(body)
        config = json.loads((DIRECTORY / "config.json").read_text())
        fields = urllib.parse.parse_qs(body)
        user = None
        if fields.get("grant_type") == ["refresh_token"]:
            user = config["identity_tokens"].get(fields.get("refresh_token", [""])[0])
        self.give(config, user, fields, "access_token")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        """The other side may go away at any time."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[2])), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DIRECTORY / "server.crt", DIRECTORY / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
