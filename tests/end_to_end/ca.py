# SPDX-License-Identifier: Apache-2.0
"""A throw-away certification authority for the laboratory, made by the openssl command."""
import subprocess
from pathlib import Path


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]} failed: {done.stdout}")


class Authority:
    """One CA in a folder; issue() gives (certificate, key) paths for host names and addresses."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.certificate = folder / "ca.pem"
        folder.mkdir(parents=True, exist_ok=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=Laboratory CA", "-keyout", folder / "ca.key", "-out", self.certificate)

    def issue(self, name, *names):
        key, cert, request, extensions = (self.folder / f"{name}.{end}" for end in ("key", "pem", "csr", "ext"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        listed = ",".join(f"IP:{n}" if n.replace(".", "").isdigit() or ":" in n else f"DNS:{n}" for n in (name, *names))
        extensions.write_text(f"subjectAltName={listed}\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", cert)
        return cert, key
