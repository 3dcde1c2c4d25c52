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
import json
import os
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

import clients_test as clients
import lab as laboratory
from lab import ADDRESSES, NAMES, wait_for

ALICE = laboratory.LOCAL[0]
MX = NAMES["mx"]
MX_ADDRESS = ADDRESSES["mx"]
# Seconds for one run of a program: while the server is killed now and then, and at the end.
BRIEFLY = 40
PATIENCE = 600
KEPT = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted")
MAILDIR_FLAGS = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "D": "\\Draft", "T": "\\Deleted"}


def given():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=20)
    length.add_argument("--minutes", type=lambda text: 60 * float(text), dest="seconds", default=argparse.SUPPRESS)
    parser.add_argument("--arrivals", type=int, default=200)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    return parser.parse_args()


def digest(octets):
    """SHA-256 with LF as the line end, as Maildir has it, without the last line ends."""
    return hashlib.sha256(octets.replace(b"\r\n", b"\n").rstrip(b"\n")).hexdigest()


# ---- the server as it is

def connect(lab):
    client = imaplib.IMAP4_SSL(MX_ADDRESS, 993, ssl_context=lab.tls(), timeout=30)
    client.authenticate("PLAIN", lambda _: f"\0{ALICE}\0{lab.passwords[ALICE]}".encode())
    return client


def from_fetch(part):
    if not isinstance(part, tuple):
        return None
    head = part[0].decode()
    flags = re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()
    return int(re.search(r"UID (\d+)", head).group(1)), tuple(sorted(f for f in flags if f in KEPT)), digest(part[1])


# ---- the programs; each has run(), which may be called often, and held(), what it has then

class Mirror:
    """One program with a folder of its own."""
    keeps = ("flags", "digest")
    patience = BRIEFLY
    runs = 0

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.folder = lab.folder / f"run-{name}"
        self.folder.mkdir()
        self.prepare()

    def prepare(self):
        pass

    def maildir(self, folder):
        out = []
        for sub in ("new", "cur"):
            for file in (folder / sub).iterdir():
                letters = file.name.rpartition(":2,")[2] if ":2," in file.name else ""
                out.append((tuple(sorted(MAILDIR_FLAGS[c] for c in letters if c in MAILDIR_FLAGS)), digest(without_tuid(file.read_bytes()))))
        return sorted(out)


def without_tuid(octets):
    """mbsync marks what it has just stored."""
    return re.sub(rb"^X-TUID: .*\r?\n", b"", octets, count=1, flags=re.MULTILINE)


class Mbsync(Mirror):
    def prepare(self):
        (self.folder / "mail").mkdir()
        (self.folder / "rc").write_text(f"""IMAPAccount lab
Host {MX}
Port 993
User {ALICE}
Pass {self.lab.passwords[ALICE]}
SSLType IMAPS
CertificateFile {self.lab.authority.certificate}

IMAPStore remote
Account lab

MaildirStore local
Path {self.folder}/mail/
Inbox {self.folder}/mail/INBOX

Channel lab
Far :remote:INBOX
Near :local:INBOX
Create Near
Expunge Near
Sync Pull
SyncState *
""")

    def run(self):
        self.lab.run("mx", "mbsync", "-c", self.folder / "rc", "-a", env={**os.environ, "HOME": str(self.folder)}, timeout=self.patience)

    def held(self):
        return self.maildir(self.folder / "mail" / "INBOX")


class Offlineimap(Mirror):
    def prepare(self):
        (self.folder / "rc").write_text(f"""[general]
accounts = lab
metadata = {self.folder}/state
ui = quiet
[Account lab]
localrepository = local
remoterepository = remote
[Repository local]
type = Maildir
localfolders = {self.folder}/mail
[Repository remote]
type = IMAP
readonly = True
remotehost = {MX}
remoteuser = {ALICE}
remotepass = {self.lab.passwords[ALICE]}
ssl = yes
sslcacertfile = {self.lab.authority.certificate}
folderfilter = lambda name: name == "INBOX"
""")

    def run(self):
        self.lab.run("mx", "offlineimap", "-o", "-c", self.folder / "rc", timeout=self.patience)

    def held(self):
        return self.maildir(self.folder / "mail" / "INBOX")


