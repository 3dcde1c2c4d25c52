# SPDX-License-Identifier: Apache-2.0
"""Mail programs that hold a copy of one inbox, for the long run: each has run(), which may be called often, and held(), what it has
then in the columns that it keeps."""
import contextlib
import hashlib
import imaplib
import json
import os
import re
import select
import shutil
import subprocess
import time

import clients_test as clients
import lab as laboratory
import thunderbird_test as thunderbird
from lab import ADDRESSES, NAMES, wait_for
from marionette import Failure

ALICE = laboratory.LOCAL[0]
MX = NAMES["mx"]
MX_ADDRESS = ADDRESSES["mx"]
# Seconds for one run of a program while the server is killed now and then.
BRIEFLY = 40
# And to catch up at the end.
PATIENCE = 600
KEPT = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted")
MAILDIR_FLAGS = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "D": "\\Draft", "T": "\\Deleted"}


def digest(octets):
    """SHA-256 with LF as the line end, as Maildir has it, without the last line ends."""
    return hashlib.sha256(octets.replace(b"\r\n", b"\n").rstrip(b"\n")).hexdigest()


# ---- the server as it is

def connect(lab):
    client = imaplib.IMAP4_SSL(MX_ADDRESS, 993, ssl_context=lab.tls(), timeout=30)
    client.authenticate("PLAIN", lambda _: f"\0{ALICE}\0{lab.passwords[ALICE]}".encode())
    return client


def from_fetch(part):
    if not isinstance(part, tuple):
        return None
    head = part[0].decode()
    flags = re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()
    return int(re.search(r"UID (\d+)", head).group(1)), tuple(sorted(f for f in flags if f in KEPT)), digest(part[1])


# ---- the programs; each has run(), which may be called often, and held(), what it has then

class Mirror:
    """One program with a folder of its own."""
    keeps = ("flags", "digest")
    patience = BRIEFLY
    runs = 0

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.folder = lab.folder / f"run-{name}"
        self.folder.mkdir()
        self.prepare()

    def prepare(self):
        pass

    def finish(self):
        """The last run, with a server that stays."""
        self.patience = PATIENCE
        self.run()

    def maildir(self, folder):
        out = []
        for sub in ("new", "cur"):
            for file in (folder / sub).iterdir():
                letters = file.name.rpartition(":2,")[2] if ":2," in file.name else ""
                out.append((tuple(sorted(MAILDIR_FLAGS[c] for c in letters if c in MAILDIR_FLAGS)), digest(without_tuid(file.read_bytes()))))
        return sorted(out)


def without_tuid(octets):
    """mbsync marks what it has just stored."""
    return re.sub(rb"^X-TUID: .*\r?\n", b"", octets, count=1, flags=re.MULTILINE)


class Mbsync(Mirror):
    def prepare(self):
        (self.folder / "mail").mkdir()
        (self.folder / "rc").write_text(f"""IMAPAccount lab
Host {MX}
Port 993
User {ALICE}
Pass {self.lab.passwords[ALICE]}
SSLType IMAPS
CertificateFile {self.lab.authority.certificate}

IMAPStore remote
Account lab

MaildirStore local
Path {self.folder}/mail/
Inbox {self.folder}/mail/INBOX

Channel lab
Far :remote:INBOX
Near :local:INBOX
Create Near
Expunge Near
Sync Pull
SyncState *
""")

    def run(self):
        self.lab.run("mx", "mbsync", "-c", self.folder / "rc", "-a", env={**os.environ, "HOME": str(self.folder)}, timeout=self.patience)

    def held(self):
        return self.maildir(self.folder / "mail" / "INBOX")


class Offlineimap(Mirror):
    def prepare(self):
        (self.folder / "rc").write_text(f"""[general]
accounts = lab
metadata = {self.folder}/state
ui = quiet
[Account lab]
localrepository = local
remoterepository = remote
[Repository local]
type = Maildir
localfolders = {self.folder}/mail
[Repository remote]
type = IMAP
readonly = True
remotehost = {MX}
remoteuser = {ALICE}
remotepass = {self.lab.passwords[ALICE]}
ssl = yes
sslcacertfile = {self.lab.authority.certificate}
folderfilter = lambda name: name == "INBOX"
""")

    def run(self):
        self.lab.run("mx", "offlineimap", "-o", "-c", self.folder / "rc", timeout=self.patience)

    def held(self):
        return self.maildir(self.folder / "mail" / "INBOX")


