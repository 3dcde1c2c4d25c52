# SPDX-License-Identifier: Apache-2.0
"""The password gate as the admin meets it: generated passwords, refusals with their remedy, many at once, the breach list beside
a running server, passwords that are found weak when they are used, and what a check costs.
"""
import hashlib
import imaplib
import json
import os
import random
import subprocess
import time
from pathlib import Path

import lab as laboratory
from lab import ADDRESSES, POSTERN, wait_for

ALICE, BOB = "alice@postern.test", "bob@postern.test"
COMMON = "This password is on lists of passwords attackers try first. Choose another."
BREACHED = "Found in a public breach list; do not use it anywhere. Choose another."
CHECK_CPU = 0.010  # s of one check on average, security.md §5


def ask(lab, *words, given=None, code=0):
    """A subcommand with --json: its answer."""
    done = lab.run("mx", POSTERN, "--config", lab.config, "--json", *words, check=False, stderr=subprocess.PIPE,
                   **({"input": given} if given is not None else {"stdin": subprocess.DEVNULL}))
    assert done.returncode == code, f"{words} gave {done.returncode}, not {code}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def log_in(lab, login, password):
    def attempt():
        with imaplib.IMAP4_SSL(ADDRESSES["mx"], 993, ssl_context=lab.tls(), timeout=30) as client:
            client.login(login, password)
    lab.inside("mx", attempt)


def set_password(lab, login, password, code=0):
    return ask(lab, "account", "password", login, "--password-stdin", given=password + "\n", code=code)


def check_generated(lab):
    password = lab.passwords[ALICE]
    assert password.count("-") == 4 and len(password) >= 15, password
    log_in(lab, ALICE, password)
    assert ask(lab, "account", "password", BOB, "--words", 7)["password"].count("-") == 6
    groups = ask(lab, "account", "password", BOB, "--app-style")["password"]
    assert [len(part) for part in groups.split("-")] == [5, 5, 5, 5], groups
    log_in(lab, BOB, groups)
    ask(lab, "account", "password", BOB, "--words", 3, code=1)
    ask(lab, "account", "password", BOB, "--words", 5, "--app-style", code=2)
    print("ok   generated passwords", flush=True)


def check_refusals(lab):
    texts = {
        "Tr0ub4dor&3": "Too short: 11 of at least 15 characters. Four unrelated words work well.",
        "passwordpassword": COMMON,
        "P4ssw0rd!P4ssw0rd!": COMMON,
        "Sunshine20260131": COMMON,
        "alice.postern.2026": "Contains your name or address (postern); that is guessed early. Add unrelated words.",
        "elephantgiraffe12": "Made of common words, which attackers try first. Add unrelated words.",
        "aaaaaaaaaaaaaaaaaaaa": "Easy pattern (repeat, keyboard row, date). Add unrelated words.",
    }
    for password, text in texts.items():
        answer = set_password(lab, ALICE, password, code=1)
        assert answer["error"] == text, (password, answer)
    assert "character that cannot be typed" in set_password(lab, ALICE, "kettle\torbit\tfamine lantern", code=1)["error"]
    assert "advice" in set_password(lab, ALICE, "turnip-mail-2026", code=0)
    assert "used for this account before" in set_password(lab, ALICE, "turnip-mail-2026", code=1)["error"]
    old_and_new = "turnip-mail-2026\nturnip-mail-2027\n"
    like = ask(lab, "account", "password", ALICE, "--old-password-stdin", "--password-stdin", given=old_and_new, code=1)
    assert like["error"].startswith("Too like your old password"), like
    wrong = ask(lab, "account", "password", ALICE, "--old-password-stdin", "--password-stdin",
                given="not this one\nviolet hammock granite pulse\n", code=12)
    assert wrong["error"] == "The old password is wrong.", wrong
    weak = ask(lab, "account", "add", "carol@postern.test", "--password-stdin", given="passwordpassword\n", code=1)
    assert weak["error"] == COMMON
    assert not any(row["login"] == "carol@postern.test" for row in ask(lab, "account", "list")["accounts"])
    print("ok   refusals give reason and remedy", flush=True)


def pool_cpu(pid, name):
    """Seconds of CPU of the threads with this name."""
    ticks = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def server_pid(lab):
    return ask(lab, "status")["pid"] if "pid" in ask(lab, "status") else lab.processes["postern"].pid


