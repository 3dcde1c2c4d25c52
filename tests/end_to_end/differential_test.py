#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same octets to port 25 of Postern and of Debian's Postfix, from a stranger. Where the replies differ in more than their text,
the difference is listed in docs/protocols/smtp.md with its reason, and nothing is listed there that does not differ.
`--print` shows what both said."""
import re
import socket
import sys
from pathlib import Path

import lab as laboratory
from lab import ADDRESSES

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "protocols" / "smtp.md"
HEADING = "## Beside Debian's Postfix"
EHLO = ["EHLO client.dns.test"]
MAIL = EHLO + ["MAIL FROM:<eve@sender.test>"]
RCPT = MAIL + ["RCPT TO:<{user}>"]
TEXT = "Subject: x\r\n\r\nhello\r\n"


def data(text):
    """A whole transaction with this text, as it is."""
    return RCPT + ["DATA", ("raw", text)]


# Name → what is said, a line at a time; ("raw", octets) goes out without CR LF, ("group", lines) at once.
STREAMS = {
    "EHLO without a name": ["EHLO"],
    "HELO without a name": ["HELO"],
    "EHLO with a space in the name": ["EHLO a b"],
    "EHLO with an underscore": ["EHLO my_host"],
    "EHLO with octets above 127": ["EHLO m\u00fcller"],
    "MAIL before a greeting": ["MAIL FROM:<eve@sender.test>"],
    "MAIL twice": MAIL + ["MAIL FROM:<eve@sender.test>"],
    "EHLO during a transaction": MAIL + EHLO + ["RCPT TO:<{user}>"],
    "RCPT before MAIL": EHLO + ["RCPT TO:<{user}>"],
    "DATA before RCPT": MAIL + ["DATA"],
    "DATA with an argument": RCPT + ["DATA now"],
    "RCPT to nobody": MAIL + ["RCPT TO:<nobody.here@{domain}>"],
    "RCPT to nobody, then DATA": MAIL + ["RCPT TO:<nobody.here@{domain}>", "DATA"],
    "RCPT elsewhere": MAIL + ["RCPT TO:<pat@elsewhere.test>"],
    "RCPT with a percent": MAIL + ["RCPT TO:<pat%elsewhere.test@{domain}>"],
    "RCPT with a bang": MAIL + ["RCPT TO:<elsewhere.test!pat>"],
    "RCPT with a source route": MAIL + ["RCPT TO:<@{domain}:{user}>"],
    "RCPT with a quoted relay": MAIL + ['RCPT TO:<"pat@elsewhere.test"@{domain}>'],
    "RCPT at an address literal": MAIL + ["RCPT TO:<pat@[{address}]>"],
    "RCPT without a domain": MAIL + ["RCPT TO:<pat>"],
    "RCPT to Postmaster": MAIL + ["RCPT TO:<Postmaster>"],
    "RCPT without brackets": MAIL + ["RCPT TO:{user}"],
    "RCPT with a space behind the colon": MAIL + ["RCPT TO: <{user}>"],
    "RCPT with an unknown parameter": MAIL + ["RCPT TO:<{user}> X=1"],
    "RCPT NOTIFY=NEVER": MAIL + ["RCPT TO:<{user}> NOTIFY=NEVER"],
    "RCPT NOTIFY=NEVER,SUCCESS": MAIL + ["RCPT TO:<{user}> NOTIFY=NEVER,SUCCESS"],
    "RCPT with half an ORCPT": MAIL + ["RCPT TO:<{user}> ORCPT=rfc822"],
    "RCPT in UTF-8 without SMTPUTF8": MAIL + ["RCPT TO:<m\u00fcller@{domain}>"],
    "MAIL without brackets": EHLO + ["MAIL FROM:eve@sender.test"],
    "MAIL with a space behind the colon": EHLO + ["MAIL FROM: <eve@sender.test>"],
    "MAIL from nobody": EHLO + ["MAIL FROM:<>", "RCPT TO:<{user}>"],
    "MAIL without a domain": EHLO + ["MAIL FROM:<eve>"],
    "MAIL with an unclosed bracket": EHLO + ["MAIL FROM:<eve@sender.test"],
    "MAIL with a comment": EHLO + ["MAIL FROM:<eve(x)@sender.test>"],
    "MAIL SIZE=1000": EHLO + ["MAIL FROM:<eve@sender.test> SIZE=1000"],
    "MAIL SIZE too large": EHLO + ["MAIL FROM:<eve@sender.test> SIZE=99999999999"],
    "MAIL SIZE=x": EHLO + ["MAIL FROM:<eve@sender.test> SIZE=x"],
    "MAIL BODY=8BITMIME": EHLO + ["MAIL FROM:<eve@sender.test> BODY=8BITMIME"],
    "MAIL BODY=nonsense": EHLO + ["MAIL FROM:<eve@sender.test> BODY=nonsense"],
    "MAIL with an unknown parameter": EHLO + ["MAIL FROM:<eve@sender.test> X=1"],
    "MAIL with a parameter after HELO": ["HELO client.dns.test", "MAIL FROM:<eve@sender.test> SIZE=1000"],
    "MAIL RET=HDRS ENVID=a": EHLO + ["MAIL FROM:<eve@sender.test> RET=HDRS ENVID=a"],
    "MAIL RET=x": EHLO + ["MAIL FROM:<eve@sender.test> RET=x"],
    "MAIL AUTH=<>": EHLO + ["MAIL FROM:<eve@sender.test> AUTH=<>"],
    "MAIL SMTPUTF8": EHLO + ["MAIL FROM:<\u00e9ve@sender.test> SMTPUTF8"],
    "MAIL in UTF-8 without SMTPUTF8": EHLO + ["MAIL FROM:<\u00e9ve@sender.test>"],
    "MAIL in the server's own name": EHLO + ["MAIL FROM:<{user}>", "RCPT TO:<{user}>"],
    "NOOP with text": EHLO + ["NOOP text"],
    "RSET with text": EHLO + ["RSET text"],
    "QUIT with text": EHLO + ["QUIT text"],
    "VRFY of somebody": EHLO + ["VRFY {user}"],
    "VRFY of nobody": EHLO + ["VRFY nobody.here@{domain}"],
    "EXPN": EHLO + ["EXPN staff"],
    "HELP": EHLO + ["HELP"],
    "TURN": EHLO + ["TURN"],
    "ETRN": EHLO + ["ETRN {domain}"],
    "VERB": EHLO + ["VERB"],
    "an empty line": EHLO + [""],
    "an unknown command": EHLO + ["XYZZY"],
    "GET of HTTP": ["GET / HTTP/1.0"],
    "a field of HTTP": EHLO + ["Host: mail"],
    "a line of 1,000 octets": EHLO + ["NOOP " + "x" * 1000],
    "a line of 5,000 octets": EHLO + ["NOOP " + "x" * 5000],
    "a line with NUL": EHLO + ["NOOP \0"],
    "a line that ends in LF": EHLO + [("raw", "NOOP\n")],
    "AUTH": EHLO + ["AUTH PLAIN AGEAYg=="],
    "STARTTLS with text": EHLO + ["STARTTLS now"],
    "a command behind STARTTLS": EHLO + [("group", ["STARTTLS", "NOOP"])],
    "pipelining behind EHLO": [("group", ["EHLO client.dns.test", "MAIL FROM:<eve@sender.test>"])],
    "a pipelined transaction": EHLO + [("group", ["MAIL FROM:<eve@sender.test>", "RCPT TO:<{user}>", "DATA"]), ("raw", TEXT + ".\r\n")],
    "two messages": data(TEXT + ".\r\n") + ["MAIL FROM:<eve@sender.test>", "RCPT TO:<{user}>", "DATA", ("raw", TEXT + ".\r\n")],
    "a text that ends in LF . LF": data(TEXT + "\n.\n" + "X: y\r\n.\r\n"),
    "a text that ends in CR LF . LF": data(TEXT + ".\n" + "X: y\r\n.\r\n"),
    "a text that ends in LF . CR LF": data(TEXT + "\n.\r\n" + "X: y\r\n.\r\n"),
    "a text that ends in CR . CR": data(TEXT + "\r.\r" + "X: y\r\n.\r\n"),
    "a bare LF in the text": data("Subject: x\r\n\r\na\nb\r\n.\r\n"),
    "NUL in the text": data("Subject: x\r\n\r\na\0b\r\n.\r\n"),
    "a text line of 2,000 octets": data("Subject: x\r\n\r\n" + "x" * 2000 + "\r\n.\r\n"),
    "a text line of 9,000 octets": data("Subject: x\r\n\r\n" + "x" * 9000 + "\r\n.\r\n"),
    "octets above 127 in the text": data("Subject: x\r\n\r\n\u00fc\r\n.\r\n"),
    "a text without header": data("hello\r\n.\r\n"),
    "an empty text": data(".\r\n"),
    "BDAT": RCPT + [("raw", "BDAT 12 LAST\r\nSubject: x\r\n")],
    "BDAT without a size": RCPT + ["BDAT"],
    "BDAT with a size of letters": RCPT + ["BDAT x LAST"],
    "BDAT before RCPT": MAIL + [("raw", "BDAT 5 LAST\r\nabc\r\n")],
    "DATA behind BDAT": RCPT + [("raw", "BDAT 12\r\nSubject: x\r\n"), "DATA"],
}


class Wire:
    """One connection from a stranger; keeps the codes of all replies."""

    def __init__(self, address):
        self.socket = socket.create_connection((address, 25), timeout=10)
        self.file = self.socket.makefile("rwb")
        self.codes = []
        self.reply()

    def reply(self):
        """One reply; False when the connection is over."""
        while True:
            try:
                line = self.file.readline()
            except TimeoutError:
                self.codes.append("silent")
                return False
            except OSError:
                line = b""
            if not line:
                self.codes.append("closed")
                return False
            if line[3:4] != b"-":
                self.codes.append(line[:3].decode())
                return True

    def say(self, words):
        try:
            for one in words:
                self.file.write(one.encode())
            self.file.flush()
        except OSError:
            pass

    def end(self):
        """What else comes counts too, but for a proper answer to QUIT."""
        if self.codes[-1] in ("closed", "silent"):
            return self.codes
        said = len(self.codes)
        self.say(["QUIT\r\n"])
        while self.reply():
            pass
        if self.codes[said:] == ["221", "closed"]:
            del self.codes[said:]
        return self.codes


def converse(address, stream, names):
    wire = Wire(address)
    for one in stream:
        kind, text = one if isinstance(one, tuple) else ("line", one)
        lines = text if kind == "group" else [text]
        wire.say([line.format(**names) + ("" if kind == "raw" else "\r\n") for line in lines])
        if not all(wire.reply() for _ in lines):
            break
    return wire.end()


def shown(codes):
    """The codes behind the greeting, which is the same everywhere."""
    return " ".join(codes[1:])


def documented():
    """Name → (Postern's codes, Postfix' codes) of the table."""
    section = DOCUMENT.read_text(encoding="utf-8").split(HEADING, 1)[1]
    rows = re.findall(r"^\| ([^|]+?) \| `([^|]*)` \| `([^|]*)` \| ([^|]+?) \|$", section, re.M)
    assert all(reason.strip() for *_, reason in rows)
    return {name: (ours, theirs) for name, ours, theirs, _ in rows}


def main():
    laboratory.need("nft", "ip", "postfix")
    with laboratory.Lab() as lab:
        lab.start_postern()
        ours = {"domain": "postern.test", "user": laboratory.LOCAL[0], "address": ADDRESSES["mx"]}
        theirs = {"domain": "partner.test", "user": laboratory.PARTNER[0], "address": ADDRESSES["partner"]}
        found = {}
        for name, stream in STREAMS.items():
            said = [shown(lab.inside("dns", converse, address, stream, names))
                    for address, names in ((ADDRESSES["mx"], ours), (ADDRESSES["partner"], theirs))]
            if "--print" in sys.argv:
                print(f"{'  ' if said[0] == said[1] else '* '}{name}: {said[0]} / {said[1]}", flush=True)
            if said[0] != said[1]:
                found[name] = tuple(said)
        listed = documented() if HEADING in DOCUMENT.read_text(encoding="utf-8") else {}
        for name in sorted(found.keys() | listed.keys()):
            assert found.get(name) == listed.get(name), f"{name}: {found.get(name)}, documented {listed.get(name)}"
        print(f"{len(STREAMS)} streams, {len(found)} explained differences", flush=True)


if __name__ == "__main__":
    main()
