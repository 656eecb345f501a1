# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx for the site; scripts/docs puts the sources together. Nothing is fetched."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

REPOSITORY = "https://github.com/containerland/net/blob/main"
ANSIBLE = "https://docs.ansible.com/ansible/latest"

# Ansible's own pages that antsibull-docs refers to.
GUIDES = {
    "action_plugins": ("action plugins", "plugins/action.html"),
    "ansible_configuration_settings": ("Ansible Configuration Settings", "reference_appendices/config.html"),
    "common_return_values": ("here", "reference_appendices/common_return_values.html"),
}

project = "containerland.net"
copyright = "containerland.net contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "index.html"}
html_title = "containerland.net"
html_show_sphinx = False
highlight_language = "YAML+Jinja"
myst_heading_anchors = 3


def links_out(_app: Any, _document: str, source: list[str]) -> None:
    """Pages link to files of the repository that are no pages; on the site these are links to it."""
    source[0] = re.sub(r"\]\((?:\.\./)+(?!docs/)([\w./-]+)(#[\w-]+)?\)", rf"]({REPOSITORY}/\1)", source[0])


def of_ansible(_app: Any, _env: Any, node: Any, content: Any) -> Any:
    """References to Ansible's own modules and guides lead to its site, without its inventory."""
    target = node.get("reftarget", "")
    plugin = re.match(r"ansible_collections\.ansible\.builtin\.(\w+)", target)
    if plugin:
        return nodes.reference("", "", content, refuri=f"{ANSIBLE}/collections/ansible/builtin/{plugin[1]}.html")
    if target in GUIDES:
        title, path = GUIDES[target]
        return nodes.reference("", title, refuri=f"{ANSIBLE}/{path}")
    return None


def setup(app: Any) -> None:
    app.connect("source-read", links_out)
    app.connect("missing-reference", of_ansible)
