# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook site over ssh, with Mitogen's strategy and without: the same results, and how long it takes."""

from __future__ import annotations

import pytest

from tests.matrix import cells
from tests.matrix.cells import CACHE, Environment
from tests.matrix.conftest import Record
from tests.matrix.lab import run_in_lab

NODES = 3
#: Each strategy builds, finds nothing to change, proves, and takes away; twice, in turns.
SCRIPT = r"""
keys=$TMPDIR/keys
mkdir -p "$keys"
for name in host key; do ssh-keygen -q -t ed25519 -N '' -f "$keys/$name"; done
cat >"$keys/sshd_config" <<END
HostKey $keys/host
AuthorizedKeysFile $keys/key.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
Subsystem sftp internal-sftp
END
ip address add 192.0.2.1/24 dev underlay
for pid in /run/containerland/nodes/node*.pid; do
    nsenter --target "$(cat "$pid")" --net --mount --uts --ipc --pid -- \
        sh -ec "mkdir /run/sshd; /usr/sbin/sshd -f $keys/sshd_config"
done
cat >"$TMPDIR/ssh.json" <<END
{"ansible_connection": "ssh", "ansible_become": false, "ansible_user": "root",
 "ansible_ssh_private_key_file": "$keys/key",
 "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR -F none"}
END
export ANSIBLE_HOST_KEY_CHECKING=false
play() {
    local name=$1 playbook=$2 began=$EPOCHREALTIME log=$TMPDIR/$1.log
    "$PROGRAMS/ansible-playbook" -i inventories/lab -e "@$TMPDIR/ssh.json" "playbooks/$playbook.yml" >"$log" 2>&1 ||
        { cat "$log"; exit 1; }
    [[ $name != *again ]] ||
        [ "$(grep -cE '^node[1-3] +: .* changed=0 +unreachable=0 +failed=0 ' "$log")" = 3 ] || { cat "$log"; exit 1; }
    echo "$name $((${EPOCHREALTIME/./} - ${began/./}))"
}
round() {
    play "$1-first" site
    play "$1-again" site
    play "$1-verify" verify
    play "$1-teardown" teardown
}
for _ in 1 2; do
    round plain
    ANSIBLE_STRATEGY_PLUGINS=$STRATEGIES ANSIBLE_STRATEGY=mitogen_linear round mitogen
done
"""


@pytest.mark.skipif(not cells.ALL, reason="this is made for the whole matrix only")
def test_mitogen(record: Record) -> None:
    environment = Environment(("mitogen",), CACHE / "mitogen")
    record.cell = environment.versions("ansible-core", "mitogen")
    strategies = cells.packages_of(environment) / "ansible_mitogen" / "plugins" / "strategy"
    said = run_in_lab(SCRIPT, nodes=NODES, PROGRAMS=str(environment.path / "bin"), STRATEGIES=str(strategies))
    seconds: dict[str, list[float]] = {}
    for line in said.splitlines():
        name, _space, took = line.partition(" ")
        seconds.setdefault(name, []).append(float(took))
    record.cell["nodes"] = str(NODES)
    for run, title in (("first", "first run"), ("again", "nothing to change"), ("teardown", "teardown")):
        record.cell[title] = f"{min(seconds[f'plain-{run}']) / min(seconds[f'mitogen-{run}']):.1f} times"
