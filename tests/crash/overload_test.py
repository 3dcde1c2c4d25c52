#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Too much of everything (security.md R19): ten times the connections that already keep the server busy, each sending as fast as it can,
and more than the limits allow. Every answer is 250, 421, 450, 451 or 452; memory stays within 512 MiB; nothing acknowledged is
lost; afterwards mail is taken as before.

--seconds S (12) is how long the flood lasts.
"""
import asyncio
import time
from collections import Counter

import harness
from harness import check
from ledger import ACKNOWLEDGED, REFUSED, UNKNOWN
from load import STRANGER, Household, send_one
from server import address

BUSY, FLOOD = 40, 400       # connections
TOTAL = 250                 # the server's limit
MEMORY_MIB = 512
RECOVER_LIMIT = 30
HONEST = {250, 421, 450, 451, 452}


class Flood:
    def __init__(self, house):
        self.house = house
        self.answers, self.accepted, self.peak = Counter(), 0, 0.0

    async def reply(self, reader):
        while True:
            line = await reader.readline()
            if not line:
                raise ConnectionError("hung up")
            if line[3:4] != b"-":
                return int(line[:3])

    async def send(self, reader, writer):
        ledger, rng = self.house.ledger, self.house.rng
        user = rng.choice(("alice", "bob"))
        token, message = ledger.new(rng, STRANGER, (user,), rng.choice((1000, 5000, 20000)))
        writer.write(f"MAIL FROM:<{STRANGER}>\r\nRCPT TO:<{address(user)}>\r\nDATA\r\n".encode())
        codes = [await self.reply(reader) for _ in range(3)]
        if codes[2] == 354:
            ledger.tell(token, UNKNOWN)
            writer.write(message + b".\r\n")
            codes.append(await self.reply(reader))
            ledger.tell(token, ACKNOWLEDGED if codes[-1] == 250 else REFUSED)
        last = next((c for c in codes if c not in (250, 354)), 250)
        self.answers[last] += 1
        self.accepted += last == 250
        if last == 421:
            raise ConnectionError("closed with 421")

    async def sender(self, ends):
        while time.monotonic() < ends:
            writer = None
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.house.server.ports["smtp"])
                code = await self.reply(reader)
                if code != 220:
                    self.answers[code] += 1
                    await asyncio.sleep(0.2)
                    continue
                writer.write(b"EHLO sender.test\r\n")
                await self.reply(reader)
                while time.monotonic() < ends:
                    await self.send(reader, writer)
            except OSError:
                await asyncio.sleep(0.05)
            finally:
                if writer:
                    writer.close()

    async def watch(self, ends):
        while time.monotonic() < ends:
            self.peak = max(self.peak, self.house.server.memory_mib())
            await asyncio.sleep(0.1)

    async def run(self, connections, seconds):
        ends = time.monotonic() + seconds
        await asyncio.gather(self.watch(ends), *(self.sender(ends) for _ in range(connections)))

    def rate(self, connections, seconds):
        before = self.accepted
        asyncio.run(self.run(connections, seconds))
        return (self.accepted - before) / seconds


def test(run):
    house = Household(run, sections={"limits": f"connections_total = {TOTAL}\n"})
    house.start()
    house.audit()
    flood = Flood(house)
    busy = flood.rate(BUSY, 3)
    flooded = flood.rate(FLOOD, run.options.seconds)
    began = time.monotonic()
    while True:
        _, code = send_one(house.server, house.ledger, house.rng, ("alice",), 2000)
        if code == 250:
            break
        check(time.monotonic() - began < RECOVER_LIMIT, f"after the flood mail is answered {code}")
        time.sleep(0.1)
    recovered = time.monotonic() - began
    check(set(flood.answers) <= HONEST, f"answers under load: {flood.answers}")
    check(flood.answers[421] > 0, "nothing was refused: this was no overload")
    check(flood.peak < MEMORY_MIB, f"memory rose to {flood.peak:.0f} MiB")
    counts = house.finish()
    return {"busy_per_s": round(busy), "flooded_per_s": round(flooded), "answers": dict(flood.answers), "peak_mib": round(flood.peak),
            "recovered_ms": round(recovered * 1000), **counts}


harness.run("overload", test, seconds=12)
