#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten thousand TLS sessions in IDLE cost at most 40 KiB of the server's memory each, all of them are told of a new message, and a
session on a mailbox of 100,000 messages costs at most 4 MiB beyond what all share. Only memory is judged; bench/compare has the
times. POSTERN_CROWD makes the crowd smaller or larger."""
import imaplib
import os
import resource
import subprocess
import sys
from pathlib import Path

import lab as laboratory
from lab import ADDRESSES, POSTERN

ALICE, BOB = laboratory.LOCAL
MX = ADDRESSES["mx"]
CROWD = int(os.environ.get("POSTERN_CROWD", "10000"))
FEW = 200
EACH_KIB = 40
MESSAGES = 100_000
READERS = 8
READER_MIB = 4
LOAD = Path(os.environ.get("POSTERN_BUILD", Path(POSTERN).parent)) / "bench" / "postern_load"
LIMITS = "".join(f"{name} = {CROWD + 1000}\n" for name in (
    "connections_total", "connections_per_address", "connections_per_network", "imap_per_address", "imap_per_user_address"))


def load(lab, *words):
    return lab.command("mx", LOAD, *words)


def grown_by_crowd(lab, sessions):
    """Memory in KiB while so many sessions are in IDLE."""
    words = load(lab, "idle", "--host", MX, "--port", 993, "--user", ALICE, "--users", 1, "--password", lab.passwords[ALICE],
                 "--connections", sessions)
    holder = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = holder.stdout.readline().strip()
    memory = lab.memory_kib()
    holder.communicate("\n", timeout=120)
    assert ready == f"ready {sessions}", f"{ready} of {sessions} sessions"
    assert holder.returncode == 0, "some sessions broke"
    return memory


def idle_sessions(lab):
    few = grown_by_crowd(lab, FEW)
    many = grown_by_crowd(lab, CROWD)
    each = (many - few) / (CROWD - FEW)
    print(f"{CROWD} sessions in IDLE: {many / 1024:.0f} MiB, {each:.1f} KiB each", flush=True)
    assert each <= EACH_KIB, each


def all_are_told(lab):
    told = lab.run("mx", LOAD, "crowd", "--host", MX, "--port", 993, "--smtp-port", 25, "--user", ALICE, "--password",
                   lab.passwords[ALICE], "--connections", CROWD, "--messages", 3, timeout=300).stdout
    print(f"new mail to {CROWD} sessions: {told.strip()}", flush=True)
    assert f'"count":{3 * CROWD},' in told, told


def large_mailbox(lab):
    lab.run("mx", LOAD, "imap", "--host", MX, "--port", 993, "--user", BOB, "--password", lab.passwords[BOB], "--fill", MESSAGES,
            "--size", 400, timeout=300)

    def reader():
        client = lab.inside("mx", lambda: imaplib.IMAP4_SSL(MX, 993, ssl_context=lab.tls()))
        client.login(BOB, lab.passwords[BOB])
        assert client.select()[1] == [str(MESSAGES).encode()]
        assert client.uid("SEARCH", "UNDELETED")[0] == "OK"
        assert len(client.fetch("1:*", "(UID FLAGS)")[1]) == MESSAGES
        return client

    readers = [reader()]
    one = lab.memory_kib()
    readers += [reader() for _ in range(READERS)]
    each = (lab.memory_kib() - one) / READERS / 1024
    print(f"a session on {MESSAGES} messages: {each:.2f} MiB beyond the shared snapshot", flush=True)
    assert each <= READER_MIB, each
    for client in readers:
        client.logout()


def main():
    if not LOAD.exists():
        laboratory.skip(f"{LOAD} is not built")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < CROWD + 2000:
        laboratory.skip(f"only {hard} descriptors are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with laboratory.Lab(peers=False) as lab:
        lab.default_limits = True
        lab.write_postern_config(limits=LIMITS + "connection_rate_per_minute = 1000000\n")
        lab.start_postern()
        idle_sessions(lab)
        all_are_told(lab)
        large_mailbox(lab)
        print("ok", flush=True)


if __name__ == "__main__":
    sys.exit(main())
