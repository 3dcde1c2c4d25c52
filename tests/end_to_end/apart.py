# SPDX-License-Identifier: Apache-2.0
"""Programs of Debian packages that are unpacked beside the system and not installed (tools/deps apart)."""
import os
from pathlib import Path

import lab as laboratory

FOLDER = Path(os.environ.get("POSTERN_APART") or Path.home() / ".cache/postern-apart")
LIBRARIES = ":".join(str(FOLDER / sub) for sub in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib"))
DEBIAN_PYTHON = "/usr/bin/python3"  # which sees Debian's modules, whatever else comes first in PATH


def need(*programs):
    """Leaves the test as skipped, with the reason, when one of these is not there."""
    missing = [p for p in programs if not (FOLDER / "usr/sbin" / p).exists()]
    if missing:
        laboratory.skip(f"not unpacked: {' '.join(missing)} (tools/deps apart)")


def command(program, *words):
    """The words that start it with its own libraries."""
    return ["env", f"LD_LIBRARY_PATH={LIBRARIES}", str(FOLDER / "usr/sbin" / program), *map(str, words)]
