#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""NOTIFY (RFC 5465) and results that are kept up to date (RFC 5267) with the real program: one connection listens between
commands, two others change things, mail comes by port 25, and the server is stopped while everybody waits."""
import re
import smtplib
import socket
import sys

import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE = laboratory.LOCAL[0]
MX = ADDRESSES["mx"]
PATIENCE = 20.0  # seconds until a line must have come


class Client:
    """Lines of one connection; what does not match is an error, not skipped."""

    def __init__(self, lab, name):
        self.name, self.tags = name, 0
        raw = socket.create_connection((MX, 993), timeout=PATIENCE)
        self.socket = lab.tls().wrap_socket(raw, server_hostname=laboratory.NAMES["mx"])
        self.stream = self.socket.makefile("rb")
        self.expect(r"\* OK .*")
        self.command(f"LOGIN {ALICE} {lab.passwords[ALICE]}")

    def line(self):
        return self.stream.readline().decode().rstrip("\r\n")

    def expect(self, *patterns):
        for pattern in patterns:
            line = self.line()
            assert re.fullmatch(pattern, line), f"{self.name}: expected {pattern}, got {line}"

    def command(self, text):
        """The untagged lines of a command that must succeed."""
        self.tags += 1
        self.socket.sendall(f"t{self.tags} {text}\r\n".encode())
        lines = []
        while not (line := self.line()).startswith(f"t{self.tags} "):
            lines.append(line)
        assert line.startswith(f"t{self.tags} OK"), f"{self.name}: {text}: {line}"
        return lines


def deliver(number):
    with smtplib.SMTP(MX, 25, timeout=PATIENCE) as smtp:
        smtp.sendmail("carol@partner.test", [ALICE], f"From: carol@partner.test\r\nTo: {ALICE}\r\nSubject: news {number}\r\n\r\nhello\r\n")


def others(listener, busy):
    """Mailboxes that are not selected: names, parents, mail, flags."""
    listener.command('NOTIFY SET STATUS (mailboxes INBOX (MessageNew MessageExpunge FlagChange)) (personal (MailboxName SubscriptionChange))')
    busy.command("CREATE Work")
    listener.expect(r'\* LIST \(\\HasNoChildren\) "/" "Work"')
    busy.command("CREATE Work/Old")
    listener.expect(r'\* LIST \(\\HasNoChildren\) "/" "Work/Old"', r'\* LIST \(\\HasChildren\) "/" "Work"')
    deliver(1)
    listener.expect(r'\* STATUS "INBOX" \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 1\)')
    busy.command("SELECT INBOX")
    busy.command("STORE 1 +FLAGS.SILENT (\\Seen)")
    listener.expect(r'\* STATUS "INBOX" \(UIDVALIDITY \d+ UNSEEN 0\)')
    busy.command("COPY 1 Work")  # nobody asked for mail in Work
    busy.command("RENAME Work Job")
    listener.expect(r'\* LIST \(\\HasChildren\) "/" "Job" \("OLDNAME" \("Work"\)\)')
    print("ok   mailboxes that are not selected", flush=True)


def selected(listener, busy, third):
    """The selected mailbox, with a result that is kept up to date, changed by two others in turn."""
    listener.command("SELECT INBOX")
    listener.command("UID SEARCH RETURN (UPDATE (RFC822.SIZE) ALL) UNFLAGGED")
    listener.command("NOTIFY SET (selected (MessageNew (BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))")
    third.command("SELECT INBOX")
    deliver(2)
    listener.expect(r"\* 2 EXISTS")
    line = listener.line()
    if "RECENT" in line:
        line = listener.line()
    assert line == f'* ESEARCH (TAG "{tag_of_update(listener)}") UID ADDTO (0 2)', line
    listener.expect(r"\* 2 FETCH \(.*\{\d+\}", r"Subject: news 2", r"", r".*\)")
    third.command("NOOP")
    third.command("STORE 2 +FLAGS.SILENT (\\Flagged)")
    listener.expect(r"\* 2 FETCH \(UID 2 FLAGS \(.*\\Flagged.*\)\)", r'\* ESEARCH \(TAG ".*"\) UID REMOVEFROM \(0 2\)')
    busy.command("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    listener.expect(r"\* 1 FETCH \(UID 1 FLAGS \(.*\\Deleted.*\)\)")
    busy.command("EXPUNGE")
    listener.expect(r'\* ESEARCH \(TAG ".*"\) UID REMOVEFROM \(0 1\)', r"\* 1 EXPUNGE")
    print("ok   the selected mailbox, and a result kept up to date", flush=True)


def tag_of_update(listener):
    return f"t{listener.tags - 1}"


def body(lab):
    listener, busy, third = (Client(lab, name) for name in ("listener", "busy", "third"))
    others(listener, busy)
    selected(listener, busy, third)
    return listener


def main():
    laboratory.need("ip", "nft", "knotd")
    with laboratory.Lab(peers=False) as lab:
        lab.start_postern()
        listener = lab.inside("mx", body, lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"
        last = []
        wait_for(lambda: last.append(listener.line()) or "BYE" in last[-1], "the farewell", PATIENCE, pause=0)
        assert last[-1].startswith("* BYE Server is shutting down"), last
        print("ok   the farewell comes while it listens", flush=True)
    print("ok", flush=True)


if __name__ == "__main__":
    sys.exit(main())
