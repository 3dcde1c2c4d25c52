#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Searching text: right at once after the delivery, from kept text and without it, after a restart, with text/ taken away or spoiled
while the server runs; and a client that hangs up in the middle of a search holds nobody up."""
import imaplib
import json
import shutil
import socket
import subprocess

import lab as laboratory
from lab import ADDRESSES

ALICE, BOB = laboratory.LOCAL
MESSAGES = 60

HTML = "<html><style>p { color: red }</style><p>Liefer<b>schein</b> f&uuml;r Frau M&uuml;ller</p></html>"


def message(number):
    head = (f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: =?utf-8?q?Rechnung_{number}_f=C3=BCr?=\r\n =?utf-8?q?_M=C3=A4rz?=\r\n"
            f"Message-ID: <{number}@search.test>\r\nMIME-Version: 1.0\r\n")
    if number % 3 == 0:
        return (head + "Content-Type: text/html; charset=utf-8\r\n\r\n" + HTML + "\r\n").encode()
    if number % 3 == 1:
        return (head + "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                f"Stra=DFe der Birken, Haus {number}, zweit=\r\ner Stock\r\n").encode()
    return (head + "Content-Type: application/octet-stream\r\n\r\nLieferschein Birken\r\n").encode()


def imap(lab, work):
    def session():
        with imaplib.IMAP4_SSL(ADDRESSES["mx"], 993, ssl_context=lab.tls(), timeout=60) as client:
            client.login(BOB, lab.passwords[BOB])
            client.select("INBOX")
            return work(client)
    return lab.inside("mx", session)


def found(client, *keys):
    client.literal = keys[-1].encode()
    reply, numbers = client.uid("SEARCH", "CHARSET", "UTF-8", *keys[:-1])
    assert reply == "OK", numbers
    return [int(n) for n in numbers[0].split()]


def check(lab, messages, when):
    def work(client):
        every = list(range(1, messages + 1))
        third = [n for n in every if n % 3 == 0]
        first = [n for n in every if n % 3 == 1]
        assert found(client, "TEXT", "RECHNUNG") == every
        assert found(client, "SUBJECT", "für märz") == every
        assert found(client, "BODY", "lieferSCHEIN FÜR") == third
        assert found(client, "BODY", "color: red") == []
        assert found(client, "TEXT", "zweiter stock") == first
        assert found(client, "BODY", "strasse") == [], "sharp s is no double s in RFC 5051"
        assert found(client, "BODY", "STRAßE") == first
        assert found(client, "HEADER", "Return-Path", ALICE) == every
        assert found(client, "HEADER", "X-None", "") == []
        assert found(client, "NOT", "TEXT", "birken") == [n for n in every if n not in first]
        assert found(client, "OR", "UID", "2", "BODY", "Haus 1,") == [1, 2]
    imap(lab, work)
    print(f"ok   {when}", flush=True)


def deliver(lab, first, last):
    for number in range(first, last + 1):
        lab.submit(ALICE, [BOB], message(number))
    laboratory.wait_for(lambda: imap(lab, lambda client: client.uid("SEARCH", "ALL")[1][0].split())[-1:] == [str(last).encode()],
                        f"delivery of message {last}")


def info(lab):
    done = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "--json", "store", "info", stderr=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[0])


def wait_for_index(lab, messages):
    def settled():
        now = info(lab)
        return now["text_kept"] and now["text_messages"] >= messages and now["text_waiting"] == 0
    laboratory.wait_for(settled, "indexing", limit=60, pause=0.5)


def check_hang_up(lab):
    """Ten clients ask and leave at once; the next one is served."""
    def leave():
        for _ in range(10):
            client = imaplib.IMAP4_SSL(ADDRESSES["mx"], 993, ssl_context=lab.tls(), timeout=60)
            client.login(BOB, lab.passwords[BOB])
            client.select("INBOX")
            client.send(b"x SEARCH BODY nothing\r\n")
            client.sock.shutdown(socket.SHUT_RDWR)
            client.sock.close()
    lab.inside("mx", leave)
    check(lab, MESSAGES, "after clients that hung up")


def main():
    with laboratory.Lab(peers=False) as lab:
        lab.start_postern()
        folder = lab.folder / "postern" / "data" / "text"
        deliver(lab, 1, MESSAGES // 2)
        check(lab, MESSAGES // 2, "right after the delivery")
        wait_for_index(lab, MESSAGES // 2)
        check(lab, MESSAGES // 2, "from kept text")
        deliver(lab, MESSAGES // 2 + 1, MESSAGES)
        check(lab, MESSAGES, "kept text and new mail")
        shutil.rmtree(folder)
        check(lab, MESSAGES, "text/ taken away while running")
        lab.stop("postern")
        lab.start_postern()
        check(lab, MESSAGES, "after a restart without text/")
        wait_for_index(lab, MESSAGES)
        for file in folder.glob("*.tx"):
            octets = bytearray(file.read_bytes())
            for at in range(200, len(octets), 50):
                octets[at] ^= 0x55
            with open(file, "r+b") as out:
                out.write(octets)
        check(lab, MESSAGES, "text spoiled while running")
        check_hang_up(lab)
        lab.stop("postern")
        lab.write_postern_config(store="search_text = false\n")
        lab.start_postern()
        assert not folder.exists() and not info(lab)["text_kept"]
        check(lab, MESSAGES, "switched off")


if __name__ == "__main__":
    main()
