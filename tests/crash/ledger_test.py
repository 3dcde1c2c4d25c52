#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The detectors themselves: damage that is done on purpose must be reported, each kind as what it is.

First the counting alone, then a real server whose store is damaged behind the back of ledger and model: an acknowledged message
removed, one duplicated, a byte turned, a flag undone, an expunged message put back, a password set back.
"""
import contextlib
import random
import sqlite3

import harness
from harness import check
from ledger import ACKNOWLEDGED, REFUSED, UNKNOWN, Ledger
from load import STRANGER, Household, send_one
from model import Box, differences
from server import address

NONE = {"lost": 0, "ghost": 0, "torn": 0, "surplus": 0, "split": 0, "foreign": 0}


def expect(sums, **kinds):
    check(sums.counts() == {**NONE, **kinds}, f"expected {kinds}, counted {sums.wrong()}")


def test_counting():
    """One row: what was told, how often it is found at a and at b, what that is."""
    rows = (
        (ACKNOWLEDGED, 1, 1, {}), (ACKNOWLEDGED, 0, 1, {"lost": 1}), (ACKNOWLEDGED, 0, 0, {"lost": 2}),
        (ACKNOWLEDGED, 2, 1, {"surplus": 1}), (REFUSED, 0, 0, {}), (REFUSED, 1, 0, {"ghost": 1}), (REFUSED, 1, 1, {"ghost": 2}),
        (UNKNOWN, 0, 0, {}), (UNKNOWN, 1, 1, {}), (UNKNOWN, 1, 0, {"split": 1}), (UNKNOWN, 2, 2, {"surplus": 2}),
    )
    for told, at_a, at_b, kinds in rows:
        ledger = Ledger()
        token, message = ledger.new(random.Random(1), STRANGER, ("a", "b"), 200)
        ledger.tell(token, told)
        for place, times in (("a", at_a), ("b", at_b)):
            for _ in range(times):
                ledger.see(place, b"Return-Path: <x@y>\r\nReceived: from z\r\n" + message)
        expect(ledger.sums(), **kinds)
    ledger = Ledger()
    token, message = ledger.new(random.Random(1), STRANGER, ("a",), 200)
    ledger.tell(token, ACKNOWLEDGED)
    ledger.see("a", message[:-3] + b"?\r\n")
    ledger.see("a", b"From: <x@y>\r\n\r\nnobody sent this\r\n")
    expect(ledger.sums(), torn=1, foreign=1)
    return len(rows) + 1


def test_differences():
    """One row: a change of what is observed, and the word the report must hold."""
    seen = frozenset({r"\Seen"})
    rows = (
        (lambda box: box.messages.pop(1), "lost"), (lambda box: box.messages.update({1: ("t1", frozenset())}), "flags"),
        (lambda box: box.messages.update({1: ("t9", seen)}), "replaced"), (lambda box: box.messages.update({7: ("t1", seen)}), "surplus"),
    )
    for change, word in rows:
        expected, observed = ({"INBOX": Box(5, 3, messages={1: ("t1", seen), 2: ("t2", frozenset())})} for _ in range(2))
        check(not differences(expected, observed), "equal states differ")
        change(observed["INBOX"])
        found = differences(expected, observed)
        check(len(found) == 1 and word in found[0], f"{word} is reported as {found}")
    check("mailbox gone" in differences({"A": Box(1, 1)}, {})[0] and "came back" in differences({}, {"A": Box(1, 1)})[0], "mailboxes")
    return len(rows) + 2


class Damage:
    """A household with a little mail, and the ways to spoil it."""

    def __init__(self, run):
        self.house = Household(run)
        self.server, self.model = self.house.server, self.house.models[0]
        self.house.start()
        self.house.audit()
        for _ in range(3):
            _, code = send_one(self.server, self.house.ledger, self.house.rng, ("alice", "bob"), 2000)
            check(code == 250, f"mail is answered {code}")
        with self.server.imap("carol") as client:
            self.model.create(client, "Box-1")
            client.do("SELECT INBOX")
            for _ in range(3):
                self.model.append(client, "INBOX", flags=[r"\Seen"], size=2000)
            self.model.copy(client, "INBOX", [1], "Box-1")
            self.model.expunge(client, "INBOX", [3])

    def sums(self):
        self.house.read_everything()
        return self.house.ledger.sums()

    def behind_the_back(self, user, *commands):
        with self.server.imap(user) as client:
            client.do("SELECT INBOX")
            for command in commands:
                client.do(*command) if isinstance(command, tuple) else client.do(command)

    def model_reports(self, user, word, *commands):
        self.behind_the_back(user, *commands)
        with self.server.imap(user) as client:
            new = self.model.audit(client)
        check(len(new) == 1 and word in new[0], f"{word} is reported as {new}")

    def turn_a_byte(self, user, octet=b"0", by=b"1"):
        """Of the newest body of this user, on the disk; the server must not run."""
        data = self.server.data
        with contextlib.closing(sqlite3.connect(f"file:{data}/mail.db?mode=ro", uri=True)) as db:
            segment, offset, length = db.execute(
                "SELECT b.seg, b.off, b.len FROM message m JOIN blob b ON b.id=m.blob JOIN mailbox x ON x.id=m.id>>32 "
                "JOIN account a ON a.id=x.account WHERE a.login=? ORDER BY m.id DESC LIMIT 1", (address(user),)).fetchone()
        with open(data / "seg" / f"{segment:010}.seg", "r+b") as file:
            file.seek(offset + length - 10)
            before = file.read(1)
            file.seek(offset + length - 10)
            file.write(by if before == octet else octet)


def test_damage(run):
    damage = Damage(run)
    expect(damage.sums())
    check(not damage.model.problems, f"nothing is damaged yet: {damage.model.problems}")
    # A lost and a doubled message.
    with damage.server.imap("alice") as client:
        client.do("EXAMINE INBOX")
        bodies = dict(client.fetch_bodies("1:*"))
    damage.behind_the_back("alice", r"UID STORE 1 +FLAGS (\Deleted)", "EXPUNGE")
    expect(damage.sums(), lost=1)
    damage.behind_the_back("alice", ("APPEND INBOX", bodies[2]))
    expect(damage.sums(), lost=1, surplus=1)
    damage.behind_the_back("bob", ("APPEND INBOX", bodies[2].replace(b"X-Token: t", b"X-Token: u")))
    expect(damage.sums(), lost=1, surplus=1, foreign=1)
    # What an IMAP client was told.
    damage.model_reports("carol", "flags", r"UID STORE 1 -FLAGS (\Seen)")
    damage.model_reports("carol", "lost", r"UID STORE 2 +FLAGS (\Deleted)", "EXPUNGE")
    with damage.server.imap("carol") as client:
        client.do("SELECT INBOX")
        damage.model.store(client, "INBOX", [1], [r"\Flagged"])
        stored = dict(client.fetch_bodies("1"))[1]
    damage.model_reports("carol", "surplus", ("APPEND INBOX", stored))
    damage.model_reports("carol", "mailbox gone", 'DELETE "Box-1"')
    # A password that is not the acknowledged one.
    damage.server.cli("account", "password", address("erin"), "--password-stdin", text="another-long-password-9417\n")
    damage.house.passwords.audit()
    check(damage.house.passwords.problems, "a lost password was not reported")
    # A turned byte at rest.
    damage.server.stop()
    damage.turn_a_byte("bob")
    damage.house.start()
    check(damage.sums().torn, "a turned byte was not reported")
    return 9


def test(run):
    return {"rows": test_counting() + test_differences(), "damages": test_damage(run)}


harness.run("ledger", test)
