#!/usr/bin/env bash
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced: finds Python interpreters by version, and makes environments with them.
# shellcheck shell=bash

# find_python VERSION: prints the path of that Python, of the system or of pyenv; returns 1 if there is none that runs.
# A shim of pyenv is there for each version and refuses to run most of them, so each is tried.
find_python() {
    local candidate
    for candidate in $(type -ap "python$1") "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1"; do
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
            return
        fi
    done
    return 1
}

# environment DIRECTORY PYTHON REQUIREMENT...: a virtual environment with these packages, made anew if it is another.
environment() {
    local directory=$1 python=$2 wanted
    shift 2
    wanted="$directory $("$python" -V) $*"
    [ "$(cat "$directory/.made-of" 2>/dev/null)" != "$wanted" ] || return 0
    "$python" -m venv --clear "$directory" &&
        "$directory/bin/python" -m pip install -qq --disable-pip-version-check "$@" &&
        printf '%s\n' "$wanted" >"$directory/.made-of"
}
