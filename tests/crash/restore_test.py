#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 while mailboxes are restored into the running server and new mail comes in: each mailbox is there whole or not at all,
octet for octet with its flags, the command run again finishes the work, and nothing that came meanwhile is lost.

--cycles N (12) kills, --seconds S, --seed N.
"""
import hashlib
import re
import subprocess
import time

import harness
from harness import POSTERN, check
from ledger import Ledger
from load import send_one
from server import Server, address

BOXES = {"Letters": 700, "Bills": 300, "Photos": 40}  # messages in each
SIZES = {"Letters": 2000, "Bills": 6000, "Photos": 300_000}
FLAGS = ("\\Seen", "\\Flagged", "$Label1", "")
LONGEST_LIFE = 0.18  # seconds from the start of the command to the kill


def message(rng, box, number):
    line = f"{rng.getrandbits(256):064x}\r\n"
    head = f"From: <alice@crash.test>\r\nSubject: {box} {number}\r\nMessage-ID: <{box}.{number}@crash.test>\r\n\r\n"
    return (head + line * (SIZES[box] // len(line) + 1)).encode()


def fill(client, rng):
    for box, count in BOXES.items():
        client.do(f"CREATE {box}")
        for number in range(count):
            client.do(f"APPEND {box} ({rng.choice(FLAGS)})", message(rng, box, number))


def contents(client, box):
    """{subject: (digest, flags)} of a mailbox."""
    client.do(f'EXAMINE "{box}"')
    octets = dict(client.fetch_bodies("1:*"))
    found = {}
    for line in client.do("UID FETCH 1:* (UID FLAGS)").untagged:
        if match := re.match(rb"\* \d+ FETCH \((.*)\)$", line):
            uid = int(re.search(rb"UID (\d+)", match.group(1)).group(1))
            flags = re.search(rb"FLAGS \(([^)]*)\)", match.group(1)).group(1).split()
            body = octets[uid]
            subject = re.search(rb"^Subject: (.*)\r$", body, re.M).group(1)
            check(subject not in found, f"{box} holds {subject!r} twice")
            found[subject] = (hashlib.sha256(body).digest(), frozenset(flag for flag in flags if flag != b"\\Recent"))
    return found


def names(client):
    return {match.group(1).decode() for line in client.do('LIST "" "*"').untagged if (match := re.search(rb'"?([^" ]+)"?$', line))}


class Restoring:
    def __init__(self, run):
        self.run, self.rng = run, run.random
        self.server = Server(run.folder, None, ("alice", "bob"), {"store": 'undelete_window = "0s"\nsegment_bytes = "8MiB"\n'})
        run.at_end(self.server.kill)
        self.backup = run.folder / "backup"
        self.ledger = Ledger()
        self.whole_before_the_end = self.rounds = 0

    def prepare(self):
        self.server.start()
        with self.server.imap("alice") as client:
            fill(client, self.rng)
            self.wanted = {box: contents(client, box) for box in BOXES}
        self.server.cli("backup", self.backup, "--copy")
        with self.server.imap("alice") as client:
            for box in BOXES:
                client.do(f"DELETE {box}")

    def begin(self):
        command = [POSTERN, "--config", str(self.server.config), "restore", "account", address("alice"), "--from", str(self.backup)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_in_between(self):
        command = self.begin()
        ends = time.monotonic() + self.rng.uniform(0.02, LONGEST_LIFE)  # the moment of death is what this test varies
        while time.monotonic() < ends:
            send_one(self.server, self.ledger, self.rng, ("bob",), 2000)
        self.server.kill()
        command.wait()
        self.server.start()

    def go_on(self):
        """A command that was quick enough: what it brought back goes again. A command that was killed goes on."""
        with self.server.imap("alice") as client:
            if all(box in names(client) for box in BOXES):
                self.rounds += 1
                for box in BOXES:
                    client.do(f"DELETE {box}")

    def audit(self, finished):
        with self.server.imap("alice") as client:
            there = names(client)
            for box, wanted in self.wanted.items():
                if box not in there:
                    check(not finished, f"{box} did not come back, there is {sorted(there)}")
                    continue
                check(contents(client, box) == wanted, f"{box} is not what it was")
                self.whole_before_the_end += not finished
            strangers = {name for name in there if name.startswith("Restored")}
            check(not strangers, f"restored beside: {sorted(there)}")

    def audit_mail(self):
        with self.server.imap("bob") as client:
            client.do("EXAMINE INBOX")
            for _, stored in client.fetch_bodies("1:*"):
                self.ledger.see("bob", stored)
        wrong = self.ledger.sums().wrong()
        check(not wrong, f"mail that came meanwhile: {wrong}")


def test(run):
    work = Restoring(run)
    work.prepare()
    kills = 0
    while kills < run.options.cycles and not run.out_of_time():
        work.kill_in_between()
        work.audit(finished=False)
        work.go_on()
        kills += 1
    check(work.begin().wait(timeout=120) == 0, "the command run again does not finish")
    work.audit(finished=True)
    work.audit_mail()
    verified = work.server.run_cli("store", "verify", timeout=300)
    check(verified.returncode == 0, f"postern store verify: {verified.stdout[-1500:]}")
    check(work.server.stop() == 0, "the last server did not end well")
    return {"kills": kills, "rounds": work.rounds, "whole_before_the_end": work.whole_before_the_end, **work.ledger.totals()}


harness.run("restore", test, cycles=12, seconds=60)