class Imapflow(Mirror):
    keeps = ("uid", "flags", "digest")

    def run(self):
        words = (MX, "993", ALICE, self.lab.passwords[ALICE], str(self.lab.authority.certificate))
        self.lines = clients.node(self.lab, "sync.js", *words).splitlines()

    def held(self):
        # imapflow's sums are of the octets as they came; the server's are compared with LF.
        return sorted((uid, tuple(f for f in flags if f in KEPT), sha) for uid, flags, sha in map(json.loads, self.lines))


class Neomutt(Mirror):
    """Online: nothing is kept from one run to the next."""
    keeps = ("digest",)
    program, cache = "neomutt", ""

    def prepare(self):
        text = clients.neomutt_rc(self.lab, ALICE).read_text().replace('set header_cache = ""\n', "")
        for folder in ("headers", "bodies"):
            (self.folder / folder).mkdir()
        (self.folder / "rc").write_text(text + self.cache.format(folder=self.folder))

    def run(self):
        # When its connection ends it asks, and nobody answers.
        out = self.folder / "mbox"
        out.unlink(missing_ok=True)
        keys = f"<tag-pattern>~A<enter><copy-message>{out}<enter><quit>"
        words = self.lab.command("mx", self.program, "-n", "-F", self.folder / "rc", "-f", f"imaps://{MX}:993/INBOX", "-e", f"push '{keys}'")
        clients.run_on_terminal(words, {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}, limit=self.patience)

    def held(self):
        parts = (b"\n" + (self.folder / "mbox").read_bytes()).split(b"\nFrom ")[1:]
        return sorted((body_digest(part.partition(b"\n")[2]),) for part in parts)


class NeomuttCached(Neomutt):
    """With local copies of headers and bodies, which grow from run to run."""
    cache = 'set header_cache = "{folder}/headers/"\nset message_cachedir = "{folder}/bodies/"\nset message_cache_clean = yes\n'


class Mutt(Neomutt):
    program = "mutt"


class MuttCached(NeomuttCached):
    program = "mutt"


class Fetched(Mirror):
    """Programs that fetch all that is there into an empty folder, each time anew."""
    keeps = ("digest",)

    def run(self):
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        self.fetch()

    def held(self):
        return sorted((body_digest(file.read_bytes()),) for file in (self.folder / "mail" / "new").iterdir())

    def make_maildir(self):
        for sub in ("cur", "new", "tmp"):
            (self.folder / "mail" / sub).mkdir(parents=True)


class Getmail(Fetched):
    retriever, port = "", 0

    def fetch(self):
        self.make_maildir()
        (self.folder / "rc").write_text(f"""[retriever]
type = {self.retriever}
server = {MX}
port = {self.port}
username = {ALICE}
password = {self.lab.passwords[ALICE]}
ca_certs = {self.lab.authority.certificate}
[destination]
type = Maildir
path = {self.folder}/mail/
[options]
read_all = true
delete = false
delivered_to = false
received = false
""")
        for part in (self.folder, *self.folder.rglob("*")):
            shutil.chown(part, "mail", "mail")
        # As root it would start a process for each message.
        self.lab.run("mx", "setpriv", "--reuid=mail", "--regid=mail", "--clear-groups", "getmail", "--getmaildir", self.folder,
                     "--rcfile", self.folder / "rc", timeout=self.patience)


class GetmailImap(Getmail):
    retriever, port = "SimpleIMAPSSLRetriever", 993


class GetmailPop3(Getmail):
    retriever, port = "SimplePOP3SSLRetriever", 995


