#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fail2ban_reads.py CONFIG FILTER LOG: the addresses that fail2ban's own code finds in the log, one a line, when it reads the lines
from the journal: without a date of theirs, behind the host and the program. Runs with Debian's Python, which sees fail2ban."""
import sys

from fail2ban.client.filterreader import FilterReader
from fail2ban.server.failregex import FailRegex

JOURNAL = "mx.postern.test postern[4711]: "


def main(config, name, log):
    reader = FilterReader(name, "postern", {}, basedir=config)
    reader.read()
    reader.getOptions(None)
    expressions = [FailRegex(text) for command in reader.convert() if "failregex" in command[2] for text in command[3]]
    assert expressions, f"{name} has no failregex"
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            for expression in expressions:
                expression.search([("", "1790000000.0 ", JOURNAL + line.rstrip("\n"))])
                if expression.hasMatched():
                    print(expression.getFailID())


main(*sys.argv[1:])
