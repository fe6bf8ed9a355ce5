#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What packaging/ starts http_server with are options of it, and whoever stops
# the service waits for longer than it may take: docs/services.md, "Timings".
# The configurations are taken by the programs that they are for, where those
# are installed; test_http_haproxy and test_http_nginx run them.
set -eu
here=$(dirname "$0")
source=${HEM_SOURCE_DIR:-$(cd "$here/../.." && pwd)}
server=${HEM_BUILD_DIR:-$source/build/release}/bin/http_server
[ -x "$server" ] || exit 77
packaging=$source/packaging
status=0

complain() {
    echo "packaging: $1"
    status=1
}

# Its arguments in a file, one a line: of systemd, of Kubernetes, and in
# comments.
arguments() {
    case $1 in
    *.service)
        sed -n '/^ExecStart=/,/[^\\]$/p' "$1" | tr -s '\\ ' '\n' | grep '^--'
        ;;
    *.yaml) sed -n 's/^ *- \(--[a-z-]*=[^ ]*\)$/\1/p' "$1" ;;
    *) sed -n 's/^#\(.*--.*\)$/\1/p' "$1" | sed 's/#.*//' | tr -s '\\ ' '\n' |
        grep -v '^http_server$' ;;
    esac
}

# option FILE NAME: the value of a time in seconds, 0 if it is not given.
option() {
    value=$(arguments "$1" | sed -n "s/^--$2=\([0-9]*\)s\{0,1\}$/\1/p")
    echo "${value:-0}"
}

# outlasts FILE KEY: what is behind KEY is more than unready, grace and the two
# seconds that follow.
outlasts() {
    limit=$(sed -n "s/^ *$2[=:] *\([0-9]*\)$/\1/p" "$1")
    least=$(($(option "$1" unready) + $(option "$1" grace) + 2))
    [ "${limit:-0}" -gt "$least" ] ||
        complain "$1: $2 is ${limit:-not there}, and not above $least"
}

for file in systemd/hem-http.service kubernetes/hem-http.yaml \
    haproxy/hem-http.cfg nginx/hem-http.conf; do
    list=$(arguments "$packaging/$file")
    [ -n "$list" ] || complain "$file: starts nothing"
    # shellcheck disable=SC2086 # a list of words
    "$server" $list --help >/dev/null || complain "$file: no such options"
done
outlasts "$packaging/systemd/hem-http.service" TimeoutStopSec
outlasts "$packaging/kubernetes/hem-http.yaml" terminationGracePeriodSeconds

# HAProxy notices within `inter` x `fall`, twice, of --unready.
config=$packaging/haproxy/hem-http.cfg
inter=$(sed -n 's/.* inter \([0-9]*\)ms fall \([0-9]*\) .*/\1 * \2/p' "$config")
unready=$(arguments "$config" | grep -A1 -- --unready | sed -n '2s/s$//p')
[ $((($inter) * 2)) -le $((unready * 1000)) ] ||
    complain "$config: notices too late"
if [ -x /usr/sbin/haproxy ]; then
    /usr/sbin/haproxy -c -f "$config" >/dev/null 2>&1 ||
        complain "$config: HAProxy does not take it"
fi
exit $status
