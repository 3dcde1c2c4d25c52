#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that misbehaves at each step in each way: every outcome is classified right, every recipient is marked once, a sender hears
of each failure once, and when the server has come to its senses nobody gets a message twice."""
import collections
import email
import json
import smtplib
import socket
import struct
import threading

import lab as laboratory
from lab import ADDRESSES, wait_for

ALICE = laboratory.LOCAL[0]
STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot", "QUIT")
ACTIONS = ("4xx", "5xx", "521", "multi-line", "garbage", "flood", "endless line", "hang", "close", "reset")
RECIPIENTS = ("one", "two", "three")  # the second one is the one that RCPT misbehaves for
A_SESSION = 50  # messages that one session may bring
NETWORK, FIRST = "10.77.0", 100


class Case:
    """One way to misbehave; a domain, an address and a listening socket of its own."""

    def __init__(self, number, step, action, pipelining):
        self.step, self.action, self.pipelining = step, action, pipelining
        self.domain, self.address = f"d{number}.test", f"{NETWORK}.{FIRST + number}"
        self.acknowledged = collections.Counter()
        self.connections = 0

    def __str__(self):
        return f"{self.action} at {self.step}{' pipelined' if self.pipelining else ''}"

    def expected(self, who):
        """delivered, waiting or failed."""
        if self.step == "QUIT" or self.action == "multi-line":
            return "delivered"
        if self.action in ("4xx", "5xx", "521") and self.step == "RCPT" and who != "two":
            return "delivered"
        final = self.action == "521" or self.action == "5xx" and self.step not in ("greeting", "EHLO")
        return "failed" if final else "waiting"


class Sink:
    def __init__(self, lab, cases):
        self.healed = False
        self.lock = threading.Lock()
        for case in cases:
            laboratory.quiet("ip", "-n", lab.netns("partner"), "addr", "add", f"{case.address}/24", "dev", "eth0")
            listener = lab.inside("partner", socket.create_server, (case.address, 25))
            threading.Thread(target=self.accept, args=(case, listener), daemon=True).start()

    def accept(self, case, listener):
        while True:
            connection, _ = listener.accept()
            with self.lock:
                case.connections += 1
            threading.Thread(target=self.converse, args=(case, connection), daemon=True).start()

    def converse(self, case, connection):
        try:
            with connection, connection.makefile("rb") as reader:
                self.talk(case, connection, reader)
        except OSError:
            pass

    def talk(self, case, connection, reader):
        if not self.say(case, connection, "greeting", b"220 sink"):
            return
        recipients, begun = [], False
        for line in reader:
            verb = line[:4].upper().decode("latin-1")
            if verb in ("EHLO", "HELO"):
                offers = b"250-sink\r\n" + (b"250-PIPELINING\r\n" if case.pipelining else b"") + b"250 8BITMIME"
                going = self.say(case, connection, "EHLO", offers)
            elif verb == "RCPT":
                address = line.split(b"<")[1].split(b">")[0].decode()
                going = self.write(connection, b"503 whose?\r\n") if not begun else \
                    self.say(case, connection, "RCPT" if address.startswith("two@") else "", b"250 ok", lambda: recipients.append(address))
            elif verb == "DATA":
                going = self.say(case, connection, "DATA", b"354 go") if recipients else self.write(connection, b"554 nobody\r\n")
                if going and recipients and (self.healed or case.step != "DATA" or case.action == "multi-line"):
                    while (text := reader.readline()) != b".\r\n":
                        if not text:
                            return
                    going = self.say(case, connection, "dot", b"250 taken", lambda: self.acknowledge(case, recipients))
            else:
                recipients = [] if verb in ("MAIL", "RSET") else recipients
                begun = verb == "MAIL" and (self.healed or case.step != "MAIL" or case.action == "multi-line")
                going = self.say(case, connection, verb, b"221 bye" if verb == "QUIT" else b"250 ok")
            if not going or verb == "QUIT":
                return

    def acknowledge(self, case, recipients):
        with self.lock:
            case.acknowledged.update(recipients)

    @staticmethod
    def write(connection, octets):
        connection.sendall(octets)
        return True

    def say(self, case, connection, step, normal, taken=lambda: None):
        """The reply of this step, or what the case wants instead. `taken` is called before a good one. False: it is over."""
        code = normal[-len(normal.split(b"\r\n")[-1]):][:3]
        if self.healed or case.step != step:
            taken()
            return self.write(connection, normal + b"\r\n")
        action = case.action
        if action == "multi-line":
            taken()
            return self.write(connection, (code + b"-more\r\n") * 40 + normal + b"\r\n")
        lines = {"4xx": b"451 4.3.0 later\r\n", "5xx": b"554 5.7.1 never\r\n", "521": b"521 5.3.2 no mail here\r\n",
                 "garbage": b"\x00\xff<what> is this\r\n"}
        if action in lines:
            return self.write(connection, lines[action])
        if action == "flood":
            self.write(connection, (code + b"-more and more\r\n") * 50_000)
        elif action == "endless line":
            self.write(connection, code + b" " + b"x" * 1_000_000)
        elif action == "hang":
            while connection.recv(4096):
                pass
        elif action == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def submit_all(lab, cases):
    def send(some):
        with smtplib.SMTP(ADDRESSES["mx"], 587, timeout=60) as client:
            client.starttls(context=lab.tls())
            client.login(ALICE, lab.passwords[ALICE])
            for case in some:
                to = [f"{who}@{case.domain}" for who in RECIPIENTS]
                client.sendmail(ALICE, to, f"From: {ALICE}\r\nTo: {to[0]}\r\nSubject: {case}\r\n"
                                           f"Message-ID: <{case.domain}@script.test>\r\n\r\nhello\r\n".encode())
    for start in range(0, len(cases), A_SESSION):
        lab.inside("mx", send, cases[start:start + A_SESSION])


def queue(lab):
    """Recipients that are not done, by address."""
    entries = json.loads(lab.postern("--json", "queue", "list"))["entries"]
    return {r["address"]: r for e in entries for r in e["recipients"] if r["state"] != "done"}


def told(lab):
    """How often Alice was told of the failure of each address."""
    count = collections.Counter()
    for raw in lab.messages(ALICE):
        message = email.message_from_bytes(raw)
        if message.get_content_type() != "multipart/report":
            continue
        for fields in message.get_payload()[1].get_payload()[1:]:
            if fields["Action"] == "failed":
                count[fields["Final-Recipient"].split(";")[1].strip()] += 1
    return count


def check_classes(lab, cases):
    """After one attempt."""
    expected = {f"{who}@{case.domain}": (case.expected(who), case) for case in cases for who in RECIPIENTS}
    waiting = {address for address, (what, _) in expected.items() if what == "waiting"}
    failed = {address for address, (what, _) in expected.items() if what == "failed"}
    wait_for(lambda: all(r["attempts"] for r in queue(lab).values()) and len(queue(lab)) <= len(waiting), "an attempt for each", 60)
    now = queue(lab)
    notices = told(lab)
    wrong = []
    for address, (what, case) in expected.items():
        seen = "waiting" if address in now else "failed" if address in notices else "delivered"
        if seen != what:
            wrong.append(f"{case}: {address} is {seen} instead of {what}: {now.get(address, {}).get('last_reply')}")
        if address in now and now[address]["attempts"] != 1:
            wrong.append(f"{case}: {address} has {now[address]['attempts']} attempts")
        if case.acknowledged[address] != (what == "delivered"):
            wrong.append(f"{case}: {address} was taken {case.acknowledged[address]} times")
    wrong += [f"{case}: {case.connections} connections" for case in cases if case.connections != 1]
    assert not wrong, "\n".join(wrong)
    assert set(notices) == failed and set(notices.values()) == {1}, notices
    print(f"ok   {len(cases)} kinds of misbehaviour: {len(waiting)} recipients wait, {len(failed)} failed and were told once", flush=True)
    return failed


def check_end(lab, sink, cases, failed):
    """The server is well again: what waited goes, and nobody has two."""
    sink.healed = True
    assert lab.stop("postern") == 0  # which has hosts that it could not talk to rest for a minute
    lab.start_postern()
    lab.postern("queue", "retry", "--all")
    wait_for(lambda: not queue(lab), "the queue's end", 60)
    for case in cases:
        for who in RECIPIENTS:
            address = f"{who}@{case.domain}"
            assert case.acknowledged[address] == (address not in failed), f"{case}: {address} has {case.acknowledged[address]}"
    assert set(told(lab).values()) == {1}
    print("ok   afterwards everybody else has one copy", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "kdig")
    kinds = [(step, action, pipelining) for step in STEPS for action in ACTIONS for pipelining in (True, False)]
    cases = [Case(number, *kind) for number, kind in enumerate(kinds)]
    with laboratory.Lab(peers=False) as lab:
        lab.write_postern_config(outbound='greeting_timeout = "2s"\ncommand_timeout = "2s"\ndata_timeout = "2s"\ndot_timeout = "2s"\n',
                                 submission="messages_per_hour = 1000\nrecipients_per_hour = 1000\n")
        config = lab.config.read_text()
        lab.config.write_text(config.replace('backoff = ["1s", "1s", "2s"]\nbackoff_max = "2s"', 'backoff = ["1h"]\nbackoff_max = "2h"'))
        lab.publish(*(f"d{number} A {case.address}" for number, case in enumerate(cases)))
        sink = Sink(lab, cases)
        lab.start_postern()
        submit_all(lab, cases)
        failed = check_classes(lab, cases)
        check_end(lab, sink, cases, failed)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
