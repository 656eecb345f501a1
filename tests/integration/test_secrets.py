# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys are in the kernel and in a file of root's, and nowhere else: not in results, diffs, logs, messages or status."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.containerland.net.plugins.module_utils._core import health_files
from ansible_collections.containerland.net.plugins.module_utils._core.program import main

from tests.integration.support.kernel import sh
from tests.integration.support.modules import call
from tests.integration.support.run import CHECKOUT, apply, run_module

STATE = Path("/var/lib/containerland")


def key(seed: int) -> str:
    """A clamped private key (RFC 7748)."""
    return base64.b64encode(bytes([seed & 248, *[seed] * 30, seed & 63 | 64])).decode()


SECRETS = [key(seed) for seed in (0xA1, 0xA2, 0x51, 0x52)]
WIREGUARD = {
    "name": "wg0",
    "kind": "wireguard",
    "private_key": SECRETS[0],
    "peers": [{"public_key": key(0x71), "preshared_key": SECRETS[2], "allowed_ips": ["10.9.0.0/24"]}],
}
OTHER = {**WIREGUARD, "private_key": SECRETS[1], "peers": [{**WIREGUARD["peers"][0], "preshared_key": SECRETS[3]}]}
TASKS: list[tuple[str, dict[str, Any]]] = [
    ("link", WIREGUARD),
    ("topology", {"name": "t", "link": [WIREGUARD]}),
    # Keys where they do not belong, or are not whole, are not shown by the refusal either.
    ("link", {**WIREGUARD, "mtu": "many"}),
    ("link", {**WIREGUARD, "private_key": SECRETS[0][:-4]}),
    ("link", {**WIREGUARD, "peers": [{**WIREGUARD["peers"][0], "preshared_key": [SECRETS[2]]}]}),
    ("link", {**WIREGUARD, "private_key": {"key": SECRETS[0]}}),
    ("topology", {"name": "t", "link": [{**WIREGUARD, "colour": "red"}]}),
    ("topology", {"name": "t", "link": [WIREGUARD, WIREGUARD]}),
    ("topology", {"name": "t", "link": [{**WIREGUARD, "private_key": [SECRETS[0]]}]}),
]


def shown(text: str) -> list[str]:
    """The secrets that a text shows; the beginning of one is bad enough."""
    return [secret for secret in SECRETS if secret[:-8] in text]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("module", "options"), TASKS)
def test_nothing_that_a_module_says_or_logs_shows_a_key(module: str, options: dict[str, Any], check: bool) -> None:
    said = call(module, options, check=check, diff=True)
    assert said.result.get("failed") or "wg0" in str(said.result)
    assert shown(f"{said.result}{said.logged}{said.stderr}") == []
    assert check or said.problem or "create wireguard 'wg0'" in said.result["plan"]


def test_a_playbook_with_all_details_shows_none(tmp_path: Path) -> None:
    tasks = [
        {f"containerland.net.{module}": options, "check_mode": check, "diff": True, "ignore_errors": True}
        for module, options in TASKS[:3]
        for check in (True, False)
    ]
    path = Path("/run/play.yml")
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
        [
            "ansible-playbook",
            "-i",
            "localhost,",
            "-c",
            "local",
            "-vvvv",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": f"{CHECKOUT}/.collections", "ANSIBLE_REMOTE_TMP": "/run/tmp"},
    )
    assert f"ok={len(tasks)}" in done.stdout, done.stdout[-3000:] + done.stderr
    assert "module_args" in done.stdout and "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in done.stdout
    assert shown(done.stdout + done.stderr) == []


@pytest.mark.other_kernel("wireguard")
def test_what_the_node_tells_shows_none(capfd: pytest.CaptureFixture[str]) -> None:
    for options in (WIREGUARD, OTHER):
        said = call("topology", {"name": "t", "link": [options]}, diff=True)
        assert said.result["changed"] and shown(f"{said.result}{said.logged}{said.stderr}") == []
    path = STATE / "t.json"
    assert shown(path.read_text()) == [SECRETS[1], SECRETS[3]], "it could not be restored from this"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert shown(str(run_module("network_info", {}))) == []
    for drift in ("true", "ip link delete wg0"):
        sh(drift)
        for command in (["status"], ["status", "--json"], ["repair"], ["restore"]):
            main(command)
    told = capfd.readouterr()
    assert "create wireguard 'wg0'" in told.out
    assert shown(told.out + told.err) == []


def test_files_are_for_root_alone() -> None:
    apply("topology", {"name": "t", "namespaces": [{"name": "web1"}]})
    sleep = {"name": "one", "netns": "web1", "command": ["sleep", "4711"]}
    run_module("netns_commands", {"name": "t", "supervisor": "loop", "commands": [sleep]})
    health_files.save("t", [{"name": "web"}])
    try:
        files = [path for place in (STATE, Path("/run/containerland")) for path in place.rglob("*") if path.is_file()]
        assert sorted(str(path) for path in files) == [
            "/run/containerland/commands/t.json",
            *(f"/var/lib/containerland/{part}t.json" for part in ("commands/", "health/", "")),
        ]
        assert {path: oct(stat.S_IMODE(path.stat().st_mode)) for path in files} == dict.fromkeys(files, "0o600")
    finally:
        run_module("netns_commands", {"name": "t", "state": "absent"})
