# SPDX-License-Identifier: Apache-2.0
"""The program as its admin meets it: starts that fail and how they say so, reload, stop, second instance, kill -9, privileges,
sandbox, memory, the control socket, systemd. Loopback only, no namespaces; what needs root or the release build is left out
without them.
"""
import contextlib
import http.client
import imaplib
import json
import os
import pwd
import re
import resource
import shutil
import signal
import smtplib
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import ca
from lab import POSTERN, SKIPPED, skip, wait_for

ROOT = os.geteuid() == 0
SERVICES = ("smtp", "submission", "submissions", "imaps", "pop3s", "http")
PASSWORD = "four quiet lamps under rain"
STOP_LIMIT = 50.0  # s: sessions 10 + 5, deliveries 20, and room for a busy machine
MEMORY_LIMIT = 40 * 1024  # KiB of PSS after start and one login (product.md)
START_LIMIT = 60.0


def ports_below_the_ephemeral():
    """Ports that no outgoing connection is given meanwhile, each one once."""
    for port in range(20000 + os.getpid() * 7 % 8000, 32000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        yield port


free_ports = ports_below_the_ephemeral()


def free_port():
    return next(free_ports)


def sanitized():
    return b"__asan_init" in subprocess.run(["nm", "-D", POSTERN], stdout=subprocess.PIPE).stdout


class House:
    """One data folder with its configuration, certificate and, when started, its server."""

    def __init__(self, authority, **sections):
        self.folder = Path(tempfile.mkdtemp(prefix="postern-daemon-"))
        self.folder.chmod(0o755)
        self.authority = authority
        self.data = self.folder / "data"
        self.config = self.folder / "postern.toml"
        self.certificate, self.key = self.folder / "mx.pem", self.folder / "mx.key"
        self.renew()
        self.ports = {name: free_port() for name in SERVICES}
        self.process = None
        self.log = self.folder / "log"
        self.write(**sections)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if error[0] and self.log.exists():
            print(self.log.read_text()[-4000:])
        shutil.rmtree(self.folder, ignore_errors=True)

    def renew(self):
        cert, key = self.authority.issue("mx.postern.test", "localhost", "127.0.0.1")
        for source, target in ((cert, self.certificate), (key, self.key)):
            shutil.copy(source, f"{target}.new")
            os.chmod(f"{target}.new", 0o644)
            os.rename(f"{target}.new", target)

    def write(self, raw=None, **sections):
        usual = {
            "server": f'hostname = "mx.postern.test"\ndata_dir = "{self.data}"\nuser = ""\ngroup = ""\n',
            "tls": f'certificate = "{self.certificate}"\nkey = "{self.key}"\n',
            "listen": "".join(f'{name} = ["127.0.0.1:{port}"]\n' for name, port in self.ports.items()),
            "dns": "dnssec = false\nservers = [\"127.0.0.1\"]\n",
        }
        usual.update(sections)
        self.config.write_text(raw if raw is not None else "".join(f"[{name}]\n{body}\n" for name, body in usual.items() if body))
        self.config.chmod(0o644)

    def run(self, *words, text_in=None, limit=120, program=POSTERN, **options):
        return subprocess.run([program, "--config", str(self.config), *map(str, words)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, input=text_in, text=True, timeout=limit, **options)

    def do(self, *words, **options):
        done = self.run(*words, **options)
        assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done.stdout

    def settle(self):
        self.do("domain", "add", "postern.test")
        self.do("account", "add", "alice@postern.test", "--password-stdin", text_in=PASSWORD + "\n")

    def start(self, **options):
        before = self.said("daemon ready")
        self.process = subprocess.Popen([POSTERN, "--config", str(self.config), "serve"], stdout=subprocess.DEVNULL,
                                        stderr=open(self.log, "ab"), stdin=subprocess.DEVNULL, **options)
        self.wait_ready(before + 1)
        return self.process.pid

    def wait_ready(self, count):
        wait_for(lambda: self.process.poll() is not None or self.said("daemon ready") >= count, "the start", START_LIMIT)
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log.read_text()}"

    def said(self, words):
        return self.log.read_text().count(words) if self.log.exists() else 0

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=STOP_LIMIT)

    def tls(self):
        return ssl.create_default_context(cafile=str(self.authority.certificate))

    def imap(self):
        return imaplib.IMAP4_SSL("127.0.0.1", self.ports["imaps"], ssl_context=self.tls(), timeout=30)

    def serial(self):
        with socket.create_connection(("127.0.0.1", self.ports["imaps"]), timeout=30) as plain:
            with self.tls().wrap_socket(plain, server_hostname="mx.postern.test") as secure:
                return secure.getpeercert()["serialNumber"]


