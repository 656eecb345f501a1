#!/usr/bin/env bash
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the other scripts: where the checkout is, and the environment that Ansible and pytest need.
# shellcheck shell=bash

set -euo pipefail

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() { warn "$*"; exit 1; }

# Nothing works without it, and what fails first says something else.
[ -w /dev/null ] || die "/dev/null is not writable for you. As root: chmod 666 /dev/null"

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
venv=$checkout/.venv

# An ordinary user's PATH on Debian lacks the directories of ip, iptables and sysctl.
PATH=$venv/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
export ANSIBLE_CONFIG=$checkout/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH=$checkout/.collections${ANSIBLE_COLLECTIONS_PATH:+:$ANSIBLE_COLLECTIONS_PATH}
# Ansible refuses to start in the C locale that bare machines and CI have.
if ! locale 2>/dev/null | grep -qi 'LC_CTYPE.*utf-\?8'; then
    export LC_ALL=C.UTF-8
fi
