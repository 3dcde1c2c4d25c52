#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mail that cannot go now waits and goes later; mail that can never go comes back with an explanation."""
import email
import json
import smtplib

import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE, BOB = laboratory.LOCAL
CAROL = laboratory.PARTNER[0]


def text(token, sender, recipient):
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {token}\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{token}@queue.test>\r\n\r\n{token}\r\n").encode()


def queue(lab):
    return json.loads(lab.postern("--json", "queue", "list"))["entries"]


def check_retry(lab):
    """Postfix is down: the message waits with a reason, survives our restart, arrives when Postfix is back."""
    lab.stop("postfix")
    wait_for(lambda: not lab.listening("partner", 25), "Postfix's stop")
    lab.submit(ALICE, [CAROL], text("patience", ALICE, CAROL))
    wait_for(lambda: any(r["attempts"] >= 2 for e in queue(lab) for r in e["recipients"]), "two attempts")
    reason = queue(lab)[0]["recipients"][0]["last_reply"]
    assert "refused" in reason.lower() or "connect" in reason.lower(), f"the reason is {reason!r}"
    shown = lab.postern("queue", "show", str(queue(lab)[0]["id"]))
    assert "Subject: patience" in shown, f"queue show says {shown!r}"
    assert lab.stop("postern") == 0
    lab.start_postern()
    assert len(queue(lab)) == 1, "the queue did not survive a restart"
    lab.start_postfix(None, None)
    lab.wait_for_message(CAROL, "Subject: patience")
    wait_for(lambda: not queue(lab), "the queue's end")
    print("ok   waits, survives a restart, arrives", flush=True)


def check_orders(lab):
    """hold, release and remove by the admin."""
    lab.stop("postfix")
    lab.submit(ALICE, [CAROL], text("held", ALICE, CAROL))
    lab.submit(ALICE, [CAROL], text("removed", ALICE, CAROL))
    entries = wait_for(lambda: queue(lab) if len(queue(lab)) == 2 else None, "two entries")
    lab.postern("queue", "hold", str(entries[0]["id"]))
    lab.postern("queue", "remove", str(entries[1]["id"]))
    assert [r["state"] for e in queue(lab) for r in e["recipients"]] == ["held"]
    lab.start_postfix(None, None)
    lab.postern("queue", "retry", "--domain", "partner.test")
    lab.postern("queue", "release", str(entries[0]["id"]))
    lab.wait_for_message(CAROL, "Subject: held")
    assert not any(b"Subject: removed" in m for m in lab.messages(CAROL)), "a removed message was delivered"
    refused = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "queue", "remove", check=False)
    assert refused.returncode == 1 and "say which" in refused.stdout, refused.stdout
    print("ok   hold, release, remove", flush=True)


def check_giving_up(lab):
    """fail tells the sender, redirect sends elsewhere; both choose by the text of the last reply too."""
    lab.stop("postfix")
    lab.submit(ALICE, [CAROL], text("closed", ALICE, CAROL))
    lab.submit(ALICE, ["dave@partner.test"], text("moved", ALICE, "dave@partner.test"))
    wait_for(lambda: all(r["attempts"] for e in queue(lab) for r in e["recipients"]), "an attempt for each")
    lab.postern("queue", "hold", "--all")
    wait_for(lambda: "1 recipient given up" in lab.postern("queue", "fail", "--recipient", CAROL, "--error", "refused",
                                                           "--reason", "the company has closed"), "giving up", 10, 1)
    wait_for(lambda: "1 recipient redirected" in lab.postern("queue", "redirect", "--domain", "partner.test", "--to", BOB),
             "the redirection", 10, 1)
    notice = lab.wait_for_message(ALICE, "the company has closed")
    assert b"Final-Recipient: rfc822; carol@partner.test" in notice and b"Status: 5.0.0" in notice, notice
    lab.wait_for_message(BOB, "Subject: moved")
    assert not queue(lab)
    lab.start_postfix(None, None)
    print("ok   fail, redirect", flush=True)


def check_future_release(lab):
    """RFC 4865: kept until its time, for people here and elsewhere."""
    lab.submit(ALICE, [BOB, CAROL], text("later", ALICE, BOB), options=("HOLDFOR=6",))
    waiting = queue(lab)
    assert len(waiting) == 1 and len(waiting[0]["recipients"]) == 2, waiting
    assert all(r["attempts"] == 0 and r["state"] == "waiting" for r in waiting[0]["recipients"]), waiting
    assert not any(b"Subject: later" in m for m in lab.messages(BOB)), "a held message was delivered"
    lab.wait_for_message(BOB, "Subject: later")
    lab.wait_for_message(CAROL, "Subject: later")
    wait_for(lambda: not queue(lab), "the queue's end")
    print("ok   held until its time", flush=True)


