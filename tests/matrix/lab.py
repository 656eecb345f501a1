# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a fleet in a lab: built, proved, built again, taken away."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from tests.matrix.cells import CHECKOUT, clean

#: What every run of site and the like is told goes in $MORE, and which Ansible runs it in $ANSIBLE.
LIFE = r"""
snapshots() {
    local node pid
    for node in node1 node2; do
        read -r pid <"/run/containerland/nodes/$node.pid"
        # What the kernel still looks for (duplicate address detection) is not there yet.
        while nsenter --target "$pid" --net ip -6 address show tentative | grep -q tentative; do sleep 0.1; done
        nsenter --target "$pid" --net --mount --uts --ipc --pid -- bash $SNAPSHOT node | sed "s/^/$node /"
    done
}
play() {
    local playbook=$1
    shift
    $ANSIBLE -i inventories/lab "playbooks/$playbook.yml" "$@" >"$TMPDIR/$playbook.log" 2>&1 && return
    cat "$TMPDIR/$playbook.log"
    exit 1
}
unchanged() {
    [ "$(grep -cE '^node[12] +: .* changed=0 +unreachable=0 +failed=0 ' "$TMPDIR/site.log")" = 2 ] && return
    cat "$TMPDIR/site.log"
    echo "the second run changed something"
    exit 1
}
snapshots >"$TMPDIR/before"
play site "$@"
play verify "$@"
play site "$@"
unchanged
play teardown "$@"
snapshots >"$TMPDIR/after"
diff -u "$TMPDIR/before" "$TMPDIR/after"
"""
SNAPSHOT = str(CHECKOUT / "scripts/lib/snapshot")
COMMAND = ("bash", str(CHECKOUT / "scripts/lib/lab-inside"), "bash", "-euo", "pipefail", "-c")


def life(*arguments: str, ansible: str = "ansible-playbook", before: str = "", snapshot: str = SNAPSHOT) -> None:
    """Fails unless all of it goes well and nothing is left.

    Args:
        arguments: of every run of Ansible.
        ansible: the program.
        before: shell lines that are run in the lab first.
        snapshot: the program that tells what there is on a node, as the node sees it.
    """
    run_in_lab(before + LIFE, *arguments, ANSIBLE=ansible, SNAPSHOT=snapshot)


def run_in_lab(script: str, *arguments: str, nodes: int = 2, **environment: str) -> str:
    """Runs a shell script in a fresh lab, and returns what it said."""
    words: Sequence[str] = [word for argument in arguments for word in argument.split(" ")]
    done = subprocess.run(
        [str(CHECKOUT / "scripts/sandbox"), *COMMAND, script, "bash", *words],
        env=clean(LAB_NODES=str(nodes), **environment),
        cwd=CHECKOUT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    return done.stdout
