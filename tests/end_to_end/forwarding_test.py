#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forwarding: an account sends its mail on to Postfix, which sees a sender of ours (SRS) and a sealed message (ARC); a notice comes
back through us to the true sender, a forged one does not; the admin forbids it; loops end."""
import json
import re
import signal
import smtplib
import sys

import lab as laboratory
from lab import ADDRESSES, LOCAL, PARTNER, wait_for

ALICE, BOB = LOCAL
CAROL, DAVE = PARTNER[:2]


def text_of(sender, to, subject):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@partner.test>\r\n" \
           "Date: Mon, 01 Jun 2026 12:00:00 +0000\r\n\r\nhello\r\n".encode()


def from_partner(lab, sender, to, subject):
    """Straight to port 25, from the address that partner.test's SPF record names."""
    def send():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test") as client:
            return client.sendmail(sender, [to], text_of(sender or "postmaster@partner.test", to, subject))
    return lab.inside("partner", send)


def rcpt(lab, sender, to):
    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test") as client:
            client.ehlo()
            client.mail(sender)
            return client.rcpt(to)[0]
    return lab.inside("partner", talk)


def check_forward(lab):
    out = lab.postern("account", "forward", "add", ALICE, DAVE)
    assert "keeps a copy" in out, out
    from_partner(lab, CAROL, ALICE, "forwarded-1")
    copy = lab.wait_for_message(ALICE, "forwarded-1")
    assert copy.startswith(b"Return-Path: <carol@partner.test>"), copy[:200]
    sent_on = lab.wait_for_message(DAVE, "forwarded-1")
    sender = re.search(rb"Return-Path: <(SRS0=[^>]*=partner\.test=carol@postern\.test)>", sent_on)
    assert sender, sent_on.decode()
    assert b"Delivered-To: alice@postern.test" in sent_on
    assert b"\nARC-Seal: i=1; a=rsa-sha256;" in sent_on and b"cv=none" in sent_on, sent_on.decode()
    assert re.search(rb"ARC-Authentication-Results: i=1; mx\.postern\.test;\s+spf=pass", sent_on), sent_on.decode()
    print("ok   an account forwards, keeps a copy, with SRS and a seal", flush=True)
    return sender.group(1).decode()


def check_notice_back(lab, address):
    assert rcpt(lab, "", address) == 250, "a server that asks whether the sender exists"
    assert rcpt(lab, "eve@partner.test", address) == 550, "only notices take this way"
    forged = address.replace("carol", "dave")
    assert rcpt(lab, "", forged) == 550, "a forged address"
    assert rcpt(lab, "", "SRS0=aaaaaaaa=aa=partner.test=carol@postern.test") == 550
    from_partner(lab, "", address, "notice-1")
    lab.wait_for_message(CAROL, "notice-1")
    print("ok   a notice finds its way back, a forged one does not", flush=True)


def check_own_notice(lab):
    """The next server refuses: the true sender is told, by us, because SPF has proven it."""
    lab.postern("account", "forward", "add", BOB, "nobody@partner.test", "--no-copy")
    from_partner(lab, CAROL, BOB, "refused-1")
    notice = lab.wait_for_message(CAROL, "refused-1")
    assert b"Return-Path: <>" in notice and b"nobody@partner.test" in notice, notice.decode()
    assert not any(b"refused-1" in m for m in lab.messages(BOB)), "no copy was wanted"
    print("ok   a refusal is told the true sender", flush=True)


def prepare_loop(lab):
    (lab.folder / "postfix/etc/virtual").write_text(f"loop@partner.test {ALICE}\n")
    lab.run("partner", "postconf", "-c", lab.folder / "postfix/etc", "-e",
            f"virtual_alias_maps = texthash:{lab.folder}/postfix/etc/virtual")
    lab.run("partner", "postfix", "-c", lab.folder / "postfix/etc", "reload")


def check_loop(lab):
    """Postfix sends alice's forward back to alice (prepare_loop)."""
    lab.postern("account", "forward", "remove", ALICE, DAVE)
    lab.postern("account", "forward", "add", ALICE, "loop@partner.test")
    from_partner(lab, CAROL, ALICE, "loop-1")
    # Our refusal makes Postfix write a notice to alice's rewritten sender, which comes back to carol through us.
    notice = wait_for(lambda: next((m for m in lab.messages(CAROL) if b"loop-1" in m and b"5.4.6" in m), None), "the loop's end")
    assert b"Return-Path: <>" in notice
    assert sum(b"loop-1" in m for m in lab.messages(ALICE)) == 1
    lab.postern("account", "forward", "remove", ALICE, "loop@partner.test")
    print("ok   a loop ends at its second arrival", flush=True)


def check_forbidden(lab):
    lab.write_postern_config(forwarding='arc = true\nforbid_for = ["postern.test"]\n')
    lab.processes["postern"].send_signal(signal.SIGHUP)
    wait_for(lambda: json.loads(lab.postern("--json", "address", "explain", BOB))["forwards"] == [], "the new configuration")
    from_partner(lab, CAROL, BOB, "kept-1")
    lab.wait_for_message(BOB, "kept-1")
    out = lab.postern("account", "forward", "add", ALICE, DAVE, check=False)
    assert "forbid_for" in out, out
    print("ok   the admin forbids it, and nothing is lost", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot")
    with laboratory.Lab() as lab:
        lab.write_postern_config(forwarding="arc = true\n")
        lab.publish('partner TXT "v=spf1 ip4:10.77.0.3 -all"')
        prepare_loop(lab)
        key = json.loads(lab.postern("--json", "dkim", "create", "postern.test"))
        lab.postern("dkim", "use", "postern.test", key["selector"])
        lab.start_postern()
        address = check_forward(lab)
        check_notice_back(lab, address)
        check_own_notice(lab)
        check_loop(lab)
        check_forbidden(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


if __name__ == "__main__":
    sys.exit(main())
