#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Moving in and out with a real Dovecot as source and as judge: its Maildir and its IMAP are imported, twice; an import is killed
with SIGKILL in the middle, with a server and without; what was exported is served by Dovecot again and read by Python's mailbox."""
import hashlib
import imaplib
import json
import mailbox
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import lab as laboratory
from lab import ADDRESSES, PARTNER_PASSWORD, POSTERN, wait_for

ALICE, BOB = laboratory.LOCAL
CAROL, DAVE, JOERG = laboratory.PARTNER
MANY = 20000
ENOUGH_WRITTEN = 8 << 20  # a part of MANY, with the room that is cleared for the log and the segment
FLAGS = ["", "\\Seen", "\\Seen \\Answered", "\\Flagged $Label1", "\\Seen \\Deleted work", "\\Draft $Forwarded work"]


def message(token, number):
    """Odd ones among them: 8 bit, MIME, lines that begin with From, dots, no body, long lines."""
    kinds = [f"\r\nText of {token} {number}\r\n", "\r\nFrom here\r\n>From there\r\n.\r\n", "\r\n", "\r\n" + "x" * 3000 + "\r\n",
             "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n",
             "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nÄÖÜ €\r\n"]
    head = f"From: s@example.net\r\nSubject: {token} {number}\r\nMessage-ID: <{token}.{number}@transfer.test>\r\nMIME-Version: 1.0\r\n"
    return (head + kinds[number % len(kinds)]).encode()


class Client:
    """IMAP of either server."""

    def __init__(self, lab, user):
        self.lab, self.user = lab, user
        self.host = "mx" if user.endswith("@postern.test") else "partner"

    def with_login(self, function):
        def work():
            password = self.lab.passwords.get(self.user, PARTNER_PASSWORD)
            with imaplib.IMAP4_SSL(ADDRESSES[self.host], 993, ssl_context=self.lab.tls()) as client:
                client.authenticate("PLAIN", lambda _: f"\0{self.user}\0{password}".encode())
                return function(client)
        return self.lab.inside(self.host, work)

    def fill(self, folders):
        def work(client):
            for name, count in folders.items():
                if name != "INBOX":
                    assert client.create(f'"{name}"')[0] == "OK"
                    client.subscribe(f'"{name}"')
                for number in range(count):
                    date = imaplib.Time2Internaldate(1_500_000_000 + number * 7919)
                    done, text = client.append(f'"{name}"', f"({FLAGS[number % len(FLAGS)]})", date, message(name, number))
                    assert done == "OK", text
        self.with_login(work)

    def state(self, uids=False):
        """mailbox → its messages in order: SHA-256, flags, date (and UID)."""
        def read(client):
            out = {}
            for line in client.list()[1]:
                if b"\\Noselect" in line:
                    continue
                name = re.match(rb'\(.*?\) "[./]" "?(.*?)"?$', line).group(1).decode()
                client.select(f'"{name}"', readonly=True)
                rows = []
                _, data = client.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
                for part in data:
                    if not isinstance(part, tuple):
                        continue
                    head = part[0].decode()
                    flags = {f.lower() for f in re.search(r"FLAGS \((.*?)\)", head).group(1).split()} - {"\\recent"}
                    date = time.mktime(imaplib.Internaldate2tuple(part[0]))
                    row = (hashlib.sha256(part[1]).hexdigest(), tuple(sorted(flags)), date)
                    rows.append(row + (int(re.search(r"UID (\d+)", head).group(1)),) if uids else row)
                out[name.replace(".", "/")] = rows
            return out
        return self.with_login(read)

    def subscribed(self):
        def read(client):
            return {re.match(rb'\(.*?\) "[./]" "?(.*?)"?$', line).group(1).decode().replace(".", "/") for line in client.lsub()[1] if line}
        return self.with_login(read)