def status_field(pid, name, task=None):
    where = f"/proc/{pid}/task/{task}/status" if task else f"/proc/{pid}/status"
    return next(line.split(":", 1)[1].split() for line in open(where) if line.startswith(name + ":"))


# ---- starts that fail

def spoil(house, name, change):
    path = house.data / name
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data))


def newer_schema(house):
    with contextlib.closing(sqlite3.connect(house.data / "mail.db")) as db:
        db.execute("PRAGMA user_version = 99")
        db.commit()


def flipped(data):
    for page in range(1, len(data) // 4096):
        data[page * 4096:page * 4096 + 200] = os.urandom(200)
    return data


def file_instead_of_folder(house):
    shutil.rmtree(house.data)
    house.data.write_text("x")


def server(house, **changed):
    keys = {"hostname": "mx.postern.test", "data_dir": house.data, "user": "", "group": "", **changed}
    house.write(server="".join(f'{key} = "{value}"\n' for key, value in keys.items()))


def tls(house, certificate=None, key=None):
    house.write(tls=f'certificate = "{certificate or house.certificate}"\nkey = "{key or house.key}"\n')


def text_file(house, name, text):
    (house.folder / name).write_text(text)
    return house.folder / name


def other_key(house):
    return house.authority.issue("other.test")[1]


# name, change, exit code, what the line must say, whether offline commands give the same code
BAD_STARTS = [
    ("damaged: garbage", lambda h: spoil(h, "mail.db", lambda d: os.urandom(len(d))), 14, "restore the newest backup", True),
    ("damaged: truncated", lambda h: spoil(h, "mail.db", lambda d: d[:6000]), 14, "restore the newest backup", True),
    ("damaged: pages", lambda h: spoil(h, "mail.db", flipped), 14, "restore the newest backup", True),
    ("damaged: credentials", lambda h: spoil(h, "auth.db", lambda d: b"x" * len(d)), 14, "auth.db", True),
    ("key of credentials gone", lambda h: (h.data / "auth.key").unlink(), 14, "auth.key is missing", True),
    ("newer schema", newer_schema, 15, "version 99", True),
    ("file in the way", file_instead_of_folder, 10, "a file is in the way", True),
    ("folder that cannot be", lambda h: server(h, data_dir="/proc/nothing/data"), 10, "name another", True),
    ("relative folder", lambda h: server(h, data_dir="data"), 10, "absolute path", True),
    ("control path too long", lambda h: server(h, control_socket="/tmp/" + "x" * 120), 10, "longer than a socket path", False),
    ("control path is a file", lambda h: server(h, control_socket=text_file(h, "plain", "")), 13, "is no socket", False),
    ("certificate missing", lambda h: tls(h, certificate="/nonexistent/mx.pem"), 11, "/nonexistent/mx.pem", False),
    ("key missing", lambda h: tls(h, key="/nonexistent/mx.key"), 11, "/nonexistent/mx.key", False),
    ("certificate is no PEM", lambda h: tls(h, certificate=text_file(h, "bad.pem", "hello\n")), 11, "bad.pem", False),
    ("key is no PEM", lambda h: tls(h, key=text_file(h, "bad.key", "hello\n")), 11, "bad.key", False),
    ("key of another certificate", lambda h: tls(h, key=other_key(h)), 11, "other.test.key", False),
    ("address of another machine", lambda h: h.write(listen='smtp = ["192.0.2.1:25025"]\n'), 10, "not an address of this machine",
     False),
    ("no configuration", lambda h: h.config.unlink(), 10, "postern config sample >", True),
    ("configuration is no TOML", lambda h: h.write(raw="[server\n"), 10, "line 1: syntax error", True),
    ("everybody may write it", lambda h: h.config.chmod(0o666), 10, "postern.toml", True),
    ("half of TLS", lambda h: h.write(tls=f'certificate = "{h.certificate}"\n'), 10, "certificate and key belong together",
     True),
]
if ROOT:
    BAD_STARTS += [
        ("unknown user", lambda h: server(h, user="no-such-user"), 10, "adduser --system", True),
        ("unknown group", lambda h: server(h, user="nobody", group="no-such-group"), 10, "addgroup --system", True),
        ("root as the user", lambda h: server(h, user="root"), 10, "must not be root", True),
        ("folder of somebody else", lambda h: (os.chown(h.data, 1, 1), server(h, user="nobody", group="nogroup")), 12,
         "must belong to the user", True),
        ("unreadable key", lambda h: (h.key.chmod(0o600), server(h, user="nobody", group="nogroup")), 11, "mx.key", False),
    ]


def failing(house, *words):
    done = house.run(*words)
    lines = done.stderr.splitlines()
    return done.returncode, lines


def test_bad_starts(authority):
    with House(authority) as template:
        template.settle()
        for name, change, code, fragment, offline in BAD_STARTS:
            with House(authority) as house:
                shutil.copytree(template.data, house.data)
                change(house)
                got, lines = failing(house, "serve")
                ours = [line for line in lines if line.startswith("postern: ")]
                assert got == code, f"{name}: exit code {got}, not {code}: {lines}"
                assert len(ours) == 1 and fragment in ours[0], f"{name}: {lines}"
                expected = 2 if name.startswith("control path") else 1  # the log may speak before the last step
                assert len(lines) <= expected, f"{name}: {lines}"
                assert not house.said("ready")
                if offline:
                    got, lines = failing(house, "account", "list")
                    assert got == code, f"{name}, offline: exit code {got}, not {code}: {lines}"
                    assert len(lines) == 1 and fragment in lines[0], f"{name}, offline: {lines}"


def test_several_mistakes_at_once(authority):
    with House(authority) as house:
        house.write(raw='[server]\nhostnam = "x"\n[listen]\nsmtp = "x"\n[limits]\nfoo = 1\n[nonsense]\n')
        code, lines = failing(house, "serve")
        assert code == 10 and len(lines) == 4, lines
        assert all(line.startswith(f"postern: {house.config}: line ") for line in lines), lines
        assert "did you mean hostname?" in lines[0] and "listen.smtp" in lines[1], lines
        checked = json.loads(house.run("config", "check", "--json").stdout)
        assert checked["ok"] is False and len(checked["errors"]) == 4, checked


def test_ports(authority):
    with House(authority) as house, socket.socket() as taken:
        taken.bind(("127.0.0.1", house.ports["imaps"]))
        taken.listen()
        code, lines = failing(house, "serve")
        assert code == 13 and len(lines) == 1 and f"listen.imaps: 127.0.0.1:{house.ports['imaps']}" in lines[0], lines
    if not ROOT:
        with House(authority, listen='smtp = ["127.0.0.1:25"]\n') as house:
            if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) > 25:
                code, lines = failing(house, "serve")
                assert code == 12 and "CAP_NET_BIND_SERVICE" in lines[0], lines