def check_many(lab):
    """All or none, and what judging costs: a thousand and one are judged, one is refused, nothing is hashed."""
    words = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    lines = [f"{ALICE}," + " ".join("".join(words.choices(letters, k=7)) for _ in range(4)) for _ in range(900)]
    lines += [f"{ALICE}," + word * 40 for word in ("a1b", "xyz", "\U0001f600\U0001f923\u00e9")] * 33
    lines = [line[:150] for line in lines[:900]] + [line for line in lines[900:]]
    lines.append(f"{BOB},password12345678")
    source = lab.folder / "new.csv"
    source.write_text("# login,password\n" + "\n".join(lines) + "\n")
    pid = server_pid(lab)
    before = pool_cpu(pid, "auth-hash")
    answer = ask(lab, "account", "passwords", source, code=1)
    each = (pool_cpu(pid, "auth-hash") - before) / len(lines)
    assert f"line {len(lines) + 1}: {BOB}: {COMMON}" in answer["error"], answer["error"][-300:]
    assert "Nothing was changed." in answer["error"]
    assert each <= CHECK_CPU, f"{each * 1000:.2f} ms of CPU for each check"
    log_in(lab, ALICE, "turnip-mail-2026")
    source.write_text(f"{ALICE},cactus marble ribbon engine\n\n{BOB}\n")
    changed = ask(lab, "account", "passwords", source)["changed"]
    assert [row["login"] for row in changed] == [ALICE, BOB] and "password" not in changed[0], changed
    log_in(lab, ALICE, "cactus marble ribbon engine")
    log_in(lab, BOB, changed[1]["password"])
    lab.passwords[BOB] = changed[1]["password"]
    print(f"ok   many at once; {each * 1000:.2f} ms of CPU for each check", flush=True)


def check_breach_list(lab):
    listed = ["violet hammock granite pulse", "quiet lanterns under rain", "cactus marble ribbon engine"]
    digests = [hashlib.sha1(p.encode()).hexdigest().upper() + ":7" for p in listed]
    digests += [hashlib.sha1(str(i).encode()).hexdigest().upper() + ":3" for i in range(200_000)]
    random.Random(3).shuffle(digests)
    source = lab.folder / "pwned.txt"
    source.write_text("\r\n".join(digests) + "\r\n")

    assert ask(lab, "breach", "info") == {"passwords": 0}
    report = ask(lab, "breach", "import", source)
    assert report["passwords"] == 200_003 and report["format"] == "sha1", report
    assert report["bytes"] == (lab.folder / "postern/data/breach.list").stat().st_size
    info = ask(lab, "breach", "info", "--verify")
    assert info["passwords"] == 200_003 and info["verified"], info
    assert ask(lab, "breach", "check", given=listed[0] + "\n", code=1) == {"breached": True, "common": False}
    assert ask(lab, "breach", "check", given="p4ssw0rd\n", code=1) == {"breached": False, "common": True}
    assert ask(lab, "breach", "check", given="kettle-orbit-famine\n") == {"breached": False, "common": False}
    for password in listed[:2]:
        assert set_password(lab, ALICE, password, code=1)["error"] == BREACHED, "the running server did not follow"

    # Used, found, listed, and still usable.
    assert ask(lab, "account", "weak")["accounts"] == []
    set_password(lab, BOB, "copper thistle window almanac")
    lab.passwords[BOB] = "copper thistle window almanac"
    ask(lab, "breach", "import", "-", given=lab.passwords[BOB] + "\n" + "\n".join(listed) + "\n")
    log_in(lab, BOB, lab.passwords[BOB])
    rows = laboratory.wait_for(lambda: ask(lab, "account", "weak")["accounts"], "finding the weak password")
    assert [(row["login"], row["weakness"]) for row in rows] == [(BOB, "breached")], rows
    assert "on the breach list" in lab.postern("account", "weak")
    log_in(lab, BOB, lab.passwords[BOB])
    lab.passwords[BOB] = ask(lab, "account", "password", BOB)["password"]
    assert ask(lab, "account", "weak")["accounts"] == []

    # Damage refuses nobody, and the log says so.
    (lab.folder / "postern/data/breach.list").write_bytes(b"PSTNBRCH" + b"\0" * 500)
    set_password(lab, ALICE, listed[0])
    assert "breach list not usable" in (lab.folder / "postern.log").read_text()
    assert "import it again" in ask(lab, "breach", "info", code=14)["error"]
    assert "no SHA-1 digest" in ask(lab, "breach", "import", source, "--format", "sha1",
                                    code=1 if source.write_text("hunter2\n") else 0)["error"]
    assert ask(lab, "breach", "remove") == {"removed": True}
    assert ask(lab, "breach", "remove") == {"removed": False}
    assert not [p for p in (lab.folder / "postern/data").iterdir() if p.name.startswith("breach.")]
    print("ok   breach list beside a running server", flush=True)


def check_configuration(lab):
    lab.stop("postern")
    lab.write_postern_config(auth="min_password_length = 11\n")
    refused = lab.run("mx", POSTERN, "--config", lab.config, "serve", check=False)
    assert refused.returncode == 10 and "auth.min_password_length" in refused.stdout and "12" in refused.stdout, refused.stdout
    lab.write_postern_config(auth="min_password_length = 12\n")
    lab.start_postern()
    wait_for(lambda: "12 characters are few for a password that stands alone; 15 are advised" in (lab.folder / "postern.log").read_text(),
             "the warning")
    assert "Too short: 11 of at least 12" in set_password(lab, ALICE, "Tr0ub4dor&3", code=1)["error"]
    set_password(lab, ALICE, "Tr0ub4dor&3x")
    print("ok   12 with a warning, 11 not at all", flush=True)


def main():
    laboratory.need("ip", "nft")
    with laboratory.Lab(peers=False) as lab:
        lab.start_postern()
        check_generated(lab)
        check_refusals(lab)
        check_many(lab)
        check_breach_list(lab)
        check_configuration(lab)
        assert lab.stop("postern") == 0, "Postern did not end cleanly"


main()
