#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`postern audit` against our own program with a hole in it: each hole is seen in its family and in no other.

Always: the places of tests/end_to_end/mutants.py are there exactly once, and every family of the audit has one of its own.
With POSTERN_MUTANTS=<a program built from a copy with mutants.py --apply>: the long run, sound first, then hole by hole. Words
on the command line choose holes. Configurations that open the door are attacked with the sound program as well."""
import json
import os
import re
import sys

import lab as laboratory
import mutants

MUTATED = os.environ.get("POSTERN_MUTANTS", "")
# Configurations with a hole: name → (family that alone gives way, how many failures at least, options of the server).
OPEN = {
    # What listens for listed machines, with ours listed, attacked as if it were the door for strangers.
    "open_networks": ("relay", 30, {"trusted": 'networks = ["10.77.0.0/24"]\n'}),
    "rules_off": ("spoofing", 10, {"rules": 'spoofed_author = "off"\nspoofed_sender = "off"\n'}),
    "banner_tells": ("banners", 1, {"smtp": 'banner = "ESMTP Postern on Debian"\n'}),
    "hops_off": ("sizes", 1, {"rules": 'hops = "off"\n'}),
}


def check_list():
    wrong = list(mutants.faults())
    assert not wrong, "\n".join(wrong)
    source = (mutants.TREE / "audit" / "attacks.cc").read_text()
    families = set(re.findall(r'\{"([a-z]+)", attack_', source))
    covered = {mutant.family for mutant in mutants.MUTANTS}
    assert families == covered, families ^ covered
    names = [mutant.name for mutant in mutants.MUTANTS]
    assert len(names) == len(set(names)) and len(names) >= 15
    print(f"ok   {len(names)} holes for {len(families)} families have their places", flush=True)


class House:
    """The laboratory with a program and a configuration of our choice."""

    def __init__(self, lab):
        self.lab = lab
        self.mx = laboratory.ADDRESSES["mx"]
        self.sound = laboratory.POSTERN  # what attacks
        self.listen = f'trusted = ["{self.mx}:2525"]\n'
        self.doors = {"trusted": 'networks = ["192.0.2.0/24"]\n',
                      "device": f'listen = ["{self.mx}:2526"]\nnetworks = ["192.0.2.0/24"]\n'}
        lab.start_postern()
        lab.postern("alias", "add", "postmaster@postern.test", laboratory.LOCAL[0], check=False)

    def audit(self, words=()):
        done = self.lab.run("mx", self.sound, "--config", self.lab.config, "--json", "audit", *words, check=False, timeout=600)
        report = json.loads(done.stdout.splitlines()[-1])
        failed = [check for check in report["checks"] if check["result"] == "failed"]
        assert done.returncode == (1 if failed else 0), done.stdout
        return report, failed

    def restart(self, mutant="", **options):
        lab = self.lab
        lab.stop("postern")
        lab.postern_options = {"listen": self.listen} | self.doors | options
        lab.write_postern_config()
        os.environ["POSTERN_MUTANT"] = mutant
        laboratory.POSTERN = MUTATED
        lab.start_postern()
        os.environ["POSTERN_MUTANT"] = ""  # it was for the server alone


def judge(name, family, least, report):
    failed = [check for check in report["checks"] if check["result"] == "failed"]
    families = sorted({check["family"] for check in failed})
    line = f"{name}: {len(failed)} of {', '.join(families) or 'nothing'} (wanted {family})"
    good = families == [family] and len(failed) >= least and all(one["remedy"] and one["seen"] for one in failed)
    print(f"{'ok  ' if good else 'BAD '} {line}", flush=True)
    if not good:
        shown = failed or [one for one in report["checks"] if one["family"] == family]
        print(*(f"       {one['family']}: {one['name']}: {one['seen']}" for one in shown), sep="\n", flush=True)
    return good


def check_mutants(chosen):
    with laboratory.Lab(peers=False) as lab:
        house = House(lab)
        house.restart()
        report, failed = house.audit()
        assert not failed, failed
        print(f"ok   without a hole: {report['passed']} passed, {report['skipped']} left out", flush=True)
        bad = []
        for mutant in mutants.MUTANTS:
            if chosen and mutant.name not in chosen:
                continue
            house.restart(mutant.name)
            if not judge(mutant.name, mutant.family, mutant.least, house.audit()[0]):
                bad.append(mutant.name)
        assert not bad, bad


def check_configurations(chosen):
    with laboratory.Lab(peers=False) as lab:
        house = House(lab)
        bad = []
        for name, (family, least, options) in OPEN.items():
            if chosen and name not in chosen:
                continue
            words = ["--only", "relay", "--smtp", f"{house.mx}:2525"] if name == "open_networks" else []
            house.restart("", **options)
            if not judge(name, family, least, house.audit(words)[0]):
                bad.append(name)
        assert not bad, bad


def main():
    check_list()
    if not MUTATED:
        return
    laboratory.need("ip", "nft", "knotd")
    check_mutants(set(sys.argv[1:]))
    check_configurations(set(sys.argv[1:]))


main()
