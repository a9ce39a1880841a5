#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that were linked against libsealring go on working: no stable symbol, number, layout or prototype is gone or
# changed, compared with the kept list and with the last release's. Then made-up changes, which must be noticed.
set -u
LC_ALL=C
export LC_ALL
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
: "${CC:=cc}"
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
stable=SEALRING_1

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
number=0

# result STATUS WORDS: one TAP line; on failure the file `found` follows as diagnosis.
result()
{
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/# /' "$work/found"
    fi
}

# ---- The rules: each prints what is wrong ----

# The lines of a kept list, "NODE SYMBOL", in order.
kept()
{
    sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$1" | sort
}

# gone EXPORTED LIST: what the list has and the exports have not, at all or under that node.
gone()
{
    kept "$2" >"$work/kept"
    comm -13 "$1" "$work/kept" | sed 's/$/: not exported any more/'
}

# unlisted EXPORTED LIST: stable exports that the list lacks, so that nobody would notice if they went away.
unlisted()
{
    kept "$2" >"$work/kept"
    comm -23 "$1" "$work/kept" | sed -n "s/^$stable .*/&: not in tests\/abi\/libsealring.symbols/p"
}

# changed HEADERS INTERFACE: what the compiler says of the interface that programs have in them.
changed()
{
    # shellcheck disable=SC2086 # CC may have words
    $CC -std=c11 -Wall -Wextra -Werror -fsyntax-only -I"$1" "$2" 2>&1
}

in_repository()
{
    repository=$1
    shift
    git -c safe.directory="$repository" -C "$repository" "$@"
}

# The last release's tag; nothing if there is none.
last_release()
{
    in_repository "$1" describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null
}

# broken_since REPOSITORY TAG EXPORTED HEADERS LIST: what a program that was linked against that release misses.
broken_since()
{
    for file in libsealring.symbols interface.c; do
        in_repository "$1" show "$2:tests/abi/$file" >"$work/released-$file" || echo "$2 has no tests/abi/$file"
    done
    gone "$3" "$work/released-libsealring.symbols"
    gone "$5" "$work/released-libsealring.symbols" | sed 's/not exported/not in the kept list/'
    changed "$4" "$work/released-interface.c"
}

# finds_nothing RULE ARGUMENTS...: leaves what the rule prints in `found`; true if that is nothing.
finds_nothing()
{
    "$@" >"$work/found" 2>&1
    [ ! -s "$work/found" ]
}

# ---- The library as it was built ----

library=$top_builddir/.libs/libsealring.so
headers=$top_srcdir/include
list=$top_srcdir/tests/abi/libsealring.symbols
interface=$top_srcdir/tests/abi/interface.c

# exports LIBRARY: "NODE SYMBOL" of each function that it offers.
exports()
{
    nm -D --defined-only "$1" | awk '$2 != "A" { sub("@@?", " ", $3); split($3, part, " "); print part[2], part[1] }' | sort
}

exports "$library" >"$work/exported" 2>"$work/found"
kept "$list" >"$work/current"
[ -s "$work/exported" ] && [ "$(grep -c "^$stable sealring_" "$work/current")" -ge 8 ]
result $? "the library's exports and the kept list can be read"
finds_nothing gone "$work/exported" "$list"
result $? "every kept symbol is exported, under its version"
finds_nothing unlisted "$work/exported" "$list"
result $? "every stable symbol is kept"
finds_nothing changed "$headers" "$interface"
result $? "numbers, layouts and prototypes of verify.h are the kept ones"

# A checkout knows the releases; an unpacked distribution does not.
if [ -e "$top_srcdir/.git" ]; then
    tag=$(last_release "$top_srcdir")
    if [ -n "$tag" ]; then
        finds_nothing broken_since "$top_srcdir" "$tag" "$work/exported" "$headers" "$work/current"
        result $? "nothing that $tag offered is gone or changed"
    else
        echo "# no release was tagged yet: nothing to compare with"
    fi
else
    echo "# no checkout: nothing is known of releases"
fi

# ---- Made-up changes ----

