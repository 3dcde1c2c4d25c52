#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real mail programs send through Postern to the partner and to each other, and read what arrived, in both directions."""
import contextlib
import hashlib
import os
import poplib
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import lab as laboratory
from lab import ADDRESSES, NAMES, wait_for

ALICE, BOB = laboratory.LOCAL
CAROL = laboratory.PARTNER[0]
MX = NAMES["mx"]
BODY = "Grüße aus dem Labor.\n.a line that starts with a dot\n\nThe end.\n"


def message_file(lab, token, sender, recipient):
    path = lab.folder / f"{token}.eml"
    path.write_bytes((f"From: {sender}\nTo: {recipient}\nSubject: {token}\nMessage-ID: <{token}@postern.test>\n"
                      f"Date: Sun, 22 Nov 2026 06:00:00 +0000\nMIME-Version: 1.0\n"
                      f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{BODY}").encode())
    return path


def digest(message):
    """SHA-256 of the body with its line ends as CRLF."""
    body = message.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    return hashlib.sha256(body.rstrip(b"\n")).hexdigest()


EXPECTED = hashlib.sha256(BODY.encode().rstrip(b"\n")).hexdigest()


# ---- programs that send: each gets the lab, a file with the message and the recipient

def send_swaks(lab, path, to):
    lab.run("mx", "swaks", "--server", f"{MX}:587", "-tls", "--tls-verify", "--tls-ca-path", lab.authority.certificate,
            "--auth", "PLAIN", "--auth-user", ALICE, "--auth-password", lab.passwords[ALICE],
            "--from", ALICE, "--to", to, "--data", f"@{path}")


def send_msmtp(lab, path, to):
    rc = lab.folder / "msmtprc"
    rc.write_text(f"account lab\nhost {MX}\nport 587\ntls on\ntls_starttls on\ntls_trust_file {lab.authority.certificate}\n"
                  f"auth on\nuser {ALICE}\npassword {lab.passwords[ALICE]}\nfrom {ALICE}\naccount default: lab\n")
    rc.chmod(0o600)
    with open(path) as message:
        lab.run("mx", "msmtp", "-C", rc, to, stdin=message)


def send_curl(lab, path, to):
    crlf = path.with_suffix(".crlf")
    crlf.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    lab.run("mx", "curl", "-sS", "--ssl-reqd", f"smtp://{MX}:587", "--cacert", lab.authority.certificate,
            "--user", f"{ALICE}:{lab.passwords[ALICE]}", "--mail-from", ALICE, "--mail-rcpt", to, "--upload-file", crlf)


def send_s_nail(lab, path, to):
    user, password = urllib.parse.quote(ALICE, safe=""), urllib.parse.quote(lab.passwords[ALICE], safe="")
    with open(path) as message:
        lab.run("mx", "s-nail", "-:/", "-S", "v15-compat", "-S", f"mta=smtps://{user}:{password}@{MX}:465",
                "-S", "smtp-auth=plain", "-S", f"tls-ca-file={lab.authority.certificate}", "-S", f"from={ALICE}",
                "-S", "ttycharset=utf-8", "-S", "sendwait", "-t", stdin=message)


def send_neomutt(lab, path, to):
    rc = neomutt_rc(lab, ALICE)
    body = path.with_suffix(".body")
    body.write_text(BODY)
    with open(body) as text:
        lab.run("mx", "neomutt", "-n", "-F", rc, "-s", path.stem, "--", to, stdin=text, env={**os.environ, "LC_ALL": "C.UTF-8"})


def neomutt_rc(lab, user):
    quoted = urllib.parse.quote(user, safe="")
    rc = lab.folder / f"neomuttrc-{user}"
    mail = lab.folder / "Mail"  # a folder that is missing makes it ask a question, which eats the keys
    mail.mkdir(exist_ok=True)
    rc.write_text(f"""set from = "{user}"
set folder = "{mail}"
set use_from = yes
set smtp_url = "smtps://{quoted}@{MX}:465/"
set smtp_pass = "{lab.passwords[user]}"
set imap_user = "{user}"
set imap_pass = "{lab.passwords[user]}"
set ssl_ca_certificates_file = "{lab.authority.certificate}"
set copy = no
set send_charset = "utf-8"
set confirmcreate = no
set confirmappend = no
set mbox_type = mbox
set header_cache = ""
set wait_key = no
set auto_tag = yes
set quit = yes
set delete = no
""")
    return rc


def send_smtplib(lab, path, to):
    lab.submit(ALICE, [to], path.read_bytes().replace(b"\n", b"\r\n"), port=465)


def send_nodemailer(lab, path, to):
    node(lab, "send.js", MX, "587", ALICE, lab.passwords[ALICE], str(lab.authority.certificate), to, str(path))


def node(lab, script, *words):
    return lab.run("mx", "node", node_folder(lab) / script, *words).stdout


def node_folder(lab):
    """npm packages, installed once per build from the lockfile; the registry is not asked again when they are there."""
    source = Path(__file__).resolve().parent / "node"
    place = Path(os.environ.get("POSTERN_BUILD", str(lab.folder))) / "node"
    if not (place / "node_modules" / "imapflow").exists():
        shutil.copytree(source, place, dirs_exist_ok=True)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent", "--prefix", place], check=True, cwd=place)
    for script in source.glob("*.js"):
        shutil.copy(script, place)
    return place


# ---- programs that read: each gives the raw messages it found in the INBOX of the user

def read_imaplib(lab, user):
    return lab.messages(user)


def read_poplib(lab, user):
    def read():
        client = poplib.POP3_SSL(ADDRESSES["mx"], 995, context=lab.tls())
        client.user(user)
        client.pass_(lab.passwords[user])
        out = [b"\r\n".join(client.retr(n + 1)[1]) for n in range(client.stat()[0])]
        client.quit()
        return out
    return lab.inside("mx", read)


def read_curl_imap(lab, user):
    count = len(lab.messages(user))
    return [curl(lab, user, f"imaps://{MX}:993/INBOX;MAILINDEX={n}") for n in range(1, count + 1)]


def read_curl_pop3(lab, user):
    count = len(lab.messages(user))
    return [curl(lab, user, f"pop3s://{MX}:995/{n}") for n in range(1, count + 1)]


def curl(lab, user, url):
    return lab.run("mx", "curl", "-sS", "--cacert", lab.authority.certificate, "--user", f"{user}:{lab.passwords[user]}", url,
                   text=False, stderr=subprocess.PIPE).stdout


def read_mbsync(lab, user):
    folder = lab.folder / f"mbsync-{user}"
    folder.mkdir()
    rc = folder / "rc"
    rc.write_text(f"""IMAPAccount lab
Host {MX}
Port 993
User {user}
Pass {lab.passwords[user]}
SSLType IMAPS
CertificateFile {lab.authority.certificate}

IMAPStore remote
Account lab

MaildirStore local
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel lab
Far :remote:
Near :local:
Patterns *
Create Near
SyncState *
""")
    (folder / "mail").mkdir()
    lab.run("mx", "mbsync", "-c", rc, "-a", env={**os.environ, "HOME": str(folder)})
    first = maildir(folder / "mail" / "INBOX")
    again = lab.run("mx", "mbsync", "-V", "-c", rc, "-a", env={**os.environ, "HOME": str(folder)}).stdout
    assert len(maildir(folder / "mail" / "INBOX")) == len(first), f"the second run of mbsync changed something:\n{again}"
    return first


def read_fetchmail(lab, user, protocol, port):
    folder = lab.folder / f"fetchmail-{protocol}"
    folder.mkdir()
    rc = folder / "rc"
    rc.write_text(f'poll {MX} protocol {protocol} port {port} user "{user}" password "{lab.passwords[user]}" ssl '
                  f'sslcertfile "{lab.authority.certificate}" fetchall keep mda "cat >{folder}/mail.$$"\n')
    rc.chmod(0o600)
    lab.run("mx", "fetchmail", "-f", rc, "--nosyslog", "--pidfile", folder / "pid", "--idfile", folder / "ids", "--nosoftbounce",
            env={**os.environ, "FETCHMAILHOME": str(folder)})
    return [f.read_bytes() for f in folder.glob("mail.*")]


def read_getmail(lab, user, kind, port):
    folder = lab.folder / f"getmail-{kind}"
    for sub in ("mail/cur", "mail/new", "mail/tmp"):
        (folder / sub).mkdir(parents=True)
    rc = folder / "rc"
    rc.write_text(f"""[retriever]
type = {kind}
server = {MX}
port = {port}
username = {user}
password = {lab.passwords[user]}
ca_certs = {lab.authority.certificate}
[destination]
type = Maildir
path = {folder}/mail/
user = mail
[options]
read_all = true
delete = false
delivered_to = false
received = false
""")
    for part in (folder, *folder.rglob("*")):
        shutil.chown(part, "mail", "mail")  # getmail refuses to deliver as root
    lab.run("mx", "getmail", "--getmaildir", folder, "--rcfile", rc)
    return maildir(folder / "mail")


def maildir(folder):
    return [f.read_bytes() for sub in ("new", "cur") for f in sorted((folder / sub).iterdir())]


def read_neomutt(lab, user):
    """Drives the screen program through a pseudo-terminal: tag all, copy them to a file, quit."""
    out = lab.folder / "neomutt.mbox"
    keys = f"<tag-pattern>~A<enter><copy-message>{out}<enter><quit>"
    words = lab.command("mx", "neomutt", "-n", "-F", neomutt_rc(lab, user), "-f", f"imaps://{MX}:993/INBOX", "-e", f"push '{keys}'")
    run_on_terminal(words, {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    return [m for m in ("\n" + out.read_text(errors="surrogateescape")).encode(errors="surrogateescape").split(b"\nFrom ")[1:]]


def run_on_terminal(words, environment, limit=60, dialogue=()):
    """Runs a program on a terminal of its own until it ends. `dialogue`: pairs of what it shows (a pattern) and what is typed then, in order."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(words[0], words, environment)
    deadline = time.monotonic() + limit
    shown, answered, left = b"", 0, list(dialogue)
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        with contextlib.suppress(OSError):
            if ready:
                shown += os.read(terminal, 65536)
            if left and (asked := re.compile(left[0][0]).search(shown, answered)):
                answered = asked.end()
                os.write(terminal, left.pop(0)[1])
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    raise AssertionError(f"{words[-6:]} did not end; the screen was {shown[-2000:]!r}")


def read_s_nail(lab, user):
    """Copies the mailbox to a local mbox by s-nail's batch mode."""
    quoted, password = urllib.parse.quote(user, safe=""), urllib.parse.quote(lab.passwords[user], safe="")
    out = lab.folder / "s-nail.mbox"
    commands = f"copy * {out}\nxit\n"
    lab.run("mx", "s-nail", "-:/", "-S", "v15-compat", "-S", f"tls-ca-file={lab.authority.certificate}", "-S", "nofolder-hook",
            "-R", "-f", f"pop3s://{quoted}:{password}@{MX}:995", input=commands)
    return [m for m in (b"\n" + out.read_bytes()).split(b"\nFrom ")[1:]]


def read_imapflow(lab, user):
    out = lab.folder / "imapflow"
    out.mkdir()
    node(lab, "read.js", MX, "993", user, lab.passwords[user], str(lab.authority.certificate), str(out))
    return [f.read_bytes() for f in sorted(out.iterdir())]


SENDERS = {"swaks": send_swaks, "msmtp": send_msmtp, "curl": send_curl, "s-nail": send_s_nail, "neomutt": send_neomutt,
           "smtplib": send_smtplib, "nodemailer": send_nodemailer}
READERS = {
    "imaplib": read_imaplib, "poplib": read_poplib, "curl-imap": read_curl_imap, "curl-pop3": read_curl_pop3,
    "mbsync": read_mbsync, "fetchmail-imap": lambda l, u: read_fetchmail(l, u, "imap", 993),
    "fetchmail-pop3": lambda l, u: read_fetchmail(l, u, "pop3", 995),
    "getmail-imap": lambda l, u: read_getmail(l, u, "SimpleIMAPSSLRetriever", 993),
    "getmail-pop3": lambda l, u: read_getmail(l, u, "SimplePOP3SSLRetriever", 995),
    "neomutt": read_neomutt, "s-nail": read_s_nail, "imapflow": read_imapflow,
}


def check_sending(lab):
    """Every program sends one message to the partner and one to a local user."""
    failures = []
    for name, send in SENDERS.items():
        for recipient, where in ((CAROL, "partner"), (BOB, "local")):
            token = f"{name}-{where}"
            try:
                send(lab, message_file(lab, token, ALICE, recipient), recipient)
                arrived = lab.wait_for_message(recipient, f"Subject: {token}")
                assert digest(arrived) == EXPECTED or name in ("neomutt", "s-nail", "nodemailer"), f"the body changed:\n{arrived!r}"
                print(f"ok   {name} sends to {where}", flush=True)
            except Exception as error:
                failures.append(f"{name} sends to {where}: {error}")
                print(f"FAIL {failures[-1]}", flush=True)
    return failures


def check_reading(lab):
    """The partner writes to Bob; every program reads the same set of messages, byte for byte in the body."""
    token = "from-the-partner"
    path = message_file(lab, token, CAROL, BOB)
    lab.run("partner", "swaks", "--server", NAMES["partner"], "--from", CAROL, "--to", BOB, "--data", f"@{path}")
    lab.wait_for_message(BOB, f"Subject: {token}")
    truth = sorted(digest(m) for m in lab.messages(BOB))
    failures = []
    for name, read in READERS.items():
        try:
            found = sorted(digest(m) for m in read(lab, BOB))
            assert found == truth, f"{len(found)} messages, of which {len(set(found) - set(truth))} differ from the {len(truth)} stored"
            print(f"ok   {name} reads {len(found)} messages", flush=True)
        except Exception as error:
            failures.append(f"{name} reads: {error}")
            print(f"FAIL {failures[-1]}", flush=True)
    return failures


def main():
    laboratory.need("ip", "nft", "knotd", "postfix", "dovecot", "swaks", "msmtp", "mbsync", "fetchmail", "getmail", "neomutt", "curl",
                    "s-nail", "node", "npm")
    with laboratory.Lab() as lab:
        lab.start_postern()
        failures = check_sending(lab) + check_reading(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"
    if failures:
        sys.exit("\n".join(["", "failures:", *failures]))
    print(f"{len(SENDERS)} programs send, {len(READERS)} read")


if __name__ == "__main__":
    main()