def postern_json(lab, *words, check=True):
    done = lab.run("mx", POSTERN, "--config", lab.config, "--json", *words, check=False, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        raise AssertionError(f"{words} gave {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[0]) if done.stdout.strip() else {"stderr": done.stderr}


def same(expected, got, what):
    for name, rows in expected.items():
        assert got.get(name, []) == rows, f"{what}: {name} has {len(got.get(name, []))} messages and not these {len(rows)}"


def mapped(state):
    """Dovecot's folders under the names that they have here."""
    return {{"Sent Items": "Sent", "Entw&APw-rfe": "Drafts"}.get(name, name): rows for name, rows in state.items()}


def check_maildir(lab, expected):
    """Without a running server."""
    path = lab.folder / "dovecot" / "mail" / CAROL
    dry = postern_json(lab, "import", "maildir", path, "--account", ALICE, "--dry-run")
    total = sum(len(rows) for rows in expected.values())
    assert dry["added"] == total, dry
    first = postern_json(lab, "import", "maildir", path, "--account", ALICE)
    assert (first["added"], first["failed"]) == (total, 0), first
    again = postern_json(lab, "import", "maildir", path, "--account", ALICE)
    assert (again["added"], again["known"]) == (0, total), again
    lab.start_postern()
    client = Client(lab, ALICE)
    same(expected, client.state(), "import from Dovecot's Maildir")
    assert {"Sent", "Work/2024"} <= client.subscribed(), client.subscribed()
    again = postern_json(lab, "import", "maildir", path, "--account", ALICE)
    assert again["added"] == 0, again
    print(f"ok   {total} messages from Dovecot's Maildir, twice without and once with a server", flush=True)


def check_imap(lab, expected):
    secret = lab.folder / "secret"
    secret.write_text(PARTNER_PASSWORD + "\n")
    secret.chmod(0o600)
    words = ["import", "imap", "--host", "mx.partner.test", "--user", CAROL, "--password-file", secret, "--account", BOB]
    refused = lab.run("mx", POSTERN, "--config", lab.config, *words, check=False)
    assert refused.returncode != 0 and "--ca" in refused.stdout, refused.stdout
    words += ["--ca", lab.authority.certificate]
    total = sum(len(rows) for rows in expected.values())
    first = postern_json(lab, *words)
    assert (first["added"], first["failed"]) == (total, 0), first
    again = postern_json(lab, *words)
    assert (again["added"], again["known"]) == (0, total), again
    client = Client(lab, BOB)
    same(expected, client.state(), "import from Dovecot's IMAP")
    assert {"Sent", "Work/2024"} <= client.subscribed(), client.subscribed()
    secret.write_text("wrong\n")
    refused = lab.run("mx", POSTERN, "--config", lab.config, *words, check=False)
    assert refused.returncode == 12 and "cannot log in" in refused.stdout, (refused.returncode, refused.stdout)
    print(f"ok   {total} messages from Dovecot's IMAP, twice", flush=True)


def make_maildir(path, count):
    for folder in ("cur", "new", "tmp"):
        (path / folder).mkdir(parents=True)
    for number in range(count):
        text = f"Subject: many {number}\nMessage-ID: <many.{number}@transfer.test>\n\nbody {number}\n"
        (path / "cur" / f"{1_600_000_000 + number}.M1P1.h,S={len(text)}:2,S").write_text(text)


def subjects(lab, user):
    def read(client):
        client.select("INBOX", readonly=True)
        _, data = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return [part[1] for part in data if isinstance(part, tuple)]
    return Client(lab, user).with_login(read)


def written(group):
    """Octets that the processes of a group have written so far."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group:
                total += int(re.search(r"^wchar: (\d+)", (entry / "io").read_text(), re.M)[1])
        except (OSError, TypeError):
            continue  # it has ended meanwhile
    return total


def check_kill_without_server(lab, path, user):
    """SIGKILL to both processes while they write."""
    words = lab.command("mx", POSTERN, "--config", lab.config, "import", "maildir", path, "--account", user)
    for _ in range(2):
        running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for(lambda: running.poll() is not None or written(running.pid) > ENOUGH_WRITTEN, "the import", pause=0.005)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        wait_for(lambda: lab.run("mx", POSTERN, "--config", lab.config, "account", "list", check=False).returncode == 0, "the lock")
    return postern_json(lab, "import", "maildir", path, "--account", user)


def check_kill_with_server(lab, path, user):
    """SIGKILL to the server while the import runs."""
    words = lab.command("mx", POSTERN, "--config", lab.config, "import", "maildir", path, "--account", user)
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def begun():
        rows = postern_json(lab, "account", "list")["accounts"]
        return running.poll() is not None or next(row["used_messages"] for row in rows if row["login"] == user) > 1000
    wait_for(begun, "the import", pause=0.01)
    lab.stop("postern", signal.SIGKILL)
    out, _ = running.communicate(timeout=60)
    if running.returncode != 0:
        assert "Go on with" in out, out
    lab.start_postern()
    return postern_json(lab, "import", "maildir", path, "--account", user)


def check_kills(lab):
    path = lab.folder / "many"
    make_maildir(path, MANY)
    whole = sorted(f"Subject: many {number}\r\n\r\n".encode() for number in range(MANY))
    with_server, without = "eve@postern.test", "erik@postern.test"
    for login in (with_server, without):
        out = lab.postern("account", "add", login)
        lab.passwords[login] = next(line.split()[1] for line in out.splitlines() if line.startswith("Password:"))
    report = check_kill_with_server(lab, path, with_server)
    assert lab.stop("postern") == 0
    offline = check_kill_without_server(lab, path, without)
    lab.start_postern()
    for user, last in ((with_server, report), (without, offline)):
        assert last["known"] + last["added"] == MANY and last["known"] > 0, {k: last[k] for k in ("known", "added", "failed")}
        assert sorted(subjects(lab, user)) == whole, f"{user} has not each message once"
        print(f"ok   killed and resumed: {last['known']} of {MANY} had come before the kill, each is there once", flush=True)
    verify = lab.run("mx", POSTERN, "--config", lab.config, "store", "verify", check=False)
    assert verify.returncode == 0, verify.stdout
    shutil.rmtree(path)


def check_export(lab, expected):
    out = lab.folder / "out"
    first = postern_json(lab, "export", "maildir", out / "maildir", "--account", ALICE)
    assert first["written"] == sum(len(rows) for rows in expected.values()), first
    again = postern_json(lab, "export", "maildir", out / "maildir", "--account", ALICE)
    assert (again["written"], again["present"]) == (0, first["written"]), again
    # Served by Dovecot: the same messages under the same UIDs.
    place = lab.folder / "dovecot" / "mail" / DAVE
    shutil.copytree(out / "maildir", place)
    lab.run("mx", "chown", "-R", "mail:mail", place)
    here, there = Client(lab, ALICE).state(uids=True), Client(lab, DAVE).state(uids=True)
    same({name: rows for name, rows in here.items() if rows}, there, "Dovecot on the exported Maildir")
    assert {"Sent", "Work/2024"} <= Client(lab, DAVE).subscribed()
    # And back.
    login = "round@postern.test"
    lab.passwords[login] = next(line.split()[1] for line in lab.postern("account", "add", login).splitlines() if line.startswith("Password:"))
    postern_json(lab, "import", "maildir", out / "maildir", "--account", login)
    same(expected, Client(lab, login).state(), "exported and imported again")
    print(f"ok   {first['written']} messages exported, served by Dovecot with their UIDs, imported again", flush=True)
    check_python(lab, out, expected)


def check_python(lab, out, expected):
    """Python's mailbox module reads both forms."""
    folders = mailbox.Maildir(out / "maildir", create=False)
    assert len(folders) == len(expected["INBOX"]) and set(folders.list_folders()) >= {"Sent", "Work.2024"}, folders.list_folders()
    hashes = sorted(hashlib.sha256(folders.get_bytes(key).replace(b"\n", b"\r\n")).hexdigest() for key in folders.keys())
    assert hashes == sorted(row[0] for row in expected["INBOX"]), "Maildir by Python"
    words = ["export", "mbox", out / "mbox", "--account", ALICE]
    first, again = postern_json(lab, *words), postern_json(lab, *words)
    assert again["written"] == 0 and again["present"] == first["written"], again
    for name in ("INBOX", "Sent", "Work/2024"):
        box = mailbox.mbox(out / "mbox" / f"{name}.mbox", create=False)
        rows = []
        for key in box.keys():
            text = re.sub(rb"^(Status|X-Status|X-Keywords): .*\n", b"", box.get_bytes(key), flags=re.M)
            text = re.sub(rb"^>(>*From )", rb"\1", text, flags=re.M)
            rows.append(hashlib.sha256(text.replace(b"\n", b"\r\n")).hexdigest())
        assert rows == [row[0] for row in expected[name]], f"{name}.mbox by Python"
        assert "R" in box[1].get_flags(), box[1].get_flags()
    login = "mbox@postern.test"
    lab.passwords[login] = next(line.split()[1] for line in lab.postern("account", "add", login).splitlines() if line.startswith("Password:"))
    postern_json(lab, "import", "mbox", out / "mbox", "--account", login)
    same(expected, Client(lab, login).state(), "mbox exported and imported again")
    print("ok   Python reads the Maildir and the mbox files; mbox imported again is the same", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot")
    with laboratory.Lab() as lab:
        carol = Client(lab, CAROL)
        carol.fill({"INBOX": 120, "Sent Items": 20, "Work.2024": 30, "Entw&APw-rfe": 5, "Empty": 0})
        expected = mapped(carol.state())
        check_maildir(lab, expected)
        check_imap(lab, expected)
        check_export(lab, expected)
        check_kills(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
