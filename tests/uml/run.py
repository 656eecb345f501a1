# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in this checkout under User Mode Linux: a second kernel, with this machine's files.

Output streams to stdout, the command's exit status is passed on. 124 says that the time limit was reached,
125 that the second kernel could not run the command at all (its console is then on stderr).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).absolute().parents[1]))

from other_kernel import guest

INIT = guest.CHECKOUT / "tests" / "uml" / "init"


def memory_directory(mebibytes: int) -> str:
    """Return a directory that can hold the guest's memory: UML maps it, executably, from an unlinked file."""
    candidates = ["/dev/shm", tempfile.gettempdir(), "/var/tmp"]
    for path in candidates:
        if not os.access(path, os.W_OK | os.X_OK):
            continue
        stat = os.statvfs(path)
        if not stat.f_flag & os.ST_NOEXEC and stat.f_bavail * stat.f_frsize >= mebibytes << 20:
            return path
    raise guest.NotRunError(f"none of {', '.join(candidates)} is writable, executable and has {mebibytes} MiB free")


def boot(scratch: Path, mebibytes: int, output: int) -> subprocess.Popen[bytes]:
    """Start the kernel in a process group of its own (each guest process is a process here)."""
    guest.program("modprobe", "kmod")
    arguments = [
        *(guest.program("linux.uml", "user-mode-linux"), f"mem={mebibytes}M", f"uml_dir={scratch}/uml", "quiet"),
        *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={INIT}", f"scratch={scratch}"),
        *("con=null", "con0=null,fd:1", f"con1=null,fd:{output}"),
    ]
    with open(scratch / "console", "wb") as console:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            pass_fds=[output],
            start_new_session=True,
            env={"PATH": guest.SYSTEM_PATH, "TMPDIR": str(scratch)},
        )


if __name__ == "__main__":
    sys.exit(guest.main("tests/uml/run", __doc__.splitlines()[0], boot, memory_directory))
