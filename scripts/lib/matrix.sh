#!/usr/bin/env bash
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced: the environments that tests/matrix runs with, below .cache/matrix; what a directory is called says what is in it.
# shellcheck shell=bash
# shellcheck source=scripts/lib/pythons.sh disable=SC2154
. "$checkout/scripts/lib/pythons.sh"

matrix=$checkout/.cache/matrix
# shellcheck disable=SC2034  # for those who source this
matrix_pythons=(3.9 3.10 3.11 3.12 3.13)
matrix_pyroute2=(0.7.2 0.8 0.9)
# ansible-core:a Python that it runs on.
# shellcheck disable=SC2034
matrix_controllers=(2.16:3.11 2.17:3.11 2.18:3.11 2.19:3.11 2.20:3.12 2.21:3.13)

# have_python VERSION: what `find_python` finds, or says what is left out.
have_python() {
    find_python "$1" || { warn "matrix: nothing is tested with Python $1, which this machine does not have"; return 1; }
}

# What the tests of the core need beside the packages of an environment, once for each Python.
matrix_pytest() {
    environment "$matrix/pytest/$1" "$2" pytest hypothesis pyyaml netaddr
}

# matrix_node PYTHON PYROUTE2: as on a managed node, nothing but Python and pyroute2.
matrix_node() {
    local path
    path=$(have_python "$1") || return 0
    environment "$matrix/nodes/$1/$2" "$path" "pyroute2==$2.*"
    matrix_pytest "$1" "$path"
}

# matrix_controller VERSION PYTHON
matrix_controller() {
    local path
    path=$(have_python "$2") || return 0
    environment "$matrix/controllers/$1" "$path" "ansible-core==$1.*" "netaddr>=1.3,<2"
}

# The two corners that belong to all tests: all that is oldest, and all that is newest, of what this machine has.
matrix_corners() {
    local version found=()
    for version in "${matrix_pythons[@]}"; do
        ! find_python "$version" >/dev/null || found+=("$version")
    done
    [ "${#found[@]}" != 0 ] || die "matrix: this machine has none of Python ${matrix_pythons[*]}"
    matrix_node "${found[0]}" "${matrix_pyroute2[0]}"
    matrix_node "${found[-1]}" "${matrix_pyroute2[-1]}"
}

# name=suite=components
# shellcheck disable=SC2034,SC2054
matrix_roots=(debian-12=bookworm=main debian-13=trixie=main ubuntu-22.04=jammy=main,universe ubuntu-24.04=noble=main,universe)

# matrix_root NAME SUITE COMPONENTS: what such a distribution installs with Python, as a directory. The packages that
# the role host is to install are in its cache, for it has no network then.
matrix_root() {
    local root=$matrix/roots/$1 suite=$2 components=$3 keyring=()
    [ ! -e "$root.made" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v mmdebstrap >/dev/null; then
        warn "matrix: $1 is left out: it takes root, and the package mmdebstrap"
        return 0
    fi
    [[ $1 != ubuntu-* || ! -e $matrix/ubuntu-archive-keyring.gpg ]] || keyring=(--keyring "$matrix/ubuntu-archive-keyring.gpg")
    rm -rf "$root"
    mkdir -p "$matrix/roots"
    # shellcheck disable=SC2016  # $1 is mmdebstrap's
    if mmdebstrap --quiet --variant=minbase --components="$components" "${keyring[@]}" --skip=cleanup/apt \
        --include=apt,kmod,procps,python3,python3-apt \
        --customize-hook='chroot "$1" apt-get -qq -y -o APT::Install-Recommends=true --download-only install iproute2 iptables python3-pyroute2' \
        "$suite" "$root" </dev/null >"$root.log" 2>&1; then
        touch "$root.made"
    else
        rm -rf "$root"
        warn "matrix: $1 is left out, for it could not be installed: $(tail -n 3 "$root.log" | tr '\n' ' ')"
    fi
}

# The newest version of ansible-core that is there for this Python, as far as it is pinned for the tests.
matrix_mitogen() {
    environment "$matrix/mitogen" "$(find_python 3.11 || find_python 3)" "ansible-core==2.19.*" "netaddr>=1.3,<2" \
        "pyroute2==0.9.*" "mitogen>=0.3.54,<0.4"
}
