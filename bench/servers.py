# SPDX-License-Identifier: Apache-2.0
"""The two servers that are compared, each on an ext4 image of its own, on high ports of 127.0.0.1.

Postern: the release binary. Peer: Debian's Postfix and Dovecot (sdbox, LMTP, fsync on, SHA512-CRYPT) with their throttles
raised. Same certificate, same accounts u0 … u{n-1}@bench.test, same password. Nothing outside the given folder is touched.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

DOMAIN = "bench.test"
PASSWORD = "correct-Horse7-battery-Staple-umbrella"
HOST = "127.0.0.1"
BASE_PORT = int(os.environ.get("POSTERN_BENCH_PORT", "20000"))
SINK_PORT = BASE_PORT + 25
MILTER_PORT = BASE_PORT + 891
DNS_PORT = BASE_PORT + 53
PORT_OFFSETS = {"smtp": 25, "relay": 26, "submission": 587, "imaps": 993, "pop3s": 995}


def quiet(*words, **options):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))} gave {done.returncode}: {done.stdout}")
    return done.stdout


def opendkim():
    """The words that start it: as installed, or unpacked beside the system (tools/deps apart)."""
    if shutil.which("opendkim"):
        return ["opendkim"]
    folder = Path(os.environ.get("POSTERN_APART") or Path.home() / ".cache/postern-apart")
    program = folder / "usr/sbin/opendkim"
    if not program.exists():
        raise RuntimeError("OpenDKIM is neither installed nor unpacked")
    return ["env", f"LD_LIBRARY_PATH={folder}/usr/lib/x86_64-linux-gnu:{folder}/usr/lib", program]


def wait_for_port(port, process, limit=30.0):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def wait_for_path(path, limit=30.0):
    deadline = time.monotonic() + limit
    while not path.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"there is no {path}")
        time.sleep(0.05)


def port_is_taken(port):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return True
    return False


def make_certificate(folder):
    """A self-signed ECDSA P-256 certificate; gives (certificate, key)."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    quiet("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
          "-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}", "-keyout", key, "-out", certificate)
    return certificate, key


