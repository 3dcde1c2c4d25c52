# SPDX-License-Identifier: Apache-2.0
"""The laboratory: three hosts in network namespaces of our own, with no way out.

  mx       10.77.0.2  mx.postern.test   Postern, for postern.test
  partner  10.77.0.3  mx.partner.test   Debian's Postfix and Dovecot, for partner.test
  dns      10.77.0.4  ns.test           Debian's knot, authoritative for test. and the reverse zone, signed when wanted

The namespaces are joined by a bridge inside `dns`; no interface leads to the machine's own network. A packet filter in each
counts and drops what is addressed to anywhere else; stray_packets() must be 0 at the end of every test.
"""
import base64
import contextlib
import imaplib
import hashlib
import os
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import ca

SKIPPED = 77  # exit code that ctest shows as "skipped"
POSTERN = os.environ.get("POSTERN_BINARY", "")
ADDRESSES = {"mx": "10.77.0.2", "partner": "10.77.0.3", "dns": "10.77.0.4"}
NAMES = {"mx": "mx.postern.test", "partner": "mx.partner.test", "dns": "ns.test"}
LOCAL = ["alice@postern.test", "bob@postern.test"]
PARTNER = ["carol@partner.test", "dave@partner.test", "jörg@partner.test"]
PARTNER_PASSWORD = "partner-secret-password"


def need(*programs):
    """Leaves the test as skipped, with the reason, when this machine cannot run it."""
    if os.geteuid() != 0:
        skip("network namespaces need root")
    missing = [p for p in programs if not shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if missing:
        skip(f"not installed: {' '.join(missing)} (tools/deps peers)")


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


def wait_for(condition, what, limit=30.0, pause=0.1):
    """Polls until condition() gives something true, and gives it; fails with `what` after the limit."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {limit:.0f} s")
        time.sleep(pause)


def quiet(*words, **options):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))} failed ({done.returncode}): {done.stdout}")
    return done.stdout


class ImapFrom(imaplib.IMAP4_SSL):
    """IMAP over TLS to Postern, from a chosen address of the namespace."""

    def __init__(self, lab, source):
        self.source = source
        super().__init__(ADDRESSES["mx"], 993, ssl_context=lab.tls(), timeout=120)

    def _create_socket(self, timeout):
        raw = socket.create_connection((self.host, self.port), timeout=timeout, source_address=(self.source, 0))
        return self.ssl_context.wrap_socket(raw, server_hostname=self.host)

    def plain(self, user, password):
        """AUTHENTICATE PLAIN; raises imaplib's error with the refusal."""
        return self.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())


