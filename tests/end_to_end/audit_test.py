#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`postern audit` against our own server: it holds, nothing is delivered, and --nightly tells the postmaster what has changed."""
import json

import lab as laboratory


def check_ourselves():
    with laboratory.Lab(peers=False) as lab:
        mx = laboratory.ADDRESSES["mx"]
        lab.postern_options = {"listen": f'trusted = ["{mx}:2525"]\n', "trusted": 'networks = ["192.0.2.0/24"]\n',
                               "device": f'listen = ["{mx}:2526"]\nnetworks = ["192.0.2.0/24"]\n'}
        lab.write_postern_config()
        lab.start_postern()
        lab.postern("alias", "add", "postmaster@postern.test", laboratory.LOCAL[0], check=False)
        done = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "--json", "audit", check=False, timeout=300)
        report = json.loads(done.stdout.splitlines()[-1])
        failed = [check for check in report["checks"] if check["result"] == "failed"]
        assert done.returncode == 0 and not failed, failed
        for door in ("trusted", "device"):
            assert sum(check["name"].startswith(door + " from") for check in report["checks"]) == 3, f"{door} was not attacked"
        assert not lab.messages(laboratory.LOCAL[0]), "an attack was delivered"
        print(f"ok   our own server holds: {report['passed']} passed, {report['skipped']} left out", flush=True)
        # A hole that was not there last night: the postmaster hears of it once.
        lab.write_postern_config(rules='spoofed_author = "off"\nspoofed_sender = "off"\n')
        lab.postern("reload")
        for _ in range(2):
            done = lab.run("mx", laboratory.POSTERN, "--config", lab.config, "audit", "--nightly", "--only", "spoofing", check=False, timeout=300)
            assert done.returncode == 1 and "The server gives way" in done.stdout and "rules.spoofed_author" in done.stdout, done.stdout
        letters = [text for text in lab.messages(laboratory.LOCAL[0]) if b"Audit: the server gives way" in text]
        assert len(letters) == 1 and b"our address in From" in letters[0], len(letters)
        lab.write_postern_config()
        lab.postern("reload")
        lab.postern("audit", "--nightly", "--only", "spoofing", timeout=300)
        assert any(b"nothing fails any more" in text for text in lab.messages(laboratory.LOCAL[0]))
        assert lab.stop("postern") == 0, "Postern did not end cleanly"
        print("ok   --nightly tells the postmaster what has changed, once", flush=True)


def main():
    laboratory.need("ip", "nft", "knotd")
    check_ourselves()


main()
