# SPDX-License-Identifier: Apache-2.0
"""Drives a Mozilla program (Thunderbird) from outside by Marionette, the remote protocol built into it.

Frames are "LENGTH:JSON" over TCP: a command is [0, id, name, parameters], its answer [1, id, error, result]. The program must
have been started with --marionette --remote-allow-system-access; scripts then run with the rights of the program itself.
"""
import json
import socket


class Failure(Exception):
    """The program answered a command with an error; the text is its error and message."""


class Marionette:
    def __init__(self, port, limit):
        """Connects to 127.0.0.1:port of the calling thread's network namespace; every answer must come within the limit (s)."""
        self.limit = limit
        self.number = 0
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=limit)
        try:
            self.stream = self.connection.makefile("rb")
            self.frame()  # its greeting
            self.command("WebDriver:NewSession", {})
            self.command("WebDriver:SetTimeouts", {"script": int(limit * 1000)})
            self.command("Marionette:SetContext", {"value": "chrome"})
        except BaseException:
            self.connection.close()
            raise

    def frame(self):
        length = b""
        while not length.endswith(b":"):
            octet = self.stream.read(1)
            if not octet:
                raise Failure("the connection was closed")
            length += octet
        return json.loads(self.stream.read(int(length[:-1])))

    def command(self, name, parameters):
        self.number += 1
        data = json.dumps([0, self.number, name, parameters]).encode()
        self.connection.sendall(b"%d:%s" % (len(data), data))
        _, number, error, result = self.frame()
        assert number == self.number, f"answer {number} to command {self.number}"
        if error:
            raise Failure(f"{name}: {error.get('error')}: {error.get('message')}")
        return result

    def script(self, body, *arguments):
        """Runs the body of an async JavaScript function in the main window; gives what it returns."""
        text = f"return (async () => {{ const args = arguments_; {body} }})()"
        done = self.command("WebDriver:ExecuteScript", {"script": f"const arguments_ = [...arguments]; {text}",
                                                        "args": list(arguments), "sandbox": "system", "newSandbox": True})
        return done["value"]

    def quit(self):
        """Asks the program to end as its menu would."""
        self.command("Marionette:Quit", {"flags": ["eAttemptQuit"]})
        self.connection.close()
