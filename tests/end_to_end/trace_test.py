#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`postern trace`: one story for a message, from the connection to the reply of the other server; and the lines of the log that
fail2ban reads, with the filters of etc/fail2ban."""
import imaplib
import json
import os
import poplib
import re
import shutil
import smtplib
import subprocess
import time
from pathlib import Path

import apart
import behind
import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE, BOB = laboratory.LOCAL
FAIL2BAN = Path(__file__).resolve().parents[2] / "etc/fail2ban"
FILTERS = FAIL2BAN / "filter.d"


def send(lab, sender, recipient, subject, message_id, tls=False):
    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test", timeout=60) as client:
            if tls:
                client.starttls()
            client.ehlo()
            code, reply = client.mail(sender)
            if code == 250:
                code, reply = client.rcpt(recipient)
            if code == 250:
                text = f"From: {sender}\r\nMessage-ID: <{message_id}>\r\nSubject: {subject}\r\n\r\nhello\r\n"
                code, reply = client.data(text.encode())
            return code, reply.decode()
    return lab.inside("partner", talk)


def stories(lab, *words):
    return json.loads(lab.postern("--json", "trace", *words))["stories"]


def check_arrival(lab):
    code, reply = send(lab, "eve@partner.test", ALICE, "traced", "First.One@partner.test", tls=True)
    assert code == 250, (code, reply)
    name = reply.split()[-1]
    for word in (name, "<first.one@partner.test>", ALICE, "eve@partner.test", ADDRESSES["partner"]):
        found = [story for story in stories(lab, word) if story["message"] == name]
        assert len(found) == 1, (word, found)
    event = found[0]["events"][0]
    assert event["kind"] == "accepted" and event["mailbox"] == [ALICE] and event["door"] == "smtp", event
    assert event["tls"].startswith("TLSv1.3") and event["client"] == ADDRESSES["partner"], event
    asked = {rule["rule"]: rule["outcome"] for rule in event["rule"]}
    assert asked["reverse_name"] == "pass" and "spoofed_author" in asked and "dmarc_reject" in asked, asked
    shown = lab.postern("trace", name)
    assert f"mailbox    {ALICE}" in shown and len(shown.splitlines()) < 25, shown
    print("ok   an arrival is found by its name, Message-ID, people and client", flush=True)


def check_mailboxes(lab):
    """What alice does with the message by IMAP, and that it goes by POP3, belongs to its story."""
    _, reply = send(lab, "eve@partner.test", ALICE, "to be moved", "moved@partner.test")

    def by_imap():
        with imaplib.IMAP4_SSL(ADDRESSES["mx"], 993, ssl_context=lab.tls()) as box:
            box.login(ALICE, lab.passwords[ALICE])
            box.create("Kept")
            box.select("INBOX")
            _, (found,) = box.uid("SEARCH", "SUBJECT", '"to be moved"')
            box.uid("MOVE", found.decode(), "Kept")
            box.select("Kept")
            box.uid("MOVE", "1:*", "INBOX")

    def by_pop3():
        box = poplib.POP3_SSL(ADDRESSES["mx"], 995, context=lab.tls())
        box.user(ALICE)
        box.pass_(lab.passwords[ALICE])
        for number in range(1, box.stat()[0] + 1):
            box.dele(number)
        box.quit()

    lab.inside("mx", by_imap)
    lab.inside("mx", by_pop3)
    (story,) = stories(lab, reply.split()[-1])
    deeds = [(event["kind"], event.get("into_name"), event.get("door")) for event in story["events"][1:]]
    assert deeds == [("moved", "Kept", "imap"), ("moved", "INBOX", "imap"), ("expunged", None, "pop3")], deeds
    shown = lab.postern("trace", reply.split()[-1])
    assert f"moved      to Kept by {ALICE} (imap, " in shown and f"expunged   by {ALICE} (pop3, " in shown, shown
    print("ok   the story goes on in the mailboxes", flush=True)


def check_refusals(lab):
    assert send(lab, "eve@partner.test", "nobody@postern.test", "x", "refused@partner.test")[0] == 550
    found = stories(lab, "nobody@postern.test")
    assert found[-1]["events"][0]["kind"] == "recipient" and "5.1.1" in found[-1]["events"][0]["reply"], found
    assert send(lab, "eve@partner.test", ALICE, "x", "loop@partner.test")[0] == 250
    code, _ = send(lab, ALICE, ALICE, "x", "spoof@partner.test")
    assert code == 550
    event = stories(lab, "spoof@partner.test")[-1]["events"][0]
    assert event["kind"] == "refused" and any(rule["outcome"] == "reject" for rule in event["rule"]), event
    print("ok   refusals are traced with the rule that did it", flush=True)


def check_queue(lab):
    code, reply = send(lab, "eve@partner.test", "known@behind.test", "onward", "onward@partner.test")
    assert code == 250, (code, reply)
    def done():
        events = stories(lab, "onward@partner.test")[0]["events"]
        return events if events[-1].get("result") == "delivered" else None
    events = wait_for(done, "the message to be taken")
    assert [event["kind"] for event in events] == ["accepted", "attempt", "attempt"], events
    assert events[0]["queue"] == ["known@behind.test"], events[0]
    assert "451 4.2.0 not yet" in events[1]["reply"] and events[1]["result"] == "tried again later", events[1]
    assert "taken by behind" in events[2]["reply"], events[2]
    assert stories(lab, events[2]["queue_id"])[-1]["message"] == stories(lab, "onward@partner.test")[0]["message"]
    lab.submit(ALICE, ["nobody@behind.test"], f"From: {ALICE}\r\nMessage-ID: <bounce@x>\r\nSubject: b\r\n\r\nx\r\n")
    def told():
        found = stories(lab, "bounce@x")
        return found[0]["events"] if found and found[0]["events"][-1]["kind"] == "notice" else None
    events = wait_for(told, "the notice")
    assert events[0]["account"] == ALICE and events[0]["door"] == "submission", events[0]
    assert events[1]["result"] == "given up" and "gone away" in events[1]["reply"], events[1]
    print("ok   attempts, replies of the other side and notices belong to the story", flush=True)


def check_times(lab):
    assert stories(lab, "--since", "1h")
    assert not stories(lab, ALICE, "--until", "1h")
    failed = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "trace", check=False)
    assert failed.returncode == 2 and "--since" in failed.stdout, failed
    print("ok   times", flush=True)


def filter_lines(name):
    """The failregex lines of a filter as Python reads them; <HOST> as fail2ban has it, roughly."""
    text = (FILTERS / name).read_text()
    block = re.search(r"^failregex\s*=\s*(.*?)(?=^\w|\Z)", text, re.M | re.S).group(1)
    block = block.replace("%(before)s", re.search(r"^before = (.*)$", text, re.M).group(1))
    host = r"(?:\[?(?P<host>[0-9a-fA-F.:]+)\]?)"
    return [re.compile(line.strip().replace("<HOST>", host)) for line in block.splitlines() if line.strip()]


def hosts(lab, name):
    """Hosts that the filter finds in the log. fail2ban takes the date away first, and what it was."""
    out = []
    for line in (lab.folder / "postern.log").read_text(errors="replace").splitlines():
        rest = re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z", "", line)
        for expression in filter_lines(name):
            if found := expression.search(rest):
                out.append(found.group("host"))
    return out


def check_filters(lab):
    def wrong_login():
        import ssl
        with smtplib.SMTP_SSL(ADDRESSES["mx"], 465, context=ssl._create_unverified_context(), timeout=60) as client:
            try:
                client.login(ALICE, "a wrong password")
            except smtplib.SMTPAuthenticationError:
                pass
    before = len(hosts(lab, "postern-auth.conf"))
    lab.inside("partner", wrong_login)
    wait_for(lambda: len(hosts(lab, "postern-auth.conf")) > before, "the failed login in the log")
    assert set(hosts(lab, "postern-auth.conf")) == {ADDRESSES["partner"]}, hosts(lab, "postern-auth.conf")
    # A stranger's words must not make a line about somebody else.
    evil = 'x" ip=192.0.2.66 auth refused ip=192.0.2.66 result=wrong'
    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 25, timeout=60) as client:
            client.docmd("EHLO", "evil")
            client.docmd("MAIL", "FROM:<eve@partner.test>")
            client.docmd("RCPT", f'TO:<"{evil}"@postern.test>')
            client.docmd("RCPT", "TO:<nobody@postern.test>")
    lab.inside("partner", talk)
    time.sleep(0.3)
    for name in ("postern-auth.conf", "postern-smtp.conf"):
        assert set(hosts(lab, name)) <= {ADDRESSES["partner"]}, (name, hosts(lab, name))
    assert hosts(lab, "postern-smtp.conf"), "refused recipients are found"
    print("ok   the filters of fail2ban find who does it, and nobody else", flush=True)


def check_fail2ban(lab):
    """The real program, which must see the same hosts in a file and in the journal, and must take the jails."""
    installed = Path("/usr/bin/fail2ban-regex").exists()
    root = Path("/") if installed else apart.FOLDER
    if not (root / "usr/bin/fail2ban-regex").exists():
        print("--   fail2ban is not here (tools/deps apart)", flush=True)
        return
    environment = {**os.environ, "PYTHONPATH": str(root / "usr/lib/python3/dist-packages")}

    def run(*words):
        done = subprocess.run([apart.DEBIAN_PYTHON, *map(str, words)], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done
        return done.stdout
    log = lab.folder / "postern.log"
    for name in ("postern-auth", "postern-smtp"):
        from_file = set(run(root / "usr/bin/fail2ban-regex", "-o", "ip", log, FILTERS / f"{name}.conf").split())
        from_journal = set(run(Path(__file__).parent / "fail2ban_reads.py", FAIL2BAN, name, log).split())
        assert from_file == from_journal == {ADDRESSES["partner"]}, (name, from_file, from_journal)
    config = lab.folder / "fail2ban"
    shutil.copytree(root / "etc/fail2ban", config)
    shutil.rmtree(config / "jail.d")
    shutil.copytree(FAIL2BAN, config, dirs_exist_ok=True)
    for jail in (config / "jail.d").iterdir():
        jail.write_text(jail.read_text().replace("enabled = false", "enabled = true"))
    assert "successful" in run(root / "usr/bin/fail2ban-client", "-c", config, "-t")
    print("ok   fail2ban finds them too, in a file and in the journal, and takes the jails", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd")
    with laboratory.Lab(peers=False) as lab:
        lab.write_postern_config(gate='reject_at = 20.0\n' + behind.relay('recipients = "any"\n'))
        # It puts the first message off, takes the second try, and refuses nobody@ for good.
        behind.start(lab, '"550 5.1.1 gone away" if "<nobody@" in line else "451 4.2.0 not yet" if len(tries) == 1 else "250 ok"')
        lab.start_postern()
        check_arrival(lab)
        check_mailboxes(lab)
        check_refusals(lab)
        check_queue(lab)
        check_times(lab)
        check_filters(lab)
        check_fail2ban(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
