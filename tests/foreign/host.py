# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that everybody shares: a wire to one client, which is the whole outside; and real questions by it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.support.kernel import sh
from tests.integration.support.traffic import ask, serve

NODE, OUTSIDE = "192.0.2.11", "192.0.2.2"
#: Where something outside listens.
PORT = 7000
SECONDS = 10
#: What answers one question a connection in a container: `nc` of busybox, which starts this program for each.
BUSYBOX = "/bin/busybox"


def server(answer: str, port: int = 80, busybox: str = BUSYBOX) -> list[str]:
    """The command of a container."""
    return [busybox, "nc", "-ll", "-p", str(port), "-e", busybox, "sh", "-c", f"read line; echo {answer}"]


def build() -> None:
    """Connect this namespace with the outside, where somebody listens."""
    sh(f"""
    ip link set lo up
    ip netns add outside
    ip link add eth0 type veth peer name eth0 netns outside
    ip address add {NODE}/24 dev eth0
    ip link set eth0 up
    ip -n outside address add {OUTSIDE}/24 dev eth0
    ip -n outside link set eth0 up
    ip route add default via {OUTSIDE}
    # The role `host` writes there.
    for directory in /etc/sysctl.d /etc/modules-load.d; do mount -t tmpfs test $directory; done
    """)
    serve("outside", "outside", OUTSIDE, PORT)


@contextmanager
def directory() -> Iterator[Path]:
    """For files of engines, where snapshots do not look. Paths of sockets must be short."""
    os.makedirs("/run/sandbox", exist_ok=True)
    with tempfile.TemporaryDirectory(dir="/run/sandbox", ignore_cleanup_errors=True) as made:
        yield Path(made)


def answers(port: int, wanted: str) -> None:
    """Expects that the outside is answered at this port of the node, by who gives this answer."""
    eventually(lambda: ask("outside", NODE, port)[:1] == [wanted], f"{wanted} does not answer at port {port}")


def gets_out(netns: str) -> None:
    """Expects that whoever is in this namespace (a name or a path) is answered by the outside, which sees the node."""
    eventually(lambda: ask(netns, OUTSIDE, PORT) == ["outside", NODE], f"{netns} does not get out")


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Until it holds; programs take a moment to start, and a connection that is refused tells nothing yet."""
    deadline = time.monotonic() + SECONDS
    problem: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if holds():
                return
            problem = None
        except OSError as error:
            problem = error
        time.sleep(0.05)
    raise AssertionError(f"{what} ({problem})")
