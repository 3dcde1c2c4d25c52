#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small organisation, with the real binary: people from a CSV file, a group with an address, an alias domain, a catch-all,
role addresses, a disabled account, rights to send, hours and protocols; and what strangers and colleagues can do with them."""
import datetime
import imaplib
import json
import smtplib
import sys

import lab as laboratory
from lab import ADDRESSES

ALICE, BOB = laboratory.LOCAL
MX = ADDRESSES["mx"]
STRANGER = "carol@partner.test"
PEOPLE = """login;name;password;aliases;groups;send_as;settings;hours
dora@postern.test;Dora Müller;;d.mueller@postern.test;staff;;;
emil@postern.test;Emil;"quiet lamps; under ""seven"" old bridges";;staff;@postern.test;login_mail=off;
fred@postern.test;Fred;;;;;;{hours}
"""


def other_day():
    """Hours that are not now: the day after tomorrow."""
    return (datetime.datetime.now() + datetime.timedelta(days=2)).strftime("%a").lower()


def rcpt(lab, recipient, sender=STRANGER):
    """What port 25 says to one recipient; the text may be any octets."""
    def ask():
        with smtplib.SMTP(MX, 25, timeout=30) as client:
            client.ehlo("mx.partner.test")
            client.docmd("MAIL", f"FROM:<{sender}>")
            client.sock.sendall(b"RCPT TO:" + (recipient if isinstance(recipient, bytes) else f"<{recipient}>".encode()) + b"\r\n")
            return client.getreply()
    code, text = lab.inside("mx", ask)
    return code, text.decode()


def send(lab, recipient, subject):
    def hand_in():
        with smtplib.SMTP(MX, 25, timeout=30) as client:
            client.ehlo("mx.partner.test")
            client.sendmail(STRANGER, [recipient], f"From: {STRANGER}\r\nSubject: {subject}\r\n\r\nHello\r\n")
    lab.inside("mx", hand_in)


def submit(lab, login, sender, author, recipient, extra=""):
    """The reply to the first thing that is refused, or to the message."""
    def hand_in():
        with smtplib.SMTP_SSL(MX, 465, timeout=60, context=lab.tls()) as client:
            client.login(login, lab.passwords[login])
            code, text = client.mail(sender)
            if code == 250:
                code, text = client.rcpt(recipient)
            if code == 250:
                code, text = client.data(f"From: {author}\r\n{extra}Subject: {author}\r\n\r\nHello\r\n")
            return code, text.decode()
    return lab.inside("mx", hand_in)


def reads(lab, login, password=None):
    def log_in():
        client = imaplib.IMAP4_SSL(MX, 993, ssl_context=lab.tls())
        try:
            client.login(login, password or lab.passwords[login])
            return client
        except imaplib.IMAP4.error as error:
            return str(error)
    return lab.inside("mx", log_in)


def tell(lab, *words):
    return json.loads(lab.postern("--json", *words))


def check_import(lab):
    lab.postern("group", "add", "staff", "--address", "staff@postern.test", "--senders", "inside")
    file = lab.folder / "people.csv"
    wrong = "login,password,quota\r\ngina@postern.test,password,lots\r\nalice@postern.test,,\r\nnobody,,\r\n"
    file.write_bytes(wrong.encode())
    told = lab.postern("account", "import", file, check=False)
    for needle in ("line 2, quota: write a size", "line 3, login: alice@postern.test exists", "line 4, login: write the whole address",
                   "nothing was changed"):
        assert needle in told, told
    file.write_text("login,password\ngina@postern.test,password123\n")
    assert "line 2, password: " in lab.postern("account", "import", file, "--apply", check=False)
    assert "gina" not in lab.postern("account", "list")
    file.write_text(PEOPLE.format(hours=other_day()))
    assert tell(lab, "account", "import", file) == {"people": 3, "passwords": 1, "hashes": 0, "generated": 2, "applied": False}
    assert "dora" not in lab.postern("account", "list")
    made = {row["login"]: row.get("password") for row in tell(lab, "account", "import", file, "--apply")["made"]}
    lab.passwords.update({login: password for login, password in made.items() if password})
    lab.passwords["emil@postern.test"] = 'quiet lamps; under "seven" old bridges'
    assert set(made) == {"dora@postern.test", "emil@postern.test", "fred@postern.test"} and made["emil@postern.test"] is None
    shown = tell(lab, "account", "show", "dora@postern.test")
    assert shown["aliases"] == ["d.mueller@postern.test"] and shown["groups"] == ["staff"] and shown["name"] == "Dora Müller"


def check_where_mail_goes(lab):
    lab.postern("domain", "add", "postern.example")
    lab.postern("domain", "set", "postern.example", "--alias-of", "postern.test")
    lab.postern("domain", "set", "postern.test", "--catch-all", BOB)
    lab.postern("account", "set", BOB, "--setting", "admin=on")
    for recipient, owner in (("D.Mueller+shop@postern.example", "dora@postern.test"), ("unheard.of@postern.test", BOB),
                             ("security@postern.example", BOB), ("Hostmaster@postern.test", BOB)):
        send(lab, recipient, f"to {recipient}")
        lab.wait_for_message(owner, f"to {recipient}")
    assert rcpt(lab, "staff@postern.test") == (550, "5.7.1 Only people of this server may write to this address")
    assert submit(lab, ALICE, ALICE, ALICE, "staff+all@postern.example")[0] == 250
    for owner in ("dora@postern.test", "emil@postern.test"):
        lab.wait_for_message(owner, f"Subject: {ALICE}")
    explained = lab.postern("address", "explain", "d.mueller+x@postern.example")
    assert 'Delivered to dora@postern.test, with the detail "x"' in explained and "an alias of postern.test" in explained, explained
    refused = tell(lab, "address", "explain", "staff@postern.test")
    assert not refused["accepted"] and refused["reply"].startswith("550 5.7.1 "), refused
    lab.postern("domain", "set", "postern.test", "--catch-all", "none")
    assert rcpt(lab, "unheard.of@postern.test")[0] == 550


def check_forms_of_recipients(lab):
    """What a stranger can write behind RCPT TO: is refused or means an address; nothing falls over."""
    long = "x" * 65
    for text, code in ((b"<DORA@POSTERN.TEST>", 250), (b'<"dora"@postern.test>', 250), (b'<"do\\ra"@postern.test>', 250),
                       (b"<dora+@postern.test>", 250), (b"<dora++a+b@postern.test>", 250), (b'<"dora+a b"@postern.test>', 250),
                       (b"<+dora@postern.test>", 550), (b"<@postern.test>", 553), (b"<dora@postern.test", 501),
                       (b"<dora@@postern.test>", 553), (b"<dora..x@postern.test>", 553), (f"<{long}@postern.test>".encode(), 553),
                       (b"<@a.example,@b.example:dora@postern.test>", 553), (b"<dora@postern.test.>", None),
                       (b"<d\xc3\xb6ra@postern.test>", 553), (b"<d\xffra@postern.test>", None), (b"<dora@xn--.test>", 553),
                       (b"<dora%postern.test@elsewhere.example>", 550), (b"<postmaster>", 250), (b"<staff@POSTERN.example>", 550),
                       (b"<\"\"@postern.test>", 553), (b"<" + b"a+" * 31 + b"@postern.test>", 550)):
        said = rcpt(lab, text)
        if code is None:
            assert 250 <= said[0] < 600, (text, said)
        else:
            assert said[0] in ((code, 501, 553) if code in (501, 553) else (code,)), (text, said)


def check_senders(lab):
    remedy = "choose one that is, or ask your postmaster"
    code, text = submit(lab, "dora@postern.test", ALICE, ALICE, BOB)
    assert code == 550 and ALICE in text and remedy in text, text
    code, text = submit(lab, "dora@postern.test", "dora@postern.test", f"Alice <{ALICE}>", BOB)
    assert code == 550 and text.startswith(f"5.7.1 From <{ALICE}>"), text
    code, text = submit(lab, "dora@postern.test", "", ALICE, BOB)
    assert code == 550 and ALICE in text, "the null sender opens no door"
    code, text = submit(lab, "dora@postern.test", "dora@postern.test", "dora@postern.test", BOB, f"Sender: {ALICE}\r\n")
    assert code == 550 and text.startswith("5.7.1 Sender <"), text
    for sender in ("d.mueller@postern.test", "Dora+list@postern.example"):
        assert submit(lab, "dora@postern.test", sender, sender, BOB)[0] == 250, sender
    assert submit(lab, "emil@postern.test", "whoever@postern.example", "whoever@postern.test", BOB)[0] == 250, "@postern.test"
    assert submit(lab, "emil@postern.test", "x@partner.test", "emil@postern.test", BOB)[0] == 550
    lab.postern("account", "grant-send-as", "dora@postern.test", ALICE)
    assert submit(lab, "dora@postern.test", ALICE, ALICE, BOB)[0] == 250
    lab.postern("account", "revoke-send-as", "dora@postern.test", ALICE)
    assert submit(lab, "dora@postern.test", ALICE, ALICE, BOB)[0] == 550


def check_access(lab):
    refused = reads(lab, "fred@postern.test")
    assert refused == reads(lab, "fred@postern.test", "a wrong password"), "it looks like a wrong password"
    rows = tell(lab, "account", "logins", "fred@postern.test", "--failed")["logins"]
    assert any(row["reason"].startswith("access rules: not at this time") for row in rows), rows
    lab.postern("account", "set", "fred@postern.test", "--hours", "any", "--protocols", "imap")
    client = reads(lab, "fred@postern.test")
    assert not isinstance(client, str), client
    try:
        submit(lab, "fred@postern.test", "fred@postern.test", "fred@postern.test", BOB)
        raise AssertionError("SMTP was not allowed")
    except smtplib.SMTPAuthenticationError as error:
        assert error.smtp_code == 535, error
    lab.postern("group", "set", "staff", "--networks", "192.0.2.0/24")
    assert isinstance(reads(lab, "dora@postern.test"), str), "the group's network"
    lab.postern("group", "set", "staff", "--networks", "any")
    assert not isinstance(reads(lab, "dora@postern.test"), str)
    lab.postern("account", "set", "fred@postern.test", "--disable", "--when-disabled", "accept")
    said = lab.inside("mx", client.readline)
    assert said.startswith(b"* BYE"), said
    assert rcpt(lab, "fred@postern.test")[0] == 250
    lab.postern("account", "set", "fred@postern.test", "--when-disabled", "refuse")
    assert rcpt(lab, "fred@postern.test") == (550, "5.2.1 Mailbox is disabled")
    assert "there is no setting" in lab.postern("account", "set", "fred@postern.test", "--setting", "colour=blue", check=False)


CHECKS = (check_import, check_where_mail_goes, check_forms_of_recipients, check_senders, check_access)


def main():
    laboratory.need("nft", "ip")
    with laboratory.Lab(peers=False) as lab:
        lab.postern_options = {"auth": "argon2_memory = \"8MiB\"\nargon2_ops = 1\n", "smtp": "greeting_delay = \"0s\"\n"}
        lab.write_postern_config()
        lab.start_postern()
        for check in CHECKS:
            check(lab)
            print(f"ok {check.__name__}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
