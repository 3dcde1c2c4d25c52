#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Restart with much mail (security.md R16): from SIGTERM, with clients connected, until mail is accepted again, and from a start after
kill -9. With --all 100,000 stored and 10,000 queued messages, otherwise a tenth. Times are printed; the aims are 1 s and 5 s, the
bounds here ten times and twice that, for busy machines.
"""
import smtplib
import time

import harness
from harness import check
from load import STRANGER, Household, hand_over, send_one, submit_one
from server import Server, address

USERS = tuple(f"user{n}" for n in range(20))
STORED, QUEUED = 100_000, 10_000
RECIPIENTS = 100            # of one submitted message
IDLE_CLIENTS = 20
STOP_LIMIT, RECOVERY_LIMIT = 10.0, 10.0


class Full(Household):
    """Another set of accounts, and a remote server that takes nothing."""

    def make_server(self, folder, data, sections):
        more = {"queue": "", "limits": "recipients_inbound = 100\n"}
        server = Server(folder, data, (*USERS, "frank"), more, smart_host=self.sink.port)
        text = server.config.read_text().replace('backoff = ["1s"]\nbackoff_max = "1s"', 'backoff = ["1h"]')
        server.config.write_text(text)
        return server


def fill(house, stored, queued):
    server, ledger, rng = house.server, house.ledger, house.rng
    everybody = [address(user) for user in USERS]
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], local_hostname="sender.test", timeout=60) as client:
        client.ehlo()
        for number in range(stored // len(USERS)):
            if number % 900 == 899:
                client.rset()
                client.quit()
                client.connect("127.0.0.1", server.ports["smtp"])
                client.ehlo()
            token, message = ledger.new(rng, STRANGER, USERS, 1000)
            check(hand_over(client, ledger, token, STRANGER, everybody, message) == 250, "filling the mailboxes")
    house.sink.paused.set()
    for number in range(queued // RECIPIENTS):
        remote = [f"r{number}-{n}@remote{n % 50}.test" for n in range(RECIPIENTS)]
        _, code = submit_one(server, ledger, rng, "frank", remote, 1000)
        check(code == 250, "filling the queue")


def test(run):
    part = 1 if run.options.all else 10
    stored, queued = STORED // part, QUEUED // part
    house = Full(run)
    house.start()
    began = time.monotonic()
    fill(house, stored, queued)
    filled = time.monotonic() - began
    clients = [house.server.imap(USERS[n % len(USERS)]) for n in range(IDLE_CLIENTS)]
    for client in clients:
        client.do("SELECT INBOX")
    began = time.monotonic()
    code = house.server.stop()
    stopped = time.monotonic() - began
    house.start()
    restart = time.monotonic() - began
    check(code == 0, f"the server ended with {code}")
    _, code = send_one(house.server, house.ledger, house.rng, USERS, 1000)
    check(code == 250, f"after the restart mail is answered {code}")
    house.kill()
    recovery = house.start()
    for client in clients:
        client.close()
    for user in USERS:
        house.read_inbox(user)
    sums = house.ledger.sums()
    sums.lost = [text for text in sums.lost if "remote" not in text]
    sums.split = []
    check(not sums.wrong(), f"{sums.wrong()}")
    waiting = house.server.cli("queue", "list").count("@remote")
    check(waiting >= queued, f"{waiting} of {queued} recipients wait")
    check(restart < STOP_LIMIT and recovery < RECOVERY_LIMIT, f"restart {restart:.2f} s, recovery {recovery:.2f} s")
    return {"stored": stored, "queued": queued, "filled_s": round(filled, 1), "stop_ms": round(stopped * 1000),
            "restart_ms": round(restart * 1000), "recovery_ms": round(recovery * 1000), **sums.counts()}


harness.run("restart", test)
