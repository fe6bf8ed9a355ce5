#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The units in packaging/systemd: no section, key or value in them that systemd
# does not know, and no option that the server does not. Where systemd is not
# installed, what it would say is guessed.
set -euo pipefail
units=$HEM_SOURCE_DIR/packaging/systemd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail()
{
    echo "systemd_units: $*" >&2
    exit 1
}

# The program is not where the unit has it.
program=$HEM_BUILD_DIR/bin/http_server
[ -x "$program" ] || program=/bin/true
sed "s|/usr/local/bin/hem-http|$program|" "$units/hem-http.service" \
    >"$work/hem-http.service"
cp "$units/hem-http.socket" "$work"
grep -q "ExecStart=$program" "$work/hem-http.service" || fail "no ExecStart="

# Each line is a comment, a section, KEY=VALUE, or goes on from the last one.
awk '
/^#/ || /^$/ || /^\[[A-Z][a-z]*\]$/ { next }
/^[A-Z][A-Za-z]*=/ || going_on { going_on = /\\$/; next }
{ print FILENAME ":" FNR ": " $0; status = 1 }
END { exit status }' "$units"/*.service "$units"/*.socket || fail "odd lines"

verify()
{
    systemd-analyze verify --man=no "$@" 2>&1
}

# It may not work at all, as without /run or /sys.
printf '[Service]\nExecStart=/bin/true\n' >"$work/plain.service"
if command -v systemd-analyze >/dev/null && verify "$work/plain.service"; then
    said=$(verify "$work/hem-http.service" "$work/hem-http.socket") ||
        fail "$said"
    [ -z "$said" ] || fail "$said"
    sed 's/^WatchdogSec=/WatchdgoSec=/' "$work/hem-http.service" \
        >"$work/wrong.service"
    verify "$work/wrong.service" | grep -q WatchdgoSec ||
        fail "nobody minds a key that is none"
else
    echo "systemd-analyze is not here: keys and values were not checked"
fi

# Its command line, with the lines that go on.
command=$(sed -n '/^ExecStart=/,/[^\\]$/p' "$units/hem-http.service" |
    tr -d '\\\n')
if [ "$program" != /bin/true ]; then
    help=$("$program" --help)
    for word in $command; do
        case $word in
        --*=*) option=${word%%=*} ;;
        --*) option=$word ;;
        *) continue ;;
        esac
        case $help in
        *"$option "*) ;;
        *) fail "the server knows no $option" ;;
        esac
    done
fi

# Twice the heartbeat, and the grace within what systemd gives.
number()
{
    sed -n "s/.*$1=\([0-9]*\)s\{0,1\}\( .*\)\{0,1\}$/\1/p" \
        "$units/hem-http.service" | head -n 1
}
[ "$(number --heartbeat)" -gt 0 ] || fail "no --heartbeat"
[ $((2 * $(number --heartbeat))) -lt "$(number WatchdogSec)" ] ||
    fail "WatchdogSec= is not above twice --heartbeat"
[ "$(number --grace)" -lt "$(number TimeoutStopSec)" ] ||
    fail "TimeoutStopSec= is not above --grace"
