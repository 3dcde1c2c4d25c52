#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gate from outside: rules with real DNS, our own list by `postern rule`, spoofing, a server behind us that is asked who is there."""
import imaplib
import json
import re
import signal
import smtplib
import socket
import ssl

import behind
import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE = laboratory.LOCAL[0]


def offer(lab, sender, recipient, text=None, helo="mx.partner.test", tls=False, limit=60):
    """The code and reply of the first refusal, or of the message."""
    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname=helo, timeout=limit) as client:
            if tls:
                client.starttls(context=ssl._create_unverified_context())
            client.ehlo()
            code, reply = client.mail(sender)
            if code == 250:
                code, reply = client.rcpt(recipient)
            if code == 250 and text is not None:
                code, reply = client.data(text)
            return code, reply.decode()
    return lab.inside("partner", talk)


def check_own_list(lab):
    assert offer(lab, "eve@partner.test", ALICE)[0] == 250
    lab.postern("rule", "add", "block", ADDRESSES["partner"], "--for", "1h", "--note", "floods us")
    code, reply = offer(lab, "eve@partner.test", ALICE)
    assert code == 550 and "5.7.1" in reply, (code, reply)
    shown = lab.postern("rule", "list")
    assert "floods us" in shown and "spoofed_sender" in shown, shown
    explained = json.loads(lab.postern("--json", "rule", "explain", "--ip", ADDRESSES["partner"], "--to", ALICE, "--from", "eve@partner.test"))
    result = explained.get("result", explained)
    assert result["accepted"] is False, explained
    assert any(rule["rule"] == "own_block" and rule["outcome"] == "reject" for rule in result["rules"]), explained
    lab.postern("rule", "remove", ADDRESSES["partner"])
    assert offer(lab, "eve@partner.test", ALICE)[0] == 250
    failed = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "rule", "remove", "192.0.2.9", check=False)
    assert failed.returncode == 1 and "postern rule list" in failed.stdout, failed
    print("ok   postern rule add, list, explain, remove", flush=True)


def check_explain(lab):
    """What `postern explain` says is what the wire says."""
    text = b"From: alice@postern.test\r\nSubject: explained\r\n\r\npay\r\n"
    (lab.folder / "forged.eml").write_bytes(text.replace(b"\r\n", b"\n"))
    words = ["explain", "--ip", ADDRESSES["partner"], "--helo", "mx.partner.test", "--from", "eve@partner.test", "--to", ALICE]
    seen = json.loads(lab.postern("--json", *words, "--file", lab.folder / "forged.eml"))
    code, reply = offer(lab, "eve@partner.test", ALICE, text)
    assert seen["outcome"] == "refused" and seen["steps"][-1]["reply"] == f"{code} {reply}", (seen, code, reply)
    assert any(rule["rule"] == "spoofed_author" and rule["outcome"] == "reject" for rule in seen["rules"]), seen
    shown = lab.postern(*words)
    assert "mailbox of alice@postern.test" in shown and "recipient would be taken" in shown, shown
    lab.postern("ban", "add", ADDRESSES["partner"], "--expires", "1h")
    assert json.loads(lab.postern("--json", *words))["outcome"] == "banned"
    lab.postern("ban", "remove", ADDRESSES["partner"])
    print("ok   postern explain says what the wire says", flush=True)


def check_spoofing(lab):
    code, reply = offer(lab, "eve@partner.test", ALICE, b"From: alice@postern.test\r\nSubject: x\r\n\r\npay\r\n")
    assert code == 550 and "claims to be from us" in reply, (code, reply)
    code, reply = offer(lab, ALICE, ALICE, b"From: eve@partner.test\r\nSubject: x\r\n\r\npay\r\n")
    assert code == 550, (code, reply)
    code, reply = offer(lab, "eve@partner.test", ALICE, b"From: eve@partner.test\r\nSubject: honest\r\n\r\nhello\r\n", tls=True)
    assert code == 250, (code, reply)
    lab.wait_for_message(ALICE, "honest")
    print("ok   mail that claims to be ours is refused", flush=True)


