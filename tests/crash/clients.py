# SPDX-License-Identifier: Apache-2.0
"""A small IMAP client that tells exactly what was answered, and a mail server that remembers what it took."""
import re
import socket
import socketserver
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from ledger import token_of

LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
NUMBER = rb"(\d+)"


@dataclass
class Answer:
    """status is OK, NO or BAD; untagged: each response as octets, literals in their place."""
    status: str
    text: bytes
    untagged: list = field(default_factory=list)

    @property
    def ok(self):
        return self.status == "OK"

    def numbers(self, word):
        """All numbers that follow the word, anywhere in the answer: UIDNEXT, MODSEQ, …"""
        pattern = re.compile(word.encode() + rb" \(?" + NUMBER)
        return [int(n) for line in (*self.untagged, self.text) for n in pattern.findall(line)]

    def code(self, word):
        """The words of a response code such as COPYUID, or None."""
        for line in (*self.untagged, self.text):
            if found := re.search(rb"\[" + word.encode() + rb" ([^\]]*)\]", line):
                return found.group(1).decode().split()
        return None


def expand(uid_set):
    """The numbers of "1:3,7"."""
    out = []
    for part in uid_set.split(","):
        low, _, high = part.partition(":")
        first, last = sorted((int(low), int(high or low)))
        out += range(first, last + 1)
    return out


class Imap:
    def __init__(self, port, context, timeout=60):
        plain = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        self.count = 0
        self.not_read = 0
        self.line()

    def line(self):
        """One response with its literals."""
        out = b""
        while True:
            got = self.file.readline()
            if not got.endswith(b"\r\n"):
                raise ConnectionError("the server hung up")
            out += got
            if not (found := LITERAL.search(got)):
                return out[:-2]
            octets = self.file.read(int(found.group(1)))
            if len(octets) < int(found.group(1)):
                raise ConnectionError("the server hung up")
            out += octets

    def command(self, text, literal=None):
        self.count += 1
        tag = f"a{self.count}".encode()
        line = tag + b" " + text.encode()
        untagged = []
        if literal is not None:
            line += b" {%d}" % len(literal)
        self.socket.sendall(line + b"\r\n")
        while True:
            got = self.line()
            if got.startswith(b"+") and literal is not None:
                self.socket.sendall(literal + b"\r\n")
                literal = None
            elif got.startswith(tag + b" "):
                status, _, rest = got[len(tag) + 1:].partition(b" ")
                return Answer(status.decode(), rest, untagged)
            else:
                untagged.append(got)

    @staticmethod
    def expect_ok(answer):
        if not answer.ok:
            raise AssertionError(f"IMAP answered {answer.status} {answer.text.decode(errors='replace')}")
        return answer

    def do(self, text, literal=None):
        return self.expect_ok(self.command(text, literal))

    def fetch_bodies(self, uid_set):
        """(uid, octets) of each message that can be read; when there are others the answer is not OK, and not_read counts them."""
        answer = self.command(f"UID FETCH {uid_set} (UID BODY.PEEK[])")
        self.not_read += not answer.ok
        for line in answer.untagged:
            found = re.match(rb"\* \d+ FETCH \((.*?)BODY\[\] \{(\d+)\}\r\n", line, re.S)
            if not found:
                continue
            end = found.end() + int(found.group(2))
            uid = re.search(rb"UID " + NUMBER, found.group(1) + line[end:])
            yield int(uid.group(1)), line[found.end():end]

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Sink:
    """The next mail server: takes mail, remembers each copy that it acknowledged, and refuses some for now.

    A copy counts from the moment its 250 was written. `life` numbers the lives of the server under test. A process that dies with
    that 250 unread makes the kernel reset the connection; one that had read it ends with a plain close: `unread` holds the copies
    of the first kind, which no server can avoid to send again (RFC 1047)."""

    def __init__(self, rng=None, refuse=0.0):
        self.lock = threading.Lock()
        self.copies = Counter()
        self.messages = []
        self.lives = {}
        self.unread = set()
        self.life = 0
        self.rng, self.refuse = rng, refuse
        self.paused = threading.Event()
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                fresh = []  # copies whose 250 nothing has followed yet
                try:
                    sink.converse(self.rfile, self.wfile, fresh)
                    # Dead before the 250 left here: the end was read first, and the reset that answers the 250 waits behind it.
                    reset = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
                except OSError:
                    reset = True
                if reset:
                    with sink.lock:
                        sink.unread.update(fresh)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def converse(self, reader, writer, fresh):
        def say(text):
            writer.write(text + b"\r\n")
            writer.flush()
        recipients = []
        say(b"220 sink.test ESMTP")
        while line := reader.readline():
            fresh.clear()
            word = line[:4].upper()
            if word == b"EHLO":
                say(b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE")
            elif word == b"RCPT":
                recipients.append(re.search(rb"<([^>]*)>", line).group(1).decode())
                say(b"250 ok")
            elif word == b"DATA":
                say(b"354 go on")
                self.take(reader, say, recipients, fresh)
                recipients = []
            elif word == b"QUIT":
                say(b"221 bye")
                return
            else:
                recipients = [] if word in (b"MAIL", b"RSET") else recipients
                say(b"250 ok")

    def take(self, reader, say, recipients, fresh):
        lines = []
        while (line := reader.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            raise ConnectionError("hung up within a message")
        with self.lock:
            refused = self.paused.is_set() or (self.rng is not None and self.rng.random() < self.refuse)
        if refused:
            say(b"451 not now")
            return
        say(b"250 taken")
        message = b"".join(lines)
        token = token_of(message)
        with self.lock:
            for recipient in recipients:
                self.copies[token, recipient] += 1
                lives = self.lives.setdefault((token, recipient), [])
                lives.append((self.life, time.monotonic()))
                fresh.append((token, recipient, len(lives)))
                self.messages.append((recipient, message))

    def close(self):
        self.server.shutdown()
        self.server.server_close()
