#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`postern audit` must fail where there is a hole: servers with one hole each are scripts on loopback. Without a hole the same script
passes everything, so that what fails is the hole."""
import base64
import concurrent.futures
import json
import re
import socketserver
import ssl
import subprocess
import tempfile
import threading
import warnings
from pathlib import Path

import ca
import lab as laboratory

DOMAIN, HOST, PERSON = "ours.test", "mx.ours.test", "alice@ours.test"
PEOPLE = {PERSON, f"postmaster@{DOMAIN}"}
PLAIN_ADDRESS = re.compile(rb"^<([a-z0-9.-]+)@([a-z0-9.-]+)>$")
LONGEST = 2000


class Smtp(socketserver.StreamRequestHandler):
    """A sound server in few words; `self.server.holes` names what is wrong with it."""

    def has(self, hole):
        return hole in self.server.holes

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def line(self):
        """The next command, or None at the end. Long and odd ones are None after a refusal."""
        raw = self.rfile.readline(300000)
        if not raw:
            raise EOFError
        if not raw.endswith(b"\r\n") or b"\0" in raw and not self.has("relay") or (len(raw) > LONGEST and not self.has("sizes")):
            self.say("500 5.5.2 bad line")
            return None
        return raw[:-2]

    def handle(self):
        self.sender = self.greeted = None
        self.recipients, self.errors, self.unknown, self.secure = [], 0, 0, False
        if self.server.wrap:
            try:
                self.start_tls()
            except OSError:
                return
        try:
            self.say(f"220 {HOST} " + ("ESMTP Postfix (Debian)" if self.has("banner") else "ESMTP"))
            while self.command():
                if not self.has("endless") and (self.errors > 15 or self.unknown > 8):
                    self.say("421 4.7.0 too many errors")
                    return
        except (EOFError, OSError, ValueError):
            pass

    def start_tls(self):
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")
        self.secure = True

    def refuse(self, text):
        self.errors += 1
        self.say(text)
        return True

    def command(self):
        line = self.line()
        if line is None:
            self.errors += 1
            return True
        verb, _, rest = line.partition(b" ")
        verb = verb.upper().decode("latin-1")
        if verb in ("GET", "POST") and not self.has("http"):
            self.say("421 4.7.0 go away")
            return False
        run = getattr(self, "do_" + verb.lower(), None)
        return run(rest) if run else self.refuse("500 5.5.1 what")

    def do_ehlo(self, _rest):
        self.greeted, self.sender, self.recipients = True, None, []
        words = ["8BITMIME"] + (["STARTTLS"] if self.server.tls and not self.secure else [])
        if self.server.logins and (self.secure or self.has("auth")):
            words.append("AUTH PLAIN LOGIN")
        for word in [HOST] + words:
            self.wfile.write(f"250-{word}\r\n".encode())
        self.say("250 SIZE 1000000")
        return True

    def do_mail(self, rest):
        found = re.match(rb"FROM:<([^>]*)>(.*)$", rest, re.I)
        if (not self.greeted or self.sender is not None) and not self.has("order"):
            return self.refuse("503 5.5.1 not now")
        if not found or len(found[1]) > 300:
            return self.refuse("501 5.1.7 bad sender")
        if found[2] and not re.fullmatch(rb" (SIZE=[0-9]{1,6}|BODY=8BITMIME)", found[2]) and not self.has("sizes"):
            return self.refuse("552 5.3.4 no")
        if self.server.logins:
            return self.refuse("530 5.7.0 log in")
        if self.server.kind == "listed" and not self.has("unlisted"):
            return self.refuse("550 5.7.1 who are you")
        self.sender, self.recipients = found[1].decode(errors="replace"), []
        self.say("250 2.1.0 ok")
        return True

    def known(self, rest):
        found = PLAIN_ADDRESS.match(rest[3:].strip().lower())
        if not found:
            return b"%" in rest and self.has("percent") and b"\0" not in rest
        name, domain = found[1].decode(), found[2].decode()
        return domain == DOMAIN and (f"{name}@{domain}" in PEOPLE or self.has("catch_all"))

    def do_rcpt(self, rest):
        if self.sender is None and not self.has("order"):
            return self.refuse("503 5.5.1 MAIL first")
        if not self.known(rest) and not self.has("relay") and self.server.kind != "listed":
            self.unknown += 1
            return self.refuse("550 5.7.1 no")
        self.recipients.append(rest)
        self.say("250 2.1.5 ok")
        return True

    def do_data(self, _rest):
        if not self.recipients:
            return self.refuse("503 5.5.1 RCPT first")
        self.say("354 go")
        text = b""
        while True:
            line = self.rfile.readline()
            if not line:
                raise EOFError
            if line == b".\r\n" and text.endswith(b"\r\n") or line == b".\n" and self.has("smuggling"):
                break
            text += line
        self.say(self.judge(text))
        self.sender, self.recipients = None, []
        return True

    def do_bdat(self, rest):
        size = rest.split()[0] if rest.split() else b""
        if not self.recipients or not size.isdigit() or len(size) > 6:
            self.refuse("552 5.3.4 no")
            return False
        if self.has("bdat"):  # looks for a dot as in DATA
            text = b""
            while (line := self.rfile.readline()) != b".\r\n":
                text += line
        else:
            text = self.rfile.read(int(size))
        self.say(self.judge(text))
        self.sender, self.recipients = None, []
        return True

    def judge(self, text):
        header = text.partition(b"\r\n\r\n")[0].lower()
        if self.has("spoof"):
            return "250 2.0.0 taken"
        if self.has("received") and b"received: from localhost" in header:
            return "250 2.0.0 taken, it is from inside"
        if self.has("results") and b"dmarc=pass" in header:
            return "250 2.0.0 taken, it is proven"
        return "550 5.7.1 not that"

    def do_rset(self, _rest):
        if not self.has("reset"):
            self.sender, self.recipients = None, []
        self.say("250 2.0.0 ok")
        return True

    def do_noop(self, _rest):
        self.say("250 2.0.0 ok")
        return True

    def do_vrfy(self, rest):
        if self.has("vrfy"):
            self.say("250 2.1.5 yes" if rest.decode() in PEOPLE else "550 5.1.1 nobody")
        else:
            self.say("252 2.1.5 try it")
        return True

    def do_expn(self, _rest):
        return self.refuse("502 5.5.1 no")

    def do_help(self, _rest):
        self.say("214 2.0.0 no help")
        return True

    def do_xclient(self, _rest):
        if not self.has("xclient"):
            return self.refuse("500 5.5.1 what")
        self.say("220 welcome, friend")
        return True

    def do_quit(self, _rest):
        self.say("221 2.0.0 bye")
        return False

    def do_auth(self, rest):
        if not self.server.logins:
            return self.refuse("502 5.5.1 no")
        if not self.secure and not self.has("auth"):
            return self.refuse("538 5.7.11 TLS first")
        words = rest.split()
        name = base64.b64decode(words[1]).split(b"\0")[1].decode() if len(words) > 1 else ""
        if self.has("auth_names") and name not in PEOPLE:
            return self.refuse("535 5.7.8 no such user")
        return self.refuse("535 5.7.8 no")

    def do_starttls(self, _rest):
        if not self.server.tls or self.secure:
            return self.refuse("503 5.5.1 no")
        waiting = self.buffered()
        if waiting and not self.has("injection"):
            self.refuse("503 5.5.1 wait for the answer")
            return False
        self.say("220 2.0.0 go")
        self.start_tls()
        if waiting:
            self.say("250 2.0.0 reset as you said before TLS")
        if not self.has("memory"):
            self.greeted, self.sender, self.recipients = None, None, []
        return True

    def buffered(self):
        self.request.setblocking(False)
        try:
            return self.rfile.peek(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return b""
        finally:
            self.request.setblocking(True)


class Lines(socketserver.StreamRequestHandler):
    """IMAP or POP3 before the login, under TLS."""

    def handle(self):
        try:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")
            imap = self.server.kind == "imaps"
            self.write("* OK ready" if imap else "+OK ready")
            while line := self.rfile.readline(300000):
                open_door = "early" in self.server.holes
                self.write(("a OK done" if open_door else "a BAD no") if imap else ("+OK" if open_door else "-ERR no"))
        except OSError:
            pass

    def write(self, text):
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100

    def __init__(self, handler, tls=None, wrap=False, logins=False, kind="", holes=()):
        super().__init__(("127.0.0.1", 0), handler)
        self.tls, self.wrap, self.logins, self.kind, self.holes = tls, wrap, logins, kind, set(holes)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def door(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass


class Attacked:
    """All doors of one scripted server."""

    def __init__(self, pair, holes):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*pair)
        if "old_tls" in holes:
            warnings.simplefilter("ignore", DeprecationWarning)
            tls.minimum_version = ssl.TLSVersion.TLSv1
            tls.set_ciphers("ALL:@SECLEVEL=0")
        self.servers = {
            "smtp": Server(Smtp, tls, holes=holes),
            "submission": Server(Smtp, tls, logins=True, holes=holes),
            "submissions": Server(Smtp, tls, wrap=True, logins=True, holes=holes),
            "imaps": Server(Lines, tls, kind="imaps", holes=holes),
            "pop3s": Server(Lines, tls, kind="pop3s", holes=holes),
            "trusted": Server(Smtp, tls, kind="listed", holes=holes),
            "device": Server(Smtp, tls, kind="listed", holes=holes),
        }

    def __enter__(self):
        return [word for name, server in self.servers.items() for word in (f"--{name}", server.door())]

    def __exit__(self, *_):
        for server in self.servers.values():
            server.shutdown()
            server.server_close()


def audit(config, doors, only=None):
    words = [laboratory.POSTERN, "--config", str(config), "--json", "audit", "--domain", DOMAIN, "--hostname", HOST, "--person", PERSON]
    words += ["--only", only] if only else []
    done = subprocess.run(words + doors, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done
    report = json.loads(done.stdout)
    assert (report["failed"] > 0) == (done.returncode == 1), done.stdout
    # Whatever listens on 143 and 110 of this machine is not the script's fault.
    return [check for check in report["checks"] if not check["name"].startswith("port 1")]


# hole → the family it must be seen in, and how many failures at least
HOLES = {
    "relay": ("relay", 100), "unlisted": ("relay", 6), "percent": ("relay", 3), "smuggling": ("smuggling", 1), "bdat": ("smuggling", 1),
    "injection": ("starttls", 1), "memory": ("starttls", 1), "old_tls": ("tls", 1), "auth": ("logins", 2),
    "auth_names": ("names", 1), "vrfy": ("names", 1), "endless": ("names", 1), "catch_all": ("names", 1),
    "spoof": ("spoofing", 10), "received": ("spoofing", 1), "results": ("spoofing", 1), "sizes": ("sizes", 3),
    "order": ("order", 1), "reset": ("order", 1), "xclient": ("order", 1), "http": ("order", 1), "banner": ("banners", 1),
    "early": ("retrieval", 4),
}


def check_holes(pair, config):
    with Attacked(pair, ()) as doors:
        checks = audit(config, doors)
    bad = [check for check in checks if check["result"] == "failed"]
    assert not bad, bad
    assert sum(check["family"] == "relay" for check in checks) >= 100
    print(f"ok   a sound script passes {len(checks)} checks", flush=True)
    results = {}
    def run(hole):
        with Attacked(pair, (hole,)) as doors:
            results[hole] = audit(config, doors, HOLES[hole][0])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(run, HOLES))
    for hole, (family, least) in HOLES.items():
        failed = [check for check in results[hole] if check["result"] == "failed"]
        in_family = [check for check in failed if check["family"] == family]
        assert len(in_family) >= least, (hole, family, failed)
        assert all(check["remedy"] and check["seen"] for check in failed), failed
        print(f"ok   {hole}: {len(in_family)} of {family} give way", flush=True)
    disguises = [check for check in results["relay"] if check["name"].startswith("<probe@")]
    held = [check["name"] for check in disguises if check["result"] == "passed"]
    assert len(disguises) >= 100 and not held, held


def main():
    if not laboratory.POSTERN:
        laboratory.skip("POSTERN_BINARY is not set")
    with tempfile.TemporaryDirectory(prefix="postern-audit-") as folder:
        folder = Path(folder)
        config = folder / "postern.toml"
        config.write_text(f'[server]\nhostname = "{HOST}"\ndata_dir = "{folder}/data"\nuser = ""\ngroup = ""\n')
        check_holes(ca.Authority(folder / "ca").issue(HOST, "127.0.0.1"), config)


main()