def process_tree(root):
    """The ids of a process and all its descendants."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
            except OSError:
                continue
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


class Server:
    """Start, stop and measure. A subclass gives prepare() and launch()."""
    name = ""
    base_port = 0

    def __init__(self, folder, certificate, accounts, image_mib):
        self.folder = folder / type(self).__name__.lower()
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.state.mkdir()
        self.certificate, self.key = certificate
        self.users = [f"u{i}@{DOMAIN}" for i in range(accounts)]
        self.ports = {name: self.base_port + offset for name, offset in PORT_OFFSETS.items()}
        taken = [port for port in self.ports.values() if port_is_taken(port)]
        if taken:
            raise RuntimeError(f"somebody listens on port {taken[0]} already; POSTERN_BENCH_PORT moves ours")
        self.processes = []
        self.log = open(self.folder / "log", "ab")
        self.image = self.folder / "image"
        with open(self.image, "wb") as file:
            file.truncate(image_mib << 20)
        quiet("mkfs.ext4", "-q", "-F", self.image)
        quiet("mount", "-o", "loop,noatime", self.image, self.state)

    def run_in_background(self, *words):
        process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.processes = []

    def restart_cold(self):
        """Stops, drops the page cache, starts."""
        self.stop()
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
        self.launch()

    def close(self):
        self.stop()
        subprocess.run(["umount", "-l", str(self.state)], check=False)
        self.image.unlink(missing_ok=True)

    def pids(self):
        return [pid for process in self.processes for pid in process_tree(process.pid)]

    def cpu_seconds(self):
        """User and system time of all processes and of those that ended already."""
        ticks = 0
        for pid in self.pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(int(fields[i]) for i in (11, 12, 13, 14))
        return ticks / os.sysconf("SC_CLK_TCK")

    def pss_kib(self):
        """Proportional set size of the whole process tree."""
        total = 0
        for pid in self.pids():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total

    def fdatasync_ms(self, rounds=40):
        """Median time of writing and syncing one page beside the server's state."""
        path, times = self.state / "fdatasync", []
        with open(path, "wb") as file:
            for _ in range(rounds):
                began = time.perf_counter()
                os.pwrite(file.fileno(), os.urandom(4096), 0)
                os.fdatasync(file.fileno())
                times.append((time.perf_counter() - began) * 1000)
        path.unlink()
        return sorted(times)[rounds // 2]


class Postern(Server):
    name = "Postern"
    base_port = BASE_PORT + 1000

    def __init__(self, binary, extra_config, *arguments):
        """extra_config: TOML behind the bench's own, for sections that it does not have."""
        self.binary, self.extra_config = binary, extra_config
        super().__init__(*arguments)

    def prepare(self):
        services = {"smtp": "smtp", "submission": "submission", "imaps": "imaps", "pop3s": "pop3s", "trusted": "relay"}
        listen = "".join(f'{ours} = ["{HOST}:{self.ports[port]}"]\n' for ours, port in services.items())
        self.config = self.folder / "postern.toml"
        self.config.write_text(f"""[server]
hostname = "mx.{DOMAIN}"
data_dir = "{self.state}/data"
user = ""
group = ""
log_level = "warning"
[tls]
certificate = "{self.certificate}"
key = "{self.key}"
[listen]
{listen}submissions = []
http = []
[trusted]
networks = ["127.0.0.0/8"]
[limits]
connections_total = 12000
connections_per_address = 12000
connections_per_network = 12000
connection_rate_per_minute = 100000
imap_per_address = 12000
imap_per_user_address = 11000
messages_per_session = 10000
[submission]
messages_per_hour = 10000000
recipients_per_hour = 10000000
messages_per_day = 10000000
recipients_per_day = 10000000
new_recipients_per_day = 10000000
[queue]
per_host = 20
per_domain = 20
[outbound]
smart_host = "{HOST}:{SINK_PORT}"
smart_host_tls = "off"
allow_private_targets = true
[dns]
servers = ["{HOST}:{DNS_PORT}"]
dnssec = false
{self.extra_config}""")
        self.command("domain", "add", DOMAIN)
        for user in self.users:
            self.command("account", "add", user, "--password-stdin", input=PASSWORD + "\n")

    def command(self, *words, **options):
        return quiet(self.binary, "--config", self.config, *words, **options)

    def launch(self):
        wait_for_port(self.ports["imaps"], self.run_in_background(self.binary, "--config", self.config, "serve"))

    @contextlib.contextmanager
    def signing(self):
        """DKIM with a key of 2048 bits on all that leaves."""
        wait_for_path(self.state / "data" / "control.sock")
        key = json.loads(self.command("--json", "dkim", "create", DOMAIN, "--now"))
        try:
            yield
        finally:
            self.command("dkim", "retire", DOMAIN, key["selector"])


MAIN_CF = """compatibility_level = 3.6
queue_directory = {state}/queue
data_directory = {state}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = mx.{domain}
mydestination =
inet_interfaces = {host}
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{folder}/etc/users
virtual_transport = lmtp:unix:{folder}/lmtp
relayhost = [{host}]:{sink}
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
default_process_limit = 250
in_flow_delay = 0
"""

MASTER_CF = """{host}:{smtp} inet n - n - - smtpd
{host}:{relay} inet n - n - - smtpd
{host}:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
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
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

DOVECOT_CONF = """base_dir = {folder}/run
state_dir = {folder}/dovecot-state
log_path = {folder}/dovecot.log
protocols = imap pop3 lmtp
listen = {host}
mail_location = {layout}:{state}/mail/%u
first_valid_uid = 1
mail_uid = mail
mail_gid = mail
mail_max_userip_connections = 12000
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = plain login
default_client_limit = 20000
default_process_limit = 2000
passdb {{
  driver = passwd-file
  args = scheme=SHA512-CRYPT {folder}/passwords
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={state}/mail/%u
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 2
  client_limit = 10000
  vsz_limit = 1G
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  client_limit = 10000
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service imap {{
  process_limit = 10000
  vsz_limit = 1G
}}
service pop3 {{
  process_limit = 2000
}}
service lmtp {{
  process_min_avail = 2
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service anvil {{
  client_limit = 20000
}}
"""


class Peer(Server):
    name = "Postfix + Dovecot"
    base_port = BASE_PORT + 2000

    def __init__(self, layout, *arguments):
        self.layout = layout
        super().__init__(*arguments)

    def prepare(self):
        for folder in (self.state / "queue", self.state / "data", self.state / "mail", self.folder / "etc"):
            folder.mkdir()
        shutil.chown(self.state / "data", "postfix")
        shutil.chown(self.state / "mail", "mail", "mail")
        hashed = quiet("openssl", "passwd", "-6", PASSWORD).strip()
        (self.folder / "passwords").write_text("".join(f"{user}:{hashed}::::::\n" for user in self.users))
        (self.folder / "etc" / "users").write_text("".join(f"{user} x\n" for user in self.users))
        words = {"folder": self.folder, "state": self.state, "domain": DOMAIN, "host": HOST, "sink": SINK_PORT, "layout": self.layout,
                 "certificate": self.certificate, "key": self.key, **self.ports}
        (self.folder / "etc" / "main.cf").write_text(MAIN_CF.format(**words))
        (self.folder / "etc" / "master.cf").write_text(MASTER_CF.format(**words))
        (self.folder / "dovecot.conf").write_text(DOVECOT_CONF.format(**words))

    def launch(self):
        wait_for_port(self.ports["imaps"], self.run_in_background("dovecot", "-F", "-c", self.folder / "dovecot.conf"))
        wait_for_port(self.ports["smtp"], self.run_in_background("postfix", "-c", self.folder / "etc", "start-fg"))

    @contextlib.contextmanager
    def signing(self):
        """The same by OpenDKIM, as a milter of Postfix and with the same algorithm, canonical forms and length of key."""
        folder = self.folder / "opendkim"
        folder.mkdir(exist_ok=True)
        quiet("openssl", "genrsa", "-out", folder / "key", "2048")
        (folder / "conf").write_text(f"Mode s\nSyslog no\nUserID root\nSocket inet:{MILTER_PORT}@{HOST}\nDomain {DOMAIN}\nSelector bench\n"
                                     f"KeyFile {folder}/key\nCanonicalization relaxed/relaxed\nSignatureAlgorithm rsa-sha256\n"
                                     "OversignHeaders From\nInternalHosts 127.0.0.0/8\nRequireSafeKeys no\n")
        milter = self.run_in_background(*opendkim(), "-f", "-x", folder / "conf")
        wait_for_port(MILTER_PORT, milter)
        config = self.folder / "etc"
        try:
            quiet("postconf", "-c", config, "-e", f"smtpd_milters=inet:{HOST}:{MILTER_PORT}")
            quiet("postfix", "-c", config, "reload")
            time.sleep(1)  # old processes end when they are idle
            yield
        finally:
            quiet("postconf", "-c", config, "-X", "smtpd_milters")
            quiet("postfix", "-c", config, "reload")
            self.processes.remove(milter)
            milter.terminate()
            milter.wait(timeout=30)

    def stop(self):
        # The process that start-fg leaves in front does not hand signals on to the master.
        if self.processes:
            subprocess.run(["postfix", "-c", str(self.folder / "etc"), "stop"], stdout=self.log, stderr=self.log, check=False)
        super().stop()


SIGNING_KEY = "elsewhere.key"


class Names:
    """Debian's knot, authoritative for test. and the reverse zone of loopback, so that no question leaves the machine."""

    def __init__(self, folder):
        self.folder = folder / "dns"
        self.folder.mkdir()
        key = self.folder / SIGNING_KEY
        quiet("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
        public = "".join(quiet("openssl", "pkey", "-in", key, "-pubout").splitlines()[1:-1])
        soa = "$TTL 600\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 600\n@ NS ns.test.\n"
        (self.folder / "test.zone").write_text(
            f"$ORIGIN test.\n{soa}ns A {HOST}\nmx.bench A {HOST}\nelsewhere MX 10 mx.bench\nelsewhere TXT \"v=spf1 ip4:{HOST} -all\"\n"
            f'_dmarc.elsewhere TXT "v=DMARC1; p=reject"\n'
            f'bench._domainkey.elsewhere TXT "v=DKIM1; p={public[:200]}" "{public[200:]}"\n')
        (self.folder / "reverse.zone").write_text(f"$ORIGIN 127.in-addr.arpa.\n{soa}1.0.0 PTR mx.bench.test.\n")
        (self.folder / "knot.conf").write_text(f"""server:
    rundir: "{self.folder}"
    user: root:root
    listen: [ {HOST}@{DNS_PORT} ]
log:
  - target: stderr
    any: error
database:
    storage: "{self.folder}"
template:
  - id: default
    storage: "{self.folder}"
zone:
  - domain: test
    file: test.zone
  - domain: 127.in-addr.arpa
    file: reverse.zone
""")
        self.process = subprocess.Popen(["knotd", "-c", str(self.folder / "knot.conf")], stdin=subprocess.DEVNULL)

    def close(self):
        self.process.terminate()
        self.process.wait()