class Lab:
    """Use as a context manager: with Lab() as lab: lab.start_postern(); …"""

    def __init__(self, peers=True, signed=False):
        self.peers = peers
        self.signed = signed  # the zones, with DNSSEC
        self.tag = f"pl{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="postern-lab-"))
        self.folder.chmod(0o755)
        self.processes = {}
        self.passwords = {}
        self.postern_options = {}
        self.default_limits = False  # most tests make more connections than a guest may

    # ---- set-up and tear-down

    def __enter__(self):
        try:
            self.make_network()
            self.authority = ca.Authority(self.folder / "ca")
            self.start_dns()
            if self.peers:
                self.start_partner()
            self.make_postern()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        for name in reversed(list(self.processes)):
            with contextlib.suppress(Exception):
                self.stop(name)
        strays = 0
        with contextlib.suppress(Exception):
            strays = self.stray_packets()
        if kind is not None and kind is not SystemExit:
            self.show_logs()
        for host in ADDRESSES:
            subprocess.run(["ip", "netns", "del", self.netns(host)], stderr=subprocess.DEVNULL)
            shutil.rmtree(f"/etc/netns/{self.netns(host)}", ignore_errors=True)
        if "POSTERN_LAB_KEEP" in os.environ:
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None and strays:
            raise AssertionError(f"{strays} packets were addressed to outside the laboratory")

    def netns(self, host):
        return f"{self.tag}-{host}"

    def make_network(self):
        for host, address in ADDRESSES.items():
            ns = self.netns(host)
            quiet("ip", "netns", "add", ns)
            quiet("ip", "-n", ns, "link", "set", "lo", "up")
            etc = Path(f"/etc/netns/{ns}")
            etc.mkdir(parents=True)
            (etc / "resolv.conf").write_text(f"nameserver {ADDRESSES['dns']}\noptions timeout:2 attempts:2\n")
            (etc / "hosts").write_text(f"127.0.0.1 localhost\n{address} {NAMES[host]}\n")
        switch = self.netns("dns")
        quiet("ip", "-n", switch, "link", "add", "br0", "type", "bridge")
        quiet("ip", "-n", switch, "addr", "add", f"{ADDRESSES['dns']}/24", "dev", "br0")
        quiet("ip", "-n", switch, "link", "set", "br0", "up")
        for host in ("mx", "partner"):
            ns = self.netns(host)
            quiet("ip", "-n", switch, "link", "add", f"to-{host}", "type", "veth", "peer", "name", "eth0", "netns", ns)
            quiet("ip", "-n", switch, "link", "set", f"to-{host}", "master", "br0", "up")
            quiet("ip", "-n", ns, "addr", "add", f"{ADDRESSES[host]}/24", "dev", "eth0")
            quiet("ip", "-n", ns, "link", "set", "eth0", "up")
        rules = """table inet lab {
  counter stray { }
  chain out {
    type filter hook output priority 0;
    ip daddr { 127.0.0.0/8, 10.77.0.0/24 } accept
    ip protocol igmp accept
    ip6 daddr { ::1, fe80::/10, ff00::/8 } accept
    counter name stray drop
  }
}
"""
        for host in ADDRESSES:
            quiet("ip", "netns", "exec", self.netns(host), "nft", "-f", "-", input=rules)
            # Without a default route a stray packet would die in routing, uncounted; this one leads to the filter only.
            device = "br0" if host == "dns" else "eth0"
            quiet("ip", "-n", self.netns(host), "route", "add", "default", "dev", device)

    def stray_packets(self):
        total = 0
        for host in ADDRESSES:
            shown = quiet("ip", "netns", "exec", self.netns(host), "nft", "list", "counters")
            total += sum(int(line.split()[1]) for line in shown.splitlines() if "packets" in line)
        return total

    # ---- processes

    def command(self, host, *words):
        return ["ip", "netns", "exec", self.netns(host), *map(str, words)]

    def run(self, host, *words, check=True, timeout=120, **options):
        """Runs a program on a host; gives CompletedProcess with its output as text."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        options.setdefault("text", True)
        done = subprocess.run(self.command(host, *words), timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))} gave {done.returncode}:\n{done.stdout}")
        return done

    def start(self, name, host, *words, log=None):
        out = open(self.folder / (log or f"{name}.log"), "ab")
        self.processes[name] = subprocess.Popen(self.command(host, *words), stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        return self.processes[name]

    def stop(self, name, number=signal.SIGTERM, limit=30):
        """Stops a process and gives its exit code; Postfix has a command of its own for that."""
        process = self.processes.pop(name, None)
        if process is None:
            return None
        if name == "postfix":
            self.run("partner", "postfix", "-c", self.folder / "postfix" / "etc", "stop", check=False)
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{name} did not stop within {limit} s")

    def show_logs(self):
        for log in sorted(self.folder.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            print(f"---- {log.name}", *lines, sep="\n", flush=True)

    def inside(self, host, function, *arguments, **named):
        """Calls the function in a thread that lives in the host's network namespace."""
        outcome = {}

        def work():
            with open(f"/run/netns/{self.netns(host)}") as ns:
                os_setns(ns.fileno())
            try:
                outcome["value"] = function(*arguments, **named)
            except BaseException as error:  # handed to the caller below
                outcome["error"] = error

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome.get("value")

    def listening(self, host, port):
        def attempt():
            try:
                socket.create_connection((ADDRESSES[host], port), timeout=1).close()
                return True
            except OSError:
                return False
        return self.inside(host, attempt)

    def greets(self, host, port):
        """True when an SMTP server says 220 there: unlike a mere connection, that needs a server that is ready."""
        def attempt():
            try:
                with socket.create_connection((ADDRESSES[host], port), timeout=5) as probe:
                    return probe.recv(100).startswith(b"220")
            except OSError:
                return False
        return self.inside(host, attempt)

    # ---- DNS

    def start_dns(self):
        folder = self.folder / "knot"
        folder.mkdir()
        (folder / "test.zone").write_text("""$ORIGIN test.
$TTL 60
@               SOA ns.test. hostmaster.test. 1 3600 600 86400 5
@               NS  ns.test.
ns              A   10.77.0.4
postern         MX  10 mx.postern.test.
mx.postern      A   10.77.0.2
partner         MX  10 mx.partner.test.
mx.partner      A   10.77.0.3
nomx            A   10.77.0.3
nullmx          MX  0 .
dead            MX  10 mx.dead.test.
mx.dead         A   10.77.0.77
""")
        (folder / "reverse.zone").write_text("""$ORIGIN 0.77.10.in-addr.arpa.
$TTL 60
@   SOA ns.test. hostmaster.test. 1 3600 600 86400 5
@   NS  ns.test.
2   PTR mx.postern.test.
3   PTR mx.partner.test.
4   PTR ns.test.
""")
        (folder / "knot.conf").write_text(f"""server:
    rundir: "{folder}"
    user: root:root
    listen: [ {ADDRESSES['dns']}@53, 127.0.0.1@53 ]
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}"
template:
  - id: default
    storage: "{folder}"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    dnssec-signing: {"on" if self.signed else "off"}
zone:
  - domain: test
    file: test.zone
  - domain: 0.77.10.in-addr.arpa
    file: reverse.zone
""")
        self.start("knot", "dns", "knotd", "-c", folder / "knot.conf")
        wait_for(lambda: self.listening("dns", 53), "the DNS server's start")
        if self.signed:
            self.anchor = folder / "anchor"
            words = ("keymgr", "-c", folder / "knot.conf", "test.", "ds")
            self.anchor.write_text(wait_for(lambda: self.run("dns", *words, check=False).stdout, "the zone's key"))

    def publish(self, *lines, instead_of=None):
        """Adds records to the zone test.; those that begin with the text `instead_of` go. Knot counts the serial."""
        zone = self.folder / "knot" / "test.zone"
        kept = [line for line in zone.read_text().splitlines() if not (instead_of and line.startswith(instead_of))]
        zone.write_text("\n".join([*kept, *lines]) + "\n")
        serial = self.serial()
        self.processes["knot"].send_signal(signal.SIGHUP)
        wait_for(lambda: self.serial() != serial, "the zone's change")

    def serial(self):
        return self.run("dns", "kdig", f"@{ADDRESSES['dns']}", "+short", "test.", "SOA").stdout.split()[2:3]

    @staticmethod
    def tlsa(certificate):
        """The data of a record that names the certificate's key: 3 1 1 (RFC 6698)."""
        pem = quiet("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
        inner = "".join(line for line in pem.splitlines() if not line.startswith("-"))
        return "3 1 1 " + hashlib.sha256(base64.b64decode(inner)).hexdigest()

    def trust_authority(self, host):
        """Makes the laboratory's certification authority the one that the host's system trusts."""
        certs = Path(f"/etc/netns/{self.netns(host)}/ssl/certs")
        certs.mkdir(parents=True)
        shutil.copy(self.authority.certificate, certs / "ca-certificates.crt")
        shutil.copy("/etc/ssl/openssl.cnf", certs.parent)

    # ---- the partner: Postfix and Dovecot

    def start_partner(self):
        cert, key = self.authority.issue("mx.partner.test", ADDRESSES["partner"])
        self.start_dovecot(cert, key)
        self.start_postfix(cert, key)

    def start_dovecot(self, cert, key):
        folder = self.folder / "dovecot"
        (folder / "mail").mkdir(parents=True)
        shutil.chown(folder / "mail", "mail", "mail")
        (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{PARTNER_PASSWORD}::::::\n" for user in PARTNER))
        (folder / "dovecot.conf").write_text(f"""base_dir = {folder}/run
state_dir = {folder}/state
log_path = {self.folder}/dovecot.log
protocols = imap
listen = {ADDRESSES['partner']}
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
mail_uid = mail
mail_gid = mail
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
auth_username_chars =
auth_mechanisms = plain
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = 993
  }}
}}
""")
        self.start("dovecot", "partner", "dovecot", "-F", "-c", folder / "dovecot.conf")
        wait_for(lambda: self.listening("partner", 993), "Dovecot's start")

    def start_postfix(self, cert, key):
        folder = self.folder / "postfix"
        if not folder.exists():
            for sub in ("queue", "data", "etc"):
                (folder / sub).mkdir(parents=True)
            shutil.chown(folder / "data", "postfix")
            self.write_postfix_config(folder, cert, key)
        self.start("postfix", "partner", "postfix", "-c", folder / "etc", "start-fg")
        wait_for(lambda: self.listening("partner", 25), "Postfix's start")

    def write_postfix_config(self, folder, cert, key):
        (folder / "etc" / "users").write_text("".join(f"{user} {user}/\n" for user in PARTNER))
        (folder / "etc" / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {self.folder}/postfix.log
maillog_file_prefixes = {self.folder}
myhostname = mx.partner.test
mydestination =
inet_interfaces = {ADDRESSES['partner']}
inet_protocols = ipv4
mynetworks = {ADDRESSES['partner']}/32
virtual_mailbox_domains = partner.test
virtual_mailbox_maps = texthash:{folder}/etc/users
virtual_transport = virtual
virtual_mailbox_base = {self.folder}/dovecot/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:{pwd.getpwnam("mail").pw_uid}
virtual_gid_maps = static:{pwd.getpwnam("mail").pw_gid}
smtputf8_enable = yes
message_size_limit = 60000000
virtual_mailbox_limit = 0
mailbox_size_limit = 0
smtp_tls_security_level = may
smtpd_tls_security_level = may
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_client_connection_rate_limit = 0
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
""")
        services = """smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
        (folder / "etc" / "master.cf").write_text(services)

    # ---- Postern

    def make_postern(self):
        folder = self.folder / "postern"
        folder.mkdir()
        self.certificate, self.key = self.authority.issue("mx.postern.test", ADDRESSES["mx"], "localhost", "127.0.0.1")
        self.config = folder / "postern.toml"
        self.write_postern_config()
        self.postern("domain", "add", "postern.test")
        for login in LOCAL:
            out = self.postern("account", "add", login)
            self.passwords[login] = next(line.split()[1] for line in out.splitlines() if line.startswith("Password:"))

    def write_postern_config(self, **sections):
        """Sections by name, each the text of its keys; given ones are added to the usual ones."""
        any_address = ADDRESSES["mx"]
        usual = {
            "server": f'hostname = "mx.postern.test"\ndata_dir = "{self.folder}/postern/data"\nuser = ""\ngroup = ""\n',
            "tls": f'certificate = "{self.certificate}"\nkey = "{self.key}"\n',
            "listen": "".join(f'{name} = ["{any_address}:{port}"]\n' for name, port in
                              (("smtp", 25), ("submission", 587), ("submissions", 465), ("imaps", 993), ("pop3s", 995), ("http", 8080))),
            "limits": "connections_per_address = 500\nconnections_per_network = 500\nconnection_rate_per_minute = 10000\n",
            "queue": 'backoff = ["1s", "1s", "2s"]\nbackoff_max = "2s"\n',
            "outbound": "allow_private_targets = true\n",
            "dns": f'servers = ["{ADDRESSES["dns"]}"]\n' +
                   (f'trust_anchor_file = "{self.anchor}"\n' if self.signed else "dnssec = false\n"),
        }
        if self.default_limits:
            del usual["limits"]
        for name, text in {**self.postern_options, **sections}.items():
            usual[name] = usual.get(name, "") + text
        stub = f'\n[[dns.stub]]\nzone = "{{}}"\nservers = ["{ADDRESSES["dns"]}"]\n'
        text = "".join(f"[{name}]\n{body}\n" for name, body in usual.items())
        self.config.write_text(text + stub.format("test") + stub.format("77.10.in-addr.arpa"))

    def postern(self, *words, check=True, **options):
        """Runs a subcommand of postern and gives its output."""
        return self.run("mx", POSTERN, "--config", self.config, *words, check=check, **options).stdout

    def start_postern(self):
        self.start("postern", "mx", POSTERN, "--config", self.config, "serve")
        wait_for(lambda: self.processes["postern"].poll() is not None or self.greets("mx", 25), "Postern's start")
        if self.processes["postern"].poll() is not None:
            raise AssertionError(f"Postern ended at its start with code {self.processes['postern'].returncode}")

    def memory_kib(self, what="VmRSS"):
        """A line of Postern's /proc/PID/status: VmRSS now, VmHWM the most so far."""
        status = Path(f"/proc/{self.processes['postern'].pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what + ":"))

    # ---- reading what arrived

    def tls(self):
        return ssl.create_default_context(cafile=str(self.authority.certificate))

    def messages(self, user, mailbox="INBOX"):
        """All messages of a mailbox, on either server, as bytes."""
        host = "mx" if user.endswith("@postern.test") else "partner"
        password = self.passwords.get(user, PARTNER_PASSWORD)

        def read():
            with imaplib.IMAP4_SSL(ADDRESSES[host], 993, ssl_context=self.tls()) as client:
                client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())  # LOGIN takes ASCII only
                client.select(mailbox, readonly=True)
                _, found = client.search(None, "ALL")
                out = []
                for number in found[0].split():
                    _, data = client.fetch(number, "(BODY.PEEK[])")
                    out.append(data[0][1])
                return out
        return self.inside(host, read)

    def wait_for_message(self, user, needle, limit=30.0, mailbox="INBOX"):
        """The first message that holds these bytes."""
        needle = needle.encode() if isinstance(needle, str) else needle
        return wait_for(lambda: next((m for m in self.messages(user, mailbox) if needle in m), None),
                        f"a message with {needle!r} for {user}", limit)

    def submit(self, sender, recipients, message, port=587, options=()):
        """Sends through Postern's submission service as the account of the sender."""
        def send():
            kind = smtplib.SMTP_SSL if port == 465 else smtplib.SMTP
            named = {"context": self.tls()} if port == 465 else {}
            with kind(ADDRESSES["mx"], port, timeout=60, **named) as client:
                if port != 465:
                    client.starttls(context=self.tls())
                client.login(sender, self.passwords[sender])
                return client.sendmail(sender, recipients, message, mail_options=options)
        return self.inside("mx", send)


def os_setns(descriptor):
    """setns(2) to a network namespace; Python 3.11 has no os.setns."""
    import ctypes
    clone_newnet = 0x40000000
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, clone_newnet) != 0:
        raise OSError(ctypes.get_errno(), "setns")
