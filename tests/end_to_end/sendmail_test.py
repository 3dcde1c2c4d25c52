#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sendmail, mailq and newaliases as cron jobs and scripts call them: through the trusted listener on loopback, also by a user who
may not read the configuration, and with an exit code that says what to do when it did not work."""
import os
import subprocess

import lab as laboratory
from lab import POSTERN, wait_for

ALICE, BOB = laboratory.LOCAL
CRON = "From: root (Cron Daemon)\nTo: alice\nSubject: Cron <root@mx> /bin/true\n\nout of paper: ü\n.\nbehind the dot\n"


class Box:
    """The three names as links to the program."""

    def __init__(self, lab):
        self.lab = lab
        self.bin = lab.folder / "bin"
        self.bin.mkdir()
        for name in ("sendmail", "mailq", "newaliases"):
            os.symlink(POSTERN, self.bin / name)

    def run(self, name, *words, text="", user=None, config=True):
        environment = {**os.environ, **({"POSTERN_CONFIG": str(self.lab.config)} if config else {})}
        command = [] if user is None else ["setpriv", f"--reuid={user}", "--clear-groups"]
        return subprocess.run(self.lab.command("mx", *command, self.bin / name, *words), input=text.encode(), env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)


def check_cron(lab, box):
    done = box.run("sendmail", "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "-f", "bob", "alice", text=CRON)
    assert done.returncode == 0, done
    letter = lab.wait_for_message(ALICE, "out of paper").decode()
    assert "From: Cron Daemon <root@postern.test>" in letter and "behind the dot" in letter, letter
    assert "To: alice@postern.test" in letter and "Message-ID: " in letter and "Date: " in letter, letter
    assert letter.startswith(f"Return-Path: <{BOB}>"), letter


def check_script(lab, box):
    """As PHP, git and mutt call it; nobody may read the configuration."""
    os.chmod(lab.config, 0o600)
    done = box.run("sendmail", "-t", "-f", BOB, text=f"To: {ALICE}\nBcc: {BOB}\nFrom: {BOB}\nSubject: script\n\nby nobody\n.\nnot this\n",
                   user="nobody", config=False)
    assert done.returncode == 0, done
    for user in (ALICE, BOB):
        letter = lab.wait_for_message(user, "by nobody").decode()
        assert "Bcc" not in letter and "not this" not in letter, letter
    sent = box.run("sendmail", "-N", "success,failure", "-f", ALICE, "carol@partner.test", text=f"From: {ALICE}\nSubject: out\n\nto the partner\n")
    assert sent.returncode == 0, sent
    lab.wait_for_message("carol@partner.test", "to the partner")


def check_refusals(lab, box):
    cases = ((64, ["-bs"], "trusted listener"), (64, [], "no recipients"), (65, ["alice@"], "no mail address"),
             (67, ["nobody.here@postern.test"], "nobody.here@postern.test: 550"),
             (69, ["-f", "eve@elsewhere.test", "alice"], "alice@postern.test: 5"))
    for code, words, text in cases:
        done = box.run("sendmail", *words, text="Subject: x\n\ny\n")
        assert done.returncode == code and text in done.stdout.decode(), (words, done)


def check_queue(lab, box):
    lab.stop("postfix")
    assert box.run("sendmail", "carol@partner.test", text=f"From: {ALICE}\nSubject: later\n\nlater\n").returncode == 0
    wait_for(lambda: b"carol@partner.test" in box.run("mailq").stdout, "the queue to show it")
    assert box.run("newaliases").returncode == 0


def check_without_server(lab, box):
    lab.stop("postern")
    done = box.run("sendmail", "alice", text="Subject: x\n\ny\n")
    assert done.returncode == 75 and b"no server at 127.0.0.1:2525" in done.stdout, done
    lab.write_postern_config()
    done = box.run("sendmail", "alice", text="Subject: x\n\ny\n")
    assert done.returncode == 78 and b"listen.trusted" in done.stdout, done


CHECKS = (check_cron, check_script, check_refusals, check_queue, check_without_server)


def main():
    laboratory.need("nft", "ip", "setpriv", "postfix", "dovecot")
    with laboratory.Lab() as lab:
        box = Box(lab)
        lab.write_postern_config(listen='trusted = ["127.0.0.1:2525"]\n', trusted='networks = ["127.0.0.0/8"]\n')
        lab.start_postern()
        for check in CHECKS:
            check(lab, box)
            print(f"ok {check.__name__}", flush=True)


if __name__ == "__main__":
    main()