class Imapflow(Mirror):
    keeps = ("uid", "flags", "digest")

    def run(self):
        words = (MX, "993", ALICE, self.lab.passwords[ALICE], str(self.lab.authority.certificate))
        self.lines = clients.node(self.lab, "sync.js", *words).splitlines()

    def held(self):
        # imapflow's sums are of the octets as they came; the server's are compared with LF.
        return sorted((uid, tuple(f for f in flags if f in KEPT), sha) for uid, flags, sha in map(json.loads, self.lines))


class Neomutt(Mirror):
    """Online: nothing is kept from one run to the next."""
    keeps = ("digest",)
    program, cache = "neomutt", ""

    def prepare(self):
        text = clients.neomutt_rc(self.lab, ALICE).read_text().replace('set header_cache = ""\n', "")
        for folder in ("headers", "bodies"):
            (self.folder / folder).mkdir()
        (self.folder / "rc").write_text(text + self.cache.format(folder=self.folder))

    def run(self):
        # When its connection ends it asks, and nobody answers.
        out = self.folder / "mbox"
        out.unlink(missing_ok=True)
        keys = f"<tag-pattern>~A<enter><copy-message>{out}<enter><quit>"
        words = self.lab.command("mx", self.program, "-n", "-F", self.folder / "rc", "-f", f"imaps://{MX}:993/INBOX", "-e", f"push '{keys}'")
        clients.run_on_terminal(words, {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}, limit=self.patience)

    def held(self):
        parts = (b"\n" + (self.folder / "mbox").read_bytes()).split(b"\nFrom ")[1:]
        return sorted((body_digest(part.partition(b"\n")[2]),) for part in parts)


class NeomuttCached(Neomutt):
    """With local copies of headers and bodies, which grow from run to run."""
    cache = 'set header_cache = "{folder}/headers/"\nset message_cachedir = "{folder}/bodies/"\nset message_cache_clean = yes\n'


class Mutt(Neomutt):
    program = "mutt"


class MuttCached(NeomuttCached):
    program = "mutt"


class Fetched(Mirror):
    """Programs that fetch all that is there into an empty folder, each time anew."""
    keeps = ("digest",)

    def run(self):
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        self.fetch()

    def held(self):
        return sorted((body_digest(file.read_bytes()),) for file in (self.folder / "mail" / "new").iterdir())

    def make_maildir(self):
        for sub in ("cur", "new", "tmp"):
            (self.folder / "mail" / sub).mkdir(parents=True)


class Getmail(Fetched):
    """In sessions of some hundred messages, until one has room for more."""
    retriever, port = "", 0
    # It starts a process for each message, misses an end of one that comes before it begins to wait, and gives up after a minute.
    # Of a session that it gives up it remembers nothing, so its messages are taken away and come once more.
    flaw, tries, session = "waiting child pid", 5, 500

    def fetch(self):
        self.make_maildir()
        (self.folder / "rc").write_text(f"""[retriever]
type = {self.retriever}
server = {MX}
port = {self.port}
username = {ALICE}
password = {self.lab.passwords[ALICE]}
ca_certs = {self.lab.authority.certificate}
[destination]
type = Maildir
path = {self.folder}/mail/
[options]
read_all = false
max_messages_per_session = {self.session}
delete = false
delivered_to = false
received = false
""")
        for part in (self.folder, *self.folder.rglob("*")):
            shutil.chown(part, "mail", "mail")
        while self.fetch_some():
            pass

    def fetch_some(self):
        """One session. True when it brought as many as it may."""
        new = self.folder / "mail" / "new"
        before = set(new.iterdir())
        for left in reversed(range(self.tries)):
            try:
                self.lab.run("mx", "setpriv", "--reuid=mail", "--regid=mail", "--clear-groups", "getmail", "--getmaildir",
                             self.folder, "--rcfile", self.folder / "rc", timeout=self.patience)
                break
            except AssertionError as error:
                if self.flaw not in str(error) or left == 0:
                    raise
                for file in set(new.iterdir()) - before:
                    file.unlink()
        return len(set(new.iterdir()) - before) >= self.session


