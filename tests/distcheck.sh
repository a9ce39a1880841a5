#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The distribution is complete: `make distcheck` (builds from the tarball with a read-only source, runs the units and the
# story, installs, uninstalls, cleans), and the tarball has what git has. TAP. Not part of `make check`.
set -u
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/.." && pwd)
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR SEALRING_VAULT SEALRING_CHECK

# shellcheck source=tools/build.sh
. "$top/tools/build.sh"
build_place "$top" distcheck
log=$build/distcheck.log
number=0
failed=0

# result STATUS WORDS FILE: one TAP line; on failure the end of the file follows.
result()
{
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        failed=1
        echo "not ok $number - $2"
        tail -n 60 "$3" | sed 's/^/# /'
    fi
}

rm -f "$build"/sealring-*.tar.gz
build_configure "$log" && build_make "$log" "make distcheck" distcheck
result $? "make distcheck" "$log"

# The names in the tarball, without its first folder.
tarball=$(find "$build" -maxdepth 1 -name 'sealring-*.tar.gz')
tar -tzf "${tarball:-/nonexistent}" 2>"$build/errors" | sed 's|^[^/]*/||; /\/$/d; /^$/d' | sort >"$build/distributed"
# Only git's own files and the further checks' script stay behind.
if ! git -c safe.directory="$top" -C "$top" ls-files --cached --others --exclude-standard >"$build/files" 2>&1; then
    echo "# no checkout, so the tarball is compared with nothing"
else
    grep -v -e '^\.ci/' -e '\(^\|/\)\.git[a-z]*$' "$build/files" | while read -r file; do
        [ ! -e "$top/$file" ] || echo "$file"
    done | sort >"$build/wanted"
    comm -23 "$build/wanted" "$build/distributed" >"$build/missing"
    [ -s "$build/wanted" ] && [ ! -s "$build/missing" ]
    result $? "the tarball has every file of the source (else: EXTRA_DIST)" "$build/missing"
    # What autogen.sh makes may be there besides.
    comm -13 "$build/wanted" "$build/distributed" |
        grep -v -e '^build-aux/' -e '^aclocal\.m4$' -e '^config\.h\.in$' -e '^configure$' -e '^Makefile\.in$' >"$build/foreign"
    [ ! -s "$build/foreign" ]
    result $? "and nothing else" "$build/foreign"
fi
echo "1..$number"
[ "$failed" -eq 0 ]
