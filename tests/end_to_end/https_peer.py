# SPDX-License-Identifier: Apache-2.0
"""A web server of another domain, in the namespace of the partner: serves files by host and path, and keeps what is posted.

Usage: https_peer.py ADDRESS CERTIFICATE KEY FOLDER. FOLDER/HOST/PATH is what GET gives; POST to any path writes FOLDER/posted/N."""
import http.server
import os
import ssl
import sys
from pathlib import Path


class Peer(http.server.BaseHTTPRequestHandler):
    folder = Path()

    def answer(self, code, body=b""):
        self.send_response(code)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        file = self.folder / self.headers["Host"] / self.path.lstrip("/")
        self.answer(200, file.read_bytes()) if file.is_file() else self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        posted = self.folder / "posted"
        posted.mkdir(exist_ok=True)
        part = posted / ".part"
        part.write_bytes(self.headers["Content-Type"].encode() + b"\n" + body)
        part.rename(posted / str(len(list(posted.glob("[0-9]*")))))
        self.answer(201)


def start(lab, certificate, key, folder):
    """Serves port 443 of the partner until the lab ends."""
    from lab import ADDRESSES, wait_for
    lab.start("https", "partner", sys.executable, os.path.abspath(__file__), ADDRESSES["partner"], certificate, key, folder)
    wait_for(lambda: lab.listening("partner", 443), "the web server's start")


def main():
    address, certificate, key, folder = sys.argv[1:]
    Peer.folder = Path(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer((address, 443), Peer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