class GetmailImap(Getmail):
    retriever, port = "SimpleIMAPSSLRetriever", 993


class GetmailPop3(Getmail):
    retriever, port = "SimplePOP3SSLRetriever", 995


class Fetchmail(Fetched):
    def fetch(self):
        self.make_maildir()
        rc = self.folder / "rc"
        rc.write_text(f'poll {MX} protocol imap port 993 user "{ALICE}" password "{self.lab.passwords[ALICE]}" ssl '
                      f'sslcertfile "{self.lab.authority.certificate}" fetchall keep '
                      f'mda "cat >$(mktemp {self.folder}/mail/new/XXXXXXXXXX)"\n')
        rc.chmod(0o600)
        self.lab.run("mx", "fetchmail", "-f", rc, "--nosyslog", "--pidfile", self.folder / "pid", "--idfile", self.folder / "ids",
                     "--nosoftbounce", env={**os.environ, "FETCHMAILHOME": str(self.folder)}, timeout=self.patience)


class Curl(Fetched):
    """All messages on one connection: a config file with one URL for each."""

    def fetch(self):
        self.make_maildir()
        lines = [f'user = "{ALICE}:{self.lab.passwords[ALICE]}"\ncacert = "{self.lab.authority.certificate}"\nsilent\nfail\n']
        lines += [f'url = "imaps://{MX}:993/INBOX;UID={uid}"\noutput = "{self.folder}/mail/new/{uid}"\n' for uid in self.uids()]
        (self.folder / "rc").write_text("".join(lines))
        if len(lines) > 1:
            self.lab.run("mx", "curl", "--config", self.folder / "rc", timeout=self.patience)

    def uids(self):
        def read():
            with connect(self.lab) as client:
                client.select("INBOX", readonly=True)
                return [int(uid) for uid in client.uid("SEARCH", "ALL")[1][0].split()]
        return self.lab.inside("mx", read)


class Alpine(Mirror):
    """Saves all messages to a local folder; its keys are typed as a person would."""
    keeps = ("digest",)

    def run(self):
        shutil.rmtree(self.folder)
        (self.folder / "mail").mkdir(parents=True)
        (self.folder / "saved").touch()
        (self.folder / "rc").write_text(f"""personal-name=Alice
user-domain=postern.test
inbox-path={{{MX}/ssl/user="{ALICE}"}}INBOX
feature-list=enable-aggregate-command-set,quit-without-confirm,save-will-not-delete
sort-key=arrival
""")
        words = self.lab.command("mx", "alpine", "-p", self.folder / "rc", "-o", "-i", "-passfile", "/dev/null")
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": str(self.folder),
                       "SSL_CERT_FILE": str(self.lab.authority.certificate)}
        password, out = self.lab.passwords[ALICE].encode(), str(self.folder / "saved").encode()
        clients.run_on_terminal(words, environment, self.patience, [
            (b"greeting", b"e"), (b"ASSWORD", password + b"\r"), (b"opened with", b";"), (b"criteria", b"a"), (b"selected", b"a"),
            (b"APPLY", b"s"), (b"SAVE", out + b"\r"), (b"saved|Saving DONE", b"q")])

    def held(self):
        parts = (b"\n" + (self.folder / "saved").read_bytes()).split(b"\nFrom ")[1:]
        return sorted((body_digest(part.partition(b"\n")[2]),) for part in parts if b"FOLDER INTERNAL DATA" not in part)


# Seconds that Thunderbird may take for one look into its folder.
ONCE = 20


