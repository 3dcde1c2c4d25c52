#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under load, while starting, and again right after: nothing acknowledged is lost or undone, nothing is
torn, nothing is invented, and what another server has taken goes to it once (security.md section 6.1, R1; ledger.py and model.py
say what is counted).

--cycles N (300; a long run takes 10000), --seconds S, --seed N; the seed is printed.
"""
import time

import harness
from load import Household

START_KILLS = 0.15   # of all cycles: killed once more while it recovers
CALM = 0.03          # of all cycles: an idle moment before the kill, so that checkpoint and housekeeping run
FULL_AUDIT = 100     # cycles between two readings of everything


def compact(house):
    """Housekeeping by command, where the program has one, beside the load."""
    if house.can_compact:
        house.server.run_cli("store", "compact")


def kill_while_starting(house, rng):
    house.sink.life += 1
    house.server.launch()
    time.sleep(rng.uniform(0, 0.12))
    house.kill()


def cycle(house, number):
    rng = house.rng
    if rng.random() < START_KILLS:
        kill_while_starting(house, rng)
    house.start()
    if number % FULL_AUDIT == FULL_AUDIT - 1:
        house.read_everything()
    else:
        house.audit()
    threads, stop = house.begin_load()
    time.sleep(rng.uniform(0.01, 0.3))  # the moment of death is what this test varies
    if rng.random() < CALM:
        compact(house)
    if rng.random() < CALM:
        house.end_load(threads, stop)
        time.sleep(rng.uniform(0.9, 1.4))
    house.kill()
    house.end_load(threads, stop)


def test(run):
    house = Household(run)
    house.can_compact = house.server.has_command("store", "compact")
    done = 0
    while done < run.options.cycles and not run.out_of_time():
        cycle(house, done)
        done += 1
        if done % 100 == 0:
            problems = sum(len(m.problems) for m in house.models) + len(house.passwords.problems)
            print(f"{done} kills in {run.seconds():.0f} s, {house.ledger.totals()}, problems {problems}", flush=True)
    house.start()
    counts = house.finish()
    # security.md section 6.1: at most one in 1,000 kills, with room for chance in a short run.
    late = counts["remote_surplus"] - counts["remote_surplus_unread"]
    harness.check(late <= 2 + len(house.deaths) / 1000, f"{late} copies went out again although their 250 had been read: {counts}")
    harness.check(counts["acknowledged"] + counts["imap_acknowledged"] > done, "hardly anything was acknowledged: the test tested nothing")
    return {"kills": len(house.deaths), "cycles": done, **counts}


harness.run("kill9", test, cycles=300, seconds=150)
