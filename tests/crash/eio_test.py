#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that fails: EIO at each fsync and fdatasync (and at each write) of one transaction of each kind, and of a start (R5).

No acknowledgement may follow the failed sync; what was refused does not exist later; reading goes on; writing stays refused until the
restart when the index or the shared segment was hit, and after the restart everything acknowledged is there.
--seconds S (60) bounds a sample; --all takes every point.
"""
import os
import signal
import subprocess
from collections import Counter

import harness
from inject import SYNCS, WRITER, WRITES, Tracer, need_strace
from load import Household, send_one
from transactions import SMALL, kinds

FAULT = "error=EIO"
# An error of these changes nothing that was acknowledged: a rest of reserved room, a file that the next start removes.
HARMLESS = ("ftruncate", "unlink", "unlinkat")
# No acknowledgement of mail waits for these: counters, stories, who logged in, notes of mail taken elsewhere.
SIDE_BOOKS = ("state.db", "trace.db", "auth.db", "queue.taken")
SIDE_BOOKS_OF_PASSWORDS = ("state.db", "trace.db", "mail.db", "queue.taken")
ACTIVE = ("deliver", "append", "store", "copy", "move", "expunge", "mailboxes", "password")
START_POINTS = 12  # at most, of the syncs of a start


class Faults:
    def __init__(self, run):
        self.house = Household(run)
        self.tracer = Tracer(self.house.server, run.folder / "strace.txt")
        run.at_end(self.tracer.stop)
        self.reached, self.refused_later, self.accepted_later = Counter(), 0, 0

    def begin(self, kind, warm):
        """After a start the first mail clears room ahead; only the mails after it are durable with the index's one sync."""
        if warm:
            _, code = send_one(self.house.server, self.house.ledger, self.house.rng, ("alice",), SMALL)
            harness.check(code == 250, f"mail is answered {code}")
        kind.prepare()

    def record(self, kind, calls, warm):
        self.house.kill()
        self.house.start()
        self.begin(kind, warm)
        self.tracer.watch(calls)
        kind.run()
        kind.close()
        self.tracer.stop()
        harness.check(kind.answered, f"{kind.name} does not work at all")
        return self.tracer.recorded()

    def fail_at(self, kind, point, warm):
        self.begin(kind, warm)
        self.tracer.inject(point, FAULT)
        kind.run()
        self.tracer.stop()
        reached = self.tracer.reached()
        if reached:
            self.reached[f"{kind.name}: {point.call}"] += 1
            self.after_fault(kind, point)
        kind.close()
        self.house.kill()
        self.house.start()
        kind.audit()
        problems = self.house.models[0].problems + self.house.passwords.problems + self.house.problems
        wrong = self.house.ledger.sums().wrong() if kind.delivers else {}
        wrong.pop("split", None)
        wrong["lost"] = [text for text in wrong.get("lost", []) if "remote" not in text]
        harness.check(not problems and not any(wrong.values()), f"{kind.name}, EIO at {point}: {wrong} {problems}")

    def after_fault(self, kind, point):
        """The server stands, reads, and answers further mail honestly."""
        beside = self.tracer.hit_only(SIDE_BOOKS_OF_PASSWORDS if kind.name == "password" else SIDE_BOOKS)
        if point.call not in HARMLESS and not beside and not self.after_answer(kind, point):
            harness.check(kind.answered is not True, f"{kind.name} was acknowledged although {point} failed with EIO:\n{self.tracer.hits()}")
        harness.check(self.house.server.running(), f"the server died of EIO at {point}")
        with self.house.server.imap("alice") as client:
            client.do("EXAMINE INBOX")
            client.do("UID FETCH 1:* (FLAGS)")
            harness.check(not list(client.fetch_bodies("*")) == [] or self.house.last_uid["alice"] == 0, "reading does not go on")
        _, code = send_one(self.house.server, self.house.ledger, self.house.rng, ("alice",), SMALL)
        harness.check(code in (250, 451), f"mail after the fault is answered {code}")
        self.refused_later += code == 451
        self.accepted_later += code == 250

    def after_answer(self, kind, point):
        """The answer needed nothing of what failed, as when the queue claims what it was given. The client may have read it late."""
        if kind.answered and self.tracer.hit_at() > kind.answered_at:
            return True
        return point.role == WRITER and self.tracer.syncs_before("mail.db-wal") >= kind.commits

    def start_at(self, number, call):
        """A start whose n-th such call fails: it says so and ends, or it runs; nothing is lost. False when there is no such call."""
        server = self.house.server
        trace = server.folder / "start.txt"
        try:
            server.start(("strace", "-f", "-o", str(trace), "-e", f"inject={call}:{FAULT}:when={number}"))
            ended = None
        except AssertionError:
            ended = server.process.poll()
            harness.check(ended, f"a start with EIO at {call} {number} neither runs nor says why it ends")
        reached = "INJECTED" in trace.read_text(errors="replace")
        self.end_traced_start(server)
        self.house.start()
        self.house.audit()
        return reached

    @staticmethod
    def end_traced_start(server):
        """strace is the child; the server is its only child, and goes first."""
        if server.process.poll() is None:
            children = open(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read().split()
            os.kill(int(children[0]), signal.SIGKILL)
            server.process.wait()


def transactions(this, run, calls):
    chosen = [k for k in kinds(this.house) if k.name.startswith(ACTIVE) and run.options.only in k.name]
    work = [(kind, point, warm) for kind in chosen for warm in (False, True) for point in this.record(kind, calls, warm)]
    this.house.audit()
    run.random.shuffle(work)
    work.sort(key=lambda one: one[1].call not in SYNCS)  # syncs first: all of them in every run
    for kind, point, warm in work:
        if run.out_of_time():
            break
        this.fail_at(kind, point, warm)
    return dict(Counter(kind.name for kind, _, _ in work))


def starts(this):
    """EIO at the syncs of a start that has something to recover."""
    done = 0
    for call in SYNCS:
        for number in range(1, START_POINTS + 1):
            send_one(this.house.server, this.house.ledger, this.house.rng, ("alice",), SMALL)
            this.house.kill()
            if not this.start_at(number, call):
                break
            done += 1
    return done


def overwrites_in_place(folder):
    """As the store sees it: there, a small mail is handed to the device before the index's sync."""
    kind = subprocess.run(["stat", "--file-system", "--format=%T", folder], stdout=subprocess.PIPE, text=True, check=True).stdout
    return kind.strip() in ("ext2/ext3", "xfs")


def test(run):
    need_strace(run)
    this = Faults(run)
    this.house.start()
    this.house.audit()
    at_start = starts(this)
    points = transactions(this, run, (*SYNCS, *WRITES))
    counts = this.house.finish()
    harness.check(sum(n for name, n in this.reached.items() if name.endswith(SYNCS)) >= 10, f"hardly any fault was reached: {this.reached}")
    if overwrites_in_place(run.folder):
        harness.check(any(name.endswith("sync_file_range") for name in this.reached), f"no write-out failed: {this.reached}")
    return {"points": points, "reached": dict(this.reached), "starts": at_start, "later_refused": this.refused_later,
            "later_accepted": this.accepted_later, **counts}


harness.run("eio", test, seconds=60)
