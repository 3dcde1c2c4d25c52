# SPDX-License-Identifier: Apache-2.0
"""An IMAP account as its only client knows it: what was acknowledged, and the one command that may or may not have happened.

A client that waits for each answer has at most one command under way when the server dies. So after a crash the account must be
either exactly as acknowledged or exactly as that command would have left it: no flag undone, no expunged message back, no half
COPY, no UID given twice, no UIDVALIDITY changed, no MODSEQ going back (security.md section 6.1).
"""
import copy
import re
from collections import Counter
from dataclasses import dataclass, field

from clients import expand
from ledger import TOKEN

FLAGS = (r"\Seen", r"\Answered", r"\Flagged", r"\Draft", "$Work", "project-x")
FULL = 60  # messages in a mailbox from which on more are removed than added
HEADER = "BODY.PEEK[HEADER.FIELDS (X-Token)]"


@dataclass
class Box:
    validity: int  # 0: not told yet
    uidnext: int
    modseq: int = 0
    messages: dict = field(default_factory=dict)  # UID -> (token, flags)
    arrivals: list = field(default_factory=list)  # (token, flags) whose UID is not known
    modseqs: dict = field(default_factory=dict)   # UID -> MODSEQ as last seen


def read_box(client, name):
    answer = client.do(f'EXAMINE "{name}"')
    box = Box(answer.numbers("UIDVALIDITY")[0], answer.numbers("UIDNEXT")[0], max(answer.numbers("HIGHESTMODSEQ"), default=0))
    if not any(re.match(rb"\* [1-9]\d* EXISTS", line) for line in answer.untagged):
        return box
    for line in client.do(f"UID FETCH 1:* (UID FLAGS MODSEQ {HEADER})").untagged:
        uid = re.search(rb"\bUID (\d+)", line)
        if not uid or b"FETCH" not in line:
            continue
        flags = re.search(rb"FLAGS \(([^)]*)\)", line).group(1).decode().split()
        token = TOKEN.search(line)
        number = int(uid.group(1))
        box.messages[number] = (token.group(1).decode() if token else None, frozenset(f for f in flags if f != r"\Recent"))
        box.modseqs[number] = int(re.search(rb"MODSEQ \((\d+)\)", line).group(1))
    return box


def read_account(client):
    names = [re.search(rb'"?([^" ]+)"?$', line).group(1).decode() for line in client.do('LIST "" "*"').untagged if b" LIST " in line]
    return {name: read_box(client, name) for name in names}


def differences(expected, observed):
    """What is not as expected, in words that begin with the kind of damage."""
    out = [f"mailbox gone: {name}" for name in expected.keys() - observed.keys()]
    out += [f"mailbox came back: {name}" for name in observed.keys() - expected.keys()]
    for name in expected.keys() & observed.keys():
        out += [f"{text} in {name}" for text in box_differences(expected[name], observed[name])]
    return out


def box_differences(expected, observed):
    out = []
    for uid, (token, flags) in expected.messages.items():
        if uid not in observed.messages:
            out.append(f"lost: UID {uid} {token}")
        elif observed.messages[uid][0] != token:
            out.append(f"replaced: UID {uid} is {observed.messages[uid][0]}, was {token}")
        elif observed.messages[uid][1] != flags:
            out.append(f"flags: UID {uid} has {sorted(observed.messages[uid][1])}, acknowledged {sorted(flags)}")
    more = {uid: message for uid, message in observed.messages.items() if uid not in expected.messages}
    if Counter(more.values()) != Counter(expected.arrivals):
        out.append(f"surplus or missing: {more}, expected {expected.arrivals}")
    return out


