#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SPF, DKIM, ARC and DMARC on port 25, with a DNS server of the laboratory: what passes and what fails is told in
Authentication-Results. Signatures and seals are those of another implementation (python3-dkim), when that is installed."""
import email
import re
import smtplib
import subprocess
import sys

import lab as laboratory
from lab import ADDRESSES

PARTNER_IP = ADDRESSES["partner"]


def tool():
    """A Python that has dkimpy: Debian's own, or none."""
    found = subprocess.run(["/usr/bin/python3", "-c", "import dkim, nacl"], stderr=subprocess.DEVNULL)
    return "/usr/bin/python3" if found.returncode == 0 else None


def make_keys(lab):
    """An RSA and an Ed25519 key for partner.test, and what DNS says of them."""
    folder = lab.folder / "keys"
    folder.mkdir()
    rsa = folder / "rsa.pem"
    laboratory.quiet("openssl", "genrsa", "-traditional", "-out", rsa, "2048")
    public = subprocess.run(["openssl", "rsa", "-in", rsa, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    ed = folder / "ed.pem"
    laboratory.quiet("openssl", "genpkey", "-algorithm", "ed25519", "-out", ed)
    private = subprocess.run(["openssl", "pkey", "-in", ed, "-outform", "DER"], check=True, capture_output=True).stdout
    ed_public = subprocess.run(["openssl", "pkey", "-in", ed, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    import base64
    (folder / "ed.seed").write_bytes(base64.b64encode(private[-32:]))
    text = base64.b64encode(public).decode()
    return folder, [
        f'rsa._domainkey.partner TXT ( "v=DKIM1; k=rsa; p={text[:200]}" "{text[200:]}" )',
        f'ed._domainkey.partner TXT "v=DKIM1; k=ed25519; p={base64.b64encode(ed_public[-32:]).decode()}"',
    ]


SIGNER = r"""
import sys, dkim
kind, domain, selector, key, form, srv = sys.argv[1:]
head, body = (part.encode() for part in form.split("/"))
message = sys.stdin.buffer.read()
if kind == "arc":
    out = b"".join(dkim.arc_sign(message, selector.encode(), domain.encode(), open(key, "rb").read(), srv.encode(), timestamp="1500000000"))
else:
    algorithm = b"ed25519-sha256" if kind == "ed" else b"rsa-sha256"
    out = dkim.sign(message, selector.encode(), domain.encode(), open(key, "rb").read(), canonicalize=(head, body), signature_algorithm=algorithm)
sys.stdout.buffer.write(out)
"""


def sign(python, folder, message, kind="rsa", form="relaxed/relaxed", srv=""):
    key = folder / ("ed.seed" if kind == "ed" else "rsa.pem")
    selector = "ed" if kind == "ed" else "rsa"
    done = subprocess.run([python, "-c", SIGNER, kind, "partner.test", selector, str(key), form, srv], input=message, check=True,
                          capture_output=True)
    return done.stdout.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + message


def text(author="carol@partner.test", subject="hello", body="One.\r\n\r\nTwo \t two.\r\n\r\n\r\n"):
    return (f"From: {author}\r\nTo: alice@postern.test\r\nSubject: {subject}\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{subject}@partner.test>\r\n\r\n{body}").encode()


def deliver(lab, message, sender="carol@partner.test"):
    """The reply to the final dot, as (code, text)."""
    def talk():
        with smtplib.SMTP(ADDRESSES["mx"], 25, local_hostname="mx.partner.test", timeout=30) as client:
            client.ehlo()
            client.mail(sender)
            code, answer = client.rcpt("alice@postern.test")
            assert code == 250, answer
            return client.data(message)
    return lab.inside("partner", talk)


def results(lab, subject):
    """Our Authentication-Results of the message with this subject, unfolded."""
    raw = lab.wait_for_message("alice@postern.test", f"Subject: {subject}\r\n")
    message = email.message_from_bytes(raw)
    ours = [value for value in message.get_all("Authentication-Results", []) if value.startswith("mx.postern.test;")]
    assert len(ours) == 1, f"{subject}: {len(ours)} fields of ours in {raw[:800]!r}"
    return re.sub(r"\s+", " ", ours[0])


def expect(lab, subject, *parts):
    found = results(lab, subject)
    for part in parts:
        assert part in found, f"{subject}: {part!r} is not in {found!r}"


def check_spf_and_dmarc(lab):
    assert deliver(lab, text(subject="pass"))[0] == 250
    expect(lab, "pass", "spf=pass", "smtp.mailfrom=carol@partner.test", "dmarc=pass (p=reject dis=none) header.from=partner.test")
    code, answer = deliver(lab, text(author="x@strict.test", subject="spoofed"))
    assert code == 550 and b"DMARC" in answer, (code, answer)
    assert deliver(lab, text(author="x@mild.test", subject="mild"), sender="x@soft.test")[0] == 250
    expect(lab, "mild", "spf=softfail", "dmarc=fail (p=quarantine dis=quarantine) header.from=mild.test")
    assert deliver(lab, text(author="x@none.test", subject="none"), sender="x@loop.test")[0] == 250
    expect(lab, "none", "spf=permerror", "dmarc=none")
    code, answer = deliver(lab, text(author="x@excused.test", subject="excused"))
    assert code == 250, answer
    expect(lab, "excused", "dmarc=fail (p=reject dis=none local_policy) header.from=excused.test")
    forged = b"Authentication-Results: mx.postern.test; dmarc=pass header.from=bank.test\r\n" + text(subject="forged")
    assert deliver(lab, forged)[0] == 250
    assert "bank.test" not in results(lab, "forged")
    print("ok   SPF and DMARC: pass, fail, softfail, permerror, none, an override, a forged field", flush=True)


def check_signatures(lab, python, folder):
    for kind in ("rsa", "ed"):
        for form in ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"):
            subject = f"{kind}-{form.replace('/', '-')}"
            assert deliver(lab, sign(python, folder, text(subject=subject), kind, form), sender="x@soft.test")[0] == 250
            expect(lab, subject, "dkim=pass", "header.d=partner.test", "spf=softfail", "dmarc=pass")
    broken = sign(python, folder, text(subject="broken")).replace(b"Two \t two", b"Two, two")
    code, answer = deliver(lab, broken, sender="x@soft.test")
    assert code == 550 and b"DMARC" in answer, (code, answer)
    print("ok   dkimpy's signatures, RSA and Ed25519 in four canonical forms; a changed body fails", flush=True)


def check_seals(lab, python, folder):
    """A list that we trust seals what it saw; then it changes subject and body, which breaks the author's own proof."""
    seen = (b"Authentication-Results: mx.partner.test; spf=pass smtp.mailfrom=x@strict.test; dmarc=pass header.from=strict.test\r\n"
            + text(author="x@strict.test", subject="sealed"))
    sealed = sign(python, folder, seen, kind="arc", srv="mx.partner.test")
    code, answer = deliver(lab, sealed, sender="list@partner.test")
    assert code == 250, answer
    expect(lab, "sealed", "arc=pass arc.chain=1", "dmarc=fail (p=reject dis=none local_policy) header.from=strict.test")
    code, answer = deliver(lab, sealed.replace(b"Subject: sealed", b"Subject: other"), sender="list@partner.test")
    assert code == 550, (code, answer)
    print("ok   dkimpy's ARC seal of a trusted list excuses DMARC; a broken one does not", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "openssl")
    with laboratory.Lab(peers=False) as lab:
        folder, keys = make_keys(lab)
        lab.publish(*keys, *[
            f'partner TXT "v=spf1 ip4:{PARTNER_IP} -all"', '_dmarc.partner TXT "v=DMARC1; p=reject"',
            'strict TXT "v=spf1 -all"', '_dmarc.strict TXT "v=DMARC1; p=reject"',
            'soft TXT "v=spf1 ~all"', 'soft MX 10 mx.partner.test.', '_dmarc.mild TXT "v=DMARC1; p=quarantine"',
            'loop TXT "v=spf1 include:loop.test -all"', 'loop MX 10 mx.partner.test.', 'none A 10.77.0.3',
            '_dmarc.excused TXT "v=DMARC1; p=reject"',
        ])
        lab.write_postern_config(authentication='dmarc_overrides = ["excused.test none"]\ntrusted_sealers = ["partner.test"]\n')
        lab.start_postern()
        check_spf_and_dmarc(lab)
        python = tool()
        if python is None:
            print("skip signatures and seals of another implementation: python3-dkim and python3-nacl are not installed", flush=True)
            return
        check_signatures(lab, python, folder)
        check_seals(lab, python, folder)


if __name__ == "__main__":
    sys.exit(main())