def test_full_and_read_only_disks(authority):
    if not ROOT:
        return print("  left out: mounting needs root")
    for options, code, fragment in (("size=200k", 16, "free some space"), ("ro", 12, "mount it for writing")):
        with House(authority) as house:
            disk = house.folder / "disk"
            disk.mkdir()
            if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], stderr=subprocess.DEVNULL).returncode != 0:
                return print("  left out: no right to mount")
            try:
                server(house, data_dir=disk / "data")
                for words in (("serve",), ("account", "list")):
                    got, lines = failing(house, *words)
                    assert got == code and len(lines) == 1 and fragment in lines[0], (options, words, got, lines)
            finally:
                subprocess.run(["umount", disk], check=True)


def test_certificate_warnings(authority):
    with House(authority) as house:
        ca.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj",
                   "/CN=old.test", "-keyout", house.key, "-out", house.certificate)
        checked = house.run("config", "check")
        assert checked.returncode == 0 and "expires in " in checked.stderr, checked
        assert "not for server.hostname mx.postern.test" in checked.stderr, checked
        house.start()
        assert house.said("expires in ") == 1
        assert house.stop() == 0
        ca.openssl("x509", "-in", house.certificate, "-signkey", house.key, "-days", "-1", "-out", house.folder / "expired.pem")
        tls(house, certificate=house.folder / "expired.pem")
        warnings = json.loads(house.do("config", "check", "--json"))["warnings"]
        assert any("expired" in warning for warning in warnings), warnings
        house.start()  # mail from other servers still comes in: they do not look at it
        assert house.said("clients will refuse it") == 1
        server(house, hostname="localhost")
        assert "server.hostname" in house.run("config", "check").stderr


# ---- the running server

