# SPDX-License-Identifier: Apache-2.0
"""Everybody who uses the server while it is being killed, and the audit of what they were told.

Senders on port 25 (one or two local recipients), a user who submits to us and to a remote server, IMAP clients (model.py), and an
administrator who changes a password. Each remembers what it was told in a ledger or model; Household.audit() compares.
"""
import re
import smtplib
import threading
import time
from collections import Counter

from clients import Sink
from harness import check
from ledger import ACKNOWLEDGED, REFUSED, UNKNOWN, Ledger
from model import Model
from server import DOMAIN, Server, address

INBOXES = ("alice", "bob")
IMAP_USERS = ("carol", "dave")
USERS = (*INBOXES, *IMAP_USERS, "erin", "frank")
STRANGER = "sender@elsewhere.test"
REMOTE = "friend@remote.test"
SENDERS = 3
DRAIN_LIMIT = 90


def hand_over(client, ledger, token, sender, recipients, message):
    """One transaction on an open connection; gives the code of its end."""
    if client.mail(sender)[0] != 250 or any(client.rcpt(r)[0] not in (250, 251) for r in recipients):
        client.rset()
        return 0
    client.putcmd("data")
    code, _ = client.getreply()
    if code != 354:
        return code
    ledger.tell(token, UNKNOWN)
    client.send(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
    code, _ = client.getreply()
    ledger.tell(token, ACKNOWLEDGED if code == 250 else REFUSED)
    return code


def send_one(server, ledger, rng, users, size=None, sender=STRANGER):
    """One message by port 25 on a connection of its own; gives (token, code)."""
    token, message = ledger.new(rng, sender, users, size)
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], local_hostname="sender.test", timeout=60) as client:
        client.ehlo()
        return token, hand_over(client, ledger, token, sender, [address(u) for u in users], message)


def submit_one(server, ledger, rng, user, recipients, size=None):
    """One message by port 465; recipients: our users by name, others by address."""
    token, message = ledger.new(rng, address(user), recipients, size)
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], local_hostname="[127.0.0.1]", timeout=60,
                          context=server.context) as client:
        client.login(address(user), server.passwords[user])
        full = [r if "@" in r else address(r) for r in recipients]
        return token, hand_over(client, ledger, token, address(user), full, message)


class Passwords:
    """One account whose password an administrator changes all the time."""

    def __init__(self, server, rng, user="erin"):
        self.server, self.rng, self.user = server, rng, user
        self.acked, self.tried = server.passwords.get(user), []  # tried: since then, without an answer
        self.changed = 0
        self.dark = False
        self.problems = []

    def change(self):
        self.tried.append(f"{self.rng.getrandbits(96):024x}-Quagga")
        done = self.server.run_cli("account", "password", address(self.user), "--password-stdin", text=self.tried[-1] + "\n")
        if done.returncode == 0 and not self.dark:
            self.acked, self.tried = self.tried[-1], []
            self.changed += 1
        return done

    def work(self, server, stop):
        while not stop.is_set():
            self.change()
            stop.wait(0.05)

    def audit(self):
        works = [p for p in (self.acked, *self.tried) if self.server.may_log_in(self.user, p)]
        if len(works) != 1:
            self.problems.append(f"of the acknowledged and {len(self.tried)} tried passwords {len(works)} work")
        if works:
            self.acked = works[0]
        self.tried = []