class Thunderbird(Mirror):
    """Runs all the time, in IDLE; each run asks for the folder once more, the last one for all texts too."""
    keeps = ("uid", "flags", "text")
    driver = None

    def start(self):
        display = thunderbird.start_display(self.lab)
        self.driver = thunderbird.start_thunderbird(self.lab, display)
        thunderbird.trust(self.lab, self.driver)

    def run(self):
        if self.driver is None:
            self.start()
        assert self.driver.script(thunderbird.COMMON + """
            if (!inbox) {
              server.getNewMessages(server.rootFolder, null, null);
              return false;
            }
            return await new Promise(resolve => {
              const listener = { OnStartRunningUrl() {}, OnStopRunningUrl: (url, code) => resolve(Components.isSuccessCode(code)) };
              main.setTimeout(() => resolve(false), args[0]);
              inbox.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, listener);
            });""", 1000 * ONCE), "Thunderbird could not look into its inbox"

    def finish(self):
        def offline():
            with contextlib.suppress(AssertionError):  # of a connection that was cut when it last looked
                self.run()
            return self.driver.script(thunderbird.COMMON + """
                inbox.setFlag(Ci.nsMsgFolderFlags.Offline);
                const done = await new Promise(resolve => {
                  const listener = { OnStartRunningUrl() {}, OnStopRunningUrl: (url, code) => resolve(Components.isSuccessCode(code)) };
                  inbox.downloadAllForOffline(listener, null);
                });
                return done && [...inbox.messages].every(header => header.flags & Ci.nsMsgMessageFlags.Offline);""")
        wait_for(offline, "Thunderbird's copies of all messages", PATIENCE)

    def held(self):
        rows = self.driver.script(thunderbird.COMMON + r"""
            const { NetUtil } = ChromeUtils.importESModule("resource://gre/modules/NetUtil.sys.mjs");
            const names = { "\\Seen": "Read", "\\Answered": "Replied", "\\Flagged": "Marked", "\\Deleted": "IMAPDeleted" };
            const out = [];
            for (const header of inbox.messages) {
              const stream = inbox.getMsgInputStream(header);
              let raw = "";
              for (let size; (size = stream.available()) > 0; ) raw += NetUtil.readInputStreamToString(stream, size);
              // without its own marks
              const text = raw.replace(/\r\n/g, "\n").replace(/\n+$/, "").replace(/^(X-Mozilla-.*\n)+/, "");
              const hash = Cc["@mozilla.org/security/hash;1"].createInstance(Ci.nsICryptoHash);
              hash.init(Ci.nsICryptoHash.SHA256);
              const octets = Uint8Array.from(text, letter => letter.charCodeAt(0));
              hash.update(octets, octets.length);
              const sum = Array.from(hash.finish(false), letter => letter.charCodeAt(0).toString(16).padStart(2, "0")).join("");
              const flags = Object.keys(names).filter(name => header.flags & Ci.nsMsgMessageFlags[names[name]]);
              out.push([header.messageKey, flags, sum]);
            }
            return out;""")
        return sorted((uid, tuple(sorted(flags)), sha) for uid, flags, sha in rows)


def body_digest(message):
    """These programs write header fields of their own, so only the body is compared."""
    return digest(message.replace(b"\r\n", b"\n").partition(b"\n\n")[2])


# Those that keep flags first: others leave \Seen behind.
PROGRAMS = {
    "mbsync": (Mbsync, "mbsync"),
    "offlineimap": (Offlineimap, "offlineimap"),
    "imapflow": (Imapflow, "node"),
    "thunderbird": (Thunderbird, thunderbird.PROGRAM),
    "neomutt": (Neomutt, "neomutt"),
    "neomutt-cached": (NeomuttCached, "neomutt"),
    "mutt": (Mutt, "mutt"),
    "mutt-cached": (MuttCached, "mutt"),
    "alpine": (Alpine, "alpine"),
    "curl": (Curl, "curl"),
    "getmail-imap": (GetmailImap, "getmail"),
    "getmail-pop3": (GetmailPop3, "getmail"),
    "fetchmail": (Fetchmail, "fetchmail"),
}
