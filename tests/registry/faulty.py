# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry that misbehaves: `faulty.py DIRECTORY PORT` serves the OCI layout in DIRECTORY/layout.

DIRECTORY/manifest is the descriptor that every tag means. DIRECTORY/rules.json is read for each request: a list of

    {"match": REGEX of the path, "fault": NAME, "times": N (default: always), …}

    truncate   "at": bytes of the body, then the connection is closed; Content-Length is the full one
    wrong      a byte of the body is another one
    slow       "rate": bytes per second
    stall      "at": bytes of the body, then silence
    status     "status": number, "headers": {…}, "body": text
    reset      the connection is reset, at once or after "at" bytes of the body
    long       more bytes than the descriptor says
    no-range   a Range header is ignored

Each request becomes a line of JSON in DIRECTORY/requests; each answer one in DIRECTORY/answers when it has ended, with
"request" (the place of its request in that file), "path", "status", "start" (of the range) and "sent" (bytes of the body
that were written to the connection). An answer to a client that is gone ends with its next write, that is, maybe after later ones.
"""

import http.server
import json
import pathlib
import re
import socket
import struct
import sys
import threading
import time

DIRECTORY = pathlib.Path(sys.argv[1])
_lock = threading.Lock()
_used = {}


def find_rule(path):
    try:
        rules = json.loads((DIRECTORY / "rules.json").read_text())
    except (OSError, ValueError):
        return {}
    for rule in rules:
        if not re.search(rule["match"], path):
            continue
        key = json.dumps(rule, sort_keys=True)
        with _lock:
            count = _used[key] = _used.get(key, 0) + 1
        if count <= rule.get("times", count):
            return rule
    return {}


def write_line(name, value):
    """Appends VALUE and returns where."""
    with _lock, open(DIRECTORY / name, "a") as log:
        place = log.tell()
        log.write(json.dumps(value) + "\n")
    return place


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        request = write_line("requests", {"method": self.command, "path": self.path, "headers": dict(self.headers)})
        self.status = self.start = self.sent = 0
        try:
            self.follow(find_rule(self.path))
        finally:
            write_line("answers", {"request": request, "path": self.path, "status": self.status, "start": self.start, "sent": self.sent})

    def follow(self, rule):
        if rule.get("fault") == "status":
            return self.answer(rule["status"], rule.get("headers", {}), rule.get("body", "").encode())
        if rule.get("fault") == "reset" and "at" not in rule:
            return self.reset()
        found = self.find()
        if found is None:
            return self.answer(404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here"}]}')
        kind, digest, data = found
        self.send(rule, kind, digest, data)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def write(self, data):
        """Bytes of a body, counted as they go."""
        for begin in range(0, len(data), 65536):
            self.wfile.write(data[begin:begin + 65536])
            self.sent += len(data[begin:begin + 65536])

    def find(self):
        """Media type, digest and content of what the path names."""
        if self.path in ("/v2", "/v2/"):
            return "application/json", "", b"{}"
        parts = self.path.rsplit("/", 2)
        digest = parts[-1]
        kind = "application/octet-stream"
        if parts[-2] == "manifests":
            descriptor = json.loads((DIRECTORY / "manifest").read_text())
            if not digest.startswith("sha256:"):
                digest = descriptor["digest"]
            kind = descriptor["mediaType"]
        elif parts[-2] != "blobs":
            return None
        try:
            data = (DIRECTORY / "layout" / "blobs" / digest.replace(":", "/")).read_bytes()
        except OSError:
            return None
        if parts[-2] == "manifests" and data[:1] == b"{":
            kind = json.loads(data).get("mediaType", kind)
        return kind, digest, data

    def answer(self, status, headers, body):
        self.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status >= 200 and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.write(body)

    def send(self, rule, kind, digest, data):
        fault = rule.get("fault")
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and fault != "no-range":
            start = int(wanted[1])
        if fault == "wrong":
            data = bytes([data[0] ^ 1]) + data[1:]
        if fault == "long":
            data += b"more"
        self.status, self.start = 206 if start else 200, start
        self.send_response(self.status)
        self.send_header("Content-Type", kind)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(rule, data[start:])

    def send_body(self, rule, data):
        fault = rule.get("fault")
        if fault in ("truncate", "stall", "reset"):
            self.write(data[:rule.get("at", len(data) // 2)])
            self.wfile.flush()
            if fault == "stall":
                self.rfile.read(1)  # until the other side gives up
            if fault == "reset":
                self.reset()
            self.close_connection = True
            return
        if fault != "slow":
            self.write(data)
            return
        step = max(rule["rate"] // 10, 1)
        for begin in range(0, len(data), step):
            self.write(data[begin:begin + step])
            self.wfile.flush()
            time.sleep(0.1)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        """The other side may go away at any time."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
