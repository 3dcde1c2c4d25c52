#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hundred logins at once, each from an address of its own, at the real cost of the hash (security.md D75): the server's memory
grows by no more than 256 MiB, who is logged in already is answered all the while, nobody is told that a right password is wrong.
How long an answer took is printed, not judged: bench/README.md has figures of a quiet machine."""
import imaplib
import socket
import threading
import time

import lab as laboratory
from lab import ADDRESSES

ALICE, BOB = laboratory.LOCAL
MX = ADDRESSES["mx"]
LOGINS = 100
MOST_MIB = 256


class Client(imaplib.IMAP4_SSL):
    """IMAP over TLS from a chosen address."""

    def __init__(self, lab, source):
        self.source = source
        super().__init__(MX, 993, ssl_context=lab.tls(), timeout=120)

    def _create_socket(self, timeout):
        raw = socket.create_connection((MX, 993), timeout=timeout, source_address=(self.source, 0))
        return self.ssl_context.wrap_socket(raw, server_hostname=MX)

    def plain(self, user, password):
        """OK, or the response code of the refusal."""
        try:
            self.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
            return "OK"
        except imaplib.IMAP4.error as refused:
            return str(refused)


def memory_mib(lab, what):
    with open(f"/proc/{lab.processes['postern'].pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what + ":")) / 1024


class Watcher:
    """Somebody who is logged in and asks for news without a pause; knows how long each answer took."""

    def __init__(self, lab, user):
        self.client = Client(lab, MX)
        assert self.client.plain(user, lab.passwords[user]) == "OK"
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
    told = [None] * len(clients)
    gate = threading.Barrier(len(clients) + 1)

    def work(number):
        gate.wait()
        told[number] = clients[number].plain(user, lab.passwords[user])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    watcher = Watcher(lab, BOB)
    gate.wait()
    for thread in threads:
        thread.join()
    return told, watcher.end()


def body(lab):
    before = memory_mib(lab, "VmRSS")
    clients = [Client(lab, f"203.0.113.{number + 1}") for number in range(LOGINS)]
    told, watched = storm(lab, clients, ALICE)
    grown = memory_mib(lab, "VmHWM") - before
    print(f"{told.count('OK')} of {LOGINS} logged in, memory +{grown:.0f} MiB, meanwhile {watched}", flush=True)
    for answer in told:
        assert answer == "OK" or "UNAVAILABLE" in answer or "LIMIT" in answer, answer
    assert told.count("OK") >= LOGINS // 2, told
    assert grown <= MOST_MIB, grown
    assert watched["answers"] >= 10, "who is logged in is answered while others log in"
    # What was refused for lack of room was nobody's failure: the same client gets in now.
    for number, client in enumerate(clients):
        if told[number] != "OK":
            assert client.plain(ALICE, lab.passwords[ALICE]) == "OK", number


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
