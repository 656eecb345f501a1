# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other distributions as managed nodes: their own Python, pyroute2, iptables, which the role host installs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matrix import cells
from tests.matrix.cells import CACHE
from tests.matrix.conftest import Record
from tests.matrix.lab import LIFE, run_in_lab

#: Gives both nodes another root: what is written there goes with the lab.
OTHER_ROOT = r"""
export CHECKOUT=$PWD
mkdir -p /run/sandbox/tmp/look/scripts
cp -r scripts/lib /run/sandbox/tmp/look/scripts/
for node in node1 node2; do
    read -r pid <"/run/containerland/nodes/$node.pid"
    nsenter --target "$pid" --mount --pid -- bash -euc '
        mkdir /run/upper /run/work /run/new
        mount -t overlay other -o "lowerdir=$ROOT,upperdir=/run/upper,workdir=/run/work" /run/new
        cp "$CHECKOUT/playbooks/files/who.py" /run/new/usr/local/lib/
        mkdir -p /run/new/etc/modules-load.d # of systemd, which would be more packages than all the others
        for directory in proc sys dev; do mount --rbind /$directory /run/new/$directory; done
        mount -t tmpfs -o mode=0755 other /run/new/run
        mkdir /run/new/run/sandbox /run/new/run/lock /run/new/run/netns
        mount --rbind /run/sandbox /run/new/run/sandbox
        cd /run/new
        mkdir mnt/old
        pivot_root . mnt/old
        cd /
        umount -l /mnt/old
    '
done
first() { nsenter --target "$(cat /run/containerland/nodes/node1.pid)" --net --mount --uts --ipc --pid -- "$@"; }
! first which ip iptables || { echo "the root has what the role is to install"; exit 1; }
play_quietly() {
    $ANSIBLE -i inventories/lab "playbooks/$1.yml" "${@:2}" >"$TMPDIR/first.log" 2>&1 && return
    cat "$TMPDIR/first.log"
    exit 1
}
play_quietly site "$@"
play_quietly teardown "$@"
first python3 -c 'import platform; print("python", platform.python_version())'
first dpkg-query -W -f '${Package} ${Version}\n' iproute2 python3-pyroute2
first iptables --version
"""


def roots() -> list[str]:
    return sorted(path.name[: -len(".made")] for path in (CACHE / "roots").glob("*.made"))


@pytest.mark.skipif(not cells.ALL, reason="these are made for the whole matrix only")
@pytest.mark.parametrize("name", roots())
def test_distributions(name: str, record: Record) -> None:
    record.cell = {"distribution": name}
    variables = Path(__file__).with_name("distribution.yml")
    said = run_in_lab(
        OTHER_ROOT + LIFE,
        f"-e @{variables}",
        ANSIBLE="ansible-playbook",
        ROOT=str(CACHE / "roots" / name),
        SNAPSHOT="/run/sandbox/tmp/look/scripts/lib/snapshot",
    )
    found = dict(
        line.split(" ", 1) for line in said.splitlines() if line.startswith(("python", "iproute2", "iptables "))
    )
    record.cell.update(
        python=found["python"],
        pyroute2=found["python3-pyroute2"],
        iproute2=found["iproute2"],
        iptables=found["iptables"],
    )
