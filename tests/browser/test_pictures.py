# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in a real browser, light and dark: what it draws is measured, and kept as screenshots.

Run by scripts/docs, not with the other tests: Chromium is large.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.filter.topology_svg import topology_svg
from jinja2 import Environment

from tests.cases.pictures import CASES

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
SHOTS = CHECKOUT / "docs" / "build" / "screenshots"
SCHEMES = {"light": 1, "dark": 0}
GUIDES = sorted((CHECKOUT / "docs" / "guides" / "images").glob("*.svg"))


def page(svg: str, look: bool) -> str:
    """The page that the playbook writes, with the script that measures it."""
    environment = Environment(autoescape=False)
    template = environment.from_string((CHECKOUT / "playbooks/templates/picture.html.j2").read_text())
    found = template.render(picture_title="<Networks>", picture_svg=svg)
    script = f"<script data-look>{(HERE / 'look.js').read_text()}</script></body>" if look else "</body>"
    return found.replace("</body>", script)


def chromium(tmp_path: Path, document: str, scheme: str, *options: str) -> str:
    source = tmp_path / "page.html"
    source.write_text(document, encoding="utf-8")
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={tmp_path}/profile",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", *options, source.as_uri(),
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(tmp_path)}
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=True)
    return run.stdout


def looked_at(tmp_path: Path, svg: str, scheme: str) -> dict[str, Any]:
    dump = chromium(tmp_path, page(svg, True), scheme, "--window-size=1600,1200", "--dump-dom")
    found = re.search(r'<pre id="verdict">(.*?)</pre>', dump, re.DOTALL)
    assert found, dump[-2000:]
    return dict(json.loads(html.unescape(found[1])))


def check(tmp_path: Path, name: str, svg: str, scheme: str) -> None:
    verdict = looked_at(tmp_path, svg, scheme)
    assert verdict["problems"] == []
    assert verdict["dark"] == (scheme == "dark")
    assert verdict["paper"] == ("rgb(13, 19, 32)" if scheme == "dark" else "rgb(255, 255, 255)")
    SHOTS.mkdir(parents=True, exist_ok=True)
    shot = SHOTS / f"{name.replace(' ', '-').replace(',', '')}-{scheme}.png"
    size = f"--window-size={int(verdict['width']) + 60},{int(verdict['height']) + 130}"
    chromium(tmp_path, page(svg, False), scheme, size, f"--screenshot={shot}")
    assert shot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", CASES)
def test_cases(tmp_path: Path, name: str, scheme: str) -> None:
    check(tmp_path, name, topology_svg(CASES[name], title=name), scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("picture", GUIDES, ids=lambda path: path.stem)
def test_pictures_of_the_guides(tmp_path: Path, picture: Path, scheme: str) -> None:
    check(tmp_path, f"guide-{picture.stem}", picture.read_text(encoding="utf-8"), scheme)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r">web1</text>", ">" + "wide" * 40 + "</text>", "outside its box"),
        (r'(<g class="cn-box cn-container">.*?<rect x=")[\d.]+', r"\g<1>300", "overlap"),
        (r"\.cn-t-plain\{fill:#1f2937\}", ".cn-t-plain{fill:#dddddd}", "hard to read"),
    ],
)
def test_it_sees_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    svg, count = re.subn(old, new, topology_svg(CASES["three nodes"]))
    assert count
    assert said in " ".join(looked_at(tmp_path, svg, "light")["problems"])
