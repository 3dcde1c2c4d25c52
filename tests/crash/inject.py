# SPDX-License-Identifier: Apache-2.0
"""Faults at one system call of the running server, by strace: death or an error at the N-th call of one name by one thread.

A point is (role, call, N). The role is the store's writer thread or all others; strace counts for each thread of its own, and a
thread's calls come in the same order whenever the same command runs alone. So a point means the same place in every run.
"""
import re
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from harness import Skip, check

WRITER = "store-writer"
OTHERS = "others"
SYNCS = ("fdatasync", "fsync", "sync_file_range")
WRITES = ("pwrite64", "pwritev", "pwritev2", "ftruncate", "fallocate", "linkat", "link", "rename", "renameat", "renameat2",
          "unlink", "unlinkat", "copy_file_range")
ANSWERS = ("sendto", "sendmsg", "write", "writev")
ATTACH_LIMIT = 10
STOP_LIMIT = 0.5
LINE = re.compile(r"^(\d+)\s+(\w+)\(")


@dataclass(frozen=True, order=True)
class Point:
    role: str
    call: str
    number: int

    def __str__(self):
        return f"{self.role} {self.call} {self.number}"


def need_strace(run):
    """Raises Skip when strace cannot trace here."""
    if not shutil.which("strace"):
        raise Skip("needs strace")
    tried = subprocess.run(["strace", "-f", "-o", run.folder / "tried", "-e", "inject=fsync:error=EIO:when=1", "true"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if tried.returncode != 0:
        raise Skip(f"strace cannot trace here: {tried.stdout.strip()}")


def ids_of(server, role):
    threads = server.threads()
    if role == WRITER:
        return threads[WRITER]
    return sorted(tid for name, ids in threads.items() if name != WRITER for tid in ids)


class Tracer:
    """strace attached to threads of the server, from start() until stop() or the server's death. Never with -f, which would attach
    it to all threads of the process, whichever were named."""

    def __init__(self, server, output: Path):
        self.server, self.output, self.process = server, output, None

    def start(self, ids, *options):
        self.output.unlink(missing_ok=True)
        attach = [word for tid in ids for word in ("-p", str(tid))]
        self.process = subprocess.Popen(["strace", "-o", str(self.output), *options, *attach], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + ATTACH_LIMIT
        while not all(self.attached(tid) for tid in ids):
            check(time.monotonic() < ends and self.process.poll() is None, "strace does not attach")
            time.sleep(0.002)

    def attached(self, tid):
        try:
            status = Path(f"/proc/{self.server.process.pid}/task/{tid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True  # the thread has ended, or a call beside the transaction was the point already
        return re.search(r"^TracerPid:\t0$", status, re.M) is None

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
        try:
            if self.process:
                self.process.wait(timeout=STOP_LIMIT)
        except subprocess.TimeoutExpired:  # strace 6.1 may wait for ever for a thread that it has killed itself
            self.process.kill()
            self.process.wait()

    def text(self):
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def watch(self, calls):
        """Records the calls of all threads."""
        ids = ids_of(self.server, WRITER) + ids_of(self.server, OTHERS)
        self.start(ids, "-e", "trace=" + ",".join(calls))

    def recorded(self):
        """Points that a recorded transaction passed: for each role and call as many as its busiest thread made."""
        writers = set(ids_of(self.server, WRITER))
        counts = Counter(found.groups() for found in map(LINE.match, self.text().splitlines()) if found)
        most = {}
        for (tid, call), count in counts.items():
            key = (WRITER if int(tid) in writers else OTHERS, call)
            most[key] = max(most.get(key, 0), count)
        return [Point(role, call, n) for (role, call), count in sorted(most.items()) for n in range(1, count + 1)]

    def inject(self, point, fault):
        """fault: "signal=KILL" or "error=EIO"."""
        self.start(ids_of(self.server, point.role), "-y", "-ttt", "-e", f"inject={point.call}:{fault}:when={point.number}")

    def reached(self):
        return "INJECTED" in self.text()

    def hit_only(self, books):
        """Every injected fault met one of these files, or the log or index beside it."""
        lines = self.hits().splitlines()
        return bool(lines) and all(any(f"/{book}" in line for book in books) for line in lines)

    def hit_at(self):
        """When the first fault was met, in seconds of the clock."""
        return float(re.search(r"\b\d{10}\.\d+\b", self.hits()).group())

    def syncs_before(self, book):
        """How often the thread that the fault hit had brought that file to disk before."""
        count = 0
        for line in self.text().splitlines():
            if "INJECTED" in line:
                return count
            count += bool(re.search(rf"f(data)?sync\(\d+</[^>]*/{re.escape(book)}>\)\s+= 0$", line))
        return count

    def hits(self):
        """The calls that failed, with the files they met; strace may tell of one call in two lines."""
        begun, found = {}, []
        for line in self.text().splitlines():
            tid = line.split(maxsplit=1)[0]
            if line.endswith("<unfinished ...>"):
                begun[tid] = line
            elif "INJECTED" in line:
                found.append(begun.get(tid, line) if "resumed>" in line else line)
        return "\n".join(found)
