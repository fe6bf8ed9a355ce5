#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The demonstration succeeds; and it fails when a server sends a wrong byte,
# so its "lost: 0" is worth something.
set -eu
here=$(dirname "$0")
source=${HEM_SOURCE_DIR:-$(cd "$here/../.." && pwd)}
bin=${HEM_BUILD_DIR:-$source/build/release}/bin
for program in demo http_server http_load; do
    [ -x "$bin/$program" ] || exit 77
done
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
mkdir -p "$top/documents/docs" "$top/bin" "$top/wrong"
echo "one document" >"$top/documents/README.md"
echo "and another" >"$top/documents/docs/other.md"
cp -R "$top/documents/." "$top/wrong"
echo "and an0ther" >"$top/wrong/docs/other.md"
cp "$bin/demo" "$bin/http_load" "$top/bin"
cat >"$top/bin/http_server" <<END
#!/bin/sh
exec "$bin/http_server" "\$@" --root "$top/wrong"
END
chmod +x "$top/bin/http_server"

cd "$top/documents"
fail() {
    echo "http_demo: $1"
    cat "$top/right" "$top/wrong.out" 2>/dev/null
    exit 1
}
"$bin/demo" >"$top/right" 2>&1 &
right=$!
"$top/bin/demo" >"$top/wrong.out" 2>&1 && fail "a wrong byte was not noticed"
wait "$right" || fail "the demonstration failed"
grep -q '^lost: 0$' "$top/right" || fail "no account"
grep -q '^lost: [1-9]' "$top/wrong.out" || fail "no account of what was lost"
grep -q 'bytes are not the file' "$top/wrong.out" || fail "no reason is given"
