# SPDX-License-Identifier: Apache-2.0
"""An SMTP server behind Postern, in the partner's namespace: takes what it is given and prints a line for each message."""
import sys

from lab import ADDRESSES, wait_for

PORT = 2525
PROGRAM = """
import socketserver
tries = []
class Talk(socketserver.StreamRequestHandler):
    def say(self, text): self.wfile.write(text.encode() + b"\\r\\n")
    def handle(self):
        self.say("220 behind.test")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "RCPT":
                tries.append(line)
                self.say({rcpt})
            elif verb == "DATA":
                self.say("354 go")
                while self.rfile.readline().rstrip() != b".": pass
                print("message", flush=True)
                self.say("250 2.0.0 taken by behind")
            elif verb == "QUIT": return self.say("221 bye")
            else: self.say("250 behind.test")
socketserver.ThreadingTCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(({address!r}, {port}), Talk) as server: server.serve_forever()
"""


def relay(more=""):
    """The [[relay]] of postern.toml that leads to it, with further lines."""
    return f'\n[[relay]]\nmatch = "behind.test"\nhost = "{ADDRESSES["partner"]}:{PORT}"\ntls = "off"\n{more}'


def start(lab, rcpt):
    """`rcpt`: a Python expression for the reply to RCPT, of `line` and of `tries`, all such lines so far."""
    program = PROGRAM.format(rcpt=rcpt, address=ADDRESSES["partner"], port=PORT)
    lab.start("behind", "partner", sys.executable, "-c", program)
    wait_for(lambda: lab.listening("partner", PORT), "the server behind us")
