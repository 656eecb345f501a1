#!/usr/bin/env bash
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced: runs named stages one after the other, or beside each other, and sums up which of them failed.
# shellcheck shell=bash

stage_results=()
stage_failed=0
beside=

# stage NAME COMMAND...
stage() {
    local name=$1 began=$SECONDS status=0
    shift
    printf '\n=== %s: %s\n' "$name" "$*"
    "$@" || status=$?
    finished "$name" "$status" $((SECONDS - began))
}

# stage_beside NAME COMMAND...: while other stages run. The summary shows its output before it sums up.
stage_beside() {
    beside_name=$1
    shift
    beside_output=$(mktemp)
    trap end_beside EXIT
    printf '\n=== %s: %s (beside the others; its output comes last)\n' "$beside_name" "$*"
    {
        began=$SECONDS status=0
        "$@" >"$beside_output" 2>&1 || status=$?
        printf '%s %s\n' "$status" $((SECONDS - began)) >"$beside_output.end"
    } &
    beside=$!
}

# However the script ends, this stage does too. What it runs passes SIGTERM on.
end_beside() {
    local child
    for child in $(pgrep -P "$beside"); do kill -TERM "$child" 2>/dev/null || true; done
    wait "$beside" 2>/dev/null || true
    rm -f "$beside_output" "$beside_output.end"
}

join_beside() {
    local status=1 seconds=0
    [ -n "$beside" ] || return 0
    wait "$beside" || true
    printf '\n=== %s:\n' "$beside_name"
    cat "$beside_output"
    read -r status seconds <"$beside_output.end" || true
    finished "$beside_name" "$status" "$seconds"
}

# finished NAME STATUS SECONDS
finished() {
    local name=$1 status=$2 seconds=$3 verdict=passed
    if [ "$status" != 0 ]; then
        verdict="FAILED ($status)"
        stage_failed=1
    fi
    printf '=== %s: %s after %d s\n' "$name" "$verdict" "$seconds"
    stage_results+=("$(printf '%-16s %-14s %5d s' "$name" "$verdict" "$seconds")")
}

# skipped NAME REASON
skipped() {
    stage_results+=("$(printf '%-16s skipped: %s' "$1" "$2")")
}

# Prints the summary; returns 1 if any stage failed.
summary() {
    join_beside
    printf '\n=== Summary, %d s\n' "$SECONDS"
    printf '%s\n' "${stage_results[@]}"
    return "$stage_failed"
}
