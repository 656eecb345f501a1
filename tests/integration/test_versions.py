# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of other releases: older ones are read by whoever reads files, newer ones refused, and left as they are."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import (
    commands,
    health_files,
    pending,
    state_file,
    store,
)
from ansible_collections.containerland.net.plugins.module_utils._core.program import main

from tests.integration.support.cases import FOREIGN
from tests.integration.support.kernel import namespaces, said, same, sh, snapshot
from tests.integration.support.run import CHECKOUT, apply, run_module

FIXTURES = CHECKOUT / "tests" / "fixtures" / "state"
NETWORKS = Path("/var/lib/containerland")
COMMANDS, HEALTH = NETWORKS / "commands", NETWORKS / "health"
STARTED, GUARD = Path("/run/containerland/commands"), Path("/run/containerland.guard")
CHANGE = "0123456789abcdef"
SLEEP = [{"name": "one", "netns": "web1", "command": ["sleep", "4711"]}]
Said = pytest.CaptureFixture[str]


def put(release: str, file: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(FIXTURES / release / file, directory / "shop.json")


def declared(release: str) -> dict[str, Any]:
    options: dict[str, Any] = json.loads((FIXTURES / release / "topology.json").read_text())["declared"]
    return options


# -- older


@pytest.mark.parametrize("release", ["0.2.0", "0.3.0"])
def test_a_network_of_an_earlier_release_is_restored_kept_and_taken_away(release: str, capfd: Said) -> None:
    sh(FOREIGN)
    before = snapshot(numbers=False)
    put(release, "topology.json", NETWORKS)
    assert main(["status"]) == 1, "it is not there yet"
    assert main(["restore"]) == 0
    assert (namespaces(), said("ip link show shop0", "ifname")) == (["foreign", "web1"], ["shop0"])
    assert main(["status"]) == 0, capfd.readouterr()
    assert not apply("topology", declared(release)).changed
    apply("topology", {"name": "shop", "state": "absent"})
    same(snapshot(numbers=False), before, "taking it away leaves something")


def test_commands_of_an_earlier_release_go_on(capfd: Said) -> None:
    sh("ip netns add web1")
    put("0.3.0", "commands.json", COMMANDS)
    assert main(["restore"]) == 0
    # What 0.3.0 wrote of it: the list alone.
    record = STARTED / "shop.json"
    record.write_text(json.dumps(json.loads(record.read_text())["commands"]))
    assert set(json.loads(record.read_text())[0]) == set(json.loads((FIXTURES / "0.3.0/started.json").read_text())[0])
    running = sh("ip netns pids web1")
    assert main(["restore"]) == 0
    assert sh("ip netns pids web1") == running, "it was started again"
    assert run_module("netns_commands", {"name": "shop", "state": "absent"})["stopped"] == ["one"]


def test_each_version_is_made_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if two versions had come after the one of the fixture: the first had other names, the second one more key."""

    def second(content: dict[str, Any]) -> dict[str, Any]:
        return {"things": content["objects"], **{name: value for name, value in content.items() if name != "objects"}}

    def third(content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "objects": content["things"], "asked": content["declared"]}

    sh(FOREIGN)
    put("0.3.0", "topology.json", NETWORKS)
    monkeypatch.setattr(store, "FORMAT", state_file.Format(3, {1: second, 2: third}))
    assert main(["restore"]) == 0
    assert json.loads((NETWORKS / "shop.json").read_text())["version"] == 3
    assert said("ip link show shop0", "ifname") == ["shop0"]
    # A step that is missing makes a file unusable, not half understood.
    put("0.3.0", "topology.json", NETWORKS)
    monkeypatch.setattr(store, "FORMAT", state_file.Format(3, {2: third}))
    assert main(["status"]) == 2


# -- newer


def newer(path: Path) -> Path:
    """A file that a later release has written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"version": 99, "what": "who knows"}')
    return path


