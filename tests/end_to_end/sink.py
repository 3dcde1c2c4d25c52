#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The partner's server in its plainest form, in the namespace of its own: takes every message and keeps it in a folder, as N.eml."""
import os
import socketserver
import sys
from pathlib import Path


class Sink(socketserver.StreamRequestHandler):
    """A server without 8BITMIME, PIPELINING or anything else; writes each message into a file of its own."""
    folder = None
    count = 0

    def handle(self):
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.take()
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"500 what\r\n" if word == b"EHLO" else b"250 ok\r\n")
            if word == b"QUIT":
                return

    def take(self):
        Sink.count += 1
        part = Path(self.folder) / f"{Sink.count}.part"
        with open(part, "wb") as out:
            for line in self.rfile:
                if line == b".\r\n":
                    break
                out.write(line[1:] if line.startswith(b".") else line)
        part.rename(part.with_suffix(".eml"))


def start(lab, folder):
    """Serves port 25 of the partner until the lab ends."""
    from lab import ADDRESSES, wait_for
    lab.start("sink", "partner", sys.executable, os.path.abspath(__file__), ADDRESSES["partner"], folder)
    wait_for(lambda: lab.listening("partner", 25), "the sink's start")


def main():
    Sink.folder = sys.argv[2]
    with socketserver.ThreadingTCPServer((sys.argv[1], 25), Sink) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
