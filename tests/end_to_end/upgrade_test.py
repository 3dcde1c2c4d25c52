# SPDX-License-Identifier: Apache-2.0
"""Stores written by earlier releases (tests/upgrade/<release>.tar.zst with a manifest of what was in them) open with today's
program: everything is there octet for octet, with flags, keywords, UIDs and UIDVALIDITY, and a copy was made before the schema
changed. A store of a newer release is refused with what to do about it.
"""
import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import ca
from daemon_test import House
from lab import skip

UPGRADE = Path(__file__).resolve().parent.parent / "upgrade"
EXIT_DATA_NEWER = 15


def releases():
    return sorted(UPGRADE.glob("*.json"))


def unpack(manifest, data):
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    archive = manifest.with_name(manifest.stem + ".tar.zst")
    subprocess.run(f"zstd -dc {archive} | tar --sparse -C {data} -xf -", shell=True, check=True)
    for path in data.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def fetched(client):
    """UID → (flags, octets) of the selected mailbox."""
    kind, parts = client.uid("fetch", "1:*", "(UID FLAGS BODY.PEEK[])")
    assert kind == "OK", parts
    messages = {}
    for part in parts:
        if not isinstance(part, tuple):
            continue
        head = part[0].decode()
        uid = int(re.search(r"UID (\d+)", head).group(1))
        flags = re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()
        messages[uid] = (sorted(f for f in flags if f != "\\Recent"), part[1])
    return messages


def check_mailbox(client, mailbox):
    kind, lines = client.select(f'"{mailbox["name"]}"', readonly=True)
    assert kind == "OK", lines
    for word, expected in (("UIDVALIDITY", mailbox["uidvalidity"]), ("UIDNEXT", mailbox["uidnext"])):
        assert int(client.response(word)[1][0]) == expected, (mailbox["name"], word)
    found = fetched(client) if mailbox["messages"] else {}
    assert sorted(found) == [m["uid"] for m in mailbox["messages"]], mailbox["name"]
    for message in mailbox["messages"]:
        flags, octets = found[message["uid"]]
        assert flags == message["flags"], (mailbox["name"], message["uid"], flags)
        assert len(octets) == message["size"]
        assert hashlib.sha256(octets).hexdigest() == message["sha256"], (mailbox["name"], message["uid"])


def check_undelete(house, client, manifest, login):
    """What was expunged in the old release is still within its window when that was made long."""
    listed = json.loads(house.do("--json", "undelete", "list", login))["messages"]
    assert len(listed) == len(manifest["expunged"]), listed
    house.do("undelete", "restore", login, "--all", "--into", "Brought back")
    client.select('"Brought back"', readonly=True)
    found = list(fetched(client).values())
    for message in manifest["expunged"]:
        wanted = sorted(f for f in message["flags"] if f != "\\Deleted")  # undelete takes that one away
        assert any(flags == wanted and hashlib.sha256(octets).hexdigest() == message["sha256"] for flags, octets in found)


def check_copy(house, manifest):
    """The copy has the old version and is whole; the store has a newer one."""
    with contextlib.closing(sqlite3.connect(house.data / "mail.db")) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    assert version > manifest["schema"], version
    copy = house.data / f"mail.db.before-{version}"
    assert copy.exists(), sorted(p.name for p in house.data.iterdir())
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == manifest["schema"]
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        count = sum(len(m["messages"]) for m in manifest["mailboxes"])
        assert db.execute("SELECT count(*) FROM message").fetchone()[0] == count


def opens_with_everything(authority, path):
    manifest = json.loads(path.read_text())
    with House(authority, store='undelete_window = "3650d"\n', outbound='smart_host = "127.0.0.1:9"\n') as house:
        unpack(path, house.data)
        house.start()
        check_copy(house, manifest)
        addresses = json.loads(house.do("--json", "alias", "list"))
        text = json.dumps(addresses)
        assert all(address in text for address, _, _ in manifest["addresses"]), text
        for account in manifest["accounts"]:
            client = house.imap()
            client.login(account["login"], manifest["password"])
            for mailbox in (m for m in manifest["mailboxes"] if m["account"] == account["id"]):
                check_mailbox(client, mailbox)
            if any(e["mailbox"] in [m["id"] for m in manifest["mailboxes"] if m["account"] == account["id"]]
                   for e in manifest["expunged"]):
                check_undelete(house, client, manifest, account["login"])
            client.logout()
        queue = json.loads(house.do("--json", "queue", "list"))["entries"]
        assert [e["recipients"][0]["address"] for e in queue] == [e["recipients"][0] for e in manifest["queue"]], queue
        assert house.stop() == 0
        house.start()  # and once more, as a store of today
        assert house.stop() == 0


def refuses_a_newer_one(authority, path):
    with House(authority) as house:
        unpack(path, house.data)
        with contextlib.closing(sqlite3.connect(house.data / "mail.db")) as db:
            db.execute("PRAGMA user_version = 99")
            db.commit()
        before = (house.data / "mail.db").read_bytes()
        done = house.run("serve", limit=60)
        assert done.returncode == EXIT_DATA_NEWER, (done.returncode, done.stderr)
        assert "99" in done.stderr and "run the postern that wrote it" in done.stderr, done.stderr
        assert (house.data / "mail.db").read_bytes() == before


def main():
    if not shutil.which("zstd") or not shutil.which("tar"):
        skip("not installed: zstd tar")
    assert releases(), "tests/upgrade is empty"
    folder = Path(tempfile.mkdtemp(prefix="postern-upgrade-"))
    try:
        authority = ca.Authority(folder / "ca")
        for path in releases():
            opens_with_everything(authority, path)
            refuses_a_newer_one(authority, path)
            print(f"ok: a store of {path.stem}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
