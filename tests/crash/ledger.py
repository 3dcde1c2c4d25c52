# SPDX-License-Identifier: Apache-2.0
"""Every message gets a token, and what its sender was told about it is remembered: acknowledged, refused, or nothing.

Against that stands what is found at the end (security.md section 6.1), for each token and each place it was meant for:

  lost      acknowledged, and not there            torn      there with other octets than sent
  ghost     refused, and there all the same        surplus   there more often than it was sent
  split     there in some of its places only       foreign   there, and never sent

One attempt makes one token, so a place may hold at most one copy. All are zero, or the server is wrong.
"""
import hashlib
import re
import threading
from collections import Counter
from dataclasses import dataclass, field

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"
TOKEN = re.compile(rb"^X-Token: (\S+)\r$", re.M)
FIRST_FIELD = b"From: "
LINE = 66


@dataclass
class Attempt:
    token: str
    places: tuple
    digest: bytes
    told: str = REFUSED  # until the message was handed over nothing can have come of it


@dataclass
class Sums:
    lost: list = field(default_factory=list)
    ghost: list = field(default_factory=list)
    torn: list = field(default_factory=list)
    surplus: list = field(default_factory=list)
    split: list = field(default_factory=list)
    foreign: list = field(default_factory=list)

    def counts(self):
        return {name: len(tokens) for name, tokens in vars(self).items()}

    def wrong(self):
        """What is not zero, with a few tokens of each."""
        return {name: tokens[:8] for name, tokens in vars(self).items() if tokens}


def digest_of(message):
    return hashlib.sha256(message).digest()


def original_part(stored):
    """The message as sent: trace fields were put in front of it."""
    start = stored.find(FIRST_FIELD) if stored.startswith(FIRST_FIELD) else stored.find(b"\n" + FIRST_FIELD) + 1
    return stored[max(start, 0):]


def token_of(stored):
    found = TOKEN.search(stored)
    return found.group(1).decode() if found else None


class Ledger:
    """Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.attempts = {}
        self.dark = False
        self.found = Counter()
        self.torn = []
        self.foreign = []

    def new(self, rng, sender, places, size=None):
        """A message of random text for these places; gives (token, octets)."""
        with self.lock:
            token = f"t{len(self.attempts) + 1}"
            self.attempts[token] = None
        if size is None:
            size = rng.choice([200, 2000, 10000, 10000, 50000, 400000 if rng.random() < 0.1 else 3000])
        head = (f"From: <{sender}>\r\nTo: <somebody@crash.test>\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
                f"Message-ID: <{token}@{sender.partition('@')[2]}>\r\nX-Token: {token}\r\nSubject: crash\r\n\r\n")
        line = f"{rng.getrandbits(256):064x}\r\n"
        message = (head + line * (size // LINE + 1)).encode()
        with self.lock:
            self.attempts[token] = Attempt(token, tuple(places), digest_of(message))
        return token, message

    def tell(self, token, what):
        """In the dark nothing is an answer: with the power the machine would have gone, and the client heard nothing."""
        with self.lock:
            self.attempts[token].told = UNKNOWN if self.dark else what

    def told(self, token):
        return self.attempts[token].told

    def totals(self):
        with self.lock:
            return dict(Counter(a.told for a in self.attempts.values() if a))

    def is_whole(self, token, stored):
        return digest_of(original_part(stored)) == self.attempts[token].digest

    def see(self, place, stored):
        """A message was found at this place."""
        token = token_of(stored)
        with self.lock:
            if token is None or self.attempts.get(token) is None:
                self.foreign.append(f"{place}: {stored[:60]!r}")
                return
            self.found[token, place] += 1
            if not self.is_whole(token, stored):
                self.torn.append(f"{token} at {place}")

    def forget_found(self):
        """Before everything is read once more."""
        with self.lock:
            self.found.clear()
            self.torn, self.foreign = [], []

    def sums(self, is_remote=lambda place: False):
        """is_remote(place): copies there are made by a protocol that may repeat itself; they are no surplus of ours."""
        sums = Sums(torn=list(self.torn), foreign=list(self.foreign))
        with self.lock:
            for token, attempt in self.attempts.items():
                self.judge(token, attempt, is_remote, sums)
        return sums

    def judge(self, token, attempt, is_remote, sums):
        if attempt is None:
            return
        here = {place: self.found[token, place] for place in attempt.places}
        if attempt.told == ACKNOWLEDGED:
            sums.lost += [f"{token} at {place}" for place, n in here.items() if n == 0]
        elif attempt.told == REFUSED:
            sums.ghost += [f"{token} at {place}" for place, n in here.items() if n]
        elif any(here.values()) and not all(here.values()):
            sums.split.append(f"{token}: {here}")
        sums.surplus += [f"{token} at {place}: {n}" for place, n in here.items() if n > 1 and not is_remote(place)]