def check_rules_with_dns(lab):
    code, reply = offer(lab, "eve@nowhere.test", ALICE)
    assert code == 550 and "5.1.8" in reply, (code, reply)
    code, reply = offer(lab, "eve@partner.test", ALICE, helo="mx.postern.test")
    assert code == 550, (code, reply)
    print("ok   sender's domain and greeting are judged", flush=True)


def check_behind(lab):
    assert offer(lab, "eve@partner.test", "nobody@behind.test")[0] == 550
    assert offer(lab, "eve@partner.test", "known@other.test")[0] == 550
    text = b"From: eve@partner.test\r\nSubject: onward\r\n\r\nhello\r\n"
    code, reply = offer(lab, "eve@partner.test", "known@behind.test", text)
    assert code == 250, (code, reply)
    wait_for(lambda: "The queue is empty" in lab.postern("queue", "list"), "the server behind us to take the message")
    print("ok   a domain behind us: unknown recipients are refused here, known ones go on", flush=True)


def check_silent_dns(lab):
    """A name server that keeps silent: mail comes in without it, in less time than one question used to take."""
    text = b"From: a@nowhere.test\r\nSubject: silent\r\n\r\nhello\r\n"
    lab.processes["knot"].send_signal(signal.SIGSTOP)
    try:
        for number in range(3):
            code, reply = offer(lab, f"a@silent{number}.test", ALICE, text, helo=f"helo{number}.silent.test", limit=12)
            assert code == 250, (code, reply)
        log = (lab.folder / "postern.log").read_text()
        assert log.count("name server is silent") == 1, log[-2000:]
    finally:
        lab.processes["knot"].send_signal(signal.SIGCONT)
    def answers():
        offer(lab, "a@partner.test", ALICE, text)
        return "name server answers again" in (lab.folder / "postern.log").read_text()
    wait_for(answers, "the name server to count as alive", limit=60)
    print("ok   a silent name server holds up nobody", flush=True)


def metrics(lab):
    def read():
        with socket.create_connection((ADDRESSES["mx"], 8080), timeout=30) as plain:
            plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: mx\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: plain.recv(65536), b"")).decode()
    return lab.inside("mx", read)


def check_metrics(lab):
    text = metrics(lab)
    assert 'postern_smtp_tls_sessions_total{service="smtp",version="TLSv1.3"} 1' in text, text
    assert 'postern_rule_findings_total{outcome="reject",rule="spoofed_author"}' in text, text
    found = re.search(r'postern_rule_findings_total\{outcome="reject",rule="own_block"\} (\d+)', text)
    assert found and int(found[1]) >= 1, text
    print("ok   TLS versions and findings of rules are counted", flush=True)


def check_stress(lab):
    """The connections of all services together decide whether port 25 gives its clients little time."""
    taken = 10
    lab.write_postern_config(limits=f"connections_total = {2 * taken}\n", gate='stress_at = "50%"\nstress_timeout = "5s"\n')
    lab.start_postern()
    stressed = 'postern_smtp_stress_total{service="smtp"} '

    def crowd(size):
        readers = [imaplib.IMAP4_SSL(ADDRESSES["mx"], 993, ssl_context=lab.tls(), timeout=30) for _ in range(size)]
        for reader in readers:
            reader.login(ALICE, lab.passwords[ALICE])
        with smtplib.SMTP(ADDRESSES["mx"], 25, timeout=30) as client:
            client.ehlo()
            last = client.sock.recv(500).decode() if size == taken else ""
        for reader in readers:
            reader.logout()
        return last
    lab.inside("mx", lambda: crowd(taken // 2))
    assert stressed + "0" in metrics(lab), "stress with half of the readers"
    last = lab.inside("mx", lambda: crowd(taken))
    assert last.startswith("421 4.4.2 "), last
    assert stressed + "0" not in metrics(lab)
    print("ok   many readers make port 25 impatient", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd")
    with laboratory.Lab(peers=False) as lab:
        lab.write_postern_config(rules='sender_domain = "reject"\n', gate='reject_at = 20.0\n' + behind.relay())
        behind.start(lab, '"250 ok" if "<known@" in line else "550 5.1.1 nobody"')
        lab.start_postern()
        check_own_list(lab)
        check_rules_with_dns(lab)
        check_spoofing(lab)
        check_explain(lab)
        check_behind(lab)
        check_metrics(lab)
        check_silent_dns(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"
        check_stress(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
