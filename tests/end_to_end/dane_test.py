#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DANE (RFC 7672) in zones that knot signs: Debian's Postfix with a policy of DANE delivers to us and we to it, and neither does while
the certificate is not the one that DNS names."""
import json
import re
import smtplib
from pathlib import Path

import apart
import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE = laboratory.LOCAL[0]
CAROL = laboratory.PARTNER[0]
WRONG = "3 1 1 " + "00" * 32
OURS, THEIRS = "_25._tcp.mx.postern", "_25._tcp.mx.partner"


class DaneLab(laboratory.Lab):
    """The partner has a validating resolver of its own: Postfix believes only what that says is proven."""

    def start_partner(self):
        folder = self.folder / "unbound"
        folder.mkdir()
        stubs = "".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: {ADDRESSES["dns"]}\n  stub-prime: no\n'
                        for zone in ("test", "77.10.in-addr.arpa"))
        (folder / "unbound.conf").write_text(f"""server:
  interface: 127.0.0.1
  access-control: 127.0.0.0/8 allow
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: "{folder}/pid"
  use-syslog: no
  do-daemonize: no
  trust-anchor-file: "{self.anchor}"
  local-zone: "test." nodefault
  local-zone: "10.in-addr.arpa." nodefault
  domain-insecure: "10.in-addr.arpa"
  do-not-query-localhost: no
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {ADDRESSES["dns"]}
{stubs}""")
        Path(f"/etc/netns/{self.netns('partner')}/resolv.conf").write_text("nameserver 127.0.0.1\noptions trust-ad\n")
        self.start("unbound", "partner", *apart.command("unbound", "-d", "-c", folder / "unbound.conf"))
        wait_for(lambda: "10.77.0.2" in self.ask("mx.postern.test", "A"), "the resolver's first answer")
        super().start_partner()

    def write_postfix_config(self, folder, cert, key):
        super().write_postfix_config(folder, cert, key)
        with open(folder / "etc" / "main.cf", "a") as config:
            config.write("smtp_dns_support_level = dnssec\nsmtp_tls_loglevel = 1\nsmtpd_tls_loglevel = 1\n")
        main = folder / "etc" / "main.cf"
        main.write_text(main.read_text().replace("smtp_tls_security_level = may", "smtp_tls_security_level = dane"))

    def ask(self, name, kind):
        return self.run("partner", "kdig", "@127.0.0.1", "+dnssec", name, kind, check=False).stdout

    def postfix_said(self, pattern):
        return re.search(pattern, (self.folder / "postfix.log").read_text(errors="replace"))


def text(token, sender, recipient):
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {token}\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{token}@dane.test>\r\n\r\n{token}\r\n").encode()


def by_postfix(lab, token):
    def send():
        with smtplib.SMTP(ADDRESSES["partner"], 25) as client:
            client.sendmail(CAROL, [ALICE], text(token, CAROL, ALICE))
    lab.inside("partner", send)


def check_zone(lab):
    answer = lab.ask("postern.test", "MX")
    assert re.search(r"Flags:[^;]* ad", answer), f"the zone is not proven: {answer}"
    print("ok   the zone is signed, and its signatures hold", flush=True)


def check_in(lab):
    """Postfix waits while DNS names another certificate, and delivers once it names ours."""
    by_postfix(lab, "dane-in")
    wait_for(lambda: lab.postfix_said(r"to=<alice@postern\.test>.*status=deferred \(Server certificate not (trusted|verified)"),
             "Postfix's refusal of our certificate")
    assert not any(b"dane-in" in m for m in lab.messages(ALICE))
    lab.publish(f"{OURS} 1 TLSA {lab.tlsa(lab.certificate)}", instead_of=OURS)
    lab.wait_for_message(ALICE, "Subject: dane-in")
    assert lab.postfix_said(r"Verified TLS connection established to mx\.postern\.test\[10\.77\.0\.2\]:25: TLSv1\.3"), \
        "Postfix did not verify our certificate"
    print("ok   Postfix delivers to us by DANE, and not with another certificate", flush=True)


def reasons(lab):
    return [r["last_reply"] for e in json.loads(lab.postern("--json", "queue", "list"))["entries"] for r in e["recipients"]]


def check_out(lab):
    """The same the other way."""
    lab.submit(ALICE, [CAROL], text("dane-out", ALICE, CAROL))
    wait_for(lambda: any(reasons(lab)), "an attempt")
    assert "certificate" in reasons(lab)[0] or "DANE" in reasons(lab)[0], reasons(lab)
    told = json.loads(lab.postern("--json", "tls", "explain", "partner.test"))
    assert told["hosts"][0]["tls"] == "dane", told
    assert not any(b"dane-out" in m for m in lab.messages(CAROL))
    lab.publish(f"{THEIRS} 1 TLSA {lab.tlsa(lab.folder / 'ca/mx.partner.test.pem')}", instead_of=THEIRS)
    lab.wait_for_message(CAROL, "Subject: dane-out")
    assert lab.postfix_said(r"TLS connection established from mx\.postern\.test\[10\.77\.0\.2\]: TLSv1\.3")
    print("ok   we deliver to Postfix by DANE, and not with another certificate", flush=True)


def check_stripped(lab):
    """A signature that is broken on the way means to wait: nobody gets around DANE by damaging DNS."""
    lab.anchor.write_text(re.sub(r"[0-9a-fA-F]{64}", "ab" * 32, lab.anchor.read_text()))
    assert lab.stop("postern") == 0
    lab.start_postern()
    lab.submit(ALICE, [CAROL], text("dane-bogus", ALICE, CAROL))
    wait_for(lambda: any(reasons(lab)), "an attempt")
    assert not any(b"dane-bogus" in m for m in lab.messages(CAROL)), "delivered in spite of answers that are forged"
    print("ok   forged answers make mail wait:", reasons(lab)[0], flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "keymgr", "kdig", "postfix", "dovecot", "openssl")
    apart.need("unbound")
    with DaneLab(signed=True) as lab:
        # Before anybody asks: a proof that there is no such record may be kept (RFC 8198).
        lab.publish(f"{OURS} 1 TLSA {WRONG}", f"{THEIRS} 1 TLSA {WRONG}")
        lab.start_postern()
        check_zone(lab)
        check_in(lab)
        check_out(lab)
        check_stripped(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
