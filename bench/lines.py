# SPDX-License-Identifier: Apache-2.0
"""The lines of the comparison: what is done to a server, what is counted, and which ratio is our goal.

Every measure takes (bench, server) and gives a number; bench.load() runs postern_load. `better` says whether more or less is
better; `goal` is the ratio of Postern to the peer that we want (for `less`: peer / Postern), or an absolute bound.
"""
import json
import socket
import subprocess
from dataclasses import dataclass
from typing import Callable

import servers

# Accounts behind those of the delivery lines.
BIG = 0       # a large INBOX
SMALL = 1     # APPEND, POP3
NOTIFIED = 2  # new mail while somebody looks
HUGE = 3      # ten times the large INBOX
FOLDERS = 4   # a hundred folders
MAILDROPS = 5  # the first of ten, for ten POP3 sessions at a time
CLIENTS = MAILDROPS + 10  # the first of ten, for clients at mixed work
LARGE_ACCOUNTS = CLIENTS + 10
APPENDED = 200
IDLE_SESSIONS = 400
CROWD = 10000
FOLDER_COUNT = 100
MAILDROP = 1000


@dataclass
class Line:
    name: str
    text: str
    unit: str
    better: str  # "more" or "less"
    goal: float
    measure: Callable
    bound: bool = False  # goal is a bound of Postern's own value, not a ratio
    once: bool = False   # later runs would find what the first one left in caches
    extra: bool = False  # takes minutes or memory: only when named, or with --all