def says(problem: str, path: Path) -> bool:
    """Names the file, both versions, and what to do."""
    return all(word in problem for word in (str(path), "version 99", "version 1", "update the collection"))


MODULES: list[tuple[Path, str, dict[str, Any]]] = [
    (NETWORKS, "topology", {"name": "shop", "bridge": [{"name": "br1"}]}),
    (NETWORKS, "topology", {"name": "shop", "state": "absent"}),
    (COMMANDS, "netns_commands", {"name": "shop", "supervisor": "loop", "commands": SLEEP}),
    (COMMANDS, "netns_commands", {"name": "shop", "state": "absent"}),
    (STARTED, "netns_commands", {"name": "shop", "supervisor": "loop", "commands": SLEEP}),
    (HEALTH, "service_health", {"name": "shop", "services": []}),
    (HEALTH, "service_health", {"name": "shop", "state": "absent"}),
]


@pytest.mark.parametrize(("directory", "module", "options"), MODULES)
def test_modules_refuse_a_newer_file(directory: Path, module: str, options: dict[str, Any]) -> None:
    sh("ip netns add web1")
    path = newer(directory / "shop.json")
    before = snapshot()
    found = run_module(module, options)
    assert found.get("failed") and says(found["msg"], path), found
    same(snapshot(), before, "refused, but changed something")


@pytest.mark.parametrize("command", ["restore", "repair", "status"])
@pytest.mark.parametrize("directory", [NETWORKS, COMMANDS, STARTED, HEALTH])
def test_the_program_refuses_it_and_does_the_rest(command: str, directory: Path, capfd: Said) -> None:
    sh("ip netns add web1")
    apply("topology", {"name": "other", "bridge": [{"name": "br1"}]})
    sh("ip link delete br1")
    if directory == STARTED:
        put("0.3.0", "commands.json", COMMANDS)
    path = newer(directory / "shop.json")
    before = path.read_text()
    assert main([command]) == (2 if command == "status" else 1)
    shown = "".join(capfd.readouterr())
    assert says(shown, path), shown
    assert "create bridge 'br1'" in shown or "other: 1 change" in shown, shown
    assert said("ip link show br1", "ifname") == ([] if command == "status" else ["br1"])
    assert path.read_text() == before


def test_the_watch_refuses_it(capfd: Said) -> None:
    path = newer(HEALTH / "shop.json")
    assert main(["health", "shop"]) == 1
    assert says(capfd.readouterr().err, path)


#: Who looks at changes that wait to be confirmed; the run of a module does at its beginning.
READERS: dict[str, Callable[[], str]] = {
    "confirm": lambda: str(run_module("confirm", {}).get("msg")),
    "bridge": lambda: str(run_module("bridge", {"name": "br1"}).get("msg")),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_change_that_a_newer_release_guards_is_left_to_it(reader: str) -> None:
    path = newer(GUARD / f"{CHANGE}.pending")
    handle = os.open(path, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert says(READERS[reader](), path)
    assert (path.exists(), said("ip link show br1", "ifname")) == (True, [])
    # Once its watchdog is gone, it is only in the way.
    os.close(handle)
    assert not run_module("bridge", {"name": "br1"}).get("failed")
    assert not path.exists()


def test_one_of_an_earlier_release_can_be_confirmed() -> None:
    GUARD.mkdir()
    path = GUARD / f"{CHANGE}.pending"
    path.write_text('{"seconds": 30, "deadline": 1000000000.0}')
    handle = os.open(path, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    found = pending.find()
    assert found is not None and found.content["deadline"] == 1000000000.0
    os.close(handle)


def test_every_kind_of_file_is_here() -> None:
    """Who adds a format adds the readers of it above."""
    formats = {
        id(value)
        for module in (commands, health_files, pending, store)
        for value in vars(module).values()
        if isinstance(value, state_file.Format)
    }
    sources = "".join(path.read_text() for path in (CHECKOUT / "plugins").rglob("*.py"))
    assert sources.count("= Format(") + sources.count("= state_file.Format(") == len(formats) == 5
