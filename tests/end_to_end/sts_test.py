#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""MTA-STS (RFC 8461) and TLS reports over https (RFC 8460) with a web server of the other domain: a policy is fetched, obeyed,
remembered and replaced; a server whose name it does not have gets nothing; the day after, the other domain hears of it."""
import gzip
import json
import sqlite3

import https_peer
import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE = laboratory.LOCAL[0]
CAROL = laboratory.PARTNER[0]


def text(token):
    return (f"From: {ALICE}\r\nTo: {CAROL}\r\nSubject: {token}\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{token}@sts.test>\r\n\r\n{token}\r\n").encode()


def policy(lab, mode, mx, number):
    """What the other domain publishes from now on."""
    file = lab.folder / "web/mta-sts.partner.test/.well-known/mta-sts.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n".encode())
    lab.publish(f'_mta-sts.partner 1 TXT "v=STSv1; id={number}"', instead_of="_mta-sts.partner")


def explained(lab):
    return json.loads(lab.postern("--json", "tls", "explain", "partner.test"))


def reasons(lab):
    return [r["last_reply"] for e in json.loads(lab.postern("--json", "queue", "list"))["entries"] for r in e["recipients"]]


def check_obeyed(lab):
    """The policy names the server and the certificate proves the name."""
    told = explained(lab)
    assert told["hosts"][0]["tls"] == "verified" and "mode: enforce" in told["policy"], told
    lab.submit(ALICE, [CAROL], text("proven"))
    lab.wait_for_message(CAROL, "Subject: proven")
    print("ok   the policy is fetched and obeyed", flush=True)


def check_replaced(lab):
    """A new id, a policy that does not name the server: mail waits. The record again: it goes."""
    policy(lab, "enforce", "other.partner.test", 2)
    wait_for(lambda: "other.partner.test" in explained(lab)["policy"], "the new policy")
    lab.submit(ALICE, [CAROL], text("elsewhere"))
    wait_for(lambda: any(reasons(lab)), "an attempt")
    assert "MTA-STS" in reasons(lab)[0] or "policy" in reasons(lab)[0], reasons(lab)
    assert not any(b"Subject: elsewhere" in m for m in lab.messages(CAROL))
    policy(lab, "enforce", "*.partner.test", 3)
    lab.wait_for_message(CAROL, "Subject: elsewhere")
    print("ok   a server that the policy does not name waits for another policy", flush=True)


def check_remembered(lab):
    """An attacker who makes the record and the web server vanish changes nothing: what was fetched holds, over a restart too."""
    assert lab.stop("https") is not None
    lab.publish(instead_of="_mta-sts.partner")
    assert lab.stop("postern") == 0
    lab.start_postern()
    assert explained(lab)["hosts"][0]["tls"] == "verified", explained(lab)
    print("ok   the policy is remembered when its record is gone", flush=True)
    https_peer.start(lab, *lab.web)


def check_wrong_name(lab):
    """The server at the address shows a certificate of another name: nothing is sent, and the failure is counted."""
    certificate, key = lab.authority.issue("impostor.test")
    config = lab.folder / "postfix/etc"
    lab.run("partner", "postconf", "-c", config, "-e", f"smtpd_tls_cert_file={certificate}", f"smtpd_tls_key_file={key}")
    lab.run("partner", "postfix", "-c", config, "reload")
    wait_for(lambda: lab.greets("partner", 25), "Postfix's new certificate")
    lab.submit(ALICE, [CAROL], text("impostor"))
    wait_for(lambda: any(reasons(lab)), "an attempt")
    assert not any(b"Subject: impostor" in m for m in lab.messages(CAROL)), "given to a server that is not proven"
    print("ok   no proof, no mail:", reasons(lab)[0], flush=True)


def check_report(lab):
    lab.stop("postern")
    with sqlite3.connect(lab.folder / "postern/data/state.db") as database:
        database.execute("UPDATE report_fact SET day = day - 2")
    lab.start_postern()
    posted = lab.folder / "web/posted"
    wait_for(lambda: (posted / "0").exists(), "a report")
    kind, body = (posted / "0").read_bytes().split(b"\n", 1)
    assert kind == b"application/tlsrpt+gzip", kind
    report = json.loads(gzip.decompress(body))
    assert report["organization-name"] == "mx.postern.test", report
    seen = {p["policy"]["policy-type"]: p for p in report["policies"]}
    sts = [p for p in report["policies"] if p["policy"]["policy-type"] == "sts"]
    assert sts and all(p["policy"]["policy-domain"] == "partner.test" for p in sts), seen
    assert sum(p["summary"]["total-successful-session-count"] for p in sts) >= 1, report
    failures = {f["result-type"] for p in sts for f in p.get("failure-details", [])}
    assert "certificate-host-mismatch" in failures, report
    assert len(list(posted.glob("[0-9]*"))) == 1
    lab.stop("postern")
    lab.start_postern()
    assert len(list(posted.glob("[0-9]*"))) == 1, "told twice"
    print("ok   a report over https with what went well and what failed:", ", ".join(sorted(failures)), flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "kdig", "postfix", "dovecot", "openssl")
    with laboratory.Lab() as lab:
        lab.trust_authority("mx")
        lab.write_postern_config(reports="tls = true\n")
        certificate, key = lab.authority.issue("mta-sts.partner.test", "reports.partner.test")
        (lab.folder / "web").mkdir()
        lab.web = (certificate, key, lab.folder / "web")
        https_peer.start(lab, *lab.web)
        lab.publish(f"mta-sts.partner A {ADDRESSES['partner']}", f"reports.partner A {ADDRESSES['partner']}",
                    '_smtp._tls.partner TXT "v=TLSRPTv1; rua=https://reports.partner.test/tls"')
        policy(lab, "enforce", "mx.partner.test", 1)
        lab.start_postern()
        check_obeyed(lab)
        check_replaced(lab)
        check_remembered(lab)
        check_wrong_name(lab)
        check_report(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
