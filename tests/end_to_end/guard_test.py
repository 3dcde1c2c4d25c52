#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guard over the wire (R13, small): guesses from many loopback addresses on submission, IMAP and POP3 meet their budgets and
then bans; who logs in from a network that his account knows goes on; bans are listed, explained, lifted, and outlive a restart."""
import collections
import json
import socket
import ssl
import urllib.request

import lab as laboratory
from lab import ADDRESSES
from logins_test import PORTS, Wire, plain, succeeded

ALICE, BOB = laboratory.LOCAL
MX = ADDRESSES["mx"]
PER_SOURCE, PER_ACCOUNT, BAN_AFTER = 10, 15, 10
LOOKED_AT = ("535", "a NO [AUTHENTICATIONFAILED]", "-ERR [AUTH]")
STOPPED = ("454 4.7.0", "a NO [UNAVAILABLE]", "-ERR [SYS/TEMP]")
HOSTILE = [f"127.1.{n}.66" for n in range(1, 7)]


def attempt(lab, source, protocol, user, password):
    """"right", "wrong" (a verifier looked at it), "stopped" (a budget is used up) or "shut out" (a ban)."""
    def run():
        try:
            wire = Wire(lab, protocol, source)
        except (OSError, ssl.SSLError):
            return "shut out"
        try:
            return plain(wire, user, password)[-1]
        finally:
            wire.close()
    said = lab.inside("mx", run)
    if said == "shut out" or succeeded([said]):
        return "shut out" if said == "shut out" else "right"
    if said.startswith(LOOKED_AT):
        return "wrong"
    assert said.startswith(STOPPED), said
    return "stopped"


def everywhere(lab, source, user):
    return {protocol: attempt(lab, source, protocol, user, lab.passwords[user]) for protocol in PORTS}


def explain(lab, subject):
    return json.loads(lab.postern("--json", "ban", "explain", subject))


def check_the_owners_are_known(lab):
    for user in (ALICE, BOB):
        assert set(everywhere(lab, MX, user).values()) == {"right"}


def check_a_spray(lab):
    """One password after the other over names that exist and names that do not, from six networks, on three protocols."""
    names = [ALICE, BOB] + [f"user{n}@postern.test" for n in range(30)] + ["guess@elsewhere.test"]
    protocols = list(PORTS)
    ends = collections.defaultdict(collections.Counter)
    tried = collections.Counter()
    for number in range(PER_SOURCE + BAN_AFTER + 4):
        for place, source in enumerate(HOSTILE):
            user = names[(number * len(HOSTILE) + place) % len(names)]
            end = attempt(lab, source, protocols[number % 3], user, f"guess number {number} of {place}")
            ends[source][end] += 1
            tried[user] += end == "wrong"
    for source, counted in ends.items():
        assert counted["wrong"] == PER_SOURCE and counted["right"] == 0, (source, counted)
        assert counted["stopped"] == BAN_AFTER and counted["shut out"] == 4, (source, counted)
    assert max(tried.values()) <= PER_ACCOUNT, tried
    for user in (ALICE, BOB):
        assert set(everywhere(lab, MX, user).values()) == {"right"}, "owners go on"


def check_one_account(lab):
    """One name from many networks: no more than its budget reaches a verifier, and its owner stays in."""
    before = explain(lab, ALICE)["strangers"]["used"]
    looked_at = sum(attempt(lab, f"127.2.{n}.1", "imap", ALICE, f"another guess {n}") == "wrong" for n in range(PER_ACCOUNT + 10))
    assert before + looked_at == PER_ACCOUNT, (before, looked_at)
    assert set(everywhere(lab, "127.3.0.1", ALICE).values()) == {"stopped"}, "even the right one, from a new network"
    assert set(everywhere(lab, "127.3.0.1", BOB).values()) == {"right"}, "others come from anywhere"
    assert set(everywhere(lab, MX, ALICE).values()) == {"right"}
    said = lab.postern("ban", "explain", ALICE)
    assert "waits" in said and f"{PER_ACCOUNT} of {PER_ACCOUNT}" in said and "10.77.0.0/24: 0 of" in said, said


def check_a_stale_device(lab):
    """D74: the same wrong password again and again costs one of the budget."""
    for _ in range(25):
        assert attempt(lab, "127.4.0.1", "imap", BOB, "the password before") == "wrong"
    assert explain(lab, "127.4.0.1")["day"]["used"] == 1


def greeting(source, port):
    with socket.create_connection((MX, port), timeout=30, source_address=(source, 0)) as wire:
        return wire.makefile("rb").readline()


def check_refused_early(lab):
    """Before TLS: 421 where the protocol speaks first in clear, a closed connection elsewhere."""
    for port in (25, 587):
        said = lab.inside("mx", greeting, HOSTILE[0], port)
        assert said.startswith(b"421 4.7.0 Your address may not connect"), said
        assert lab.inside("mx", greeting, "127.5.0.1", port).startswith(b"220 ")
    assert attempt(lab, HOSTILE[0], "imap", BOB, lab.passwords[BOB]) == "shut out"
    page = lab.inside("mx", lambda: urllib.request.urlopen(f"http://{MX}:8080/metrics", timeout=30).read().decode())
    values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if not line.startswith("#")}
    assert values["postern_bans_total"] == len(HOSTILE), page
    assert values['postern_logins_stopped_total{budget="address_day"}'] >= BAN_AFTER * len(HOSTILE), page
    assert values['postern_connections_banned_total{service="smtp"}'] == 1, page


def check_commands(lab):
    listed = json.loads(lab.postern("--json", "ban", "list"))["bans"]
    assert [ban["network"] for ban in listed] == [f"{source}/32" for source in HOSTILE], listed
    first = listed[0]
    assert first["by"] == "guard" and first["until"] - first["since"] == 3600 and first["turned_away"] > 0, first
    assert first["evidence"]["failures"] == PER_SOURCE and first["evidence"]["refused"] == BAN_AFTER, first
    assert "guess number" not in json.dumps(listed) and "elsewhere" not in json.dumps(listed), "no passwords, no names of others"
    said = lab.postern("ban", "explain", HOSTILE[0])
    for part in (f"{HOSTILE[0]}: banned", "10 failed logins in a day, and went on", "10 of 10", f"postern ban remove {HOSTILE[0]}/32"):
        assert part in said, said
    assert explain(lab, MX)["verdict"] == "never-banned"
    assert explain(lab, "127.5.0.1")["verdict"] == "free"
    lab.postern("ban", "remove", HOSTILE[0])
    assert attempt(lab, HOSTILE[0], "imap", BOB, lab.passwords[BOB]) == "right", "lifted, and its failures forgotten"
    said = lab.postern("ban", "add", "127.6.0.0/16", "--expires", "1d", "--note", "ticket 4711")
    assert "127.6.0.0/16 may not connect any more; the ban ends in 2" in said, said
    assert attempt(lab, "127.6.1.2", "pop3", BOB, lab.passwords[BOB]) == "shut out"
    assert "ticket 4711" in lab.postern("ban", "list")
    for words, part in ((("ban", "add", "10.77.0.9"), "never banned"), (("ban", "add", "nonsense"), "no address and no network"),
                        (("ban", "remove", "127.6.1.2"), "what is banned there is 127.6.0.0/16"),
                        (("ban", "explain", "nobody@postern.test"), "is no account")):
        said = lab.postern(*words, check=False)
        assert part in said, said


def check_a_restart(lab):
    lab.stop("postern")
    offline = lab.postern("ban", "list", "--all")
    assert HOSTILE[1] in offline and "lifted" in offline and "127.6.0.0/16" in offline, offline
    lab.start_postern()
    assert attempt(lab, HOSTILE[1], "smtp", BOB, lab.passwords[BOB]) == "shut out"
    assert attempt(lab, "127.6.1.2", "imap", BOB, lab.passwords[BOB]) == "shut out"
    assert attempt(lab, "127.3.0.9", "imap", ALICE, lab.passwords[ALICE]) == "stopped", "the account's budget"
    assert explain(lab, "127.4.0.1")["day"]["used"] == 1
    assert set(everywhere(lab, MX, ALICE).values()) == {"right"}, "and the networks it knows"


def check_a_lost_state(lab):
    """Without state.db everybody may come again, and mail goes on."""
    lab.stop("postern")
    state = lab.folder / "postern" / "data" / "state.db"
    state.write_bytes(b"nonsense" * 1000)
    lab.start_postern()
    assert attempt(lab, HOSTILE[1], "imap", BOB, lab.passwords[BOB]) == "right"
    assert list(state.parent.glob("state.db.broken-*")), "the broken one is kept"
    assert lab.postern("ban", "list").strip() == "Nobody is banned."


CHECKS = (check_the_owners_are_known, check_a_spray, check_one_account, check_a_stale_device, check_refused_early, check_commands,
          check_a_restart, check_a_lost_state)


def main():
    laboratory.need("nft", "ip")
    with laboratory.Lab(peers=False) as lab:
        lab.postern_options = {"auth": f"failures_per_minute = {PER_SOURCE}\nfailures_per_day = {PER_SOURCE}\n"
                                       f"account_failures_per_day = {PER_ACCOUNT}\nnever_ban = [\"10.77.0.0/24\"]\n"
                                       "argon2_memory = \"8MiB\"\nargon2_ops = 1\n"}
        lab.write_postern_config()
        lab.start_postern()
        for check in CHECKS:
            check(lab)
            print(f"ok {check.__name__}", flush=True)


if __name__ == "__main__":
    main()
