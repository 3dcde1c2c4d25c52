#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under load: no acknowledged message is lost, none is torn, none is invented (security.md §6.1).

Senders on port 25 and an APPEND client give every message a token and remember what they were told: acknowledged, refused, or
nothing. After each kill the server starts again and the audit reads what is new; at the end every token is accounted for:

  lost     acknowledged and not there          torn     there with other octets than sent
  ghost    there though refused                surplus  there more often than acknowledged plus unknown

POSTERN_KILL_CYCLES (200) and POSTERN_KILL_SEED can be set; the seed is printed.
"""
import hashlib
import imaplib
import os
import random
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "end_to_end"))
import ca  # noqa: E402

CYCLES = int(os.environ.get("POSTERN_KILL_CYCLES", "200"))
SEED = int(os.environ.get("POSTERN_KILL_SEED", str(random.randrange(1 << 32))))
POSTERN = os.environ["POSTERN_BINARY"]
ALICE = "alice@crash.test"
SENDERS = 4


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ledger:
    """What senders were told about each token. Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.told = {}
        self.digests = {}
        self.sequence = 0

    def new(self, rng):
        with self.lock:
            self.sequence += 1
            token = f"t{self.sequence}"
        size = rng.choice([200, 2000, 10000, 10000, 50000, 400000 if rng.random() < 0.1 else 3000])
        line = f"{rng.getrandbits(256):064x}\r\n"
        message = (f"From: sender@elsewhere.test\r\nTo: {ALICE}\r\nX-Token: {token}\r\n\r\n" + line * (size // 66 + 1)).encode()
        with self.lock:
            self.digests[token] = hashlib.sha256(message).digest()
        return token, message

    def tell(self, token, what):
        with self.lock:
            self.told[token] = what


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.smtp, self.imaps = free_port(), free_port()
        cert, key = ca.Authority(folder / "ca").issue("localhost", "127.0.0.1")
        self.context = ssl.create_default_context(cafile=str(folder / "ca" / "ca.pem"))
        self.config = folder / "postern.toml"
        self.config.write_text(f"""[server]
hostname = "mx.crash.test"
data_dir = "{folder}/data"
user = ""
group = ""
log_level = "warning"
[tls]
certificate = "{cert}"
key = "{key}"
[listen]
smtp = ["127.0.0.1:{self.smtp}"]
imaps = ["127.0.0.1:{self.imaps}"]
submission = []
submissions = []
pop3s = []
http = []
[limits]
connections_per_address = 500
connections_per_network = 500
connection_rate_per_minute = 1000000
messages_per_session = 1000
[dns]
servers = ["127.0.0.1"]
dnssec = false
""")
        self.cli("domain", "add", "crash.test")
        out = self.cli("account", "add", ALICE)
        self.password = next(line.split()[1] for line in out.splitlines() if line.startswith("Password:"))
        self.process = None

    def cli(self, *words):
        done = subprocess.run([POSTERN, "--config", self.config, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, f"postern {words} gave {done.returncode}: {done.stdout}"
        return done.stdout

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([POSTERN, "--config", self.config, "serve"], stdout=log, stderr=log)
        began = time.monotonic()
        while True:
            assert self.process.poll() is None, f"the server did not start again (code {self.process.returncode})"
            try:
                with socket.create_connection(("127.0.0.1", self.smtp), timeout=5) as probe:
                    if probe.recv(100).startswith(b"220"):
                        return time.monotonic() - began
            except OSError:
                pass
            assert time.monotonic() - began < 60, "the server does not answer a minute after its start"
            time.sleep(0.005)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def login(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.imaps, ssl_context=self.context, timeout=60)
        client.login(ALICE, self.password)
        return client


def send_by_smtp(server, ledger, rng, stop):
    """Connections of one to twenty messages, until the server dies."""
    try:
        while not stop.is_set():
            with smtplib.SMTP("127.0.0.1", server.smtp, local_hostname="sender.test", timeout=30) as client:
                client.ehlo()
                for _ in range(rng.randint(1, 20)):
                    token, message = ledger.new(rng)
                    ledger.tell(token, "refused")
                    if client.mail("sender@elsewhere.test")[0] != 250 or client.rcpt(ALICE)[0] != 250:
                        client.rset()
                        continue
                    client.putcmd("data")
                    if client.getreply()[0] != 354:
                        continue
                    ledger.tell(token, "unknown")
                    client.send(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
                    code, _ = client.getreply()
                    ledger.tell(token, "acknowledged" if code == 250 else "refused")
    except (OSError, smtplib.SMTPException):
        pass  # killed: what was under way stays unknown


def append_by_imap(server, ledger, rng, stop):
    try:
        client = server.login()
        while not stop.is_set():
            token, message = ledger.new(rng)
            ledger.tell(token, "unknown")
            answer, _ = client.append("INBOX", None, None, message)
            ledger.tell(token, "acknowledged" if answer == "OK" else "refused")
    except (OSError, imaplib.IMAP4.error):
        pass


class Audit:
    """Reads what is new in the INBOX after each start and keeps the sums."""

    def __init__(self, server, ledger):
        self.server, self.ledger = server, ledger
        self.found = Counter()
        self.torn = []
        self.last_uid = 0
        self.validity = None

    def read_new(self):
        client = self.server.login()
        client.select("INBOX", readonly=True)
        validity = client.response("UIDVALIDITY")[1][0]
        assert self.validity in (None, validity), f"UIDVALIDITY changed from {self.validity} to {validity}"
        self.validity = validity
        _, data = client.uid("FETCH", f"{self.last_uid + 1}:*", "(UID BODY.PEEK[])")
        for part in data:
            if not isinstance(part, tuple):
                continue
            uid = int(re.search(rb"UID (\d+)", part[0]).group(1))
            if uid <= self.last_uid:
                continue
            self.last_uid = uid
            self.take(part[1])
        client.logout()

    def take(self, stored):
        token = re.search(rb"X-Token: (\S+)", stored).group(1).decode()
        start = stored.index(b"From: sender@elsewhere.test\r\n")
        self.found[token] += 1
        if hashlib.sha256(stored[start:]).digest() != self.ledger.digests[token]:
            self.torn.append(token)

    def sums(self):
        told = self.ledger.told
        lost = [t for t, what in told.items() if what == "acknowledged" and not self.found[t]]
        ghost = [t for t, n in self.found.items() if n and told.get(t, "refused") == "refused"]
        surplus = [t for t, n in self.found.items() if n > 1]
        return {"lost": lost, "ghost": ghost, "torn": self.torn, "surplus": surplus}


def main():
    print(f"seed {SEED}, {CYCLES} cycles", flush=True)
    rng = random.Random(SEED)
    folder = Path(tempfile.mkdtemp(prefix="postern-kill-"))
    server, ledger = Server(folder), Ledger()
    audit = Audit(server, ledger)
    slowest = 0.0
    try:
        for cycle in range(CYCLES):
            slowest = max(slowest, server.start())
            if cycle:
                audit.read_new()
            stop = threading.Event()
            work = [(send_by_smtp, random.Random(rng.random())) for _ in range(SENDERS)] + [(append_by_imap, random.Random(rng.random()))]
            threads = [threading.Thread(target=f, args=(server, ledger, r, stop)) for f, r in work]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.01, 0.3))  # the moment of death is what this test varies
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
            if (cycle + 1) % 50 == 0:
                print(f"{cycle + 1} kills, {Counter(ledger.told.values())}", flush=True)
        server.start()
        audit.read_new()
        sums = audit.sums()
        told = Counter(ledger.told.values())
        print(f"{CYCLES} kills; told: {dict(told)}; slowest start {slowest * 1000:.0f} ms;",
              ", ".join(f"{name} {len(tokens)}" for name, tokens in sums.items()))
        assert told["acknowledged"] > CYCLES, "hardly anything was acknowledged: the test tested nothing"
        assert not any(sums.values()), f"{ {k: v[:10] for k, v in sums.items()} } (seed {SEED})"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0, "the last server did not end cleanly"
    except BaseException:
        if server.process and server.process.poll() is None:
            server.kill()
        print("".join((folder / "log").read_text(errors="replace").splitlines(keepends=True)[-20:]) if (folder / "log").exists() else "")
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
