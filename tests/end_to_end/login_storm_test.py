#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hundred logins at once, each from an address of its own, at the real cost of the hash (security.md D75): the server's memory
grows by no more than 256 MiB, who is logged in already is answered all the while, nobody is told that a right password is wrong.
How long an answer took is printed, not judged: bench/README.md has figures of a quiet machine."""
import imaplib
import threading
import time

import lab as laboratory
from lab import ADDRESSES, ImapFrom

ALICE, BOB = laboratory.LOCAL
MX = ADDRESSES["mx"]
LOGINS = 100
MOST_MIB = 256


def told(lab, client, user):
    """OK, or the response code of the refusal."""
    try:
        client.plain(user, lab.passwords[user])
        return "OK"
    except imaplib.IMAP4.error as refused:
        return str(refused)


class Watcher:
    """Somebody who is logged in and asks for news without a pause; knows how long each answer took."""

    def __init__(self, lab, user):
        self.client = ImapFrom(lab, MX)
        self.client.plain(user, lab.passwords[user])
        self.client.select()
        self.stop = threading.Event()
        self.waits = []
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while not self.stop.is_set():
            begin = time.monotonic()
            assert self.client.noop()[0] == "OK"
            self.waits.append(time.monotonic() - begin)

    def end(self):
        self.stop.set()
        self.thread.join()
        self.client.logout()
        waits = sorted(self.waits)
        return {"answers": len(waits), "p50_ms": round(waits[len(waits) // 2] * 1e3, 2),
                "p99_ms": round(waits[int(len(waits) * 0.99)] * 1e3, 2), "max_ms": round(waits[-1] * 1e3, 2)}


def storm(lab, clients, user):
    """All at once; gives what each was told, and how often the watcher was answered meanwhile."""
    answers = [None] * len(clients)
    gate = threading.Barrier(len(clients) + 1)

    def work(number):
        gate.wait()
        answers[number] = told(lab, clients[number], user)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    watcher = Watcher(lab, BOB)
    gate.wait()
    for thread in threads:
        thread.join()
    return answers, watcher.end()


def body(lab):
    before = lab.memory_kib()
    clients = [ImapFrom(lab, f"203.0.113.{number + 1}") for number in range(LOGINS)]
    answers, watched = storm(lab, clients, ALICE)
    grown = (lab.memory_kib("VmHWM") - before) / 1024
    print(f"{answers.count('OK')} of {LOGINS} logged in, memory +{grown:.0f} MiB, meanwhile {watched}", flush=True)
    for answer in answers:
        assert answer == "OK" or "UNAVAILABLE" in answer or "LIMIT" in answer, answer
    assert answers.count("OK") >= LOGINS // 2, answers
    assert grown <= MOST_MIB, grown
    assert watched["answers"] >= 10, "who is logged in is answered while others log in"
    # What was refused for lack of room was nobody's failure: the same client gets in now.
    for number, client in enumerate(clients):
        if answers[number] != "OK":
            assert told(lab, client, ALICE) == "OK", number


def main():
    laboratory.need("nft", "ip")
    with laboratory.Lab(peers=False) as lab:
        lab.write_postern_config()
        lab.start_postern()
        lab.run("mx", "ip", "route", "add", "local", "203.0.113.0/24", "dev", "lo")
        lab.run("mx", "nft", "insert", "rule", "inet", "lab", "out", "ip", "daddr", "203.0.113.0/24", "accept")
        lab.inside("mx", lambda: body(lab))
        print("ok", flush=True)


if __name__ == "__main__":
    main()
