#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wall clocks that are ten years off (wrong_clock.cc), under the real program, and DNS that is gone: nothing bounces,
nothing is lost, and mail goes when the world is right again."""
import email
import json
from pathlib import Path

import lab as laboratory
from lab import wait_for

ALICE, BOB = laboratory.LOCAL
CAROL = laboratory.PARTNER[0]
YEAR = 365 * 86400


class ClockLab(laboratory.Lab):
    """Postern's wall clock is off by what the file says (wrong_clock.cc); its steady clock is the machine's."""

    def build_clock(self):
        self.offset = self.folder / "offset"
        self.library = self.folder / "wrong_clock.so"
        laboratory.quiet("clang++-19", "-std=c++20", "-O1", "-shared", "-fPIC", Path(__file__).with_name("wrong_clock.cc"), "-o",
                         self.library)

    def start_postern(self, years=0):
        self.set_clock(years)
        words = ("env", f"LD_PRELOAD={self.library}", f"WRONG_CLOCK={self.offset}", "ASAN_OPTIONS=verify_asan_link_order=0")
        self.start("postern", "mx", *words, laboratory.POSTERN, "--config", self.config, "serve")
        wait_for(lambda: self.processes["postern"].poll() is not None or self.greets("mx", 25), "Postern's start")
        assert self.processes["postern"].poll() is None, "Postern ended at its start"

    def set_clock(self, years):
        """Written in place: the running process has mapped the file."""
        with open(self.offset, "r+b" if self.offset.exists() else "w+b") as file:
            file.write((years * YEAR).to_bytes(8, "little", signed=True))

    def said(self, text):
        return text in (self.folder / "postern.log").read_text(errors="replace")


def text(token):
    return (f"From: {ALICE}\r\nTo: {CAROL}\r\nSubject: {token}\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{token}@clock.test>\r\n\r\n{token}\r\n").encode()


def waiting(lab):
    entries = json.loads(lab.postern("--json", "queue", "list"))["entries"]
    return [r for e in entries for r in e["recipients"] if r["state"] != "done"]


def more_attempts(lab, count):
    """Waits until each recipient in the queue was tried so many times more."""
    before = {r["address"]: r["attempts"] for r in waiting(lab)}
    assert before, "the queue is empty"
    wait_for(lambda: waiting(lab) and all(r["attempts"] >= before.get(r["address"], 0) + count for r in waiting(lab)),
             f"{count} more attempts", 60)


def failures(lab):
    """Notices of failure that Alice got."""
    reports = (email.message_from_bytes(m) for m in lab.messages(ALICE))
    return [m for m in reports if m.get_content_type() == "multipart/report" and "Action: failed" in m.as_string()]


def check_jumps(lab):
    lab.stop("postfix")
    lab.submit(ALICE, [CAROL], text("jumps"))
    more_attempts(lab, 1)
    for years in (10, -10):
        lab.set_clock(years)
        wait_for(lambda: lab.said("clock_jumped"), "the notice of a jump")
        more_attempts(lab, 2)
        assert len(waiting(lab)) == 1 and not failures(lab), f"at {years}: {waiting(lab)}"
        lab.set_clock(0)
        more_attempts(lab, 1)
    lab.start_postfix(None, None)
    lab.wait_for_message(CAROL, "Subject: jumps")
    wait_for(lambda: not waiting(lab), "the queue's end")
    assert not failures(lab)
    print("ok   a clock that jumps by ten years, there and back, bounces nothing", flush=True)


def check_chosen_time(lab):
    """RFC 4865: what its sender wants sent later is not sent early by a jump, nor by `queue retry`; the admin may release it."""
    arrived = lambda token: any(f"Subject: {token}".encode() in m for m in lab.messages(CAROL))  # noqa: E731
    for years in (10, -10):
        token = f"chosen-{years}"
        log_size = (lab.folder / "postern.log").stat().st_size
        lab.submit(ALICE, [CAROL], text(token), options=("HOLDFOR=3600",))
        lab.set_clock(years)
        lab.submit(ALICE, [BOB], text(f"wake-{years}"))
        lab.postern("queue", "retry", "--all")
        wait_for(lambda: "clock_jumped" in (lab.folder / "postern.log").read_text(errors="replace")[log_size:], "a jump", 70)
        one = wait_for(lambda: waiting(lab), "the queue")[0]
        now = json.loads(lab.postern("--json", "queue", "list"))["now"]
        wait_for(lambda: abs(waiting(lab)[0]["next_at"] - now - 3600) < 120, "the chosen time's move", 70)
        assert one["attempts"] == 0 and "waits for the time that its sender chose" in one["last_reply"], one
        entry = json.loads(lab.postern("--json", "queue", "list"))["entries"][0]["id"]
        told = lab.postern("queue", "retry", str(entry))
        assert "postern queue release" in told, told
        assert not arrived(token), "sent before its time"
        assert "1 recipient released" in lab.postern("queue", "release", str(entry))
        lab.wait_for_message(CAROL, f"Subject: {token}")
        lab.set_clock(0)
        wait_for(lambda: not waiting(lab), "the queue's end")
    print("ok   a chosen time is kept through jumps", flush=True)


def check_restarts(lab):
    """Mail that was accepted and tried under a wrong clock, by a process that never saw the right one."""
    for years in (10, -10):
        token = "restart-" + ("ahead" if years > 0 else "behind")
        lab.stop("postfix")
        assert lab.stop("postern") == 0
        lab.start_postern(years)
        lab.submit(ALICE, [CAROL], text(token))
        more_attempts(lab, 1)
        assert lab.stop("postern") == 0
        lab.start_postern()
        lab.start_postfix(None, None)
        lab.wait_for_message(CAROL, f"Subject: {token}")
        wait_for(lambda: not waiting(lab), "the queue's end")
        assert not failures(lab)
    print("ok   mail of a wrong clock goes after a restart with the right one", flush=True)


def check_dns(lab):
    lab.stop("knot")
    assert lab.stop("postern") == 0  # with the answers that it remembers
    lab.start_postern()
    lab.submit(ALICE, [CAROL, "x@does-not-exist.test"], text("no-dns"))
    more_attempts(lab, 1)
    assert len(waiting(lab)) == 2 and not failures(lab), "without DNS nobody knows that a domain does not exist"
    folder = lab.folder / "knot"
    lab.start("knot", "dns", "knotd", "-c", folder / "knot.conf")
    lab.wait_for_message(CAROL, "Subject: no-dns")
    wait_for(lambda: len(failures(lab)) == 1, "the notice about the domain that does not exist", 60)
    print("ok   without DNS mail waits, and then each gets what is right", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot", "clang++-19")
    with ClockLab() as lab:
        lab.write_postern_config(dns='timeout = "2s"\n')
        lab.build_clock()
        lab.start_postern()
        check_jumps(lab)
        check_chosen_time(lab)
        check_restarts(lab)
        check_dns(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
