#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DMARC aggregate reports: what port 25 saw is counted, the day after one signed mail goes to each domain that wants it, once also
over restarts; and `postern dmarc report` reads the very same report when it arrives in a mailbox of ours. The same for reports
about TLS with the servers of other domains."""
import email
import gzip
import json
import re
import smtplib
import sqlite3
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import lab as laboratory
import sink
from lab import ADDRESSES, wait_for

ALICE = laboratory.LOCAL[0]
DAY = 86400


def deliver(lab, author, message=None):
    """The code of the reply to the final dot."""
    message = message or f"From: {author}\r\nTo: {ALICE}\r\nSubject: hello\r\n\r\nhello\r\n".encode()

    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test", timeout=30) as client:
            client.ehlo()
            client.mail("carol@partner.test")
            client.rcpt(ALICE)
            return client.data(message)[0]
    return lab.inside("partner", talk)


def shift_days(lab, days):
    """Makes what was counted so many days older, while nothing runs."""
    with sqlite3.connect(lab.folder / "postern" / "data" / "state.db") as database:
        database.execute("UPDATE report_fact SET day = day - ?", (days,))
        return database.execute("SELECT count(*), sum(count) FROM report_fact").fetchone()


def check_dmarc(lab, folder):
    assert deliver(lab, "x@strict.test") == 550
    assert deliver(lab, "x@strict.test") == 550
    assert deliver(lab, "carol@partner.test") == 250
    assert deliver(lab, "x@quiet.test") == 250
    for author in ("broad", "moved", "stolen"):
        assert deliver(lab, f"x@{author}.test") == 250
    lab.stop("postern")
    rows, messages = shift_days(lab, 2)
    assert (rows, messages) == (5, 6), (rows, messages)
    lab.start_postern()
    # Only partner.test wants reports of strict.test; victim.test has not agreed to get any. RFC 7489 §7.1: an agreement may be for
    # everybody, and may name another address of the same host, of no other.
    wait_for(lambda: len(list(folder.glob("*.eml"))) == 5, "five reports", 30)
    reports = {}
    for file in folder.glob("*.eml"):
        mail = email.message_from_bytes(file.read_bytes())
        reports[re.search(r"Report Domain: (\S+)", re.sub(r"\s+", " ", mail["Subject"])).group(1)] = (file, mail)
    assert set(reports) == {"strict.test", "partner.test", "broad.test", "moved.test", "stolen.test"}, reports
    to = {domain: mail["To"] for domain, (_, mail) in reports.items()}
    assert "all@wild.test" in to["broad.test"], to
    assert "new@moves.test" in to["moved.test"] and "old@" not in to["moved.test"], to
    assert "some@steals.test" in to["stolen.test"], to
    assert not any("victim.test" in value for value in to.values()), to
    file, mail = reports["strict.test"]
    assert mail["To"] == "reports@partner.test" and mail["From"] == "dmarc@postern.test", mail.as_string()[:1000]
    assert "DKIM-Signature" in mail and "d=postern.test" in mail["DKIM-Signature"]
    part = mail.get_payload()[1]
    assert part.get_content_type() == "application/gzip"
    assert re.fullmatch(r"mx\.postern\.test!strict\.test!\d+!\d+\.xml\.gz", part.get_filename()), part.get_filename()
    root = xml.fromstring(gzip.decompress(part.get_payload(decode=True)))
    begin = int(root.findtext("report_metadata/date_range/begin"))
    assert begin % DAY == 0 and int(root.findtext("report_metadata/date_range/end")) == begin + DAY - 1
    record = root.findall("record")
    assert len(record) == 1 and record[0].findtext("row/count") == "2"
    assert record[0].findtext("row/source_ip") == ADDRESSES["partner"]
    assert record[0].findtext("row/policy_evaluated/disposition") == "reject"
    assert root.findtext("policy_published/p") == "reject"
    print("ok   a signed report for each domain that wants one, with what was seen", flush=True)

    lab.stop("postern")
    lab.start_postern()
    assert deliver(lab, "carol@partner.test") == 250
    assert len(list(folder.glob("*.eml"))) == 5, "a report came twice"
    shown = json.loads(lab.postern("--json", "dmarc", "report", "show", file))
    assert shown["reports"][0]["rows"][0]["count"] == 2
    return file, shown["reports"][0]["id"]


def check_received(lab, file, report):
    # Mail from outside in our name is refused, so another one sends it.
    assert deliver(lab, None, file.read_bytes().replace(b"From: dmarc@postern.test", b"From: dmarc@partner.test")) == 250
    listed = json.loads(lab.postern("--json", "dmarc", "report", "list"))
    assert [one["id"] for one in listed["reports"]] == [report], listed
    assert listed["sources"] == [{"source_ip": ADDRESSES["partner"], "messages": 2, "passed": 0}], listed
    assert ADDRESSES["partner"] in lab.postern("dmarc", "report", "list", "--sources")
    assert "2 messages: 0 passed DMARC, 2 failed" in lab.postern("dmarc", "report", "show", report)
    lab.stop("postern")
    assert report in lab.postern("dmarc", "report", "list", "--account", ALICE), "without a server"
    lab.start_postern()
    print("ok   received reports, from the mailbox and from a file, with and without a running server", flush=True)


def check_tls(lab, folder):
    """The partner's server knows no TLS; the domain gets to hear of it."""
    before = len(list(folder.glob("*.eml")))
    lab.submit(ALICE, ["carol@partner.test"], f"From: {ALICE}\r\nTo: carol@partner.test\r\nSubject: x\r\n\r\nx\r\n".encode())
    wait_for(lambda: len(list(folder.glob("*.eml"))) == before + 1, "the mail", 30)
    lab.stop("postern")
    shift_days(lab, 2)
    lab.start_postern()

    def reports():
        mails = (email.message_from_bytes(file.read_bytes()) for file in folder.glob("*.eml"))
        return [mail for mail in mails if mail["TLS-Report-Domain"]]
    wait_for(reports, "a report about TLS", 30)
    mail = reports()[0]
    assert mail["To"] == "tls@partner.test" and mail["TLS-Report-Domain"] == "partner.test", mail.as_string()[:1000]
    assert mail["TLS-Required"] == "No" and "d=postern.test" in mail["DKIM-Signature"]
    part = mail.get_payload()[1]
    assert part.get_content_type() == "application/tlsrpt+gzip"
    report = json.loads(gzip.decompress(part.get_payload(decode=True)))
    policy = report["policies"][0]
    assert policy["policy"] == {"policy-type": "no-policy-found", "policy-domain": "partner.test"}, report
    assert policy["summary"] == {"total-successful-session-count": 0, "total-failure-session-count": 1}, report
    assert policy["failure-details"][0]["result-type"] == "starttls-not-supported", report
    assert policy["failure-details"][0]["receiving-ip"] == ADDRESSES["partner"], report
    file = lab.folder / "tls.json.gz"
    file.write_bytes(part.get_payload(decode=True))
    assert "0 sessions went well, 1 failed" in lab.postern("tls", "report", "show", file)
    assert "There are no reports about TLS." in lab.postern("tls", "report", "list")
    print("ok   a signed report about TLS, and what we make of it", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "openssl")
    with laboratory.Lab(peers=False) as lab:
        lab.postern_options = {"reports": f'dmarc = true\ntls = true\nfrom = "dmarc@postern.test"\nreceived_by = "{ALICE}"\n'}
        lab.write_postern_config()
        lab.publish(*[
            'partner        TXT "v=spf1 a:mx.partner.test -all"',
            '_dmarc.partner TXT "v=DMARC1; p=reject; rua=mailto:own@partner.test"',
            '_smtp._tls.partner TXT "v=TLSRPTv1; rua=mailto:tls@partner.test"',
            'strict         A   10.77.0.3',
            '_dmarc.strict  TXT "v=DMARC1; p=reject; rua=mailto:reports@partner.test,mailto:v@victim.test"',
            'strict.test._report._dmarc.partner TXT "v=DMARC1"',
            'victim         A   10.77.0.3',
            'broad          A   10.77.0.3',
            '_dmarc.broad   TXT "v=DMARC1; p=none; rua=mailto:all@wild.test"',
            'wild           A   10.77.0.3',
            '*._report._dmarc.wild TXT "v=DMARC1"',
            'moved          A   10.77.0.3',
            '_dmarc.moved   TXT "v=DMARC1; p=none; rua=mailto:old@moves.test"',
            'moves          A   10.77.0.3',
            'moved.test._report._dmarc.moves TXT "v=DMARC1; rua=mailto:new@moves.test"',
            'stolen         A   10.77.0.3',
            '_dmarc.stolen  TXT "v=DMARC1; p=none; rua=mailto:some@steals.test"',
            'steals         A   10.77.0.3',
            'stolen.test._report._dmarc.steals TXT "v=DMARC1; rua=mailto:v@victim.test"',
            'quiet          A   10.77.0.3',
            '_dmarc.quiet   TXT "v=DMARC1; p=none"',
        ])
        folder = lab.folder / "sink"
        folder.mkdir()
        sink.start(lab, folder)
        lab.postern("dkim", "create", "postern.test", "--now")
        lab.start_postern()
        file, report = check_dmarc(lab, folder)
        check_received(lab, file, report)
        check_tls(lab, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
