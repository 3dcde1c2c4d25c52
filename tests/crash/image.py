# SPDX-License-Identifier: Apache-2.0
"""A file system in a file, whose power can be cut: everything that was not synced is gone after the next mount.

The cut is the shutdown ioctl that ext4 and xfs share, without flushing the journal. Needs root, loop devices and mount.
"""
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

from harness import Skip

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN: _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2
NEW_MOUNT_NAMESPACE = 0x00020000  # CLONE_NEWNS
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"), "xfs": ("mkfs.xfs", "-q", "-f")}
BUSY_TRIES = 50
PRIVATE = []  # not empty once the mounts are private


def quiet(*words):
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, words))}: {done.stdout.strip()}")
    return done.stdout


def keep_mounts_private():
    """Moves this thread, and all that it starts, into a mount namespace of its own. Otherwise any program beside us that makes one
    (ip netns exec does) holds a copy of our mounts, an unmount does not end the file system, and the dead one is mounted again."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNT_NAMESPACE) != 0:
        raise Skip("cannot make a mount namespace")
    quiet("mount", "--make-rprivate", "/")


def need(*programs):
    if os.geteuid() != 0:
        raise Skip("needs root to mount a file system")
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"needs the program {program}")
    if not PRIVATE:
        keep_mounts_private()
        PRIVATE.append(True)


class Image:
    """mounted below folder/name."""

    def __init__(self, run, name="disk", megabytes=1024, filesystem="ext4"):
        need("losetup", "mount", MAKE[filesystem][0])
        self.file, self.path = run.folder / f"{name}.img", run.folder / name
        self.path.mkdir()
        with open(self.file, "wb") as out:
            out.truncate(megabytes << 20)
        self.device = None
        try:
            self.device = quiet("losetup", "--find", "--show", self.file).strip()
            run.at_end(self.close)
            quiet(*MAKE[filesystem], self.device)
            self.mount()
        except OSError as error:
            raise Skip(f"cannot mount a {filesystem} image: {error}") from error

    def mount(self):
        quiet("mount", self.device, self.path)

    def unmount(self):
        """The dead process may hold its files a moment longer."""
        for attempt in range(BUSY_TRIES):
            try:
                quiet("umount", self.path)
                return
            except OSError:
                if attempt == BUSY_TRIES - 1:
                    raise
                time.sleep(0.02)

    def cut_power(self):
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def power_on(self):
        """Unmounts what is dead and mounts again, which replays the journal."""
        self.unmount()
        self.mount()

    def fill(self, name="filler"):
        """Takes all room that is left; gives the path of the file."""
        path = self.path / name
        with open(path, "wb", buffering=0) as out:
            for size in (1 << 20, 4096, 512, 1):
                block = b"x" * size
                try:
                    while True:
                        out.write(block)
                except OSError:
                    pass
            try:
                os.fsync(out.fileno())
            except OSError:
                pass
        return path

    def close(self):
        if os.path.ismount(self.path):
            self.unmount()
        if self.device:
            quiet("losetup", "-d", self.device)
            self.device = None


class MemoryDisk(Image):
    """A tmpfs of a size, for what needs no power cut."""

    def __init__(self, run, name="disk", megabytes=64):
        need("mount")
        self.path, self.device = run.folder / name, None
        self.path.mkdir()
        try:
            quiet("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", self.path)
        except OSError as error:
            raise Skip(f"cannot mount a tmpfs: {error}") from error
        run.at_end(self.close)


SHIM = r"""
/* Syncs that do nothing: the control experiment. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int fsync(int fd) { (void)fd; return 0; }
int fdatasync(int fd) { (void)fd; return 0; }
int syncfs(int fd) { (void)fd; return 0; }
void sync(void) {}
int msync(void* start, size_t length, int flags) { (void)start; (void)length; (void)flags; return 0; }
int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) { (void)fd; (void)offset; (void)bytes; (void)flags; return 0; }
"""


def build_no_sync(folder: Path):
    """A library to preload, which turns every sync off; gives its path."""
    source, library = folder / "no_sync.c", folder / "no_sync.so"
    source.write_text(SHIM)
    compiler = next((c for c in ("cc", "gcc", "clang-19", "clang") if shutil.which(c)), None)
    if compiler is None:
        raise Skip("needs a C compiler to build the library that turns fsync off")
    quiet(compiler, "-shared", "-fPIC", "-O1", "-o", library, source)
    return library
