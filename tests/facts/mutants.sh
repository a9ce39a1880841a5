#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Breaks the product's code on purpose, one line at a time, and sees that exploring the worlds of facts notices each.
# mutants.sh [WORD]: those whose line in mutants.tsv contains WORD
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
: "${CC:=cc}"

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
number=0

# result STATUS WORDS: one TAP line; on failure the file `said` follows as diagnosis.
result()
{
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        tail -n 40 "$work/said" | sed 's/^/# /'
    fi
}

# compile SOURCE OBJECT
compile()
{
    # shellcheck disable=SC2086 # CC may be several words
    $CC -std=gnu11 -O1 -w -D_GNU_SOURCE -I"$top_builddir" -I"$top_srcdir/src" -I"$top_srcdir/include" -I"$top_srcdir/tests" \
        -c -o "$2" "$1" >"$work/said" 2>&1
}

# The worlds' own files once; the product's from its archives, in which a mutant's functions replace those of its file.
for source in "$top_srcdir"/tests/facts/*.c; do
    compile "$source" "$work/facts-$(basename "$source" .c).o" || {
        echo "Bail out! $source does not compile: $(head -n 1 "$work/said")"
        exit 99
    }
done

link()
{
    # shellcheck disable=SC2086 # CC may be several words
    "$top_builddir/libtool" --quiet --tag=CC --mode=link $CC -o "$work/mutant" "$work"/facts-*.o "$work/broken.o" \
        "$top_builddir/libsealring-manage-core.la" "$top_builddir/libsealring-core.la" \
        "-Wl,@$top_srcdir/tests/facts/wrapped.txt" -pthread >"$work/said" 2>&1
}

# try FILE WORLD WORDS EXPRESSION
try()
{
    sed "$4" "$top_srcdir/src/$1" >"$work/broken.c"
    if cmp -s "$top_srcdir/src/$1" "$work/broken.c"; then
        echo "the expression changes nothing in $1: $4" >"$work/said"
        result 1 "$3"
    elif ! compile "$work/broken.c" "$work/broken.o" || ! link; then
        result 1 "$3 (it does not compile)"
    else
        "$work/mutant" "$2" >"$work/said" 2>&1
        status=$?
        # ended by itself, and with a path to what was broken: not killed
        grep -q ', after$' "$work/said" && [ "$status" -eq 1 ]
        caught=$?
        result "$caught" "$3: $(sed -n 's/^# \(.*\), after$/\1/p' "$work/said" | head -n 1)"
    fi
}

while IFS='	' read -r file world words expression; do
    case $file in
    '' | '#'*) continue ;;
    esac
    case "$file $world $words" in
    *"${1:-}"*) try "$file" "$world" "$words" "$expression" ;;
    esac
done <"$top_srcdir/tests/facts/mutants.tsv"
echo "1..$number"
