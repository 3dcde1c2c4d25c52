#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exim from its Debian package, unpacked and not installed: it sends us mail and takes ours, over TLS, with CHUNKING, 8-bit text,
SMTPUTF8 and many recipients; its refusals come back to the sender with its words."""
import email
import json
import re
import shutil
import subprocess
from pathlib import Path

import apart
import lab as laboratory
from lab import wait_for

ALICE = laboratory.LOCAL[0]
ADDRESS = "10.77.0.5"
ERIN, FRANK, JOERG = "erin@exim.test", "frank@exim.test", "jörg@exim.test"


class EximLab(laboratory.Lab):
    """Exim lives beside where the partner would, at an address of its own."""

    def start_exim(self):
        self.publish("exim MX 10 mx.exim.test.", f"mx.exim A {ADDRESS}", f'exim TXT "v=spf1 ip4:{ADDRESS} -all"')
        self.reverse()
        netns = self.netns("partner")
        laboratory.quiet("ip", "-n", netns, "addr", "add", f"{ADDRESS}/24", "dev", "eth0")
        self.make_users(Path(f"/etc/netns/{netns}"))
        self.exim_folder = self.folder / "exim"
        for sub in ("spool", "mail", "log"):
            (self.exim_folder / sub).mkdir(parents=True)
            laboratory.quiet("chown", "mail:mail", self.exim_folder / sub)
        # Exim starts itself again as a user who may not look into root's folders.
        shutil.copytree(apart.FOLDER / "usr/lib/x86_64-linux-gnu", self.exim_folder / "lib", symlinks=True)
        shutil.copy(apart.FOLDER / "usr/sbin/exim4", self.exim_folder)
        certificate, key = self.authority.issue("mx.exim.test", ADDRESS)
        self.write_exim_config(certificate, key)
        self.start("exim", "partner", *self.exim("-bdf", "-q1s"))
        wait_for(lambda: ADDRESS + ":25" in self.run("partner", "ss", "-ltn").stdout, "Exim's start")

    def reverse(self):
        zone = self.folder / "knot" / "reverse.zone"
        zone.write_text(zone.read_text() + "5 PTR mx.exim.test.\n")
        self.run("dns", "knotc", "-s", self.folder / "knot" / "knot.sock", "zone-reload", check=False)
        self.publish("again A 10.77.0.4")  # which makes knot read all zones anew

    @staticmethod
    def make_users(etc):
        """The user that Debian built Exim for, in the /etc of this host alone."""
        (etc / "passwd").write_text(Path("/etc/passwd").read_text() + "Debian-exim:x:8:8::/nonexistent:/usr/sbin/nologin\n")
        (etc / "group").write_text(Path("/etc/group").read_text() + "Debian-exim:x:8:mail\n")

    def exim(self, *words):
        folder = self.exim_folder
        return ["env", f"LD_LIBRARY_PATH={folder}/lib", str(folder / "exim4"), "-C", str(folder / "exim.conf"), *words]

    def write_exim_config(self, certificate, key):
        folder = self.exim_folder
        laboratory.quiet("chmod", "644", key)
        (folder / "exim.conf").write_text(f"""exim_path = {folder}/exim4
deliver_drop_privilege = true
primary_hostname = mx.exim.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
local_interfaces = {ADDRESS}
disable_ipv6 = true
domainlist local_domains = exim.test
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
accept_8bitmime = true
message_size_limit = 1M
acl_smtp_rcpt = check_rcpt
trusted_users = root
log_selector = +tls_peerdn +tls_cipher +smtp_confirmation
keep_environment = LD_LIBRARY_PATH
never_users =

begin acl
check_rcpt:
  defer    local_parts = later
           message = 4.2.0 come back later
           condition = ${{if !exists{{{folder}/open}}}}
  deny     local_parts = nobody
           message = 5.1.1 there is no such person at exim.test
  accept   domains = +local_domains
  deny     message = 5.7.1 relay not permitted

begin routers
out:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote_smtp
  no_more
here:
  driver = accept
  transport = file

begin transports
remote_smtp:
  driver = smtp
  interface = {ADDRESS}
  hosts_require_tls = *
file:
  driver = appendfile
  directory = {folder}/mail/${{if eqi{{$local_part}}{{erin}}{{erin}}{{other}}}}
  create_directory = true
  maildir_format = true
  envelope_to_add = true
  user = mail
  group = mail

begin retry
* * F,1h,1s

begin rewrite
begin authenticators
""")

    def arrived(self, needle):
        """The messages in Exim's folders that hold the text."""
        files = (file for file in (self.exim_folder / "mail").rglob("new/*") if file.is_file())
        return [text for text in (file.read_bytes() for file in files) if needle.encode() in text]

    def log(self):
        file = self.exim_folder / "log" / "mainlog"
        return file.read_text(errors="replace") if file.exists() else ""

    def show_logs(self):
        print("---- exim", self.log()[-4000:], sep="\n")
        super().show_logs()


