#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real mail programs read one account while mail arrives, flags change, messages go, and the server is killed with SIGKILL. When
it is over, each program catches up once more, and what it holds is compared with the server: the set of (UID, flags, SHA-256) for
those that keep UIDs and flags, of (flags, SHA-256) for Maildir mirrors, of SHA-256 for programs that only fetch.

Without arguments some twenty seconds; --minutes 20 --arrivals 10000 --kills 3 is the long run. --seed N repeats a run.
A program may fail while the server is away or stopped in the middle of its run; afterwards it must succeed."""
import argparse
import contextlib
import hashlib
import imaplib
import poplib
import random
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import threading
import time

import lab as laboratory
from lab import NAMES
from marionette import Failure
from mirrors import ALICE, MX_ADDRESS, PROGRAMS, body_digest, connect, from_fetch

def given():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=20)
    length.add_argument("--minutes", type=lambda text: 60 * float(text), dest="seconds", default=argparse.SUPPRESS)
    parser.add_argument("--arrivals", type=int, default=200)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--programs", type=lambda text: text.split(","), default=list(PROGRAMS), help="names with commas between them")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    return parser.parse_args()


# ---- what happens meanwhile

def arrival_number(message):
    return int(re.search(rb"^Subject: arrival (\d+)", message, re.MULTILINE).group(1))


class World:
    """Arrivals, changes by another client, and kills. Everything that may fail while the server is away is tried again."""

    def __init__(self, lab, options):
        self.lab, self.options = lab, options
        self.random = random.Random(options.seed)
        self.acknowledged = []  # numbers of the messages that got a 250
        self.uncertain = 0  # times that no answer came; the message may be there twice, once of each try
        self.removed = set()  # numbers of the messages that our own client was about to remove
        self.kills = 0
        self.ended = threading.Event()
        self.faults = []

    def arrivals(self):
        pause = self.options.seconds / self.options.arrivals
        for number in range(self.options.arrivals):
            began = time.monotonic()
            while not self.ended.is_set() and not self.deliver(number):
                time.sleep(0.1)
            if self.ended.wait(max(0.0, pause - (time.monotonic() - began))):
                return

    def deliver(self, number):
        size = self.random.choice((100, 1000, 5000, 40000))
        text = "".join(f"{self.random.getrandbits(240):060x}\r\n" for _ in range(size // 62 + 1))
        message = f"From: carol@partner.test\r\nTo: {ALICE}\r\nSubject: arrival {number}\r\nMessage-ID: <a{number}@partner.test>\r\n\r\n{text}"
        with contextlib.suppress(OSError, smtplib.SMTPException):
            with smtplib.SMTP(MX_ADDRESS, 25, timeout=10) as smtp:
                smtp.sendmail("carol@partner.test", [ALICE], message.encode())
                self.acknowledged.append(number)
                return True
        self.uncertain += 1
        return False

    def changes(self):
        while not self.ended.wait(0.3):
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                with connect(self.lab) as client:
                    self.change(client)

    def change(self, client):
        client.select("INBOX")
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        for _ in range(10):
            if len(uids) < 5 or self.ended.wait(0.05):
                return
            uid = self.random.choice(uids).decode()
            flag = self.random.choice(("\\Seen", "\\Flagged", "\\Answered"))
            client.uid("STORE", uid, self.random.choice(("+FLAGS", "-FLAGS")), f"({flag})")
        gone = self.random.choice(uids).decode()
        subject = client.uid("FETCH", gone, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
        if not isinstance(subject, tuple):
            return
        self.removed.add(arrival_number(subject[1]))
        client.uid("STORE", gone, "+FLAGS", "(\\Deleted)")
        client.uid("EXPUNGE", gone)

    def kill_now_and_then(self):
        for number in range(self.options.kills):
            if self.ended.wait(self.options.seconds / (self.options.kills + 1)):
                return
            self.lab.stop("postern", signal.SIGKILL)
            self.lab.start_postern()
            self.kills = number + 1

    def guarded(self, work):
        def run():
            try:
                work()
            except Exception as error:
                self.faults.append(f"{work.__name__}: {error!r}")
        return run


def keep_running(program, world, failed):
    """Runs the program again and again; it may fail while the server is killed."""
    while not world.ended.is_set():
        try:
            program.run()
            program.runs += 1
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, AssertionError, OSError, imaplib.IMAP4.error, poplib.error_proto,
                Failure):
            failed[program.name] = failed.get(program.name, 0) + 1
            world.ended.wait(0.2)
        world.ended.wait(0.2)


def compare(program, server):
    columns = {"uid": 0, "flags": 1, "digest": 2, "text": 2}
    if program.keeps == ("digest",):
        wanted = sorted((one,) for one in server["bodies"])
    else:
        wanted = sorted(tuple(row[columns[name]] for name in program.keeps) for row in server[program.keeps])
    held = program.held()
    if held == wanted:
        return None
    missing, extra = [one for one in wanted if one not in held], [one for one in held if one not in wanted]
    return f"{program.name}: holds {len(held)} of {len(wanted)}; missing {missing[:3]}, not on the server {extra[:3]}"


def caught_up(programs, server):
    """The differences, each looked for at once: a program that goes on running soon sees what the next ones leave behind."""
    faults = []
    for program in programs:
        program.finish()
        faults.append(compare(program, server))
    return [fault for fault in faults if fault]


def server_side(lab):
    """What each kind of program should hold."""
    def read():
        with connect(lab) as client:
            client.select("INBOX", readonly=True)
            return [part for part in client.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1] if isinstance(part, tuple)]
    parts = lab.inside("mx", read)
    rows = [from_fetch(part) for part in parts]
    exact = [(row[0], row[1], hashlib.sha256(part[1]).hexdigest()) for row, part in zip(rows, parts)]
    return {("flags", "digest"): rows, ("uid", "flags", "digest"): exact, ("uid", "flags", "text"): rows, "bodies": [body_digest(part[1]) for part in parts],
            "numbers": [arrival_number(part[1]) for part in parts]}


def threads_of(lab, world, programs, failed):
    inside = lambda work: lambda: lab.inside("mx", work)
    works = [inside(world.arrivals), inside(world.changes), world.kill_now_and_then]
    works += [lambda program=program: keep_running(program, world, failed) for program in programs]
    return [threading.Thread(target=world.guarded(work)) for work in works]


def nothing_lost(world, server):
    """What got a 250 is there unless our own client removed it, and nothing is there twice that was not sent twice."""
    lost = set(world.acknowledged) - world.removed - set(server["numbers"])
    assert not lost, f"lost: {sorted(lost)}"
    twice = len(server["numbers"]) - len(set(server["numbers"]))
    assert twice <= world.uncertain, f"{twice} messages are there twice, {world.uncertain} were sent without an answer"
    return len(world.removed)


def body(lab, options):
    programs = [make(lab, name) for name, (make, needed) in PROGRAMS.items() if name in options.programs and shutil.which(needed)]
    left_out = sorted(set(options.programs) - {program.name for program in programs})
    if left_out:
        print(f"not installed, left out: {' '.join(left_out)}", flush=True)
    world, failed = World(lab, options), {}
    threads = threads_of(lab, world, programs, failed)
    for thread in threads:
        thread.start()
    threads[0].join()
    threads[2].join()
    world.ended.set()
    for thread in threads:
        thread.join()
    assert not world.faults, world.faults
    assert world.kills == options.kills, world.kills
    server = server_side(lab)
    wrong = caught_up(programs, server)
    for program in programs:
        print(f"{program.name}: {program.runs} runs meanwhile, {failed.get(program.name, 0)} broken off, {len(program.held())} held", flush=True)
    print(f"{len(world.acknowledged)} arrivals, {nothing_lost(world, server)} removed, {world.kills} kills", flush=True)
    assert not wrong, "\n".join(wrong)


def main():
    options = given()
    laboratory.need("ip", "nft", "knotd", "mbsync", "neomutt", "curl", "getmail", "fetchmail", "node", "npm")
    print(f"seed {options.seed}", flush=True)
    with laboratory.Lab(peers=False) as lab:
        lab.start_postern()
        body(lab, options)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"
    print("ok", flush=True)


if __name__ == "__main__":
    sys.exit(main())