def check_suspension(lab):
    """Who wants to send too much is suspended, may read, outlives a restart, and is resumed by the admin."""
    lab.postern("account", "set", BOB, "--setting", "messages_per_hour=1")
    lab.submit(BOB, [CAROL], text("first", BOB, CAROL))

    def refused():
        try:
            lab.submit(BOB, [CAROL], text("second", BOB, CAROL))
        except smtplib.SMTPSenderRefused as error:
            return error.smtp_code == 451 and b"more than 1 messages in an hour" in error.smtp_error
        return False
    assert refused(), "the second message was taken"
    lab.wait_for_message(BOB, "Your account bob@postern.test wanted to send")
    assert lab.stop("postern") == 0
    lab.start_postern()
    assert refused(), "a restart has forgiven it"
    shown = json.loads(lab.postern("--json", "account", "suspended"))["accounts"]
    assert [one["login"] for one in shown] == [BOB], shown
    lab.postern("account", "resume", BOB)
    lab.submit(BOB, [CAROL], text("second", BOB, CAROL))
    lab.wait_for_message(CAROL, "Subject: second")
    lab.postern("account", "set", BOB, "--setting", "messages_per_hour=100")
    print("ok   suspended, told, resumed", flush=True)


def check_routes(lab):
    """[[route]] by sender and recipient: a refusal with its reason, and a certificate that must be proven; tls explain tells."""
    usual = lab.config.read_text()
    lab.config.write_text(usual + f"""
[[route]]
recipients = ["closed.test"]
via = "reject"
reason = "We do not write to closed.test"

[[route]]
senders = ["{BOB}"]
recipients = ["partner.test"]
via = "mx.partner.test:25"
tls = "verified"
""")
    lab.postern("reload")
    lab.submit(ALICE, ["x@closed.test"], text("closed-route", ALICE, "x@closed.test"))
    lab.wait_for_message(ALICE, "We do not write to closed.test")
    lab.submit(BOB, [CAROL], text("proven", BOB, CAROL))
    wait_for(lambda: any(r["attempts"] for e in queue(lab) for r in e["recipients"]), "an attempt")
    reason = queue(lab)[0]["recipients"][0]["last_reply"]
    assert "certificate" in reason or "TLS" in reason, f"the reason is {reason!r}"
    told = json.loads(lab.postern("--json", "tls", "explain", CAROL, "--from", BOB))
    assert told["way"].startswith("entry 2 of [[route]]") and told["hosts"][0]["tls"] == "verified", told
    told = json.loads(lab.postern("--json", "tls", "explain", "partner.test"))
    assert told["hosts"][0]["name"] == "mx.partner.test" and told["hosts"][0]["tls"] == "opportunistic", told
    assert "null MX" in json.loads(lab.postern("--json", "tls", "explain", "nullmx.test"))["end"]
    lab.config.write_text(usual)
    lab.postern("reload")
    lab.postern("queue", "retry", "--all")
    lab.wait_for_message(CAROL, "Subject: proven")
    print("ok   routes, tls explain", flush=True)


def bounce_about(lab, token):
    """The DSN in Alice's mailbox that speaks of this message, parsed."""
    raw = lab.wait_for_message(ALICE, token)
    bounce = email.message_from_bytes(raw)
    assert bounce.get_content_type() == "multipart/report" and bounce.get_param("report-type") == "delivery-status", raw[:2000]
    assert bounce["Return-Path"] == "<>", f"the bounce's return path is {bounce['Return-Path']}"
    assert bounce["Auto-Submitted"] == "auto-replied", "the bounce does not say that it is automatic"
    return bounce


def check_bounces(lab):
    """RFC 3464 reports for an unknown user, a null MX and a domain that does not exist."""
    cases = [("nobody@partner.test", "5.1.1", "unknown-user"), ("x@nullmx.test", "5.1.10", "null-mx"),
             ("x@does-not-exist.test", "5.1.2", "no-domain")]
    for recipient, status, token in cases:
        lab.submit(ALICE, [recipient], text(token, ALICE, recipient))
        bounce = bounce_about(lab, f"<{token}@queue.test>")
        human, report, original = bounce.get_payload()
        fields = report.get_payload()[1]
        assert fields["Action"] == "failed" and fields["Status"] == status, f"{recipient}: {fields.as_string()}"
        assert fields["Final-Recipient"].replace(" ", "") == f"rfc822;{recipient}", fields.as_string()
        assert recipient in human.get_payload(decode=True).decode(), "the text does not name the recipient"
        assert original.get_content_type() in ("message/rfc822", "text/rfc822-headers")
        print(f"ok   bounce {status} for {recipient}", flush=True)
    wait_for(lambda: not queue(lab), "the queue's end")


def check_no_backscatter(lab):
    """From outside an unknown recipient is refused in the session; nobody gets a bounce."""
    def attempt():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test") as client:
            client.ehlo()
            client.mail(CAROL)
            code, reply = client.rcpt("nobody@postern.test")
            assert code == 550 and reply.startswith(b"5.1.1"), (code, reply)
    lab.inside("partner", attempt)
    assert not queue(lab)
    print("ok   unknown recipients are refused in the session", flush=True)


def check_forward(lab):
    """An alias to an address elsewhere; and one to a local account."""
    lab.postern("alias", "add", "info@postern.test", BOB)
    lab.postern("alias", "add", "away@postern.test", CAROL)
    lab.submit(ALICE, ["info@postern.test", "away@postern.test"], text("aliases", ALICE, "info@postern.test"))
    lab.wait_for_message(BOB, "Subject: aliases")
    lab.wait_for_message(CAROL, "Subject: aliases")
    print("ok   aliases inside and outside", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot")
    with laboratory.Lab() as lab:
        lab.start_postern()
        check_retry(lab)
        check_orders(lab)
        check_giving_up(lab)
        check_future_release(lab)
        check_suspension(lab)
        check_routes(lab)
        check_bounces(lab)
        check_no_backscatter(lab)
        check_forward(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
