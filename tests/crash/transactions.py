# SPDX-License-Identifier: Apache-2.0
"""One scripted transaction of each kind, for tests that let the server fail at a chosen system call.

A kind prepares (logs in, selects, fills), then runs one transaction, and is audited after the restart. run() swallows the death of
the server: ledger and model remember what was not answered.
"""
import smtplib
import time

import harness
from clients import Imap
from load import INBOXES, REMOTE, send_one, submit_one

BOX = "Scripted"
SMALL, LARGE = 3000, 400000  # the large one becomes a file of its own
KEEP = 4                      # messages in the scripted mailbox before each run
IDLE = 1.3                    # seconds after which the store empties its log
RESULT_LIMIT = 15
MARK = 0.15                   # seconds for the mark that follows the other server's 250


class Kind:
    """name: for reports. prepare() before the fault is armed, run() with it, audit() after the restart. delivers: into inboxes that
    the ledger accounts for. commits: syncs of the index's log that its answer waits for."""
    delivers = False
    commits = 1

    def __init__(self, name, house):
        self.name, self.house = name, house
        self.answered = None  # what the client was told: True, False, or None for nothing
        self.answered_at = None

    def prepare(self):
        pass

    def transaction(self):
        raise NotImplementedError

    def run(self):
        self.answered = None
        try:
            self.answered = self.transaction()
            self.answered_at = time.time()
        except (OSError, smtplib.SMTPException):
            pass

    def close(self):
        pass

    def audit(self):
        for user in INBOXES:
            self.house.read_inbox(user)


class Delivery(Kind):
    delivers = True

    def __init__(self, name, house, users, size):
        super().__init__(name, house)
        self.users, self.size = users, size

    def transaction(self):
        _, code = send_one(self.house.server, self.house.ledger, self.house.rng, self.users, self.size)
        return code == 250


class Submission(Kind):
    """To two of ours and a remote server, in one transaction; the remote server takes nothing yet."""
    delivers = True

    def prepare(self):
        self.house.sink.paused.set()

    def transaction(self):
        _, code = submit_one(self.house.server, self.house.ledger, self.house.rng, "frank", (*INBOXES, REMOTE), SMALL)
        return code == 250

    def close(self):
        self.house.sink.paused.clear()


class ImapKind(Kind):
    """The command of one IMAP client; command(kind, client, uids) sends it."""

    def __init__(self, name, house, command):
        super().__init__(name, house)
        self.command, self.model, self.client = command, house.models[0], None

    def prepare(self):
        self.client = self.house.server.imap(self.model.user)
        self.client.do("ENABLE CONDSTORE")
        if BOX not in self.model.acked:
            Imap.expect_ok(self.model.create(self.client, BOX))
        for name in [n for n in self.model.acked if n.startswith("Box-")][:-1]:
            Imap.expect_ok(self.model.delete(self.client, name))
        self.client.do(f"SELECT {BOX}")
        while len(self.model.acked[BOX].messages) < KEEP:
            Imap.expect_ok(self.model.append(self.client, BOX, size=SMALL))
        if len(self.model.acked["Trash"].messages) > 20 * KEEP:
            self.client.do("SELECT Trash")
            self.model.expunge(self.client, "Trash", sorted(self.model.acked["Trash"].messages))
            self.client.do(f"SELECT {BOX}")

    def transaction(self):
        uids = sorted(self.model.acked[BOX].messages)[:3]
        answer = self.command(self.model, self.client, uids)
        return answer is not None and answer.ok

    def close(self):
        self.client.close()

    def audit(self):
        with self.house.server.imap(self.model.user) as client:
            self.model.audit(client)


class Restructure(ImapKind):
    """CREATE, RENAME and DELETE, one after the other."""
    commits = 3

    def transaction(self):
        self.model.made += 1
        first, second = f"Box-{self.model.made}", f"Box-{self.model.made}-renamed"
        return (self.model.create(self.client, first).ok and self.model.rename(self.client, first, second).ok and
                self.model.delete(self.client, second).ok)


class QueueResult(Kind):
    """The remote server takes a waiting message, and that is marked."""

    def prepare(self):
        self.house.sink.paused.set()
        token, code = submit_one(self.house.server, self.house.ledger, self.house.rng, "frank", (REMOTE,), SMALL)
        harness.check(code == 250, f"submission is answered {code}")
        self.token = token

    def transaction(self):
        self.house.sink.paused.clear()
        self.house.server.run_cli("queue", "retry", "--all")
        ends = time.monotonic() + RESULT_LIMIT
        while time.monotonic() < ends and self.house.server.running():
            if self.house.sink.copies[self.token, REMOTE]:
                time.sleep(MARK)
                return True
            time.sleep(0.005)
        return None


class PasswordChange(Kind):
    def prepare(self):
        """Records of logins wait a moment for more; what is asked for is written first, so that no sync of theirs comes later."""
        super().prepare()
        self.house.server.run_cli("account", "logins")

    def transaction(self):
        return self.house.passwords.change().returncode == 0

    def audit(self):
        self.house.passwords.audit()


class Checkpoint(Delivery):
    """A delivery, and the idle second after which its log is moved into the database."""

    def transaction(self):
        answered = super().transaction()
        time.sleep(IDLE)
        return answered


def kinds(house):
    def imap(name, command):
        return ImapKind(name, house, command)
    return [
        Delivery("deliver to one", house, ("alice",), SMALL),
        Delivery("deliver a large one", house, INBOXES, LARGE),
        Submission("deliver to many and the queue", house),
        imap("append", lambda model, client, _: model.append(client, BOX, size=SMALL)),
        imap("store", lambda model, client, uids: model.store(client, BOX, uids, [r"\Flagged", "$Work"], model.rng.choice("+-"))),
        imap("copy", lambda model, client, uids: model.copy(client, BOX, uids, "Trash")),
        imap("move", lambda model, client, uids: model.copy(client, BOX, uids, "Trash", "MOVE")),
        imap("expunge", lambda model, client, uids: model.expunge(client, BOX, uids)),
        Restructure("mailboxes", house, None),
        QueueResult("queue result", house),
        PasswordChange("password", house),
        Checkpoint("checkpoint", house, ("alice",), SMALL),
    ]
