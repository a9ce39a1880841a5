#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Breaks the product's code on purpose, one line at a time, and sees that exploring the small worlds notices each.
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

# The product's files that decide, the registry that is asked who lacks a successor, and the explorer's: each once; a mutant replaces one
# of the product's.
product='lifecycle/decide lifecycle/guard lifecycle/guard_text lifecycle/invariant lifecycle/policy lifecycle/schedule
    lifecycle/transition_table lifecycle/verifier_liveness verifier/request/judge verifier/request/state_names verifier/state/freshness_protocol credential/scope manage/session/manage_names'
for source in "$top_srcdir"/src/base/*.c "$top_srcdir"/src/registry/*/*.c; do
    name=${source#"$top_srcdir/src/"}
    product="$product ${name%.c}"
done

# object NAME: sets $object to the file that NAME is compiled to; its folder is in the name, as two files may be called alike
object()
{
    object=${1%/*}
    object=$work/${object##*/}-${1##*/}.o
}

objects=
for name in $product; do
    object "$name"
    compile "$top_srcdir/src/$name.c" "$object" || {
        echo "Bail out! $name.c does not compile: $(head -n 1 "$work/said")"
        exit 99
    }
done
for source in "$top_srcdir"/tests/world/*.c; do
    object=$work/world-$(basename "$source" .c).o
    objects="$objects $object"
    compile "$source" "$object" || {
        echo "Bail out! $source does not compile: $(head -n 1 "$work/said")"
        exit 99
    }
done

# link NAME OBJECT: the explorer, with OBJECT in the place of NAME's
link()
{
    others=
    for name in $product; do
        object "$name"
        [ "$name" = "$1" ] || others="$others $object"
    done
    # shellcheck disable=SC2086 # lists of objects without blanks in their names
    $CC -o "$work/mutant" $objects $others "$2" -lsqlite3 -lcrypto -ldeflate -pthread >"$work/said" 2>&1
}

# try FILE WORLD WORDS EXPRESSION
try()
{
    name=${1%.c}
    sed "$4" "$top_srcdir/src/$1" >"$work/mutant.c"
    if cmp -s "$top_srcdir/src/$1" "$work/mutant.c"; then
        echo "the expression changes nothing in $1: $4" >"$work/said"
        result 1 "$3"
    elif ! compile "$work/mutant.c" "$work/mutant.o" || ! link "$name" "$work/mutant.o"; then
        result 1 "$3 (it does not compile)"
    else
        "$work/mutant" "$2" >"$work/said" 2>&1
        status=$?
        # ended by itself, and with a path to what was broken: not killed, and no world that is too large
        grep -q ', after$' "$work/said" && [ "$status" -eq 1 ]
        caught=$?
        result "$caught" "$3: $(sed -n 's/^# \(.*\), after$/\1/p' "$work/said" | head -n 1)"
    fi
}

while IFS='	' read -r file world words expression; do
    case $file in
    '' | '#'*) continue ;;
    esac
    try "$file" "$world" "$words" "$expression"
done <"$top_srcdir/tests/world/mutants.tsv"
echo "1..$number"
