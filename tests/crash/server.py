# SPDX-License-Identifier: Apache-2.0
"""The real program on a data folder: made, started, killed, stopped, and spoken to."""
import poplib
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

from clients import Imap
from harness import POSTERN, check

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "end_to_end"))
import ca  # noqa: E402

DOMAIN = "crash.test"
START_LIMIT = 60
POLL = 0.004


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def address(user):
    return f"{user}@{DOMAIN}"


class Server:
    """sections: lines added to the sections of postern.toml. prefix: words before the program (strace …); environment: more of it."""

    def __init__(self, folder, data=None, accounts=("alice",), sections=None, smart_host=None):
        self.folder, self.data = Path(folder), Path(data or folder / "data")
        self.ports = {name: free_port() for name in ("smtp", "submissions", "imaps", "pop3s")}
        self.log = self.folder / "server.log"
        self.process = None
        self.environment = None
        self.passwords = {}
        self.certificate, self.key = ca.Authority(self.folder / "ca").issue("localhost", "127.0.0.1")
        self.context = ssl.create_default_context(cafile=str(self.folder / "ca" / "ca.pem"))
        self.config = self.folder / "postern.toml"
        self.write_config(sections or {}, smart_host)
        self.cli("domain", "add", DOMAIN)
        for user in accounts:
            out = self.cli("account", "add", address(user))
            self.passwords[user] = next(line.split()[1] for line in out.splitlines() if line.startswith("Password:"))

    def write_config(self, sections, smart_host):
        listen = "".join(f'{name} = ["127.0.0.1:{port}"]\n' for name, port in self.ports.items())
        text = {
            "server": f'hostname = "localhost"\ndata_dir = "{self.data}"\nuser = ""\ngroup = ""\nlog_level = "warning"\n',
            "tls": f'certificate = "{self.certificate}"\nkey = "{self.key}"\n',
            "listen": listen + "submission = []\nhttp = []\n",
            "limits": "connections_per_address = 500\nconnections_per_network = 500\nconnection_rate_per_minute = 1000000\n"
                      "messages_per_session = 1000\nimap_per_address = 500\nimap_per_user_address = 500\n",
            "auth": 'argon2_memory = "8MiB"\nargon2_ops = 1\nscram_iterations = 4096\nfailures_per_minute = 1000\n'
                    'failures_per_day = 100000\n',
            "submission": "".join(f"{what}_per_{span} = 100000000\n" for what in ("messages", "recipients") for span in ("hour", "day"))
                          + "new_recipients_per_day = 10000000\n",
            "queue": 'backoff = ["1s"]\nbackoff_max = "1s"\njitter_percent = 0\n',
            "outbound": "allow_private_targets = true\n",
            "dns": 'servers = ["127.0.0.1"]\ndnssec = false\n',
            # No server answers here: what asks one would wait for it.
            "rules": "".join(f'{rule} = "off"\n' for rule in ("reverse_name", "helo_resolves", "sender_domain", "sender_null_mx")),
            "authentication": "".join(f"{method} = false\n" for method in ("spf", "spf_helo", "dkim", "arc", "dmarc")),
            "store": "",
        }
        if smart_host:
            text["outbound"] += f'smart_host = "127.0.0.1:{smart_host}"\nsmart_host_tls = "off"\n'
        for name, more in sections.items():
            text[name] = text.get(name, "") + more
        self.config.write_text("".join(f"[{name}]\n{body}\n" for name, body in text.items()))

    # ---- the command line

    def run_cli(self, *words, text="", timeout=120):
        """A subcommand; gives CompletedProcess."""
        return subprocess.run([POSTERN, "--config", self.config, *map(str, words)], input=text, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)

    def cli(self, *words, text=""):
        done = self.run_cli(*words, text=text)
        check(done.returncode == 0, f"postern {' '.join(map(str, words))} gave {done.returncode}: {done.stdout}")
        return done.stdout

    def has_command(self, *words):
        done = self.run_cli(*words, "--help")
        return done.returncode == 0 and " ".join(words) in done.stdout

    # ---- life and death

    def launch(self, prefix=()):
        """Starts the process and waits for nothing."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*prefix, POSTERN, "--config", str(self.config), "serve"], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment)

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.ports["smtp"]), timeout=START_LIMIT) as probe:
                return probe.recv(100).startswith(b"220")
        except OSError:
            return False

    def start(self, prefix=()):
        """Starts and waits for the greeting; gives the seconds that took."""
        began = time.monotonic()
        self.launch(prefix)
        while not self.greets():
            check(self.process.poll() is None, f"the server did not start (code {self.process.returncode})")
            check(time.monotonic() - began < START_LIMIT, f"the server does not answer {START_LIMIT} s after its start")
            time.sleep(POLL)
        return time.monotonic() - began

    def running(self):
        """A killed process that is being traced stays a zombie until its tracer has gone; it does not run."""
        if self.process is None or self.process.poll() is not None:
            return False
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self, limit=60):
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=limit)

    def threads(self):
        """Thread ids by name; several threads may share one."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            found.setdefault((task / "comm").read_text().strip(), []).append(int(task.name))
        return {name: sorted(ids) for name, ids in found.items()}

    def memory_mib(self, what="VmRSS"):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    # ---- clients

    def imap(self, user, password=None, timeout=60):
        client = Imap(self.ports["imaps"], self.context, timeout)
        client.expect_ok(client.command(f'LOGIN {address(user)} "{password or self.passwords[user]}"'))
        return client

    def may_log_in(self, user, password):
        client = Imap(self.ports["imaps"], self.context)
        try:
            return client.command(f'LOGIN {address(user)} "{password}"').ok
        finally:
            client.close()

    def pop(self, user):
        client = poplib.POP3_SSL("127.0.0.1", self.ports["pop3s"], context=self.context, timeout=60)
        client.user(address(user))
        client.pass_(self.passwords[user])
        return client
