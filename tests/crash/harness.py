# SPDX-License-Identifier: Apache-2.0
"""What every test of this folder needs around it: a seed that is printed, a fresh folder, a summary as one line of JSON.

A test is a function of a Run. It returns its counts; run() prints them with versions, so that results can be kept per release.
Exit codes: 0 passed, 1 failed, 77 skipped (ctest's SKIP_RETURN_CODE), with the reason on standard output.
"""
import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POSTERN = os.environ.get("POSTERN_BINARY", "")
SKIPPED = 77
LOG_LINES = 25


class Skip(Exception):
    """This machine cannot do what the test needs; the text says what is missing."""


def check(condition, text):
    if not condition:
        raise AssertionError(text)


class Run:
    """One run of one test: options, random numbers, a folder that is removed at the end."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.seed = options.seed
        self.random = random.Random(self.seed)
        self.folder = Path(tempfile.mkdtemp(prefix=f"postern-{name}-"))
        self.began = time.monotonic()
        self.closers = []

    def seconds(self):
        return time.monotonic() - self.began

    def out_of_time(self):
        """True when --seconds is over; 0 means no limit."""
        return 0 < self.options.seconds < self.seconds()

    def at_end(self, function):
        """Called in reverse order when the run is over, however it ends."""
        self.closers.append(function)

    def close(self):
        for function in reversed(self.closers):
            try:
                function()
            except Exception as error:  # the first failure is the one to show
                print(f"cleaning up: {error}", flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def show_logs(self):
        for log in sorted(self.folder.rglob("*.log")):
            print(f"---- {log.relative_to(self.folder)}", *log.read_text(errors="replace").splitlines()[-LOG_LINES:], sep="\n", flush=True)


def versions():
    done = subprocess.run([POSTERN, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = done.stdout.strip().splitlines()
    return {"version": lines[0] if lines else "?", "binary": hashlib.sha256(Path(POSTERN).read_bytes()).hexdigest()[:16],
            "kernel": platform.release(), "cores": os.cpu_count()}


def summarise(run, outcome, counts):
    """One line of JSON; with POSTERN_CRASH_RESULTS also a file in that folder."""
    summary = {"test": run.name, "outcome": outcome, "seed": run.seed, "seconds": round(run.seconds(), 1), **versions(), **counts}
    text = json.dumps(summary, default=str)
    print(text, flush=True)
    if folder := os.environ.get("POSTERN_CRASH_RESULTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{run.name}-{run.seed}.json").write_text(text + "\n")


def run(name, test, **defaults):
    """Parses the options, runs the test and exits. defaults: cycles and seconds of a CI run."""
    parser = argparse.ArgumentParser(prog=f"{name}_test.py")
    environment = os.environ.get
    parser.add_argument("--cycles", type=int, default=environment("POSTERN_CRASH_CYCLES"))
    parser.add_argument("--seconds", type=float, default=environment("POSTERN_CRASH_SECONDS"),
                        help="stop after so long; 0: never (the default once --cycles or --all is given)")
    parser.add_argument("--seed", type=int, default=environment("POSTERN_CRASH_SEED", str(random.randrange(1 << 32))))
    parser.add_argument("--all", action="store_true", help="every point instead of a sample")
    parser.add_argument("--only", default="", help="only kinds whose name holds this word")
    parser.add_argument("--filesystem", default="ext4", choices=("ext4", "xfs"))
    options = parser.parse_args()
    if options.seconds is None:
        options.seconds = 0 if options.cycles is not None or options.all else defaults.get("seconds", 0)
    options.cycles = defaults.get("cycles", 0) if options.cycles is None else options.cycles
    if not POSTERN or not Path(POSTERN).exists():
        sys.exit("POSTERN_BINARY does not name the program")
    this = Run(name, options)
    print(f"{name}: seed {this.seed}", flush=True)
    code = 1
    try:
        summarise(this, "passed", test(this))
        code = 0
    except Skip as reason:
        print(f"skipped: {reason}")
        summarise(this, "skipped", {"reason": str(reason)})
        code = SKIPPED
    except BaseException as error:
        this.show_logs()
        summarise(this, "failed", {"error": f"{type(error).__name__}: {error}"[:2000]})
        print(f"failed with seed {this.seed}", flush=True)
        raise
    finally:
        this.close()
    sys.exit(code)