def test_reload_renews_the_certificate(authority):
    with House(authority) as house:
        house.settle()
        house.start()
        first = house.serial()
        old = house.imap()
        old.login("alice@postern.test", PASSWORD)
        house.renew()
        os.kill(house.process.pid, signal.SIGHUP)
        wait_for(lambda: house.said("daemon reloaded"), "the reload")
        second = house.serial()
        assert second != first
        assert old.noop()[0] == "OK", "a session under way goes on"
        # A broken configuration changes nothing, and says so.
        good = house.config.read_text()
        house.config.write_text(good.replace("hostname", "hostnam"))
        os.kill(house.process.pid, signal.SIGHUP)
        wait_for(lambda: house.said("configuration not reloaded"), "the refused reload")
        refused = house.run("reload")
        assert refused.returncode == 10 and "did you mean hostname?" in refused.stderr, refused
        assert house.serial() == second
        # A broken certificate too.
        house.config.write_text(good)
        kept = house.certificate.read_bytes()
        house.certificate.write_text("hello\n")
        broken = house.run("reload")
        assert broken.returncode == 1 and "mx.pem" in broken.stderr and "nothing was changed" in broken.stderr, broken
        assert house.serial() == second
        house.certificate.write_bytes(kept)
        # What needs a restart is named.
        house.config.write_text(good.replace(f'127.0.0.1:{house.ports["pop3s"]}', f"127.0.0.1:{free_port()}"))
        assert "Takes effect at the next start: listen.pop3s" in house.do("reload")
        moved = shutil.copy(house.certificate, house.folder / "moved.pem")
        house.config.write_text(good.replace(str(house.certificate), str(moved)))
        assert "Takes effect at the next start: tls.certificate" in house.do("reload")
        assert old.noop()[0] == "OK"
        assert house.stop() == 0


def test_commands_and_status(authority):
    with House(authority) as house:
        for words in (("status",), ("reload",), ("stop",)):
            code, lines = failing(house, *words)
            assert code == 18 and lines == ["postern: no server is running; start one with: postern serve"], (code, lines)
        house.settle()
        offline = json.loads(house.do("account", "list", "--json"))
        house.start()
        assert json.loads(house.do("--json", "account", "list")) == offline
        told = json.loads(house.do("status", "--json"))
        assert told["hostname"] == "mx.postern.test" and told["accounts"] == 1 and told["connections"]["imaps"] == 0, told
        with house.imap():
            assert json.loads(house.do("status", "--json"))["connections"]["imaps"] == 1
        weak = house.run("account", "add", "bob@postern.test", "--password-stdin", "--json", text_in="password\n")
        assert weak.returncode == 1 and "Too short" in json.loads(weak.stdout)["error"], weak
        assert house.run("account", "add", "bob@postern.test", "--password-stdin", text_in="").returncode == 2
        assert "exists already" in house.run("account", "add", "alice@postern.test").stderr
        assert house.run("queue", "retry", "7").stderr == "postern: no queue entry 7; `postern queue list` shows all\n"
        assert house.run("queue", "retry", "x").returncode == 2
        assert house.run("account", "ad", "x").stderr == 'postern: there is no "ad" here; see: postern account --help\n'
        assert house.run().returncode == 2
        assert house.do("stop") == "The server is stopping.\n"
        assert house.process.wait(timeout=STOP_LIMIT) == 0


def test_help_has_examples(authority):
    with House(authority) as house:
        top = house.do("--help")
        assert "postern account add" in top
        commands = [("serve",), ("status",), ("reload",), ("stop",), ("sandbox",), ("sandbox", "probe")]
        for noun, verbs in {"domain": "add remove list", "account": "add set password remove list", "alias": "add remove list",
                            "queue": "list show retry hold release remove", "config": "check sample"}.items():
            commands += [(noun,)] + [(noun, verb) for verb in verbs.split()]
        for words in commands:
            text = house.do(*words, "--help")
            assert "Example" in text and " ".join(("postern",)) in text, (words, text)


def test_control_socket(authority):
    with House(authority) as house:
        house.start()
        path = house.data / "control.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(house.data.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as idle:
            idle.connect(str(path))
            for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100_000 + b"\r\n", b"[]\r\n", b"{}" * 1000 + b"\r\n"):
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.settimeout(30)
                    peer.connect(str(path))
                    peer.sendall(rubbish)
                    answer = b""
                    with contextlib.suppress(ConnectionError):
                        while part := peer.recv(65536):
                            answer += part
                    assert b'"ok":true' not in answer, answer
            idle.settimeout(30)
            idle.sendall(b'{"do":"status"}\r\n')
            assert b'"ok":true' in idle.recv(65536)
        if ROOT:
            # A copy: the build may lie where only its owner may go.
            program = shutil.copy(POSTERN, house.folder / "postern")
            done = house.run("status", program=program, user="nobody", group="nogroup", extra_groups=[])
            assert done.returncode == 12 and "run this as root" in done.stderr, done
        assert house.stop() == 0
        assert not path.exists()