class Fetchmail(Fetched):
    def fetch(self):
        self.make_maildir()
        rc = self.folder / "rc"
        rc.write_text(f'poll {MX} protocol imap port 993 user "{ALICE}" password "{self.lab.passwords[ALICE]}" ssl '
                      f'sslcertfile "{self.lab.authority.certificate}" fetchall keep '
                      f'mda "cat >$(mktemp {self.folder}/mail/new/XXXXXXXXXX)"\n')
        rc.chmod(0o600)
        self.lab.run("mx", "fetchmail", "-f", rc, "--nosyslog", "--pidfile", self.folder / "pid", "--idfile", self.folder / "ids",
                     "--nosoftbounce", env={**os.environ, "FETCHMAILHOME": str(self.folder)}, timeout=self.patience)


class Curl(Fetched):
    """All messages on one connection: a config file with one URL for each."""

    def fetch(self):
        self.make_maildir()
        lines = [f'user = "{ALICE}:{self.lab.passwords[ALICE]}"\ncacert = "{self.lab.authority.certificate}"\nsilent\nfail\n']
        lines += [f'url = "imaps://{MX}:993/INBOX;UID={uid}"\noutput = "{self.folder}/mail/new/{uid}"\n' for uid in self.uids()]
        (self.folder / "rc").write_text("".join(lines))
        if len(lines) > 1:
            self.lab.run("mx", "curl", "--config", self.folder / "rc", timeout=self.patience)

    def uids(self):
        def read():
            with connect(self.lab) as client:
                client.select("INBOX", readonly=True)
                return [int(uid) for uid in client.uid("SEARCH", "ALL")[1][0].split()]
        return self.lab.inside("mx", read)


def body_digest(message):
    """These programs write header fields of their own, so only the body is compared."""
    return digest(message.replace(b"\r\n", b"\n").partition(b"\n\n")[2])


PROGRAMS = {
    "mbsync": (Mbsync, "mbsync"),
    "offlineimap": (Offlineimap, "offlineimap"),
    "imapflow": (Imapflow, "node"),
    "neomutt": (Neomutt, "neomutt"),
    "neomutt-cached": (NeomuttCached, "neomutt"),
    "mutt": (Mutt, "mutt"),
    "mutt-cached": (MuttCached, "mutt"),
    "curl": (Curl, "curl"),
    "getmail-imap": (GetmailImap, "getmail"),
    "getmail-pop3": (GetmailPop3, "getmail"),
    "fetchmail": (Fetchmail, "fetchmail"),
}


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
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired, AssertionError, OSError, imaplib.IMAP4.error, poplib.error_proto):
            failed[program.name] = failed.get(program.name, 0) + 1
            world.ended.wait(0.2)
        world.ended.wait(0.2)


def compare(program, server):
    columns = {"uid": 0, "flags": 1, "digest": 2}
    if program.keeps == ("digest",):
        wanted = sorted((one,) for one in server["bodies"])
    else:
        wanted = sorted(tuple(row[columns[name]] for name in program.keeps) for row in server[program.keeps])
    held = program.held()
    if held == wanted:
        return None
    missing, extra = [one for one in wanted if one not in held], [one for one in held if one not in wanted]
    return f"{program.name}: holds {len(held)} of {len(wanted)}; missing {missing[:3]}, not on the server {extra[:3]}"


def server_side(lab):
    """What each kind of program should hold."""
    def read():
        with connect(lab) as client:
            client.select("INBOX", readonly=True)
            return [part for part in client.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1] if isinstance(part, tuple)]
    parts = lab.inside("mx", read)
    rows = [from_fetch(part) for part in parts]
    exact = [(row[0], row[1], hashlib.sha256(part[1]).hexdigest()) for row, part in zip(rows, parts)]
    return {("flags", "digest"): rows, ("uid", "flags", "digest"): exact, "bodies": [body_digest(part[1]) for part in parts],
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
    programs = [make(lab, name) for name, (make, needed) in PROGRAMS.items() if shutil.which(needed)]
    left_out = sorted(set(PROGRAMS) - {program.name for program in programs})
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
    for program in programs:
        program.patience = PATIENCE
        program.run()
    wrong = [fault for fault in (compare(program, server) for program in programs) if fault]
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
