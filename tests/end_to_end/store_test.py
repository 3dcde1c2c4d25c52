#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`postern store`: look inside, verify, compact, dump, with the server running and without; damage is told, what other rows prove
is repaired."""
import base64
import imaplib
import json
import random
import sqlite3
import subprocess

import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE = laboratory.LOCAL[0]
MESSAGES = 30
DATA_DAMAGED = 14
STORE = 'undelete_window = "0s"\nsegment_bytes = "1MiB"\nhousekeeping_rate = "1GiB"\n'


def body(number):
    noise = base64.encodebytes(random.Random(number).randbytes(75_000)).replace(b"\n", b"\r\n")
    return f"From: {ALICE}\r\nTo: {ALICE}\r\nSubject: message {number}\r\n\r\n".encode() + noise


def imap(lab, work):
    def session():
        with imaplib.IMAP4_SSL(ADDRESSES["mx"], 993, ssl_context=lab.tls(), timeout=60) as client:
            client.login(ALICE, lab.passwords[ALICE])
            return work(client)
    return lab.inside("mx", session)


def store(lab, *words, code=0):
    done = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "--json", "store", *words, check=False,
                   stderr=subprocess.PIPE)
    assert done.returncode == code, f"store {words} ended with {done.returncode}: {done.stdout}"
    return json.loads(done.stdout.splitlines()[0])


def fill(lab):
    """Messages over several files, two thirds of them deleted."""
    def work(client):
        for number in range(1, MESSAGES + 1):
            assert client.append("INBOX", None, None, body(number))[0] == "OK"
        client.select("INBOX")
        gone = ",".join(str(n) for n in range(1, MESSAGES + 1) if n % 3)
        client.store(gone, "+FLAGS", "\\Deleted")
        client.expunge()
    imap(lab, work)


def check_messages(lab):
    def work(client):
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        assert len(numbers) == MESSAGES // 3, f"{len(numbers)} messages are there"
        for position, number in enumerate(numbers, 1):
            got = client.fetch(number, "(BODY.PEEK[])")[1][0][1]
            assert got == body(3 * position), f"message {3 * position} came back changed"
    imap(lab, work)


def check_compaction(lab):
    before = store(lab, "info")
    def compacted():
        """Each run also ends what was deleted a second ago or earlier; its bytes are dead from then on."""
        done = store(lab, "compact", "--all")
        return done if done["segments"] else None

    done = wait_for(compacted, "something to compact")
    after = store(lab, "info")
    assert done["segments"] >= 1 and done["bytes_reclaimed"] > 1_000_000, done
    assert after["segment_bytes"] < before["segment_bytes"] - 1_000_000, (before, after)
    check_messages(lab)
    shown = lab.postern("store", "info")
    assert "Bodies" in shown and "Next audit" in shown, shown
    assert "Nothing to do" in lab.postern("store", "compact")
    print("ok   compaction gives room back and changes no message", flush=True)


def check_dump(lab):
    rows = [json.loads(line) for line in lab.postern("store", "dump", "--account", ALICE).splitlines()]
    box = next(row["id"] for row in rows if row["table"] == "mailbox" and row["name"] == "INBOX")
    assert not any("password" in key or "sealed" in key for row in rows for key in row if key != "main_password"), rows
    message = [json.loads(line) for line in lab.postern("store", "dump", "--mailbox", str(box), "--uid", "3").splitlines()]
    blob = next(row for row in message if row["table"] == "blob")
    record = [json.loads(line) for line in
              lab.postern("store", "dump", "--segment", str(blob["seg"]), "--offset", str(blob["off"])).splitlines()]
    found = next(row for row in record if row["table"] == "record")
    assert found["checksum_fits"] == "yes" and found["stored_length"] == blob["len"], found
    refused = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "store", "dump", "--mailbox", "999", check=False)
    assert refused.returncode == 1, refused.stdout
    print("ok   dump leads from an account to the record of a message", flush=True)
    return blob


def check_verify(lab, blob):
    assert "All is well" in lab.postern("store", "verify", "--bodies")
    assert lab.stop("postern") == 0
    data = lab.folder / "postern" / "data"
    with sqlite3.connect(data / "mail.db") as db:
        db.execute("UPDATE mailbox SET messages=messages+5 WHERE name='INBOX' AND account="
                   "(SELECT id FROM account WHERE login=?)", (ALICE,))
        db.execute("UPDATE account SET used_bytes=1 WHERE login=?", (ALICE,))
        db.execute("UPDATE blob SET refs=refs+1 WHERE id=?", (blob["id"],))
    db.close()
    told = store(lab, "verify", "--no-repair", code=DATA_DAMAGED)
    assert told["left"] == 3 and told["repaired"] == 0, told
    repaired = store(lab, "verify")
    assert repaired["repaired"] == 3 and repaired["left"] == 0, repaired
    assert store(lab, "verify", "--bodies")["findings_count"] == 0
    print("ok   verify repairs without a server what other rows prove", flush=True)

    file = data / "seg" / f"{blob['seg']:010}.seg"
    with open(file, "r+b") as segment:
        segment.seek(blob["off"] + 100)
        segment.write(b"####")
    lab.start_postern()
    damaged = store(lab, "verify", "--bodies", code=DATA_DAMAGED)
    assert damaged["left"] == 1 and "message 3 of mailbox" in damaged["findings"][0]["finding"], damaged
    assert "FOUND" in lab.run("mx", laboratory.POSTERN, "--config", lab.config, "store", "verify", "--bodies", check=False).stdout
    print("ok   verify finds a damaged body and names its message", flush=True)


def main():
    with laboratory.Lab(peers=False) as lab:
        lab.postern_options["store"] = STORE
        lab.write_postern_config()
        lab.start_postern()
        fill(lab)
        check_compaction(lab)
        blob = check_dump(lab)
        check_verify(lab, blob)


if __name__ == "__main__":
    main()
