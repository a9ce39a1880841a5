# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# To be sourced: breaks the product's code on purpose, one line at a time, and sees that an explorer notices each.
#
#   mutants FOLDER EXPLORER OPTION WORD     each line of FOLDER/mutants.tsv that contains WORD; the explorer is linked with OPTION
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

# The broken file's object is linked before the product's archives, so that its functions replace those of the file.
compile()
{
    # shellcheck disable=SC2086 # CC may be several words
    $CC -std=gnu11 -O1 -w -D_GNU_SOURCE -I"$top_builddir" -I"$top_srcdir/src" -I"$top_srcdir/include" -c -o "$work/broken.o" \
        "$work/broken.c" >"$work/said" 2>&1
}

# Asks libtool once how the explorer is linked, of the objects that the build has made: it takes longer to answer than the linker to link.
prepare_link() # FOLDER EXPLORER OPTION
{
    : >"$work/broken.o"
    # shellcheck disable=SC2086 # CC may be several words
    link=$("$top_builddir/libtool" --dry-run --tag=CC --mode=link $CC -o "$work/mutant" "$top_builddir/$1/$2"-*.o "$work/broken.o" \
        "$top_builddir/libsealring-manage-core.la" "$top_builddir/libsealring-core.la" ${3:+"$3"} -pthread 2>"$work/said" |
        sed -n 's/^libtool: link: //p')
    [ -n "$link" ] || return 1
    # nobody debugs a mutant, and gold is faster
    link="$link -Wl,--strip-debug$(! command -v ld.gold >/dev/null || echo ' -fuse-ld=gold')"
}

link()
{
    eval "$link" >"$work/said" 2>&1
}

# try FILE WORLD WORDS EXPRESSION
try()
{
    sed "$4" "$top_srcdir/src/$1" >"$work/broken.c"
    if cmp -s "$top_srcdir/src/$1" "$work/broken.c"; then
        echo "the expression changes nothing in $1: $4" >"$work/said"
        result 1 "$3"
    elif ! compile || ! link; then
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

mutants() # FOLDER EXPLORER OPTION WORD
{
    if [ ! -x "$top_builddir/$2" ]; then
        echo "Bail out! there is no $2: make $2"
        exit 99
    fi
    if ! prepare_link "$1" "$2" "$3"; then
        echo "Bail out! $2 cannot be linked: $(head -n 1 "$work/said")"
        exit 99
    fi
    while IFS='	' read -r file world words expression; do
        case $file in
        '' | '#'*) continue ;;
        esac
        case "$file $world $words" in
        *"$4"*) try "$file" "$world" "$words" "$expression" ;;
        esac
    done <"$top_srcdir/$1/mutants.tsv"
    echo "1..$number"
}
