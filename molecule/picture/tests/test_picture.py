# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook picture wrote, compared with what is on the nodes."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from labtest.machine import Machine

DIRECTORY = Path(os.environ["TMPDIR"])
SVG = "{http://www.w3.org/2000/svg}"


def test_what_is_there_is_drawn(nodes: dict[str, Machine]) -> None:
    root = ElementTree.parse(DIRECTORY / "network.svg").getroot()
    shown = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    for name, machine in nodes.items():
        if name == "client":
            assert name not in shown
            continue
        assert name in shown
        for netns in machine.sh("ls /run/netns").split():
            assert shown.count(netns) == 3, netns
            line = machine.sh(f"ip -n {netns} -4 -o address show eth0").split()
            assert line[3] in shown
    assert sum(text.startswith("bridge ctl0") for text in shown) == 3
    assert shown.count("service web") == 3
    assert shown.count("tcp port 8080") == 3
    rails = {element.findtext(f"{SVG}title") for element in root.iter(f"{SVG}g") if "-rail" in element.get("class", "")}
    assert rails == {"VXLAN 4096", "192.0.2.0/24"}


def test_the_page_holds_the_picture() -> None:
    page = (DIRECTORY / "network.html").read_text()
    assert (DIRECTORY / "network.svg").read_text().strip() in page
    assert "<h1>The &lt;lab&gt;</h1>" in page


def test_the_picture_is_the_same_again() -> None:
    assert (DIRECTORY / "network.svg").read_bytes() == (DIRECTORY / "first.svg").read_bytes()
