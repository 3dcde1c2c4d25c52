#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody relays (security.md D15): disguises of a foreign recipient on 25 and 587, unauthenticated, and nmap's own list."""
import re
import smtplib
import socket

import lab as laboratory
from lab import ADDRESSES

OUT = "victim@partner.test"
SENDERS = ["<>", "<someone@partner.test>", "<alice@postern.test>", "<postmaster@postern.test>", "<alice@[10.77.0.2]>", "<alice>"]
RECIPIENTS = [
    "<victim@partner.test>", "victim@partner.test", "<VICTIM@PARTNER.TEST>", "<victim@partner.test.>",
    "<victim%partner.test@postern.test>", "<victim%partner.test>", "<victim%partner.test@[10.77.0.2]>",
    "<victim@partner.test@postern.test>", '<"victim@partner.test">', '<"victim@partner.test"@postern.test>',
    '<"victim%partner.test"@postern.test>', "<partner.test!victim>", "<partner.test!victim@postern.test>",
    "<partner.test!victim@[10.77.0.2]>", "<@postern.test:victim@partner.test>", "<@[10.77.0.2]:victim@partner.test>",
    "<@postern.test,@partner.test:victim@partner.test>", "<@mx.postern.test:victim@partner.test>",
    "<victim@[10.77.0.3]>", "<victim@[IPv6:::ffff:10.77.0.3]>", "<victim@10.77.0.3>", "<victim@[127.0.0.1]>",
    '<victim@"partner.test">', "<victim@partner.test\x00@postern.test>", "<victim@partner.test\t@postern.test>",
    "<victim @partner.test>", "<victim@partner.test > <alice@postern.test>", "<alice@postern.test,victim@partner.test>",
    "<alice@postern.test>,<victim@partner.test>", "<victim@partner.test;alice@postern.test>",
    "<victim(alice@postern.test)@partner.test>", "<victim@partner.test(postern.test)>", "<victim@PARTNER.test%postern.test>",
    "<victim=partner.test@postern.test>", "<victim+alice@partner.test>", "<alice+victim@partner.test>",
    "<smtp:victim@partner.test>", "<victim/partner.test@postern.test>", "<victim#partner.test@postern.test>",
    "<victim|partner.test@postern.test>", "<|cat@postern.test>", "</etc/passwd@postern.test>", "<:include:/etc/passwd@postern.test>",
    "<victim@xn--partner-.test>", "<victim@partner。test>", "<victim＠partner.test>", "<victim@partner.test>\r",
    "<\"\"@partner.test>", "<\"@partner.test:victim\"@postern.test>", "<victim%40partner.test@postern.test>",
    "<SRS0=aaaa=bb=partner.test=victim@postern.test>", "<victim@sub.postern.test>", "<victim@postern.test.partner.test>",
    "<victim@mx.postern.test>", "<root@localhost>", "<victim@>", "<@>", "<victim>",
]


def attempt(port, sender, recipient):
    """The codes that MAIL, RCPT and (if RCPT was taken) DATA got, over a raw socket."""
    with socket.create_connection((ADDRESSES["mx"], port), timeout=30) as plain:
        stream = plain.makefile("rwb", buffering=0)

        def say(line):
            stream.write(line.encode("utf-8", "surrogateescape") + b"\r\n")
            code = b""
            while True:
                reply = stream.readline()
                if not reply:
                    return 0
                code = reply[:3]
                if reply[3:4] != b"-":
                    return int(code)
        stream.readline()
        say("EHLO mx.partner.test")
        mail = say(f"MAIL FROM:{sender}")
        rcpt = say(f"RCPT TO:{recipient}")
        data = say("DATA") if rcpt // 100 == 2 else None
        return mail, rcpt, data


def check_disguises(lab):
    tried = 0
    for port in (25, 587):
        for recipient in RECIPIENTS:
            for sender in SENDERS if recipient == RECIPIENTS[0] else SENDERS[1:2]:
                mail, rcpt, data = lab.inside("partner", attempt, port, sender, recipient)
                assert rcpt // 100 in (0, 4, 5), f"port {port}: MAIL FROM:{sender} {mail}, RCPT TO:{recipient!r} was answered {rcpt}, DATA {data}"
                tried += 1
    assert tried >= 80
    print(f"ok   {tried} attempts refused", flush=True)


def check_587_needs_login(lab):
    """Without STARTTLS nothing goes; with STARTTLS and without AUTH nothing goes either; AUTH without TLS is not offered."""
    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 587, local_hostname="client.test") as client:
            client.ehlo()
            assert not client.has_extn("auth"), "AUTH is offered without TLS"
            assert client.docmd("AUTH", "PLAIN AGFsaWNlAHg=")[0] in (502, 503, 530, 538), "AUTH without TLS is accepted"
            assert client.mail("alice@postern.test")[0] == 530, "MAIL before STARTTLS"
            client.starttls(context=lab.tls())
            client.ehlo()
            assert client.mail("alice@postern.test")[0] == 530, "MAIL before AUTH"
            assert client.rcpt(OUT)[0] in (503, 530)
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="client.test") as client:
            client.ehlo()
            assert not client.has_extn("auth"), "port 25 offers AUTH"
            client.starttls(context=lab.tls())
            client.ehlo()
            assert not client.has_extn("auth"), "port 25 offers AUTH after STARTTLS"
            assert client.docmd("AUTH", "PLAIN AGFsaWNlAHg=")[0] // 100 == 5
    lab.inside("partner", talk)
    print("ok   587 needs STARTTLS and AUTH; 25 has no AUTH", flush=True)


def check_foreign_sender(lab):
    """A login may send only as itself."""
    alice, bob = laboratory.LOCAL
    message = b"From: bob@postern.test\r\nTo: carol@partner.test\r\nSubject: x\r\n\r\nx\r\n"

    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 587) as client:
            client.starttls(context=lab.tls())
            client.login(alice, lab.passwords[alice])
            code, reply = client.mail(bob)
            assert code == 550, f"MAIL FROM of another account got {code} {reply!r}"
            client.rset()
            client.mail(alice)
            client.rcpt(OUT)
            code, reply = client.data(message)
            assert code == 550, f"From of another account got {code} {reply!r}"
    lab.inside("partner", talk)
    print("ok   nobody sends as somebody else", flush=True)


def check_nmap(lab):
    out = lab.run("partner", "nmap", "-Pn", "-n", "-p", "25,587", "--script", "smtp-open-relay",
                  "--script-args", f"smtp-open-relay.domain=partner.test,smtp-open-relay.to=victim@partner.test,smtp-open-relay.ip={ADDRESSES['mx']}",
                  ADDRESSES["mx"], timeout=300).stdout
    results = re.findall(r"smtp-open-relay: (.*)", out)
    assert results and all("isn't an open relay" in r or "doesn't seem to be an open relay" in r or "failed" in r.lower() for r in results), out
    assert any("open relay" in r for r in results), f"nmap tested nothing:\n{out}"
    print("ok   nmap finds no relay:", *results, flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "nmap")
    with laboratory.Lab(peers=False) as lab:
        lab.write_postern_config(limits="errors = 1000\nunknown_recipients = 1000\n", smtp="")
        lab.start_postern()
        check_disguises(lab)
        check_587_needs_login(lab)
        check_foreign_sender(lab)
        check_nmap(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
