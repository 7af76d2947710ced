# SPDX-License-Identifier: LGPL-2.1-or-later
"""A forward proxy: `proxy.py DIRECTORY PORT [USER:PASSWORD]`. Tunnels (CONNECT) and plain GETs.

Each request becomes a line of JSON in DIRECTORY/requests. With a password whoever does not say it is answered 407.
"""

import base64
import http.client
import http.server
import json
import pathlib
import select
import socket
import sys
import urllib.parse

DIRECTORY = pathlib.Path(sys.argv[1])
WANTED = "Basic " + base64.b64encode(sys.argv[3].encode()).decode() if len(sys.argv) > 3 else None


def tunnel(one, other):
    """Until either side ends."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def is_allowed(self):
        line = json.dumps({"method": self.command, "path": self.path, "headers": dict(self.headers)})
        with open(DIRECTORY / "requests", "a") as log:
            log.write(line + "\n")
        if WANTED is None or self.headers.get("Proxy-Authorization") == WANTED:
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def do_CONNECT(self):
        if not self.is_allowed():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            self.send_response(200)
            self.end_headers()
            tunnel(self.connection, upstream)
        self.close_connection = True

    def do_GET(self):
        if not self.is_allowed():
            return
        url = urllib.parse.urlsplit(self.path)
        upstream = http.client.HTTPConnection(url.hostname, url.port or 80)
        headers = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
        upstream.request("GET", url.path + (f"?{url.query}" if url.query else ""), headers=headers)
        answer = upstream.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