def text(token, sender, recipient, body="hello\r\n"):
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {token}\r\nDate: Sun, 22 Nov 2026 06:00:00 +0000\r\n"
            f"Message-ID: <{token}@exim.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}").encode()


def check_out(lab):
    """Ours arrives at Exim as it was sent, over TLS, in one transaction for all recipients."""
    body = "Grüße\r\n.\r\n..dots\r\n" + "x" * 990 + "\r\n"
    lab.submit(ALICE, [ERIN, FRANK], text("to-exim", ALICE, ERIN, body), options=("BODY=8BITMIME",))
    copies = wait_for(lambda: lab.arrived("Subject: to-exim") if len(lab.arrived("Subject: to-exim")) == 2 else None, "two copies")
    assert all(copy.replace(b"\r\n", b"\n").endswith(body.replace("\r\n", "\n").encode()) for copy in copies), copies[0]
    assert re.search(r"<= alice@postern\.test H=\(?mx\.postern\.test\)? \[10\.77\.0\.2\].* X=TLS1\.3", lab.log()), "no TLS"
    assert lab.log().count("<= alice@postern.test") == 1, "two transactions for two recipients of one host"
    print("ok   we send to Exim: 8 bits, dots, long lines, TLS, one transaction", flush=True)


def check_smtputf8(lab):
    lab.submit(ALICE, [JOERG], text("to-jörg", ALICE, JOERG), options=("SMTPUTF8", "BODY=8BITMIME"))
    wait_for(lambda: lab.arrived("Subject: to-jörg"), "the message with UTF-8 in its address")
    print("ok   SMTPUTF8", flush=True)


def queue(lab):
    return json.loads(lab.postern("--json", "queue", "list"))["entries"]


def check_refusals(lab):
    """4xx waits, 5xx and a size that Exim does not take come back with what it said."""
    lab.submit(ALICE, ["nobody@exim.test", "later@exim.test"], text("refused", ALICE, "nobody@exim.test"))
    notice = email.message_from_bytes(lab.wait_for_message(ALICE, "there is no such person at exim.test"))
    fields = notice.get_payload()[1].get_payload()[1]
    assert fields["Status"] == "5.1.1" and "nobody@exim.test" in fields["Final-Recipient"], fields.as_string()
    waiting = [r for e in queue(lab) for r in e["recipients"] if r["state"] == "waiting"]
    assert len(waiting) == 1 and "come back later" in waiting[0]["last_reply"], waiting
    (lab.exim_folder / "open").touch()
    wait_for(lambda: lab.arrived("Subject: refused"), "the deferred one's arrival")
    lab.submit(ALICE, [ERIN], text("too-large", ALICE, ERIN, ("x" * 70 + "\r\n") * 20_000))
    large = email.message_from_bytes(lab.wait_for_message(ALICE, "<too-large@exim.test>"))
    assert large.get_payload()[1].get_payload()[1]["Status"] == "5.3.4", large.as_string()[:3000]
    assert not lab.arrived("Subject: too-large")
    print("ok   refusals, delays and a limit of Exim", flush=True)


def check_in(lab):
    """Exim sends to us: with TLS that it demands and BDAT; to somebody who does not exist its sender gets Exim's own notice."""
    def by_exim(token, recipient, body="hello\r\n"):
        done = subprocess.run(lab.command("partner", *lab.exim("-f", ERIN, "-oi", recipient)), input=text(token, ERIN, recipient, body),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
    by_exim("from-exim", ALICE, "Grüße\r\n.\r\n" + "y" * 900 + "\r\n")
    message = lab.wait_for_message(ALICE, "Subject: from-exim")
    assert "Grüße".encode() in message and b"\r\n.\r\n" in message and b"y" * 900 in message
    assert re.search(rb"Received: from mx\.exim\.test[\s\S]*?with (UTF8)?E?SMTPS", message), message[:1500]
    assert re.search(r"=> alice@postern\.test .*X=TLS1\.3.* K ", lab.log()), "Exim did not use CHUNKING over TLS"
    by_exim("to-nobody", "nobody@postern.test")
    wait_for(lambda: re.search(r"\*\* nobody@postern\.test .*550", lab.log()), "our refusal in Exim's log")
    print("ok   Exim sends to us: TLS, CHUNKING; unknown people are refused", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd", "kdig", "openssl", "ss")
    apart.need("exim4")
    with EximLab(peers=False) as lab:
        lab.start_exim()
        lab.start_postern()
        check_out(lab)
        check_smtputf8(lab)
        check_refusals(lab)
        check_in(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