def test_second_instance_and_kill(authority):
    with House(authority) as house:
        house.settle()
        pid = house.start()
        code, lines = failing(house, "serve")
        assert code == 17 and len(lines) == 1 and f"process {pid}" in lines[0], lines
        usual = house.config.read_text()
        house.write(listen=f'smtp = ["127.0.0.1:{free_port()}"]\n', tls="")
        server_line = house.config.read_text().replace("[tls]", "")
        house.config.write_text(server_line)
        code, lines = failing(house, "serve")
        assert code == 17 and len(lines) == 1, lines
        house.config.write_text(usual)
        assert house.process.poll() is None
        house.process.kill()
        house.process.wait()
        assert (house.data / "control.sock").exists()
        assert "alice@postern.test" in house.do("account", "list"), "a dead server's socket is no obstacle"
        house.start()
        with house.imap() as client:
            client.login("alice@postern.test", PASSWORD)
        assert house.stop() == 0


def test_stop_under_load(authority):
    limits = "connections_per_address = 200\nconnections_per_network = 200\nconnection_rate_per_minute = 10000\n"
    with House(authority, limits=limits) as house:
        house.settle()
        house.start()
        ended = threading.Event()

        def pour():
            with contextlib.suppress(OSError, smtplib.SMTPException):
                while not ended.is_set():
                    with smtplib.SMTP("127.0.0.1", house.ports["smtp"], timeout=30) as client:
                        for _ in range(20):
                            client.sendmail("x@elsewhere.test", ["alice@postern.test"], "Subject: load\r\n\r\n" + "x" * 2000)

        idle = smtplib.SMTP("127.0.0.1", house.ports["smtp"], timeout=60)
        idle.ehlo()
        reader = house.imap()
        reader.login("alice@postern.test", PASSWORD)
        reader.select("INBOX")
        threads = [threading.Thread(target=pour) for _ in range(4)]
        for thread in threads:
            thread.start()

        def arrived():
            with house.imap() as client:
                client.login("alice@postern.test", PASSWORD)
                return int(client.select("INBOX", readonly=True)[1][0]) > 20

        wait_for(arrived, "the load", 60)
        began = time.monotonic()
        house.process.send_signal(signal.SIGTERM)
        assert idle.getreply()[0] == 421
        farewell = b""
        with contextlib.suppress(OSError, ssl.SSLError):
            while part := reader.sock.recv(65536):
                farewell += part
        assert b"* BYE" in farewell, farewell
        code = house.process.wait(timeout=STOP_LIMIT)
        ended.set()
        for thread in threads:
            thread.join()
        assert code == 0 and time.monotonic() - began < STOP_LIMIT
        house.do("account", "list")


