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


# Name → what is said, a line at a time; ("raw", octets) goes out without CR LF, ("group", lines) at once, each with an answer.
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
    "BDAT in two chunks": RCPT + [("raw", "BDAT 12\r\nSubject: x\r\n"), ("raw", "BDAT 9 LAST\r\n\r\nhello\r\n")],
    "BDAT with an empty last chunk": RCPT + [("raw", "BDAT 14\r\nSubject: x\r\n\r\n"), "BDAT 0 LAST"],
    "BDAT with a negative size": RCPT + ["BDAT -1 LAST"],
    "BDAT with a size of 2 to the 64": RCPT + ["BDAT 18446744073709551616 LAST"],
    "BDAT with a plus sign": RCPT + [("raw", "BDAT +12 LAST\r\nSubject: x\r\n")],
    "BDAT with zeros in front": RCPT + [("raw", "BDAT 0012 LAST\r\nSubject: x\r\n")],
    "BDAT with another word than LAST": RCPT + ["BDAT 12 FIRST"],
    "BDAT last in small letters": RCPT + [("raw", "bdat 12 last\r\nSubject: x\r\n")],
    "BDAT before MAIL": EHLO + [("raw", "BDAT 5 LAST\r\nabc\r\n")],
    "BDAT behind a refused recipient": MAIL + ["RCPT TO:<nobody.here@{domain}>", ("raw", "BDAT 5 LAST\r\nabc\r\n")],
    "RCPT behind BDAT": RCPT + [("raw", "BDAT 12\r\nSubject: x\r\n"), "RCPT TO:<{user}>"],
    "MAIL behind BDAT": RCPT + [("raw", "BDAT 12\r\nSubject: x\r\n"), "MAIL FROM:<eve@sender.test>"],
    "RSET behind BDAT": RCPT + [("raw", "BDAT 12\r\nSubject: x\r\n"), "RSET", ("raw", "BDAT 5 LAST\r\nabc\r\n")],
    "QUIT behind BDAT": RCPT + [("raw", "BDAT 12\r\nSubject: x\r\n"), "QUIT"],
    "BDAT of a line with a dot": RCPT + [("raw", "BDAT 19 LAST\r\nSubject: x\r\n\r\n.\r\na")],
    "BDAT with a bare LF": RCPT + [("raw", "BDAT 15 LAST\r\nSubject: x\r\n\na\n")],
    "BDAT that ends in CR": RCPT + [("raw", "BDAT 15 LAST\r\nSubject: x\r\n\r\n\r")],
    "BDAT with the line end cut in two": RCPT + [("raw", "BDAT 11\r\nSubject: x\r"), ("raw", "BDAT 1 LAST\r\n\n")],
    "BDAT with NUL": RCPT + [("raw", "BDAT 15 LAST\r\nSubject: x\r\n\r\n\0")],
    "a pipelined BDAT": EHLO + [("group", ["MAIL FROM:<eve@sender.test>", "RCPT TO:<{user}>", "BDAT 10 LAST\r\nSubject: x"])],
    "a command in the packet of BDAT": RCPT + [("group", ["BDAT 12 LAST\r\nSubject: x", "NOOP"])],
    "BINARYMIME with DATA": EHLO + ["MAIL FROM:<eve@sender.test> BODY=BINARYMIME", "RCPT TO:<{user}>", "DATA"],
    "commands pipelined behind DATA": RCPT + [("group", ["DATA", "Subject: x\r\n\r\nhello\r\n."])],
    "commands pipelined behind the end": data(TEXT + ".\r\n") + [("group", ["NOOP", "RSET", "NOOP"])],
    "a pipelined group with refused recipients": EHLO + [("group", [
        "MAIL FROM:<eve@sender.test>", "RCPT TO:<nobody.here@{domain}>", "RCPT TO:<no.one@{domain}>", "DATA"]), "RSET"],
    "pipelining behind DATA without recipients": MAIL + [("group", ["DATA", "RSET", "MAIL FROM:<eve@sender.test>"])],
    "pipelining behind HELO": [("group", ["HELO client.dns.test", "NOOP"])],
    "pipelining behind QUIT": EHLO + [("group", ["QUIT", "NOOP"])],
    "RCPT with an empty quoted name": MAIL + ['RCPT TO:<""@{domain}>'],
    "RCPT with a name of 65 octets": MAIL + ["RCPT TO:<" + "x" * 65 + "@{domain}>"],
    "RCPT with a domain of 256 octets": MAIL + ["RCPT TO:<pat@" + "x." * 126 + "test>"],
    "RCPT with a label of 64 octets": MAIL + ["RCPT TO:<pat@" + "x" * 64 + ".test>"],
    "RCPT with two dots": MAIL + ["RCPT TO:<pat..x@{domain}>"],
    "RCPT with a dot in front": MAIL + ["RCPT TO:<.pat@{domain}>"],
    "RCPT with a dot behind the domain": MAIL + ["RCPT TO:<{user}.>"],
    "RCPT with two at signs": MAIL + ["RCPT TO:<pat@elsewhere.test@{domain}>"],
    "RCPT with a quoted local part": MAIL + ['RCPT TO:<"nobody here"@{domain}>'],
    "RCPT with an escaped quote": MAIL + ['RCPT TO:<"no\\"body"@{domain}>'],
    "RCPT with an open quote": MAIL + ['RCPT TO:<"pat@{domain}>'],
    "RCPT with a control character": MAIL + ["RCPT TO:<pat\1x@{domain}>"],
    "RCPT with a tab in front": MAIL + ["RCPT TO:\t<{user}>"],
    "RCPT in capitals": MAIL + ["RCPT TO:<{upper}>"],
    "RCPT of the null path": MAIL + ["RCPT TO:<>"],
    "RCPT with an IPv6 literal": MAIL + ["RCPT TO:<pat@[IPv6:2001:db8::1]>"],
    "RCPT with a broken literal": MAIL + ["RCPT TO:<pat@[1.2.3]>"],
    "RCPT with text behind the bracket": MAIL + ["RCPT TO:<{user}>x"],
    "RCPT with two addresses": MAIL + ["RCPT TO:<{user}>,<{user}>"],
    "RCPT twice the same": MAIL + ["RCPT TO:<{user}>", "RCPT TO:<{user}>"],
    "MAIL with an address literal": EHLO + ["MAIL FROM:<eve@[192.0.2.1]>"],
    "MAIL with a source route": EHLO + ["MAIL FROM:<@a.test,@b.test:eve@sender.test>"],
    "MAIL without FROM": EHLO + ["MAIL <eve@sender.test>"],
    "MAIL FROM without anything": EHLO + ["MAIL FROM:"],
    "MAIL SIZE twice": EHLO + ["MAIL FROM:<eve@sender.test> SIZE=1 SIZE=2"],
    "MAIL SMTPUTF8 with a value": EHLO + ["MAIL FROM:<eve@sender.test> SMTPUTF8=yes"],
    "MAIL REQUIRETLS in clear text": EHLO + ["MAIL FROM:<eve@sender.test> REQUIRETLS"],
    "a text that ends in CR LF . CR": data(TEXT + ".\r" + "X: y\r\n.\r\n"),
    "a text that ends in CR . CR LF": data(TEXT + "\r.\r\n" + "X: y\r\n.\r\n"),
    "a text that ends in CR CR LF . CR LF": data(TEXT + "a\r\r\n.\r\n"),
    "a text that ends in CR LF NUL . CR LF": data(TEXT + "\0.\r\n" + ".\r\n"),
    "a text that ends in CR LF . NUL CR LF": data(TEXT + ".\0\r\n" + ".\r\n"),
    "a whole transaction behind LF . CR LF": data(TEXT + "\n.\r\nMAIL FROM:<eve@sender.test>\r\nRCPT TO:<{user}>\r\nDATA\r\n" + TEXT + ".\r\n"),
    "a whole transaction behind LF . LF": data(TEXT + "\n.\nMAIL FROM:<eve@sender.test>\nRCPT TO:<{user}>\nDATA\n" + TEXT + ".\r\n"),
    "a text that begins with a space": data(" folded\r\nSubject: x\r\n\r\nhello\r\n.\r\n"),
    "a dot with a space": data(TEXT + ". \r\n.\r\n"),
    "two dots": data(TEXT + "..\r\n.\r\n"),
    "a command line that ends in CR": EHLO + [("raw", "NOOP\rNOOP\r\n")],
    "a space before the command": EHLO + [" NOOP"],
    "a tab behind the command": EHLO + ["NOOP\ttext"],
    "EHLO with an address literal": ["EHLO [192.0.2.1]"],
    "EHLO with a broken literal": ["EHLO [192.0.2"],
    "EHLO of 300 octets": ["EHLO " + "a" * 300],
    "SSH": [("raw", "SSH-2.0-OpenSSH_9.2\r\n")],
    "a TLS hello in clear text": [("raw", "\x16\x03\x01\x00\x05hello\r\n")],
    "XCLIENT": EHLO + ["XCLIENT ADDR=127.0.0.1"],
    "XFORWARD": EHLO + ["XFORWARD ADDR=127.0.0.1"],
    "ATRN": EHLO + ["ATRN {domain}"],
    "DEBUG": EHLO + ["DEBUG"],
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
        lines = [text] if isinstance(text, str) else text
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
        ours = {"domain": "postern.test", "user": laboratory.LOCAL[0], "address": ADDRESSES["mx"], "upper": laboratory.LOCAL[0].upper()}
        theirs = {"domain": "partner.test", "user": laboratory.PARTNER[0], "address": ADDRESSES["partner"], "upper": laboratory.PARTNER[0].upper()}
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
