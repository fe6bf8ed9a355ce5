#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs each example that ends with a comment of what it prints,
#
#     /*
#      * Output:
#      *     first line
#      */
#
# and compares. Such an example has at most 60 lines.
set -euo pipefail
unset HEM_SEED HEM_DEBUG
bin=$HEM_BUILD_DIR/bin
source=$HEM_SOURCE_DIR/examples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lines_max=60
count=0
failed=0

complain()
{
    echo "example_outputs: $*" >&2
    failed=1
}

for file in "$source"/*.c "$source"/*/main.c; do
    grep -qx ' \* Output:' "$file" || continue
    name=$(basename "${file%/main.c}" .c)
    case $name in
    tls_*) [ -x "$bin/$name" ] || continue ;; # built without OpenSSL
    esac
    count=$((count + 1))
    lines=$(wc -l <"$file")
    [ "$lines" -le $lines_max ] ||
        complain "$name has $lines lines, above $lines_max"
    sed '1,/^ \* Output:$/d; /^ \*\/$/,$d; s/^ \* \{0,5\}//' "$file" \
        >"$work/expected"
    [ "$(tail -n 1 "$file")" = ' */' ] ||
        complain "$name does not end with what it prints"
    status=0
    "$bin/$name" >"$work/printed" 2>"$work/errors" </dev/null || status=$?
    [ $status = 0 ] || complain "$name exits with $status"
    [ ! -s "$work/errors" ] || complain "$name: $(cat "$work/errors")"
    diff -u --label "$name.c" "$work/expected" --label "$name" "$work/printed" \
        >&2 || failed=1
done
[ $count -gt 0 ] || complain "found no example"
[ $failed = 0 ] || exit 1
echo "example_outputs: $count examples print what they say"
