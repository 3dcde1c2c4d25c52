#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What others say of our signatures: Debian's OpenDKIM and OpenDMARC as milters of Postfix accept what we sign and refuse what was
changed; Debian's dkimpy accepts our DKIM signatures and the ARC seal of what we forward."""
import json
import re
import smtplib
import subprocess

import apart
import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE, BOB = laboratory.LOCAL
CAROL, DAVE = laboratory.PARTNER[:2]
ARBITER = """import sys, dkim
message = sys.stdin.buffer.read()
if sys.argv[1] == "arc":
    print(dkim.arc_verify(message)[0].decode())
else:
    print("pass" if dkim.verify(message) else "fail")
"""


def has_dkimpy():
    return subprocess.run([apart.DEBIAN_PYTHON, "-c", "import dkim, dns"], stderr=subprocess.DEVNULL).returncode == 0


class WitnessLab(laboratory.Lab):
    def start_postfix(self, cert, key):
        folder = self.folder / "milters"
        folder.mkdir()
        (folder / "opendkim.conf").write_text(f"""Mode v
Socket inet:8891@127.0.0.1
PidFile {folder}/opendkim.pid
Syslog no
UserID root
Background no
AuthservID mx.partner.test
AlwaysAddARHeader yes
ResolverConfiguration {folder}/unbound.conf
InternalHosts 127.0.0.1
On-BadSignature accept
""")
        (folder / "opendmarc.conf").write_text(f"""Socket inet:8892@127.0.0.1
PidFile {folder}/opendmarc.pid
Syslog false
UserID root
Background false
AuthservID mx.partner.test
TrustedAuthservIDs mx.partner.test
SPFSelfValidate false
SPFIgnoreResults true
RejectFailures true
IgnoreHosts {folder}/nobody
""")
        # Its libunbound knows of itself that there is nothing below test.
        (folder / "unbound.conf").write_text(f"""server:
  local-zone: "test." nodefault
stub-zone:
  name: "test"
  stub-addr: {ADDRESSES['dns']}
""")
        (folder / "nobody").write_text("192.0.2.1\n")
        self.start("opendkim", "partner", *apart.command("opendkim", "-f", "-x", folder / "opendkim.conf"))
        self.start("opendmarc", "partner", *apart.command("opendmarc", "-f", "-c", folder / "opendmarc.conf"))
        for port in (8891, 8892):
            wait_for(lambda port=port: self.answers(port), f"the milter at {port}")
        super().start_postfix(cert, key)

    def answers(self, port):
        return f":{port}" in self.run("partner", "ss", "-ltn").stdout

    def write_postfix_config(self, folder, cert, key):
        super().write_postfix_config(folder, cert, key)
        with open(folder / "etc" / "main.cf", "a") as config:
            config.write("smtpd_milters = inet:127.0.0.1:8891, inet:127.0.0.1:8892\nmilter_default_action = tempfail\n")


def text(token, body="Hello\r\n", sender=ALICE, to=CAROL):
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: {token}\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{token}@witness.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}").encode()


def results(message):
    """What the partner's milters wrote, unfolded."""
    header = re.sub(rb"\r?\n[ \t]+", b" ", message.split(b"\r\n\r\n")[0]).decode("utf-8", "replace")
    return " ".join(re.findall(r"Authentication-Results: mx\.partner\.test;(.*)", header))


def arbitrate(lab, what, message):
    """dkimpy's word; None when it is not installed."""
    if not has_dkimpy():
        return None
    return lab.run("partner", apart.DEBIAN_PYTHON, "-c", ARBITER, what, input=message.decode("latin-1"), encoding="latin-1").stdout.strip()


def as_received(message):
    """Without the fields that the partner put on top."""
    return message[re.search(rb"^(DKIM-Signature|ARC-Seal):", message, re.M).start():]


def check_signed(lab, name):
    """8-bit text, dots, white space and no line end: what both ways of canonicalisation change."""
    bodies = {"plain": "Hello\r\n", "dots": ".\r\n..\r\n \t \r\nGrüße  aus  Köln \r\n\r\n\r\n", "no-end": "the end"}
    for token, body in bodies.items():
        subject = f"{name}-{token}"
        lab.submit(ALICE, [CAROL], text(subject, body), options=("BODY=8BITMIME",))
        message = lab.wait_for_message(CAROL, f"Subject: {subject}")
        said = results(message)
        assert "dkim=pass" in said and "dmarc=pass" in said, f"{subject}: {said}\n{message.decode('utf-8', 'replace')}"
        assert arbitrate(lab, "dkim", as_received(message)) in ("pass", None), message
        first = message
    print(f"ok   {name}: OpenDKIM and OpenDMARC accept it" + (", and dkimpy" if has_dkimpy() else ""), flush=True)
    return first


def check_changed(lab, message):
    """The witnesses are awake: the same message with another word is refused by DMARC (p=reject)."""
    forged = as_received(message).replace(b"the end", b"the fee")

    def send():
        with smtplib.SMTP(ADDRESSES["partner"], 25, local_hostname="mx.postern.test") as client:
            try:
                client.sendmail(ALICE, [CAROL], forged)
            except smtplib.SMTPDataError as error:
                return error.smtp_code
        return 250
    assert lab.inside("mx", send) == 550, "OpenDMARC took a forged message"
    assert arbitrate(lab, "dkim", forged) in ("fail", None)
    print("ok   changed on the way: refused", flush=True)


def check_seal(lab):
    """Forwarded mail carries a seal that holds, with what we found at the door."""
    lab.postern("account", "forward", "add", BOB, DAVE)

    def send():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test") as client:
            client.sendmail(CAROL, [BOB], text("sealed", sender=CAROL, to=BOB))
    lab.inside("partner", send)
    message = lab.wait_for_message(DAVE, "Subject: sealed")
    assert b"ARC-Seal: i=1" in message
    said = arbitrate(lab, "arc", as_received(message))
    assert said in ("pass", None), f"dkimpy says {said} to\n{message.decode()}"
    changed = as_received(message).replace(b"Hello", b"Hallo")
    assert arbitrate(lab, "arc", changed) in ("fail", None)
    print("ok   our ARC seal " + ("holds for dkimpy" if said else "was not checked: python3-dkim is not installed"), flush=True)


def publish(lab, key):
    lab.publish(f'{key["name"]}. TXT ' + " ".join(f'"{part}"' for part in key["strings"]))


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot", "kdig", "ss")
    apart.need("opendkim", "opendmarc")
    with WitnessLab() as lab:
        lab.write_postern_config(forwarding="arc = true\n")
        lab.publish('_dmarc.postern TXT "v=DMARC1; p=reject; adkim=s"', 'partner TXT "v=spf1 ip4:10.77.0.3 -all"')
        key = json.loads(lab.postern("--json", "dkim", "create", "postern.test", "--now"))
        publish(lab, key)
        lab.start_postern()
        message = check_signed(lab, "rsa")
        check_changed(lab, message)
        check_seal(lab)
        second = json.loads(lab.postern("--json", "dkim", "create", "postern.test", "--algorithm", "ed25519", "--now"))
        publish(lab, second)
        check_signed(lab, "rsa+ed25519")
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
