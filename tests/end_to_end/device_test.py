#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The device listener with swaks as the printer: listed networks, senders and recipients, its own limits, and TLS 1.0 there and
nowhere else; mail to others goes out through Postfix."""
import sys

import lab as laboratory
from lab import ADDRESSES, LOCAL, PARTNER

PORT = 2526
ALICE = LOCAL[0]
CAROL, DAVE = PARTNER[:2]
DEVICE = f"""listen = ["{ADDRESSES['mx']}:{PORT}"]
networks = ["{ADDRESSES['partner']}"]
senders = ["scanner@postern.test"]
recipients = ["@postern.test", "{CAROL}"]
message_bytes = "64KiB"
messages_per_hour = 4
tls_least = "1.0"
"""


def swaks(lab, *words, host="partner"):
    done = lab.run(host, "swaks", "--server", ADDRESSES["mx"], "--port", PORT, "--suppress-data", *words, check=False)
    return done.returncode, done.stdout


def send(lab, to, sender="scanner@postern.test", subject="scan", extra=(), host="partner"):
    return swaks(lab, "--from", sender, "--to", to, "--header", f"Subject: {subject}", *extra, host=host)


def check_delivery(lab):
    code, out = send(lab, ALICE, subject="scan-1")
    assert code == 0, out
    lab.wait_for_message(ALICE, "scan-1")
    code, out = send(lab, CAROL, subject="scan-2", extra=("--tls",))
    assert code == 0 and "TLS started" in out, out
    message = lab.wait_for_message(CAROL, "scan-2")
    assert b"10.77.0.3" not in message.split(b"Received: by mx.postern.test", 1)[-1].split(b"\n\n", 1)[0], message.decode()
    print("ok   a printer sends to us and to a listed address elsewhere", flush=True)


def check_refusals(lab):
    for words, reply in ((dict(to=DAVE), "550"), (dict(to=ALICE, sender="boss@postern.test"), "550"), (dict(to=ALICE, sender="<>"), "550"),
                         (dict(to="x@elsewhere.test"), "550"), (dict(to=ALICE, host="mx"), "550")):
        code, out = send(lab, **words)
        assert code != 0 and reply in out, f"{words}: {out}"
    code, out = swaks(lab, "--from", "scanner@postern.test", "--to", ALICE, "--body", ("x" * 60 + "\\n") * 1500)
    assert code != 0 and "552" in out, out
    code, out = swaks(lab, "--from", "scanner@postern.test", "--to", ALICE, "--auth-user", ALICE, "--auth-password", lab.passwords[ALICE], "--tls")
    assert code != 0, "AUTH is offered to devices"
    print("ok   what is not listed is refused", flush=True)


def check_rate(lab):
    codes = [send(lab, ALICE, subject=f"many-{i}") for i in range(4)]
    assert [code for code, _ in codes].count(0) == 2, [out for _, out in codes]
    assert "451 4.7.1" in codes[-1][1], codes[-1][1]
    print("ok   four messages an hour, then it must wait", flush=True)


def check_old_tls(lab):
    def version(port, *words):
        return lab.run("partner", "openssl", "s_client", "-connect", f"{ADDRESSES['mx']}:{port}", "-starttls", "smtp", "-cipher",
                       "ALL:@SECLEVEL=0", *words, check=False, stdin=-3).stdout
    assert "Protocol  : TLSv1\n" in version(PORT, "-tls1") or "New, TLSv1.0" in version(PORT, "-tls1"), version(PORT, "-tls1")
    assert "TLSv1.3" in version(PORT)
    for port in (25, 587):
        out = version(port, "-tls1")
        assert "Cipher is (NONE)" in out or "alert" in out, out
    print("ok   TLS 1.0 there, and nowhere else", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot", "swaks", "openssl")
    with laboratory.Lab() as lab:
        lab.write_postern_config(device=DEVICE)
        out = lab.postern("config", "check")
        assert "device.tls_least" in out, out
        lab.start_postern()
        check_delivery(lab)
        check_refusals(lab)
        check_rate(lab)
        check_old_tls(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


if __name__ == "__main__":
    sys.exit(main())
