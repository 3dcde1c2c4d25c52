#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes in comes out: every octet of odd, large and international messages, in both directions (SHA-256)."""
import hashlib
import os
import smtplib

import lab as laboratory
from lab import ADDRESSES

ALICE, BOB = laboratory.LOCAL
CAROL, DAVE, JOERG = laboratory.PARTNER


def crlf(text):
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def header(token, sender, recipient, more=""):
    return (f"From: {sender}\nTo: {recipient}\nSubject: {token}\nDate: Sun, 22 Nov 2026 06:00:00 +0000\n"
            f"Message-ID: <{token}@contents.test>\nMIME-Version: 1.0\n{more}")


def messages():
    """token → message octets as sent."""
    long_line = "x" * 990
    attachment = "\n".join(os.urandom(54).hex()[:76] for _ in range(25 * 1024 * 1024 // 77))
    yield "plain", crlf(header("plain", ALICE, CAROL) + "\nOne line.\n")
    yield "dots", crlf(header("dots", ALICE, CAROL) + "\n.\n..\n.a\n...\n\n.\n")
    yield "empty-body", crlf(header("empty-body", ALICE, CAROL) + "\n")
    yield "eight-bit", crlf(header("eight-bit", ALICE, CAROL, "Content-Type: text/plain; charset=utf-8\n"
                                   "Content-Transfer-Encoding: 8bit\n") + "\nÄÖÜ ß € 漢字 🙂\n")
    yield "latin-1", header("latin-1", ALICE, CAROL, "Content-Type: text/plain; charset=iso-8859-1\n"
                            "Content-Transfer-Encoding: 8bit\n").replace("\n", "\r\n").encode() + b"\r\nGr\xfc\xdfe\r\n"
    yield "long-lines", crlf(header("long-lines", ALICE, CAROL) + f"\n{long_line}\n{long_line}\n")
    yield "folded", crlf(header("folded", ALICE, CAROL, "X-Folded: a\n b\n\tc\nX-Empty:\n") + "\nbody\n")
    yield "trailing-space", crlf(header("trailing-space", ALICE, CAROL) + "\nspace \ntab\t\n \n\n\n")
    yield "attachment-25MB", crlf(header("attachment-25MB", ALICE, CAROL, 'Content-Type: application/octet-stream; name="big.hex"\n')
                                  + "\n" + attachment + "\n")


def original_part(arrived, sent):
    """The arrived message without the trace fields that servers put in front."""
    return arrived[len(arrived) - len(sent):]


def check_same(arrived, sent, token, where):
    part = original_part(arrived, sent)
    assert hashlib.sha256(part).digest() == hashlib.sha256(sent).digest(), (
        f"{token} {where}: {len(sent)} octets sent, {len(arrived)} arrived, they differ")
    trace = arrived[:len(arrived) - len(sent)]
    assert trace.startswith(b"Return-Path:") and b"\r\nReceived: " in trace, f"{token} {where}: unusual trace fields {trace!r}"
    print(f"ok   {token} {where}: {len(sent)} octets", flush=True)


def check_both_ways(lab):
    for token, sent in messages():
        lab.submit(ALICE, [CAROL, BOB], sent)
        check_same(lab.wait_for_message(BOB, f"Subject: {token}\r\n", limit=120), sent, token, "to a local mailbox")
        check_same(lab.wait_for_message(CAROL, f"Subject: {token}\r\n", limit=120), sent, token, "to the partner")
        back = sent.replace(f"Subject: {token}".encode(), f"Subject: back-{token}".encode(), 1)
        back = back.replace(f"From: {ALICE}\r\n".encode(), f"From: {CAROL}\r\n".encode(), 1)  # nobody outside writes as alice
        lab.inside("partner", send_directly, CAROL, [ALICE], back)
        check_same(lab.wait_for_message(ALICE, f"Subject: back-{token}\r\n", limit=120), back, token, "from the partner")


def send_directly(sender, recipients, message, options=()):
    """Straight to Postern's port 25, as another mail server would."""
    with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test", timeout=120) as client:
        client.sendmail(sender, recipients, message, mail_options=options)


def check_smtputf8(lab):
    """RFC 6531: an address that only SMTPUTF8 can say, both as recipient and as sender."""
    sent = (f"From: {ALICE}\r\nTo: {JOERG}\r\nSubject: für Jörg\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            "Message-ID: <utf8@contents.test>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n").encode()
    lab.submit(ALICE, [JOERG], sent, options=["SMTPUTF8", "BODY=8BITMIME"])
    check_same(lab.wait_for_message(JOERG, "Subject: für Jörg"), sent, "smtputf8", "to the partner")
    back = sent.replace(b"Subject: f", b"Subject: zur\xc3\xbcck f").replace(f"From: {ALICE}".encode(), f"From: {JOERG}".encode())
    lab.inside("partner", send_directly, JOERG, [BOB], back, ["SMTPUTF8", "BODY=8BITMIME"])
    check_same(lab.wait_for_message(BOB, "Subject: zurück für"), back, "smtputf8", "from the partner")


def check_fifty_recipients(lab):
    people = [f"person{n}@postern.test" for n in range(50)]
    for person in people:
        out = lab.postern("account", "add", person)
        lab.passwords[person] = next(line.split()[1] for line in out.splitlines() if line.startswith("Password:"))
    sent = crlf(header("fifty", CAROL, "everybody@postern.test") + "\nto fifty people\n")
    lab.inside("partner", send_directly, CAROL, people, sent)
    for person in (people[0], people[24], people[49]):
        arrived = lab.wait_for_message(person, "Subject: fifty")
        check_same(arrived, sent, "fifty", f"to {person}")
        assert f"Delivered-To: {person}".encode() in arrived, f"{person} is not named in Delivered-To"
    counts = [len(lab.messages(person)) for person in people]
    assert counts == [1] * 50, f"messages in the fifty mailboxes: {counts}"


def check_oversize(lab):
    """A message over the limit is refused, both when SIZE says so and when it lies."""
    limit = 50 * 1024 * 1024
    big = crlf(header("too-big", CAROL, ALICE) + "\n") + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (limit // 72 + 10)

    def send_it():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test", timeout=120) as client:
            client.ehlo()
            code, _ = client.mail(CAROL, [f"SIZE={len(big)}"])
            assert code == 552, f"SIZE over the limit got {code} at MAIL"
            client.rset()
            client.mail(CAROL, ["SIZE=1000"])
            client.rcpt(ALICE)
            code, text = client.data(big)
            assert code == 552, f"a lying SIZE got {code} {text!r}"
    lab.inside("partner", send_it)
    assert not any(b"too-big" in m for m in lab.messages(ALICE)), "the refused message was stored"
    print("ok   oversize is refused", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot")
    with laboratory.Lab() as lab:
        lab.start_postern()
        check_both_ways(lab)
        check_smtputf8(lab)
        check_fifty_recipients(lab)
        check_oversize(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
