#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signatures on what leaves: a key is made, its record published, found and used, followed by another and retired; another
implementation (Debian's OpenDKIM, when it is installed) accepts what a server that knows no extension has received."""
import json
import os
import re
import shutil
import stat
from pathlib import Path

import lab as laboratory
import sink
from lab import wait_for

ALICE = laboratory.LOCAL[0]
VERIFIER = shutil.which("opendkim-testmsg", path=os.environ["PATH"] + ":/usr/sbin")
LARGE = 30 * 1024 * 1024
LARGE_MEMORY = 24 * 1024  # KiB that a large message may add to the server's memory


class Case:
    def __init__(self, lab):
        self.lab = lab
        self.folder = lab.folder / "sink"
        self.folder.mkdir()
        self.seen = 0
        sink.start(lab, self.folder)

    def dkim(self, *words):
        return json.loads(self.lab.postern("--json", "dkim", *words))

    def keys(self):
        return {key["selector"]: key["state"] for key in self.dkim("list")["keys"]}

    def publish(self, key):
        """Puts the record into the zone as `postern dkim create` gives it."""
        strings = " ".join(f'"{part}"' for part in key["strings"])
        self.lab.publish(f'{key["name"]}. TXT {strings}')

    def send(self, message):
        """Submits the message and gives the file in which the sink wrote it."""
        self.lab.submit(ALICE, ["carol@partner.test"], message)
        self.seen += 1
        file = self.folder / f"{self.seen}.eml"
        wait_for(file.exists, "the message's arrival", 60)
        return file

    def selectors(self, file):
        header = file.read_bytes().split(b"\r\n\r\n")[0].decode("utf-8", "replace")
        return re.findall(r"DKIM-Signature:[^:]*?\ss=([^;]+);", header)

    def verify(self, file):
        if VERIFIER is None:
            return
        with open(file, "rb") as message:
            done = self.lab.run("partner", VERIFIER, stdin=message, check=False)
        assert done.returncode == 0 and "fail" not in done.stdout.lower(), f"opendkim-testmsg: {done.returncode} {done.stdout}"


def text(subject, body="Hello\r\n"):
    return (f"From: Alice <{ALICE}>\r\nTo: carol@partner.test\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{subject}@dkim.test>\r\n\r\n{body}").encode()


def check_first_key(case):
    """Nothing is signed before the record can be seen; afterwards everything is."""
    assert case.selectors(case.send(text("before"))) == []
    key = case.dkim("create", "postern.test")
    assert key["state"] == "waiting" and key["algorithm"] == "rsa" and key["bits"] == 2048, key
    assert all(len(part) <= 255 for part in key["strings"]) and "".join(key["strings"]) == key["record"]
    absent = case.dkim("check")["keys"][0]
    assert absent["publication"] == "absent" and absent["state"] == "waiting", absent
    assert case.selectors(case.send(text("waiting"))) == []
    case.publish(key)
    # The answer "there is none" may be remembered for as long as the zone says: 5 seconds.
    wait_for(lambda: case.dkim("check", "postern.test")["keys"][0]["state"] == "active", "the record's discovery", 30, 1)
    file = case.send(text("signed"))
    assert case.selectors(file) == [key["selector"]], file.read_bytes()[:2000]
    case.verify(file)
    print("ok   signed once the record is seen" + ("" if VERIFIER else " (OpenDKIM is not installed)"), flush=True)
    return key


def check_contents(case):
    """8-bit text to a server that knows only 7 bits is recoded and signed so; large messages stay out of memory."""
    file = case.send(text("eight-bit", "Grüße aus Köln an alle daheim\r\n.\r\n..\r\n \t\r\n\r\n\r\n"))
    assert max(file.read_bytes()) < 0x80 and b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln" in file.read_bytes(), file.read_bytes()
    case.verify(file)
    case.verify(case.send(text("no-line-end", "the end")))
    pid = case.lab.processes["postern"].pid

    def memory():
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))
    before = memory()
    file = case.send(text("large", ("x" * 76 + "\r\n") * (LARGE // 78)))
    grown = memory() - before
    assert file.stat().st_size > LARGE * 0.99
    case.verify(file)
    if b"AddressSanitizer" not in Path(laboratory.POSTERN).read_bytes():  # which keeps freed memory for a while
        assert grown < LARGE_MEMORY, f"{LARGE} octets made the server grow by {grown} KiB"
    print(f"ok   8 bits, missing line end, {LARGE >> 20} MiB with {grown} KiB of memory", flush=True)


def check_rotation(case, first):
    """The old key signs until the new one is published; afterwards it is retired by itself. Ed25519 signs beside RSA."""
    second = case.dkim("rotate", "postern.test")["keys"][0]
    assert second["follows"] == first["selector"] and second["state"] == "waiting"
    assert case.selectors(case.send(text("old-key"))) == [first["selector"]]
    again = case.lab.postern("dkim", "rotate", "postern.test", check=False)
    assert "waits for its record already" in again, again
    case.publish(second)
    wait_for(lambda: case.dkim("check")["keys"][-1]["state"] == "active", "the second record's discovery", 30, 1)
    assert case.keys() == {first["selector"]: "retired", second["selector"]: "active"}, case.keys()
    file = case.send(text("new-key"))
    assert case.selectors(file) == [second["selector"]]
    case.verify(file)
    ed25519 = case.dkim("create", "postern.test", "--algorithm", "ed25519", "--now")
    case.publish(ed25519)
    assert sorted(case.selectors(case.send(text("both")))) == sorted([second["selector"], ed25519["selector"]])
    retired = case.dkim("retire", "postern.test", ed25519["selector"])
    assert retired["still_signed"] and retired["keep_record_until"] > retired["retired"]
    print("ok   rotation, two algorithms, retirement", flush=True)
    return second


def check_files(case, key):
    """Keys are readable by their owner alone, and survive a restart; without a server the commands work too."""
    lab = case.lab
    files = list((lab.folder / "postern" / "data").glob("*._domainkey.postern.test.key"))
    assert len(files) == 3, files
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert lab.stop("postern") == 0
    assert case.keys()[key["selector"]] == "active"
    lab.start_postern()
    case.verify(case.send(text("after-restart")))
    print("ok   files, restart, commands without a server", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd")
    with laboratory.Lab(peers=False) as lab:
        lab.start_postern()
        case = Case(lab)
        first = check_first_key(case)
        check_contents(case)
        second = check_rotation(case, first)
        check_files(case, second)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
