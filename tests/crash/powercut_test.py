#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Power cuts under load: the data folder lies on a file system in a loop device, the shutdown ioctl takes everything that was not
synced, and what was acknowledged must be there after the journal was replayed (security.md R2, R4).

What a client hears after the ioctl began counts as not heard. That is not only what a power cut means, it is needed: while ext4 shuts
down, an fdatasync of preallocated blocks can return 0 although their conversion to written ones was dropped with the journal
(seen with a plain program of ten lines). The dead machine of a real cut returns nothing.

The same cuts with all syncs turned off must lose mail, or this test proves nothing: that is the control.

--cycles N (100), --seconds S (75), --filesystem ext4|xfs; needs root, losetup and mount.
"""
import os
import time

import harness
from image import Image, build_no_sync
from load import Household

CONTROL_CUTS = 15  # at most; the first loss ends the control
START_CUTS = 0.1   # of all cycles: power fails once more while the server recovers


class Bed:
    """A household whose data folder lies on an image."""

    def __init__(self, run, name):
        folder = run.folder / name
        folder.mkdir()
        self.image = Image(run, f"{name}-disk", filesystem=run.options.filesystem)
        self.house = Household(run, folder=folder, data=self.image.path / "data")

    def cut(self):
        """Power first, so that no write of the dying server gets through."""
        self.house.set_dark(True)
        self.image.cut_power()
        time.sleep(self.house.rng.choice((0, 0.005)))
        self.house.kill()

    def cycle(self):
        rng = self.house.rng
        if rng.random() < START_CUTS:
            self.house.sink.life += 1
            self.house.server.launch()
            time.sleep(rng.uniform(0, 0.12))
            self.cut()
            self.power_on()
        self.house.start()
        self.house.audit()
        threads, stop = self.house.begin_load()
        time.sleep(rng.uniform(0.02, 0.3))
        self.cut()
        self.house.end_load(threads, stop)
        self.power_on()

    def power_on(self):
        self.image.power_on()
        self.house.set_dark(False)


def control(run):
    """Cuts with syncs off until something is lost; gives how many that took and what was lost."""
    bed = Bed(run, "control")
    bed.house.server.environment = {**os.environ, "LD_PRELOAD": str(build_no_sync(run.folder))}
    for cut in range(1, CONTROL_CUTS + 1):
        try:
            bed.cycle()
            bed.house.start()
            bed.house.read_everything()
        except (AssertionError, OSError) as error:  # not even a database that opens, or no account
            return cut, f"{type(error).__name__}: {error}"[:120]
        lost = len(bed.house.ledger.sums().lost) + sum(len(m.problems) for m in bed.house.models)
        bed.house.kill()
        if lost:
            return cut, f"{lost} losses"
    raise AssertionError(f"without any fsync {CONTROL_CUTS} power cuts lost nothing: the test proves nothing")


def test(run):
    control_cuts, control_loss = control(run)
    print(f"control without fsync: {control_loss} after {control_cuts} cuts", flush=True)
    bed = Bed(run, "real")
    done = 0
    while done < run.options.cycles and not run.out_of_time():
        bed.cycle()
        done += 1
        if done % 50 == 0:
            print(f"{done} cuts in {run.seconds():.0f} s, {bed.house.ledger.totals()}", flush=True)
    bed.house.start()
    counts = bed.house.finish()
    harness.check(counts["acknowledged"] + counts["imap_acknowledged"] > done, "hardly anything was acknowledged: the test tested nothing")
    return {"cuts": len(bed.house.deaths), "cycles": done, "filesystem": run.options.filesystem,
            "control": f"{control_loss} after {control_cuts} cuts", **counts}


harness.run("powercut", test, cycles=100, seconds=75)
