# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# To be sourced: builds the checkout in a directory of its own, quietly, and only what changed.

# build_place SOURCE NAME sets `source` to the tree to build from and `build` to the directory to build in. They are
# inside the checkout where that can be written to; else (somebody else's checkout) they are a copy in the user's cache.
# The directory is this script's alone until build_leave or its end: another one that wants it waits.
build_place()
{
    source=$1
    build=$1/build/$2
    if ! { mkdir -p "$build" && [ -w "$build" ] && build_can_prepare "$source"; } 2>/dev/null; then
        build_copy "$2"
    fi
    exec 8>"$build.lock"
    if ! flock -n 8; then
        echo "waiting for another script that uses $build" >&2
        flock 8
    fi
}

build_leave()
{
    exec 8>&-
}

# Whether autogen.sh has nothing to do in SOURCE, or may do it.
build_can_prepare()
{
    build_is_prepared "$1" && return 0
    for made in "$1" "$1/configure" "$1/Makefile.in" "$1/build-aux" "$1/autom4te.cache"; do
        [ ! -e "$made" ] || [ -w "$made" ] || return 1
    done
}

build_is_prepared()
{
    [ -x "$1/configure" ] && [ -f "$1/Makefile.in" ] && [ -f "$1/build-aux/tap-driver.sh" ] &&
        [ -z "$(cd "$1" && find configure.ac Makefile.am src tools tests docs \
            \( -name '*.mk' -o -name Makefile.am -o -name configure.ac \) -newer Makefile.in 2>/dev/null)" ]
}

# Copies the checkout, changed files only, to where this user may write.
build_copy()
{
    cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/sealring
    mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || cache=$(mktemp -d)
    build=$cache/build/$1
    mkdir -p "$cache/source" "$build"
    (cd "$source" && tar --exclude=./.git --exclude='./build*' --exclude=./autom4te.cache --exclude=./configure \
        --exclude=./Makefile.in -cf - .) | tar -C "$cache/source" -xf -
    # What went away here goes away there.
    (cd "$cache/source" && find docs include src tests tools -type f) | while read -r file; do
        [ -e "$source/$file" ] || rm -f "$cache/source/$file"
    done
    source=$cache/source
}

# build_configure LOG [ARGUMENT...] makes `build` ready for make. Scripts with other directories take turns at autogen.sh.
# shellcheck disable=SC2094 # a directory is opened for its lock only
build_configure()
{
    log=$1
    shift
    (
        flock 9
        build_is_prepared "$source" || sh "$source/autogen.sh" || exit 1
        # A checkout that moved, other arguments or another compiler start the directory again.
        identity="$source $* ${CC-} ${CFLAGS-} ${LDFLAGS-}"
        if [ ! -f "$build/config.status" ] || [ "$(cat "$build/.identity" 2>/dev/null)" != "$identity" ]; then
            rm -rf "${build:?}"/* "$build/.identity"
            (cd "$build" && "$source/configure" "$@") || exit 1
            printf '%s\n' "$identity" >"$build/.identity"
        fi
    ) 9<"$source" >"$log" 2>&1
}

# build_make LOG WORDS [ARGUMENT...] runs make; on a terminal with one line of progress that begins with WORDS. build_jobs: how many at a
# time, as many as there are processors unless it is set.
build_make()
{
    log=$1
    words=$2
    shift 2
    progress=
    if [ -t 2 ]; then
        build_progress "$log" "$words" 8>&- &
        progress=$!
    fi
    made=0
    make -C "$build" -j"${build_jobs:-$(nproc)}" "$@" >>"$log" 2>&1 8>&- || made=1
    if [ -n "$progress" ]; then
        kill "$progress" 2>/dev/null || :
        wait "$progress" 2>/dev/null || :
        printf '\r\033[K' >&2
    fi
    return "$made"
}

# Prints make's progress while the script runs: files compiled, tests passed.
build_progress()
{
    started=$(date +%s)
    before=$(grep -c '^  CC \|^PASS' "$1") || :
    while kill -0 $$ 2>/dev/null; do
        printf '\r%s: %s, %s s ' "$2" "$(($(grep -c '^  CC \|^PASS' "$1") - before))" "$(($(date +%s) - started))" >&2
        sleep 0.5
    done
}

# build_or_explain LOG WORDS ARGUMENTS... configures with the arguments after WORDS and makes everything; on failure it
# shows the end of the log and returns 1.
build_or_explain()
{
    build_log=$1
    build_words=$2
    shift 2
    if build_configure "$build_log" "$@" && build_make "$build_log" "$build_words"; then
        return 0
    fi
    echo "$build_words failed in $build; the end of its log:" >&2
    tail -n 40 "$build_log" >&2
    return 1
}
