"""Who vouches for a bundle: a signature over its manifest, made and checked by OpenSSH's own `ssh-keygen -Y`.

    ssh-keygen -Y sign -f KEY -n npu-port-acceptance BUNDLE/MANIFEST.sha256

leaves MANIFEST.sha256.sig beside it. The manifest holds the digest of every file, so this signs the whole bundle.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.judge.files import Files, Refused, read_whole
from tools.judge.layout import MANIFEST, SIGNATURE

NAMESPACE = "npu-port-acceptance"
"""What a signature was made for: one that the same key gave to a mail or a commit is none of a bundle."""
LIMIT_SECONDS = 60
SIGN = f"ssh-keygen -Y sign -f KEY -n {NAMESPACE} {MANIFEST}"


@dataclass(frozen=True)
class Signers:
    """Whose signatures count: a file of allowed signers as ssh-keygen reads it, and one of them where not any will do.

    Without a file nothing is asked, and what is there is said to be unchecked.
    """

    allowed: Path | None = None
    signer: str | None = None

    def line(self, files: Files) -> str:
        """Who signed the bundle, in words; Refused where a signature is asked for and does not hold."""
        path = files.folder / SIGNATURE
        there = path.is_file() and not path.is_symlink()
        if self.allowed is None:
            return f"{SIGNATURE} not checked, name --allowed-signers" if there else "unsigned: anybody can have made it"
        if not self.allowed.is_file():
            raise Refused(f"--allowed-signers {self.allowed}: no such file")
        if not there:
            raise Refused(f"unsigned, there is no {SIGNATURE}; where it is made: {SIGN}")
        manifest = read_whole(files.folder / MANIFEST)
        if hashlib.sha256(manifest).hexdigest() != files.manifest_sha256:
            raise Refused(f"{MANIFEST} was changed while it was read")
        names = [self.signer] if self.signer else self._named(path)
        for name in names:
            words = ["-Y", "verify", "-f", str(self.allowed), "-I", name, "-n", NAMESPACE, "-s", str(path)]
            done = _ssh_keygen(words, manifest)
            if done.returncode == 0:
                return f"signed by {name}: {MANIFEST} and with it every file"
        wanted = self.signer or "any of them"
        raise Refused(f"{SIGNATURE} is no signature by {wanted} of {self.allowed} over this {MANIFEST}")

    def _named(self, path: Path) -> list[str]:
        """The names under which the file of allowed signers has the key of this signature."""
        done = _ssh_keygen(["-Y", "find-principals", "-s", str(path), "-f", str(self.allowed)], b"")
        return [name for line in done.stdout.decode("utf-8", "replace").splitlines() if (name := line.strip())]


def _ssh_keygen(words: list[str], content: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run it on `content`, without a shell; Refused where it is not installed or does not end."""
    program = shutil.which("ssh-keygen")
    if program is None:
        raise Refused("a signature is checked by `ssh-keygen`, which is not on PATH: install OpenSSH 8.2")
    try:
        return subprocess.run([program, *words], input=content, capture_output=True, check=False, timeout=LIMIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"`ssh-keygen` cannot check the signature: {error}") from error