# notices WORDS COMMAND...: the rule finds something.
notices()
{
    words=$1
    shift
    ! finds_nothing "$@"
    result $? "notices $words"
}

{ cat "$list"; echo "$stable sealring_made_up"; } >"$work/longer"
notices "a symbol that went away" gone "$work/exported" "$work/longer"
sed "s/^$stable sealring_verify$/SEALRING_2 sealring_verify/" "$work/exported" | sort >"$work/moved"
notices "a symbol that moved to another version" gone "$work/moved" "$list"
{ cat "$work/exported"; echo "$stable sealring_made_up"; } | sort >"$work/more"
notices "a new symbol that is not kept" unlisted "$work/more" "$list"

# change WORDS SED: verify.h edited so is noticed; the edit must have an effect, and must compile by itself.
change()
{
    mkdir -p "$work/headers/sealring"
    sed "$2" "$headers/sealring/verify.h" >"$work/headers/sealring/verify.h"
    cmp -s "$headers/sealring/verify.h" "$work/headers/sealring/verify.h"
    same=$?
    echo '#include <sealring/verify.h>' >"$work/alone.c"
    finds_nothing changed "$work/headers" "$work/alone.c" && [ $same -ne 0 ] &&
        ! finds_nothing changed "$work/headers" "$interface"
    result $? "notices $1"
}

change "a verdict with another number" 's/SEALRING_REJECTED_SCOPE = 11/SEALRING_REJECTED_SCOPE = 15/'
change "a verdict that is gone" 's/SEALRING_REJECTED_MALFORMED/SEALRING_REJECTED_BROKEN/'
change "a longer message" 's/SEALRING_MESSAGE_SIZE 512/SEALRING_MESSAGE_SIZE 1024/'
change "a field put in between" 's/^    uint32_t serial;/    uint32_t made_up;\n&/'
change "an error that grew" 's/^    int system_errno;/&\n    int made_up;/'
change "another argument" 's/^void sealring_close(sealring_vault \*\*vault)/void sealring_close(sealring_vault **vault, int now)/'
change "another result" 's/^int sealring_verdict_accepted/unsigned sealring_verdict_accepted/'

# A repository with a release, and one without.
git_quietly()
{
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \
        git -C "$work/repository" -c user.name=nobody -c user.email=nobody@example.org "$@" >>"$work/git" 2>&1
}
release() # LIST TAG
{
    mkdir -p "$work/repository/tests/abi" && cp "$interface" "$work/repository/tests/abi/interface.c" &&
        cp "$1" "$work/repository/tests/abi/libsealring.symbols" && git_quietly init &&
        git_quietly add . && git_quietly commit --allow-empty -m release && git_quietly tag "$2"
}
cp "$list" "$work/found"
release "$list" unrelated && [ -z "$(last_release "$work/repository")" ]
result $? "a tag that is no release does not count"
release "$list" v0.0.1 && [ "$(last_release "$work/repository")" = v0.0.1 ] &&
    finds_nothing broken_since "$work/repository" v0.0.1 "$work/exported" "$headers" "$work/current"
result $? "a release with the same interface passes"
release "$work/longer" v0.0.2 && [ "$(last_release "$work/repository")" = v0.0.2 ]
result $? "the newest release counts"
notices "what a release had and the library has not" \
    broken_since "$work/repository" v0.0.2 "$work/exported" "$headers" "$work/current"
sed '/sealring_verify$/d' "$work/current" >"$work/shorter"
notices "a line taken out of the kept list since a release" \
    broken_since "$work/repository" v0.0.1 "$work/exported" "$headers" "$work/shorter"
notices "a release whose interface differs from the headers" \
    broken_since "$work/repository" v0.0.1 "$work/exported" "$work/headers" "$work/current"
rm "$work/repository/tests/abi/interface.c"
git_quietly commit -a -m incomplete && git_quietly tag v0.0.3
notices "a release without its interface" \
    broken_since "$work/repository" v0.0.3 "$work/exported" "$headers" "$work/current"
echo "1..$number"