class Bench:
    """Runs postern_load and remembers how many messages each mailbox should hold."""

    def __init__(self, program, scale, accounts):
        self.program = program
        self.scale = scale  # 1 for a full run, less for a quick one
        self.accounts = accounts  # of the delivery lines; three more hold the large mailboxes
        self.held = {}
        self.extra = {}  # (server name, line) → what else is worth knowing

    def size(self, full):
        """A number of units, scaled and divisible by the accounts."""
        return max(self.accounts, int(full * self.scale) // self.accounts * self.accounts)

    def start(self, *words, **options):
        return subprocess.Popen([str(self.program), *map(str, words)], stdout=subprocess.PIPE, text=True, **options)

    def load(self, *words):
        done = subprocess.run([str(self.program), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        result = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
        if done.returncode != 0 or result.get("errors"):
            raise RuntimeError(f"postern_load {words[0]}: {done.stderr.strip()[:400]} {result}")
        return result

    def login(self, server, users=None):
        """The options that name accounts and their password."""
        return ["--user", f"u%d@{servers.DOMAIN}", "--users", users or self.accounts, "--password", servers.PASSWORD]

    def warm(self, server):
        """One login of every account: a password that was proven lately is not checked the slow way again."""
        self.load("login", "--port", server.ports["imaps"], *self.login(server), "--connections", 2, "--logins", self.accounts)

    def deliver(self, server, messages, *words, port="smtp"):
        """Sends and waits until every mailbox shows it; gives delivered messages a second."""
        self.warm(server)
        each = self.held.get(server.name, 0) + messages // self.accounts
        count = self.start("count", "--port", server.ports["imaps"], "--each", each, "--wait", *self.login(server), stdin=subprocess.PIPE)
        if count.stdout.readline().strip() != "ready":
            raise RuntimeError("postern_load count did not log in")
        cpu = server.cpu_seconds()
        sent = self.load("smtp", "--port", server.ports[port], "--messages", messages, "--rcpts", self.accounts, *words)
        self.held[server.name] = each
        said, _ = count.communicate("go\n")
        if count.returncode != 0:
            raise RuntimeError(f"postern_load count: {said}")
        seen = json.loads(said.splitlines()[-1])
        seconds = (seen["finished_ns"] - sent["started_ns"]) / 1e9
        self.note(server, accepted=sent["rate"], p99_ms=sent["p99_ms"], generator_cpu=sent["generator_cpu"],
                  cpu_ms=round((server.cpu_seconds() - cpu) * 1000 / messages, 3))
        return messages / seconds

    def note(self, server, **facts):
        self.extra[server.name] = facts


def delivery(messages, connections, per_connection, *words):
    def measure(bench, server):
        return bench.deliver(server, bench.size(messages), "--connections", connections, "--per-connection", per_connection, *words)
    return measure


def signed(bench, server):
    return delivery(4000, 20, 1, "--sign", server.folder.parent / "dns" / servers.SIGNING_KEY)(bench, server)


def submission(messages, per_connection):
    def measure(bench, server):
        # The sender must be one's own address; all accounts take part, since each may send only so much.
        words = ["--starttls", "--connections", 20, "--per-connection", per_connection, "--from", f"u%d@{servers.DOMAIN}",
                 *bench.login(server)]
        return bench.deliver(server, bench.size(messages), *words, port="submission")
    return measure


def login(bench, server):
    words = ["login", "--port", server.ports["imaps"], *bench.login(server)]
    bench.warm(server)
    cpu, logins = server.cpu_seconds(), bench.size(2000)
    result = bench.load(*words, "--connections", 20, "--logins", logins)
    bench.note(server, cpu_ms=round((server.cpu_seconds() - cpu) * 1000 / logins, 3), p99_ms=result["p99_ms"],
               generator_cpu=result["generator_cpu"])
    return result["rate"]


def relay(bench, server):
    messages = bench.size(5000)
    sink = bench.start("sink", "--port", servers.SINK_PORT, "--messages", messages)
    sink.stdout.readline()
    cpu = server.cpu_seconds()
    try:
        sent = bench.load("smtp", "--port", server.ports["relay"], "--messages", messages, "--per-connection", 100,
                          "--from", f"u0@{servers.DOMAIN}", "--rcpt", "someone%d@elsewhere.test", "--rcpts", 1000)
        got = json.loads(sink.communicate(timeout=120)[0].splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise RuntimeError("the sink did not get everything in 120 s") from None
    finally:
        sink.kill()
        sink.wait()
    bench.note(server, accepted=sent["rate"], cpu_ms=round((server.cpu_seconds() - cpu) * 1000 / messages, 3))
    return messages / ((got["finished_ns"] - sent["started_ns"]) / 1e9)


def first_field(reader, writer):
    """Takes one message of one SMTP client; gives its first line."""
    def say(text):
        writer.write(text + b"\r\n")
        writer.flush()
    say(b"220 sink")
    first = None
    while line := reader.readline():
        word = line[:4].upper()
        say(b"354 go on" if word == b"DATA" else b"250 ok")
        if word == b"DATA":
            first = reader.readline()
            while reader.readline() not in (b".\r\n", b""):
                pass
            say(b"250 ok")
        if word == b"QUIT" or first:
            break
    return first


def check_signature(bench, server):
    """One message whose copy is looked at, so that nobody's figure is one of mail without a signature."""
    with socket.create_server((servers.HOST, servers.SINK_PORT)) as listener:
        listener.settimeout(60)
        bench.load("smtp", "--port", server.ports["relay"], "--messages", 1, "--from", f"u0@{servers.DOMAIN}", "--rcpt",
                   "someone@elsewhere.test")
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            first = first_field(stream, stream)
    if b"DKIM-Signature" not in (first or b""):
        raise RuntimeError(f"not signed: {first!r}")


def relay_signed(bench, server):
    with server.signing():
        check_signature(bench, server)
        return relay(bench, server)


def idle(bench, server):
    """What a session adds, over the second half of them: the first ones also pay for what all share."""
    server.stop()
    server.launch()
    bench.warm(server)
    few = hold_idle(bench, server, IDLE_SESSIONS // 2)
    many = hold_idle(bench, server, IDLE_SESSIONS)
    return (many - few) / (IDLE_SESSIONS / 2)


def hold_idle(bench, server, sessions):
    """PSS in KiB while so many sessions are in IDLE."""
    program = bench.start("idle", "--port", server.ports["imaps"], "--connections", sessions, *bench.login(server),
                          stdin=subprocess.PIPE)
    ready = program.stdout.readline().strip()
    held = server.pss_kib()
    program.communicate("\n")
    if ready != f"ready {sessions}":
        raise RuntimeError(f"only {ready} sessions")
    return held


def rest(bench, server):
    server.stop()
    server.launch()
    bench.load("login", "--port", server.ports["imaps"], *bench.login(server), "--connections", 1, "--logins", 1)
    return server.pss_kib() / 1024


def crowd(sessions, figure):
    """Milliseconds until all of many sessions on one mailbox are told of a message."""
    def measure(bench, server):
        user = f"u{bench.accounts + NOTIFIED}@{servers.DOMAIN}"
        result = bench.load("crowd", "--port", server.ports["imaps"], "--smtp-port", server.ports["smtp"], "--user", user,
                            "--password", servers.PASSWORD, "--connections", sessions, "--messages", 20)
        bench.note(server, p50_ms=result["p50_ms"], p99_ms=result["p99_ms"], max_ms=result["max_ms"])
        return result[figure]
    return measure


def idle_crowd(bench, server):
    """KiB of each of 10,000 idle sessions, kernel excluded."""
    server.stop()
    server.launch()
    bench.warm(server)
    few = hold_idle(bench, server, IDLE_SESSIONS)
    many = hold_idle(bench, server, CROWD)
    return (many - few) / (CROWD - IDLE_SESSIONS)


def notify(bench, server):
    user = f"u{bench.accounts + NOTIFIED}@{servers.DOMAIN}"
    result = bench.load("notify", "--port", server.ports["imaps"], "--smtp-port", server.ports["smtp"], "--user", user,
                        "--password", servers.PASSWORD, "--messages", 50)
    bench.note(server, p99_ms=result["p99_ms"])
    return result["p50_ms"]


def imap(bench, server, *words, account=BIG):
    return bench.load("imap", "--port", server.ports["imaps"], "--user", f"u{bench.accounts + account}@{servers.DOMAIN}",
                      "--password", servers.PASSWORD, *words)


def once(bench, server, what):
    """True the first time only: mailboxes are filled once for each server."""
    done = bench.extra.setdefault("filled", set())
    fresh = (server.name, what) not in done
    done.add((server.name, what))
    return fresh


def fill(bench, server, account=BIG):
    """The large mailbox, or the huge one."""
    if once(bench, server, account):
        imap(bench, server, "--fill", bench.size(10000 if account == BIG else 100000), "--size", 5000, "--mime", account=account)


def timed(command, repeat=5, cold=False, account=BIG):
    """Milliseconds of one command on a large mailbox."""
    def measure(bench, server):
        fill(bench, server, account)
        if cold:
            server.restart_cold()
        result = imap(bench, server, "--repeat", 1 if cold else repeat, "--step", f"it={command}", account=account)["it"]
        if not result["status"].startswith("OK"):
            raise RuntimeError(result["status"])
        bench.note(server, octets=result["octets"])
        return result["ms"]
    return measure


def flagged(bench, server):
    """Milliseconds of STORE on the large mailbox with nothing else going on; the mean of setting and taking away."""
    fill(bench, server)
    steps = ["set=STORE 1:* +FLAGS.SILENT (\\Flagged)", "clear=STORE 1:* -FLAGS.SILENT (\\Flagged)"]
    result = imap(bench, server, *[word for step in steps * 3 for word in ("--step", step)])
    return (result["set"]["ms"] + result["clear"]["ms"]) / 2


def status(bench, server):
    """Milliseconds of LIST with STATUS of a hundred folders with twenty messages each."""
    names = [f"Folder{number}" for number in range(FOLDER_COUNT)]
    if once(bench, server, FOLDERS):
        imap(bench, server, "--fill", 20, account=FOLDERS)
        steps = [step for name in names for step in (f"c=CREATE {name}", f"c=COPY 1:* {name}")]
        imap(bench, server, *[word for step in steps for word in ("--step", step)], account=FOLDERS)
    command = 'it=LIST "" Folder% RETURN (STATUS (MESSAGES UIDNEXT UNSEEN))'
    result = imap(bench, server, "--repeat", 5, "--step", command, account=FOLDERS)["it"]
    if not result["status"].startswith("OK"):
        raise RuntimeError(result["status"])
    return result["ms"]


def changed(name):
    """Milliseconds of one command that changes the large mailbox, which is put back afterwards."""
    def measure(bench, server):
        fill(bench, server)
        # Kept in the order in which they are run; the second mailbox is gone at the end.
        steps = ["create=CREATE Second", "copy=COPY 1:* Second", "select=SELECT Second", "store=STORE 1:* +FLAGS.SILENT (\\Deleted)",
                 "expunge=EXPUNGE", "back=SELECT INBOX", "move=MOVE 1:* Second", "select2=SELECT Second", "return=MOVE 1:* INBOX",
                 "last=SELECT INBOX", "delete=DELETE Second"]
        result = imap(bench, server, *[word for step in steps for word in ("--step", step)])
        refused = [step for step, outcome in result.items() if not outcome["status"].startswith("OK")]
        if refused:
            raise RuntimeError(f"refused: {refused[0]}: {result[refused[0]]['status']}")
        return result[name]["ms"]
    return measure


def appended(step):
    def measure(bench, server):
        result = imap(bench, server, "--step", f"it=!{step} {APPENDED}", account=SMALL)
        return APPENDED / (result["it"]["ms"] / 1000)
    return measure


def pop(depth, connections=1):
    """Messages a second of whole maildrops of a thousand messages."""
    def measure(bench, server):
        for account in range(MAILDROPS, MAILDROPS + connections):
            if once(bench, server, account):
                imap(bench, server, "--fill", MAILDROP, account=account)
        return bench.load("pop", "--port", server.ports["pop3s"], "--user", f"u%d@{servers.DOMAIN}", "--first",
                          bench.accounts + MAILDROPS, "--connections", connections, "--password", servers.PASSWORD,
                          "--depth", depth)["rate"]
    return measure


def mixed(bench, server):
    """Commands a second of fifty sessions on ten mailboxes of a hundred messages."""
    accounts = range(CLIENTS, LARGE_ACCOUNTS)
    for account in accounts:
        if once(bench, server, account):
            imap(bench, server, "--fill", 100, account=account)
    cpu = server.cpu_seconds()
    result = bench.load("mixed", "--port", server.ports["imaps"], "--user", f"u%d@{servers.DOMAIN}", "--first",
                        bench.accounts + CLIENTS, "--users", len(accounts), "--password", servers.PASSWORD, "--connections", 50,
                        "--commands", bench.size(20000))
    bench.note(server, p50_ms=result["p50_ms"], p99_ms=result["p99_ms"], generator_cpu=result["generator_cpu"],
               cpu_ms=round((server.cpu_seconds() - cpu) * 1000 / result["count"], 3))
    return result["rate"]


ENVELOPE = "FETCH 1:* (UID ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)"
HEADERS = ("FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority "
           "References Newsgroups In-Reply-To Content-Type Reply-To)])")
ABSENT = "qzxjvkwy"  # no message holds it: the whole text is looked at

LINES = [
    Line("smtp20", "SMTP in, 10 KiB, 20 connections, 1 message each", "delivered/s", "more", 8, delivery(4000, 20, 1)),
    Line("smtp20signed", "the same, DKIM-signed; Postern checks SPF, DKIM and DMARC, the peer nothing", "delivered/s", "more", 4, signed),
    Line("smtp20tls", "the same with STARTTLS", "delivered/s", "more", 5, delivery(2000, 20, 1, "--starttls")),
    Line("smtp20x100", "20 connections, 100 messages each", "delivered/s", "more", 10, delivery(6000, 20, 100)),
    Line("smtp1", "1 connection, 100 messages", "delivered/s", "more", 4, delivery(1000, 1, 100)),
    Line("smtp100", "100 connections, 1 message each", "delivered/s", "more", 10, delivery(4000, 100, 1)),
    Line("smtp1k", "20 connections, 1 KiB", "delivered/s", "more", 8, delivery(4000, 20, 1, "--size", 1024)),
    Line("smtp100k", "20 connections, 100 KiB", "delivered/s", "more", 6, delivery(1000, 20, 1, "--size", 102400)),
    Line("submit", "submission, STARTTLS + AUTH each time", "delivered/s", "more", 5, submission(1000, 1)),
    Line("submitx100", "submission, connection reused", "delivered/s", "more", 8, submission(4000, 100)),
    Line("login", "IMAPS connect, LOGIN, LOGOUT, accounts warm", "logins/s", "more", 2.5, login),
    Line("relay", "relay to a sink", "messages/s", "more", 3, relay),
    Line("relaysigned", "the same, DKIM-signed with RSA-2048; the peer by OpenDKIM", "messages/s", "more", 2, relay_signed),
    Line("idle", "an idle TLS session in IDLE", "KiB", "less", 40, idle, bound=True),
    Line("rest", "server at rest after one login, PSS", "MiB", "less", 40, rest, bound=True),
    Line("notify", "new mail to EXISTS, median", "ms", "less", 5, notify, bound=True),
    Line("crowd100", "new mail to EXISTS, 100 sessions, 99 %", "ms", "less", 50, crowd(100, "p99_ms"), bound=True),
    Line("crowd10k", "new mail to EXISTS, the last of 10,000 sessions", "ms", "less", 500, crowd(CROWD, "max_ms"), bound=True,
         extra=True),
    Line("idle10k", "each of 10,000 idle TLS sessions in IDLE", "KiB", "less", 40, idle_crowd, bound=True, extra=True),
    Line("first", "10,000 messages: ENVELOPE BODYSTRUCTURE, first time", "ms", "less", 10, timed(ENVELOPE, repeat=1), once=True),
    Line("sort", "SORT by subject, first time", "ms", "less", 3, timed("SORT (SUBJECT) UTF-8 ALL", repeat=1), once=True),
    Line("thread", "THREAD by references, first time", "ms", "less", 3, timed("THREAD REFERENCES UTF-8 ALL", repeat=1), once=True),
    Line("flags", "10,000 messages: UID FLAGS", "ms", "less", 3, timed("FETCH 1:* (UID FLAGS)")),
    Line("envelope", "ENVELOPE BODYSTRUCTURE INTERNALDATE SIZE, warm", "ms", "less", 4, timed(ENVELOPE)),
    Line("headers", "header fields as Thunderbird asks, warm", "ms", "less", 3, timed(HEADERS)),
    Line("bodies", "2,000 whole messages", "ms", "less", 2, timed("FETCH 1:2000 (BODY.PEEK[])")),
    Line("subject", "SEARCH SUBJECT", "ms", "less", 3, timed(f"SEARCH SUBJECT {ABSENT}")),
    Line("body", "SEARCH BODY", "ms", "less", 6, timed(f"SEARCH BODY {ABSENT}", repeat=3)),
    Line("text", "SEARCH TEXT", "ms", "less", 6, timed(f"SEARCH TEXT {ABSENT}", repeat=3)),
    Line("store", "STORE of a flag on 10,000", "ms", "less", 1, flagged),
    Line("storecopy", "the same right after a COPY of all", "ms", "less", 1, changed("store")),
    Line("copy", "COPY 10,000", "ms", "less", 5, changed("copy")),
    Line("move", "MOVE 10,000", "ms", "less", 5, changed("move")),
    Line("expunge", "EXPUNGE 10,000", "ms", "less", 3, changed("expunge")),
    Line("append", "APPEND 10 KiB, one by one", "messages/s", "more", 3, appended("append")),
    Line("multiappend", "MULTIAPPEND of 200", "messages/s", "more", 4, appended("multiappend")),
    Line("status", "STATUS of 100 folders", "ms", "less", 3, status),
    Line("mixed", "mixed work of 50 sessions", "commands/s", "more", 3, mixed),
    Line("pop", "POP3S drain, one by one", "messages/s", "more", 2, pop(1)),
    Line("pop10", "POP3S drain, ten accounts at a time", "messages/s", "more", 2, pop(1, connections=10)),
    Line("popx10", "POP3S drain, pipelined", "messages/s", "more", 2, pop(10)),
    Line("cold", "ENVELOPE BODYSTRUCTURE, cold", "ms", "less", 10, timed(ENVELOPE, cold=True)),
    Line("coldheaders", "header fields, cold", "ms", "less", 10, timed(HEADERS, cold=True)),
    Line("flags100k", "100,000 messages: UID FLAGS", "ms", "less", 3, timed("FETCH 1:* (UID FLAGS)", account=HUGE), extra=True),
    Line("envelope100k", "100,000: ENVELOPE BODYSTRUCTURE, warm", "ms", "less", 4, timed(ENVELOPE, repeat=3, account=HUGE), extra=True),
    Line("headers100k", "100,000: header fields, warm", "ms", "less", 3, timed(HEADERS, repeat=3, account=HUGE), extra=True),
    Line("subject100k", "100,000: SEARCH SUBJECT", "ms", "less", 3, timed(f"SEARCH SUBJECT {ABSENT}", repeat=3, account=HUGE), extra=True),
    Line("body100k", "100,000: SEARCH BODY", "ms", "less", 6, timed(f"SEARCH BODY {ABSENT}", repeat=1, account=HUGE), extra=True),
    Line("cold100k", "100,000: ENVELOPE BODYSTRUCTURE, cold", "ms", "less", 10, timed(ENVELOPE, cold=True, account=HUGE), extra=True),
]
