#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs the small examples and looks at what they say. The HTTP server and its
# load client have tests of their own in tests/http.
set -euo pipefail
bin=$HEM_BUILD_DIR/bin
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

fail()
{
    echo "examples: $*" >&2
    exit 1
}

"$bin/ticker" >"$work/out"
grep -qx '5 ticks, 2 tocks' "$work/out" || fail "ticker: $(cat "$work/out")"
[ "$(grep -c 'stops: HEM_ECANCELED' "$work/out")" = 2 ] ||
    fail "ticker does not stop both"

"$bin/virtual_time" | grep -q ' hours passed' || fail "virtual_time"

# listening_port PID: the port of the process's listening socket, once it has one.
listening_port()
{
    local inodes port=
    while [ -z "$port" ] && kill -0 "$1" 2>/dev/null && [ $SECONDS -lt 20 ]; do
        inodes=$(find "/proc/$1/fd" -lname 'socket:*' -printf '%l ' |
            tr -dc '0-9 ')
        port=$(awk -v inodes=" $inodes" \
            '$4 == "0A" && index(inodes, " " $10 " ") {
                split($2, a, ":"); print a[2]; exit }' "/proc/$1/net/tcp")
    done
    [ -n "$port" ] || fail "no port is listened on"
    echo $((16#$port))
}

# A shell starts what runs beside it with SIGINT ignored.
env --default-signal=INT "$bin/echo_server" 0 &
server=$!
port=$(listening_port "$server")
exec 3<>"/dev/tcp/127.0.0.1/$port"
echo "hello, hem" >&3
read -r answer <&3
[ "$answer" = "hello, hem" ] || fail "echo_server answers '$answer'"
kill -INT "$server"
wait "$server" || fail "echo_server does not end well at SIGINT"
server=
[ "$(cat <&3)" = "" ] || fail "echo_server leaves a connection"
echo "examples: all run"