class Household:
    """A server with accounts, everyone who uses it, and the audit."""

    def __init__(self, run, folder=None, data=None, sections=None):
        self.run, self.rng = run, run.random
        self.sink = Sink(self.fresh(), refuse=0.1)
        run.at_end(self.sink.close)
        self.server = self.make_server(folder or run.folder, data, sections or {})
        run.at_end(self.server.kill)
        self.ledger, self.appended = Ledger(), Ledger()
        self.models = [Model(user, address(user), self.appended, self.fresh()) for user in IMAP_USERS]
        self.passwords = Passwords(self.server, self.fresh())
        self.last_uid = Counter()
        self.validity = {}
        self.problems = []
        self.slowest = 0.0
        self.deaths = []

    def make_server(self, folder, data, sections):
        store = {"store": 'undelete_window = "0s"\nsegment_bytes = "8MiB"\n', **sections}
        return Server(folder, data, USERS, store, smart_host=self.sink.port)

    def fresh(self):
        """Random numbers of its own for each thread, so that a seed means the same choices."""
        return type(self.rng)(self.rng.getrandbits(64))

    # ---- load

    def send(self, rng, stop):
        """Connections of one to twenty messages, until the server dies."""
        try:
            while not stop.is_set():
                with smtplib.SMTP("127.0.0.1", self.server.ports["smtp"], local_hostname="sender.test", timeout=30) as client:
                    client.ehlo()
                    for _ in range(rng.randint(1, 20)):
                        users = rng.choice((INBOXES[:1], INBOXES[1:], INBOXES))
                        token, message = self.ledger.new(rng, STRANGER, users)
                        hand_over(client, self.ledger, token, STRANGER, [address(u) for u in users], message)
                        if stop.is_set():
                            return
        except (OSError, smtplib.SMTPException):
            pass

    def submit(self, rng, stop):
        try:
            while not stop.is_set():
                submit_one(self.server, self.ledger, rng, "frank", rng.choice(((REMOTE,), (REMOTE, "alice"))), 2000)
                stop.wait(rng.uniform(0, 0.1))
        except (OSError, smtplib.SMTPException):
            pass

    def begin_load(self, with_passwords=True):
        """Starts everyone; gives (threads, event that stops them)."""
        stop = threading.Event()
        work = [(self.send, (self.fresh(), stop)) for _ in range(SENDERS)] + [(self.submit, (self.fresh(), stop))]
        work += [(model.work, (self.server, stop)) for model in self.models]
        if with_passwords:
            work.append((self.passwords.work, (self.server, stop)))
        threads = [threading.Thread(target=function, args=arguments) for function, arguments in work]
        for thread in threads:
            thread.start()
        return threads, stop

    def end_load(self, threads, stop):
        stop.set()
        for thread in threads:
            thread.join()

    # ---- life

    def set_dark(self, dark):
        """The power is off, or on again; no load may run when it goes on."""
        self.ledger.dark = self.appended.dark = self.passwords.dark = dark

    def start(self):
        self.sink.life += 1
        took = self.server.start()
        self.slowest = max(self.slowest, took)
        return took

    def kill(self):
        self.server.kill()
        self.deaths.append(self.sink.life)

    # ---- audit

    def audit(self):
        """What is new since the last one."""
        for user in INBOXES:
            self.read_inbox(user)
        for model in self.models:
            with self.server.imap(model.user) as client:
                model.audit(client)
        self.passwords.audit()

    def read_inbox(self, user):
        with self.server.imap(user) as client:
            answer = client.do("EXAMINE INBOX")
            validity = answer.numbers("UIDVALIDITY")[0]
            if self.validity.setdefault(user, validity) != validity:
                self.problems.append(f"UIDVALIDITY of {user} was {self.validity[user]}, is {validity}")
            if answer.numbers("UIDNEXT")[0] <= self.last_uid[user]:
                self.problems.append(f"UIDNEXT of {user} went back to {answer.numbers('UIDNEXT')[0]}, known {self.last_uid[user]}")
            newest = self.last_uid[user]
            for uid, stored in client.fetch_bodies(f"{newest + 1}:*"):
                if uid > newest:
                    self.last_uid[user] = max(self.last_uid[user], uid)
                    self.ledger.see(user, stored)
            if client.not_read:
                self.ledger.torn.append(f"not readable for {user}")

    def read_everything(self):
        """All again from the first message on: later damage to old mail shows here."""
        self.ledger.forget_found()
        self.last_uid = Counter()
        self.audit()
        for model in self.models:
            with self.server.imap(model.user) as client:
                client.do("ENABLE CONDSTORE")
                model.compare_octets(client, everything=True)

    def drain(self):
        """Waits until the queue has nothing left that was acknowledged."""
        ends = time.monotonic() + DRAIN_LIMIT
        while time.monotonic() < ends:
            if "queue is empty" in self.server.run_cli("queue", "list").stdout:
                return
            time.sleep(0.2)
        check(False, "the queue did not drain: " + self.server.run_cli("queue", "list").stdout[-2000:])

    def collect_remote(self):
        for recipient, message in self.sink.messages:
            self.ledger.see(recipient, message)

    def remote_surplus(self):
        """Copies after the first that was acknowledged. One more for a kill is what SMTP allows: the kill came between the other
        server's 250 and our mark. A copy without a kill in between is a fault. Gives (copies, of them those whose 250 was never
        read, faults)."""
        copies, unread, faults = 0, 0, []
        for key, lives in self.sink.lives.items():
            for number, (before, after) in enumerate(zip(lives, lives[1:]), start=1):
                copies += 1
                lost_answer = (*key, number) in self.sink.unread
                unread += lost_answer
                # Of a connection that ended with its 250 unread the sink may have heard after the next life had begun.
                if before[0] == after[0] and not lost_answer:
                    faults.append(f"{key}: twice in one life")
                elif before[0] not in self.deaths:
                    faults.append(f"{key}: again after a clean end")
        return copies, unread, faults

    def finish(self):
        """Drains, reads everything, stops cleanly, and gives the counts; raises when anything is wrong."""
        self.drain()
        self.read_everything()
        self.collect_remote()
        sums = self.ledger.sums(is_remote=lambda place: "@" in place)
        copies, unread, faults = self.remote_surplus()
        problems = self.problems + [p for m in self.models for p in m.problems] + self.passwords.problems + faults
        verified = self.verify()
        code = self.server.stop()
        done = sum((m.done for m in self.models), type(self.models[0].done)())
        told = self.ledger.totals()
        counts = {"acknowledged": told.get(ACKNOWLEDGED, 0), "refused": told.get(REFUSED, 0), "unknown": told.get(UNKNOWN, 0),
                  **sums.counts(), "imap_acknowledged": sum(n for kind, n in done.items() if "refused" not in kind),
                  "imap": dict(done), "imap_problems": len(problems), "password_changes": self.passwords.changed,
                  "remote_copies": sum(self.sink.copies.values()), "remote_surplus": copies, "remote_surplus_unread": unread, "verify": verified,
                  "slowest_start_ms": round(self.slowest * 1000)}
        check(not sums.wrong() and not problems, f"{sums.wrong()} {problems[:12]} {counts}")
        check(code == 0, f"the last server ended with code {code}")
        return counts

    def verify(self):
        """The server's own audit, where the program has one."""
        for words in (("store", "verify"), ("store", "audit")):
            if self.server.has_command(*words):
                done = self.server.run_cli(*words, timeout=600)
                check(done.returncode == 0, f"postern {' '.join(words)}: {done.stdout}")
                return "clean"
        return "no such command"
