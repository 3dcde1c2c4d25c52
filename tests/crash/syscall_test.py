#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Death before every system call that writes, syncs, names, removes or answers, in one transaction of each kind (security.md R3).

strace kills the server at the N-th such call; it starts again, and the audit finds each transaction done once or not at all, and
done when it was acknowledged. First a transaction of each kind is recorded: its calls are the points. A run in CI takes a sample
for --seconds; --all takes every point, and goes on behind the recorded ones until nothing is reached.
"""
from collections import Counter

import harness
from inject import ANSWERS, SYNCS, WRITES, Point, Tracer, need_strace
from load import Household
from transactions import kinds


class Points:
    def __init__(self, run):
        self.run = run
        self.house = Household(run)
        self.tracer = Tracer(self.house.server, run.folder / "strace.txt")
        run.at_end(self.tracer.stop)
        self.killed, self.missed = Counter(), 0

    def record(self, kind):
        """The points of one transaction of this kind."""
        kind.prepare()
        self.tracer.watch((*SYNCS, *WRITES, *ANSWERS))
        kind.run()
        kind.close()
        self.tracer.stop()
        harness.check(kind.answered, f"{kind.name} does not work at all")
        return self.tracer.recorded()

    def kill_at(self, kind, point):
        """One death and the audit after it; False when the transaction passed without reaching the point."""
        kind.prepare()
        self.tracer.inject(point, "signal=KILL")
        kind.run()
        kind.close()
        reached = not self.house.server.running()
        self.tracer.stop()
        self.house.kill()
        self.house.start()
        kind.audit()
        self.killed[kind.name] += reached
        self.missed += not reached
        self.complain(kind, point)
        return reached

    def complain(self, kind, point):
        """At once, while it is known what the server died of."""
        problems = self.house.models[0].problems + self.house.passwords.problems + self.house.problems
        wrong = self.house.ledger.sums().wrong() if kind.delivers else {}
        wrong.pop("split", None)  # the queue's part has not left yet
        wrong["lost"] = [text for text in wrong.get("lost", []) if "remote" not in text]
        harness.check(not problems and not any(wrong.values()), f"{kind.name}, death before {point}: {wrong} {problems}")


def behind(points):
    """For --all: where each row of points ends, to try what may come after it."""
    last = {}
    for point in points:
        last[point.role, point.call] = max(last.get((point.role, point.call), 0), point.number)
    return [Point(role, call, number + 1) for (role, call), number in last.items()]


def test(run):
    need_strace(run)
    this = Points(run)
    this.house.start()
    this.house.audit()
    chosen = [kind for kind in kinds(this.house) if run.options.only in kind.name]
    recorded = {kind.name: this.record(kind) for kind in chosen}
    this.house.audit()
    work = [(kind, point) for kind in chosen for point in recorded[kind.name]]
    run.random.shuffle(work)
    print({name: len(points) for name, points in recorded.items()}, flush=True)
    for done, (kind, point) in enumerate(work, 1):
        if run.out_of_time():
            break
        this.kill_at(kind, point)
        if done % 100 == 0:
            print(f"{done} of {len(work)} points in {run.seconds():.0f} s", flush=True)
    for kind in chosen if run.options.all else ():
        for point in behind(recorded[kind.name]):
            while this.kill_at(kind, point):
                point = Point(point.role, point.call, point.number + 1)
    counts = this.house.finish()
    harness.check(sum(this.killed.values()) > this.missed, "most points were not reached: the test tested nothing")
    return {"points": {name: len(points) for name, points in recorded.items()}, "killed": dict(this.killed),
            "kills": sum(this.killed.values()), "not_reached": this.missed, **counts}


harness.run("syscall", test, seconds=75)
