# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command while a Docker daemon of its own runs: python -m tests.foreign.with_docker COMMAND [ARGUMENT...].

In a sandbox only: the daemon changes the network and the packet filter of the namespace that it is in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.foreign.engines import Docker, running
from tests.foreign.host import directory


class QuickDocker(Docker):
    """Containers share the files of their image, which here is a whole Debian."""

    storage = "overlay2"

    def import_image(self) -> None:
        pass


def main() -> int:
    if not os.path.exists("/run/sandbox/netns"):
        sys.exit("with_docker: a daemon of its own is started in a sandbox only: scripts/sandbox")
    Path("/run/docker").mkdir(exist_ok=True)
    with directory() as files, running(QuickDocker, files):
        return subprocess.run(sys.argv[1:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