class Model:
    """One account, one client at a time. problems: every damage found so far."""

    def __init__(self, user, sender, ledger, rng):
        self.user, self.sender, self.ledger, self.rng = user, sender, ledger, rng
        self.acked, self.pending = None, None
        self.problems = []
        self.history = {}     # (UIDVALIDITY, UID) -> token, for all that was ever told
        self.buried = {}      # name -> UIDVALIDITY of a deleted mailbox
        self.whole = set()    # (UIDVALIDITY, UID) whose octets were compared
        self.done = Counter()
        self.made = 0

    # ---- commands

    def begin(self):
        self.pending = copy.deepcopy(self.acked)
        return self.pending

    def finish(self, kind, answer):
        """OK makes the pending state the acknowledged one; NO means that nothing happened. In the dark nothing is an answer."""
        if self.ledger.dark:
            raise ConnectionError("the power is off")
        if answer.ok:
            self.acked = self.pending
            self.done[kind] += 1
        else:
            self.done[kind + " refused"] += 1
        self.pending = None
        return answer.ok

    def heard(self, name, answer):
        known = answer.numbers("HIGHESTMODSEQ") + answer.numbers("MODSEQ")
        if name in self.acked:
            self.acked[name].modseq = max([self.acked[name].modseq, *known])

    def settle_arrivals(self, name, validity, uids):
        """The UIDs that were told for what has arrived."""
        box = self.acked[name]
        if box.validity not in (0, validity):
            self.problems.append(f"UIDVALIDITY of {name} was {box.validity}, told is {validity}")
        box.validity = validity
        for uid, message in zip(uids, box.arrivals, strict=True):
            self.remember(box.validity, uid, message[0], name)
            box.messages[uid] = message
            box.uidnext = max(box.uidnext, uid + 1)
        box.arrivals = []

    def remember(self, validity, uid, token, name):
        before = self.history.setdefault((validity, uid), token)
        if before != token:
            self.problems.append(f"UID reused: {uid} in {name} was {before}, is {token}")

    def append(self, client, name, flags=None, size=None):
        token, message = self.ledger.new(self.rng, self.sender, (), size)
        flags = self.some_flags() if flags is None else flags
        self.begin()[name].arrivals.append((token, frozenset(flags)))
        answer = client.command(f'APPEND "{name}" ({" ".join(flags)})', message)
        if self.finish("append", answer):
            validity, uid = map(int, answer.code("APPENDUID"))
            self.settle_arrivals(name, validity, [uid])
        return answer

    def store(self, client, name, uids, flags, sign="+"):
        state = self.begin()
        for uid in uids:
            token, before = state[name].messages[uid]
            after = before | set(flags) if sign == "+" else before - set(flags) if sign == "-" else set(flags)
            state[name].messages[uid] = (token, frozenset(after))
        answer = client.command(f"UID STORE {','.join(map(str, uids))} {sign}FLAGS ({' '.join(flags)})")
        self.finish("store", answer)
        self.heard(name, answer)
        return answer

    def copy(self, client, name, uids, target, verb="COPY"):
        state = self.begin()
        messages = [state[name].messages[uid] for uid in uids]
        if verb == "MOVE":
            for uid in uids:
                del state[name].messages[uid]
        state[target].arrivals += messages
        answer = client.command(f'UID {verb} {",".join(map(str, uids))} "{target}"')
        if self.finish(verb.lower(), answer):
            validity, _, uids = answer.code("COPYUID")
            self.settle_arrivals(target, int(validity), expand(uids))
        self.heard(name, answer)
        return answer

    def expunge(self, client, name, uids):
        """Marks the messages, then removes them: two commands."""
        if not self.store(client, name, uids, [r"\Deleted"]).ok:
            return None
        state = self.begin()
        for uid in uids:
            del state[name].messages[uid]
        answer = client.command(f"UID EXPUNGE {','.join(map(str, uids))}")
        self.finish("expunge", answer)
        self.heard(name, answer)
        return answer

    def create(self, client, name):
        self.begin()[name] = Box(0, 1)
        answer = client.command(f'CREATE "{name}"')
        self.finish("create", answer)
        return answer

    def rename(self, client, name, to):
        state = self.begin()
        state[to] = state.pop(name)
        answer = client.command(f'RENAME "{name}" "{to}"')
        self.finish("rename", answer)
        return answer

    def delete(self, client, name):
        validity = self.acked[name].validity
        del self.begin()[name]
        answer = client.command(f'DELETE "{name}"')
        if self.finish("delete", answer):
            self.buried[name] = validity
        return answer

    # ---- random work

    def some_flags(self):
        return self.rng.sample(FLAGS, self.rng.randint(0, 3))

    def work(self, server, stop):
        """Random commands until the server dies."""
        try:
            with server.imap(self.user) as client:
                client.do("ENABLE CONDSTORE")
                while not stop.is_set():
                    name = self.rng.choice(sorted(self.acked))
                    self.heard(name, client.do(f'SELECT "{name}"'))
                    for _ in range(self.rng.randint(1, 6)):
                        if stop.is_set() or not self.one(client, name):
                            break
        except OSError:
            pass  # killed: what was under way stays pending
        except AssertionError as error:
            if not self.ledger.dark:  # without power a server may say anything
                self.problems.append(str(error))

    def one(self, client, name):
        """One random command; False when the mailbox is to be left."""
        uids = sorted(self.acked[name].messages)
        some = sorted(self.rng.sample(uids, min(len(uids), self.rng.randint(1, 5))))
        other = self.rng.choice(sorted(self.acked.keys() - {name}))
        choice = self.rng.random()
        if choice < 0.05:
            return self.restructure(client, name)
        if not uids or (choice < 0.35 and len(uids) < FULL):
            self.append(client, name)
        elif len(uids) >= FULL or choice < 0.5:
            self.expunge(client, name, some if len(uids) < FULL else uids[:20])
        elif choice < 0.62:
            self.copy(client, name, some, other)
        elif choice < 0.74:
            self.copy(client, name, some, other, "MOVE")
        else:
            self.store(client, name, some, self.some_flags() or [r"\Seen"], self.rng.choice("+-"))
        return True

    def restructure(self, client, name):
        """Makes, renames or deletes a mailbox that is not selected."""
        made = sorted(n for n in self.acked if n.startswith("Box-") and n != name)
        if len(made) < 3:
            self.made += 1
            again = sorted(self.buried.keys() - self.acked.keys())
            self.create(client, again[0] if again and self.rng.random() < 0.5 else f"Box-{self.made}")
        elif self.rng.random() < 0.5:
            self.made += 1
            self.rename(client, made[0], f"Box-{self.made}")
        else:
            self.delete(client, made[0])
        return False

    # ---- audit

    def audit(self, client):
        """Compares with what is there; gives the new problems."""
        before = len(self.problems)
        observed = read_account(client)
        if self.acked is not None:
            self.compare(observed)
            self.compare_counters(observed)
        for name, box in observed.items():
            for uid, (token, _) in box.messages.items():
                self.remember(box.validity, uid, token, name)
        self.acked, self.pending = observed, None
        self.compare_octets(client)
        return self.problems[before:]

    def compare(self, observed):
        wrong = differences(self.acked, observed)
        if wrong and self.pending is not None:
            otherwise = differences(self.pending, observed)
            wrong = min(wrong, otherwise, key=len)
        self.problems += wrong

    def compare_counters(self, observed):
        for name, box in observed.items():
            if name in self.buried and name not in self.acked and box.validity <= self.buried[name]:
                self.problems.append(f"UIDVALIDITY of {name} is {box.validity}, the deleted one had {self.buried[name]}")
            before = self.acked.get(name)
            if before is None or not before.validity:
                continue
            if box.validity != before.validity:
                self.problems.append(f"UIDVALIDITY of {name} was {before.validity}, is {box.validity}")
            if box.uidnext < before.uidnext:
                self.problems.append(f"UIDNEXT of {name} went back from {before.uidnext} to {box.uidnext}")
            if box.modseq < before.modseq:
                self.problems.append(f"HIGHESTMODSEQ of {name} went back from {before.modseq} to {box.modseq}")
            for uid, modseq in box.modseqs.items():
                if modseq < before.modseqs.get(uid, 0) or modseq > box.modseq:
                    self.problems.append(f"MODSEQ of UID {uid} in {name} is {modseq}, was {before.modseqs.get(uid)}")

    def compare_octets(self, client, everything=False):
        """Of messages not compared before, or of all."""
        for name, box in self.acked.items():
            uids = [uid for uid in box.messages if everything or (box.validity, uid) not in self.whole]
            if not uids:
                continue
            client.do(f'EXAMINE "{name}"')
            seen = 0
            for uid, stored in client.fetch_bodies(",".join(map(str, uids))):
                seen += 1
                self.whole.add((box.validity, uid))
                token = box.messages[uid][0]
                if token is None or not self.ledger.is_whole(token, stored):
                    self.problems.append(f"torn: UID {uid} {token} in {name}")
            if seen != len(uids):
                self.problems.append(f"torn: {len(uids) - seen} bodies in {name} cannot be read")
