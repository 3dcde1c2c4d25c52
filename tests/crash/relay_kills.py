#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often a kill makes a relay send a message twice: Postern and Debian's Postfix under the same load, with the same next server.

One client hands messages to the relay as fast as it takes them, the sink takes them all; at a random moment every process of the
relay dies at once (a PID namespace that ends), and it starts again. At the end the queue drains and the copies are counted:

  surplus   copies after the first whose 250 was written, and of these
  unread    those whose 250 the dying process had not read yet: no server can know of them (RFC 1047)

A measurement, not a test: relay_kills.py --only postern|postfix --cycles N; nothing is lost or it fails. Needs root.
"""
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import harness
from clients import Sink
from ledger import ACKNOWLEDGED, UNKNOWN, Ledger
from load import hand_over
from server import Server, free_port

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "bench"))
import servers as bench_servers  # noqa: E402

SENDER, FRIEND = "alice@crash.test", "friend@remote.test"
DRAIN_LIMIT = 120
START_LIMIT = 60
MESSAGE = 2000
IN_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child=KILL", "--")


class Relay:
    """A server in a PID namespace of its own; launch() and kill() as often as one likes."""

    def __init__(self, folder, sink_port):
        self.folder, self.sink_port, self.port = Path(folder), sink_port, free_port()
        self.process = None

    def words(self):
        raise NotImplementedError

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=30) as probe:
                return probe.recv(100).startswith(b"220")
        except OSError:
            return False

    def launch(self):
        with open(self.folder / "relay.log", "ab") as log:
            self.process = subprocess.Popen([*IN_NAMESPACE, *map(str, self.words())], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def start(self):
        """Again and again while the one before still holds its lock: the end of a namespace takes its time."""
        self.launch()
        ends = time.monotonic() + START_LIMIT
        while not self.greets():
            harness.check(time.monotonic() < ends, "the relay does not start")
            if self.process.poll() is not None:
                self.launch()
            time.sleep(0.01)

    def kill(self):
        """The first process of the namespace; the kernel ends the others with it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        self.process.wait()


class PosternRelay(Relay):
    name = "postern"

    def __init__(self, folder, sink_port):
        super().__init__(folder, sink_port)
        extra = {"listen": f'trusted = ["127.0.0.1:{self.port}"]\n', "trusted": 'networks = ["127.0.0.0/8"]\n'}
        self.server = Server(folder, accounts=("alice",), sections=extra, smart_host=sink_port)

    def words(self):
        return harness.POSTERN, "--config", self.server.config, "serve"

    def is_drained(self):
        return "queue is empty" in self.server.run_cli("queue", "list").stdout


class PostfixRelay(Relay):
    name = "postfix"

    def __init__(self, folder, sink_port):
        super().__init__(folder, sink_port)
        for name in ("etc", "state/queue", "state/data"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        shutil.chown(self.folder / "state/data", "postfix")
        more = "minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\nqueue_run_delay = 1s\n"
        words = {"folder": self.folder, "state": self.folder / "state", "domain": "none.test", "host": "127.0.0.1", "sink": sink_port,
                 "certificate": "", "key": ""}
        text = bench_servers.MAIN_CF.format(**words)
        drop = ("smtpd_tls", "smtpd_sasl", "virtual_mailbox_maps", "virtual_transport")
        (self.folder / "etc/main.cf").write_text("".join(f"{line}\n" for line in text.splitlines() if not line.startswith(drop)) + more)
        lines = bench_servers.MASTER_CF.format(host="127.0.0.1", smtp=self.port, relay=0, submission=0).splitlines()
        (self.folder / "etc/master.cf").write_text("".join(f"{line}\n" for line in lines if not line.startswith("127.0.0.1:0")))

    def words(self):
        # An old pid file may name a process of this namespace.
        (self.folder / "state/queue/pid/master.pid").unlink(missing_ok=True)
        return "postfix", "-c", self.folder / "etc", "start-fg"

    def is_drained(self):
        done = subprocess.run(["postqueue", "-c", str(self.folder / "etc"), "-p"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return "queue is empty" in done.stdout


def send(relay, ledger, rng, stop):
    """Until the relay dies or it is enough."""
    try:
        while not stop.is_set():
            with smtplib.SMTP("127.0.0.1", relay.port, local_hostname="sender.test", timeout=30) as client:
                client.ehlo()
                for _ in range(20):
                    token, message = ledger.new(rng, SENDER, (FRIEND,), MESSAGE)
                    hand_over(client, ledger, token, SENDER, [FRIEND], message)
                    if stop.wait(rng.uniform(0, 0.02)):
                        return
    except (OSError, smtplib.SMTPException):
        pass


def surplus(sink):
    copies = unread = 0
    for key, lives in sink.lives.items():
        for number in range(1, len(lives)):
            copies += 1
            unread += (*key, number) in sink.unread
    return copies, unread


def test(run):
    kind = PostfixRelay if run.options.only == "postfix" else PosternRelay
    if kind is PostfixRelay and not shutil.which("postfix", path=os.environ["PATH"] + ":/usr/sbin"):
        raise harness.Skip("Postfix is not installed (tools/deps peers)")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    sink, ledger = Sink(), Ledger()
    run.at_end(sink.close)
    relay = kind(run.folder, sink.port)
    run.at_end(lambda: relay.process and relay.process.poll() is None and relay.kill())
    for life in range(run.options.cycles):
        sink.life = life
        relay.start()
        stop = threading.Event()
        sender = threading.Thread(target=send, args=(relay, ledger, run.random, stop))
        sender.start()
        time.sleep(run.random.uniform(0.05, 0.5))  # the moment of death is what is varied
        relay.kill()
        stop.set()
        sender.join()
        if life % 100 == 99:
            print(f"{life + 1} kills in {run.seconds():.0f} s, {ledger.totals()}, {surplus(sink)}", flush=True)
    sink.life = run.options.cycles
    relay.start()
    ends = time.monotonic() + DRAIN_LIMIT
    while not relay.is_drained():
        harness.check(time.monotonic() < ends, "the queue did not drain")
        time.sleep(0.3)
    lost = [token for token, one in ledger.attempts.items() if one.told == ACKNOWLEDGED and not sink.copies[token, FRIEND]]
    copies, unread = surplus(sink)
    told = ledger.totals()
    counts = {"relay": kind.name, "kills": run.options.cycles, "acknowledged": told.get(ACKNOWLEDGED, 0), "unknown": told.get(UNKNOWN, 0),
              "remote_copies": sum(sink.copies.values()), "surplus": copies, "unread": unread, "lost": len(lost)}
    harness.check(not lost, f"lost: {lost[:5]} {counts}")
    return counts


harness.run("relay_kills", test, cycles=300)
