#!/usr/bin/env bash
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced: the environments that tests/matrix runs with, below .cache/matrix; what a directory is called says what is in it.
# shellcheck shell=bash
# shellcheck source=scripts/lib/pythons.sh
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
