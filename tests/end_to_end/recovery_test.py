# SPDX-License-Identifier: Apache-2.0
"""Data is destroyed and got back: the real server, the real command line, a real IMAP client. Everything is compared octet for
octet, with flags, keywords and internal dates, before and after.
"""
import contextlib
import hashlib
import imaplib
import json
import os
import random
import re
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ca
from daemon_test import PASSWORD, House
from lab import POSTERN, wait_for

ALICE = "alice@postern.test"
LATE = "late@postern.test"
LATE_PASSWORD = "violet Hamster 17 counts the stars"
EXIT_DAMAGED = 14


def contents(client, mailbox):
    """What must come back: a sorted list of (octets' hash, flags, internal date)."""
    kind, lines = client.select(f'"{mailbox}"', readonly=True)
    assert kind == "OK", (mailbox, lines)
    if lines[0] == b"0":
        return []
    kind, parts = client.uid("fetch", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    assert kind == "OK", parts
    out = []
    for part in parts:
        if not isinstance(part, tuple):
            continue
        head = part[0].decode()
        flags = re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()
        date = re.search(r'INTERNALDATE "([^"]*)"', head).group(1)
        out.append((hashlib.sha256(part[1]).hexdigest(), tuple(sorted(f for f in flags if f != "\\Recent")), date))
    return sorted(out)


def uidvalidity(client, mailbox):
    client.select(f'"{mailbox}"', readonly=True)
    return int(client.response("UIDVALIDITY")[1][0])


def letter(number, size):
    lines = "".join(f"{random.getrandbits(200):060x}\r\n" for _ in range(max(1, size // 62)))
    return (f"From: Carol <carol@partner.test>\r\nTo: {ALICE}\r\nSubject: Letter {number}\r\n"
            f"Message-ID: <l{number}@partner.test>\r\n\r\n{lines}").encode()


def log_in(house, login=ALICE, password=PASSWORD):
    client = house.imap()
    client.login(login, password)
    return client


def fill(client, mailbox, count=6):
    if mailbox != "INBOX":
        client.create(f'"{mailbox}"')
    flags = [None, "(\\Seen)", "(\\Flagged $Important)", "(\\Answered Project-X)", "(\\Draft)", "(\\Seen Keep)"]
    for number in range(count):
        size = 2_000_000 if number == 3 else 500 * (number + 1)
        kind, text = client.append(f'"{mailbox}"', flags[number % len(flags)], f'"0{number % 9 + 1}-Jun-2026 12:00:00 +0000"',
                                   letter(f"{mailbox} {number}", size))
        assert kind == "OK", text


def deliver(house, number):
    with smtplib.SMTP("127.0.0.1", house.ports["smtp"]) as smtp:
        smtp.sendmail("carol@partner.test", [ALICE], letter(number, 800))


def undelete(house):
    """Expunge and the removal of a mailbox are undone without any backup."""
    client = log_in(house)
    inbox, work = contents(client, "INBOX"), contents(client, "Work")
    client.select("INBOX")
    client.store("1:*", "+FLAGS.SILENT", "\\Deleted")
    client.expunge()
    client.delete("Work")
    assert contents(client, "INBOX") == []
    listed = json.loads(house.do("--json", "undelete", "list", ALICE))["messages"]
    assert len(listed) == len(inbox) + len(work)
    assert {m["from"] for m in listed} == {"carol@partner.test"}, listed[0]
    assert any(m["subject"] == "Letter Work 2" and m["mailbox_removed"] for m in listed)
    refused = house.run("undelete", "restore", ALICE)
    assert refused.returncode != 0 and "--all" in refused.stderr, refused.stderr
    one = next(m for m in listed if m["mailbox"] == "INBOX")
    house.do("undelete", "restore", ALICE, "--id", one["id"])
    assert len(contents(client, "INBOX")) == 1
    house.do("undelete", "restore", ALICE, "--all")
    assert contents(client, "INBOX") == inbox
    assert contents(client, "Work") == work
    client.logout()


def backup(house, folder, *options):
    made = json.loads(house.do("--json", "backup", folder, "--copy", *options))
    assert made["complaints"] == []
    house.do("verify", folder)
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    return made


def destroyed_mail_comes_back(house, folder):
    """Past the reach of undelete: a message, a mailbox beside and in its place, a whole account."""
    client = log_in(house)
    inbox, work = contents(client, "INBOX"), contents(client, "Work")
    backup(house, folder)
    again = backup(house, folder)
    assert again["new_bytes"] == 0, again

    client.select("Work")
    client.store("1:*", "+FLAGS.SILENT", "(\\Deleted Broken)")
    client.expunge()
    house.do("restore", "mailbox", ALICE, "Work", "--from", folder)
    names = [line.decode() for line in client.list()[1]]
    beside = next(re.search(r'"?(Restored/[^"]*/Work)"?$', n).group(1) for n in names if n.endswith(('Work"', "Work")) and "Restored/" in n)
    assert contents(client, beside) == work
    before = uidvalidity(client, "Work")
    house.do("restore", "mailbox", ALICE, "Work", "--from", folder, "--replace")
    assert contents(client, "Work") == work
    assert uidvalidity(client, "Work") > before

    entries = json.loads(house.do("--json", "restore", "list", ALICE, "INBOX", "--from", folder))["entries"]
    third = next(e for e in entries if e["subject"] == "Letter INBOX 2")
    house.do("restore", "message", ALICE, "INBOX", third["uid"], "--from", folder, "--into", "One message")
    assert len(contents(client, "One message")) == 1 and contents(client, "One message")[0] in inbox
    client.logout()

    house.do("account", "remove", ALICE, "--yes")
    try:
        log_in(house)
        raise AssertionError("a removed account logs in")
    except imaplib.IMAP4.error:
        pass
    house.do("restore", "account", ALICE, "--from", folder)
    client = log_in(house)  # with the old password
    assert contents(client, "INBOX") == inbox and contents(client, "Work") == work
    client.logout()
    assert house.do("alias", "list").count("info@postern.test") == 1
    deliver(house, "after the restore")
    client = log_in(house)
    assert wait_for(lambda: len(contents(client, "INBOX")) == len(inbox) + 1, "delivery into the restored account")
    client.logout()


def damaged_segment(house, folder):
    """The largest segment loses its end; what is in it is repaired in place."""
    client = log_in(house)
    before = {name: contents(client, name) for name in ("INBOX", "Work")}
    client.logout()
    backup(house, folder)
    assert house.stop() == 0
    largest = max((house.data / "seg").glob("*.seg"), key=lambda p: (p.stat().st_blocks, p.stat().st_size))
    os.truncate(largest, 100)
    house.start()
    done = json.loads(house.do("--json", "restore", "everything", "--from", folder))
    assert done["repaired"] > 0 and done["messages"] == 0, done
    client = log_in(house)
    assert {name: contents(client, name) for name in ("INBOX", "Work")} == before
    client.logout()


def lost_index(house, folder, kill=False):
    """mail.db is gone; the data folder is built anew while nothing runs, also after kill -9 in the middle of it."""
    client = log_in(house)
    before = {name: contents(client, name) for name in ("INBOX", "Work")}
    client.logout()
    backup(house, folder)
    assert house.stop() == 0
    shutil.rmtree(house.data)
    if kill:
        for pause in (0.005, 0.02, 0.05, 0.1):
            process = subprocess.Popen([POSTERN, "--config", str(house.config), "restore", "everything", "--from", str(folder)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(pause)  # wherever that is: the outcome must be the same
            process.send_signal(signal.SIGKILL)
            process.wait()
            if (house.data / "mail.db").exists():
                break
    if not (house.data / "mail.db").exists():
        refused = house.run("restore", "mailbox", ALICE, "INBOX", "--from", folder)
        assert refused.returncode == EXIT_DAMAGED and "restore everything" in refused.stderr, refused.stderr
        house.do("restore", "everything", "--from", folder)
    house.start()
    client = log_in(house)
    assert {name: contents(client, name) for name in ("INBOX", "Work")} == before
    client.logout()


def killed_while_backing_up(house, folder):
    """kill -9 of the command and of the server leaves no half backup, and the next one is whole."""
    for pause in (0.01, 0.03, 0.06, 0.1, 0.2):
        process = subprocess.Popen([POSTERN, "--config", str(house.config), "backup", str(folder), "--copy"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
    house.process.kill()
    house.process.wait()
    house.start()
    assert not any((house.data / "backup").glob("*")) if (house.data / "backup").exists() else True
    backup(house, folder, "--keep", "1")
    assert len(json.loads(house.do("--json", "backup", folder, "--list"))["backups"]) == 1


def point_in_time(authority, root):
    """The server ships its log each second; a restore stops between two deliveries."""
    folder = root / "shipped"
    with House(authority, backup=f'folder = "{folder}"\npoint_in_time = true\nship_every = "1s"\n') as house:
        house.settle()
        house.start()
        client = log_in(house)
        fill(client, "INBOX", 3)
        wait_for(lambda: any(folder.glob("index/*/manifest.json")), "the first base snapshot")
        moments = []
        for number in range(3):
            deliver(house, f"pit {number}")
            wait_for(lambda: len(contents(client, "INBOX")) == 4 + number, "delivery")
            moments.append((int(time.time()), contents(client, "INBOX")))
            time.sleep(2.1)  # a moment is a second; the next delivery must lie in another one
        client.select("INBOX")
        client.store("1:*", "+FLAGS.SILENT", "\\Deleted")
        client.expunge()
        client.logout()
        last = moments[-1][0]
        wait_for(lambda: max(int(line.split()[1]) for path in folder.glob("wal/*/*.commits")
                             for line in path.read_text().splitlines()) > last, "the log's copy")
        for at, wanted in moments:
            house.do("restore", "mailbox", ALICE, "INBOX", "--from", folder, "--at", f"@{at}", "--into", f"At {at}")
            client = log_in(house)
            assert contents(client, f"At {at}") == wanted, at
            client.logout()
        house.do("verify", folder)
        new_logins_outlive_the_disk(house, folder)
        assert house.stop() == 0


def sealed(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return sorted(database.execute("SELECT account, sealed FROM credential"))


def new_logins_outlive_the_disk(house, folder):
    """An account and a password of after the last base snapshot; the data folder goes; both are there again."""
    house.do("account", "add", LATE, "--password-stdin", text_in=LATE_PASSWORD + "\n")
    house.do("account", "password", ALICE, "--password-stdin", text_in=LATE_PASSWORD + "\n")
    wanted = sealed(house.data / "auth.db")
    wait_for(lambda: any(sealed(path.parent / "logins.db") == wanted for path in folder.glob("wal/*/beside/*/manifest.json")),
             "the logins' copy")
    house.process.kill()
    house.process.wait()
    shutil.rmtree(house.data)
    house.do("restore", "everything", "--from", folder)
    house.start()
    for login in (ALICE, LATE):
        log_in(house, login, LATE_PASSWORD).logout()
    try:
        log_in(house)
        raise AssertionError("the old password opens again")
    except imaplib.IMAP4.error:
        pass


def main():
    random.seed(4)
    root = Path(tempfile.mkdtemp(prefix="postern-recovery-"))
    try:
        authority = ca.Authority(root / "ca")
        with House(authority) as house:
            house.settle()
            house.do("alias", "add", "info@postern.test", ALICE)
            house.start()
            client = log_in(house)
            fill(client, "INBOX")
            fill(client, "Work")
            client.logout()
            undelete(house)
            destroyed_mail_comes_back(house, root / "backups")
            damaged_segment(house, root / "backups")
            killed_while_backing_up(house, root / "backups")
            lost_index(house, root / "backups")
            lost_index(house, root / "after the disaster", kill=True)
            assert house.stop() == 0
            # Without a server the same commands work on the folder itself.
            backup(house, root / "offline")
            house.do("undelete", "list", ALICE)
        point_in_time(authority, root)
        print("ok: everything came back", flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
