#!/usr/bin/env bash
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced: runs named stages one after the other, each with its output, and sums up which of them failed.
# shellcheck shell=bash

stage_results=()
stage_failed=0

# stage NAME COMMAND...
stage() {
    local name=$1 began=$SECONDS status=0 verdict=passed
    shift
    printf '\n=== %s: %s\n' "$name" "$*"
    "$@" || status=$?
    if [ "$status" != 0 ]; then
        verdict="FAILED ($status)"
        stage_failed=1
    fi
    printf '=== %s: %s after %d s\n' "$name" "$verdict" $((SECONDS - began))
    stage_results+=("$(printf '%-16s %-14s %5d s' "$name" "$verdict" $((SECONDS - began)))")
}

# skipped NAME REASON
skipped() {
    stage_results+=("$(printf '%-16s skipped: %s' "$1" "$2")")
}

# Prints the summary; returns 1 if any stage failed.
summary() {
    printf '\n=== Summary, %d s\n' "$SECONDS"
    printf '%s\n' "${stage_results[@]}"
    return "$stage_failed"
}