def test_privileges_and_walls(authority):
    with House(authority) as house:
        if ROOT:
            server(house, user="nobody", group="nogroup")
        pid = house.start()
        me = pwd.getpwnam("nobody").pw_uid if ROOT else os.getuid()
        assert set(status_field(pid, "Uid")) == {str(me)}
        assert house.data.stat().st_uid == me
        if ROOT:
            assert status_field(pid, "Groups") == [] and status_field(pid, "CapEff") == ["0" * 16]
        for task in os.listdir(f"/proc/{pid}/task"):
            assert status_field(pid, "NoNewPrivs", task) == ["1"] or sanitized(), task
            assert status_field(pid, "Seccomp", task) == ["2"] or sanitized(), f"thread {task} is outside the sandbox"
        if ROOT:
            limits = Path(f"/proc/{pid}/limits").read_text()
            core = next(line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
            assert core[4:6] == ["0", "0"], core
        # Not dumpable: everything in /proc/PID belongs to root, so that others of the same user cannot attach.
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0
        os.kill(pid, signal.SIGHUP)  # inside the walls configuration and certificates must be readable again
        wait_for(lambda: house.said("daemon reloaded") or house.said("not reloaded"), "the reload")
        assert house.said("daemon reloaded"), house.log.read_text()
        assert house.stop() == 0
        if not sanitized():
            for options in ((), ("--json",)):
                done = house.run("sandbox", "probe", *options)
                assert done.returncode == 0 and "HOLE" not in done.stdout, done
            assert all(json.loads(done.stdout)["as_it_should_be"].values())


def test_memory(authority):
    if sanitized() or not ROOT:
        return print("  left out: needs the release build and root")
    with House(authority) as house:
        house.settle()
        pid = house.start()
        with house.imap() as client:
            client.login("alice@postern.test", PASSWORD)
            client.select("INBOX")
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            threads = len(os.listdir(f"/proc/{pid}/task"))
            print(f"  PSS {pss / 1024:.1f} MiB, {threads} threads")
            assert pss < MEMORY_LIMIT, rollup
            assert threads <= 16 + 3 * os.cpu_count(), threads
        assert house.stop() == 0


def test_http(authority):
    with House(authority) as house:
        house.settle()
        house.start()

        def get(path, host="mx.postern.test"):
            client = http.client.HTTPConnection("127.0.0.1", house.ports["http"], timeout=30)
            client.request("GET", path, headers={"Host": host})
            answer = client.getresponse()
            return answer.status, answer.read().decode()

        assert get("/health")[0] == 200
        code, text = get("/metrics")
        assert code == 200 and "# TYPE" in text, text[:200]
        code, text = get("/mail/config-v1.1.xml?emailaddress=alice%40postern.test", "autoconfig.postern.test")
        assert code == 200 and "<hostname>mx.postern.test</hostname>" in text, (code, text)
        assert get("/mail/config-v1.1.xml?emailaddress=alice%40elsewhere.test")[0] == 404
        assert get("/etc/passwd")[0] == 404
        assert house.stop() == 0


# ---- systemd

def test_systemd(authority):
    with House(authority) as house, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(f"\0postern-notify-{os.getpid()}")
        notified.settimeout(START_LIMIT)
        listener = socket.create_server(("127.0.0.1", 0))
        house.ports["smtp"] = 1  # the inherited socket counts, not this
        house.write()
        # LISTEN_PID must be the server's own process, so the shell that exports it becomes the server.
        script = 'exec 3<&"$1"; export LISTEN_PID=$$; exec "$2" --config "$3" serve'
        environment = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp",
                       "NOTIFY_SOCKET": f"@postern-notify-{os.getpid()}"}
        house.process = subprocess.Popen(["bash", "-c", script, "bash", str(listener.fileno()), POSTERN, str(house.config)],
                                         pass_fds=[listener.fileno()], env=environment, stderr=open(house.log, "ab"))
        assert notified.recv(1000) == b"READY=1"
        with smtplib.SMTP("127.0.0.1", listener.getsockname()[1], timeout=30) as client:
            assert client.ehlo()[0] == 250
        house.process.send_signal(signal.SIGTERM)
        assert notified.recv(1000) == b"STOPPING=1"
        assert house.process.wait(timeout=STOP_LIMIT) == 0
        listener.close()


def test_units(_authority):
    """What etc/systemd says is understood: systemd itself only warns of what it does not know, so any word is a failure."""
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        return
    source = Path(__file__).resolve().parents[2] / "etc" / "systemd"
    with tempfile.TemporaryDirectory(prefix="postern-units-") as folder:
        units = []
        for unit in source.iterdir():
            units.append(Path(folder) / unit.name)
            units[-1].write_text(unit.read_text().replace("/usr/sbin/postern", POSTERN))
        done = subprocess.run([analyze, "verify", "--man=no", *map(str, sorted(units))], capture_output=True, text=True, timeout=60)
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "postern" in line]
        assert done.returncode == 0 and not ours, ours
        when = re.search(r"^OnCalendar=(.+)$", (source / "postern-audit.timer").read_text(), re.M).group(1)
        subprocess.run([analyze, "calendar", when], check=True, capture_output=True, timeout=60)


def main():
    if not POSTERN:
        skip("POSTERN_BINARY is not set")
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    wanted = sys.argv[1:]
    failed = []
    with tempfile.TemporaryDirectory(prefix="postern-ca-") as folder:
        authority = ca.Authority(Path(folder) / "ca")
        for name, test in list(globals().items()):
            if not name.startswith("test_") or (wanted and name not in wanted):
                continue
            began = time.monotonic()
            try:
                test(authority)
                print(f"ok     {name} ({time.monotonic() - began:.1f} s)", flush=True)
            except Exception:
                failed.append(name)
                print(f"FAILED {name}", flush=True)
                traceback.print_exc()
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
