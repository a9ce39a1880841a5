#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds in its own directory, runs the tests and ends in one line `N passed, M failed`.
#
#   sh tests/run.sh [ARGUMENT...]     arguments go to `make check`: TESTS=tests/cli/story.sh, for one test only,
#                                     check_PROGRAMS='test_lanes test_cache', so that nothing else is built for it
#
# SHUFFLE=SEED runs the tests in a random order, the same one for the same seed, and BUSY=16 beside so many busy processes: a test must not
# lean on the order of what goes on in the background. JOBS=n runs so many at once (three for each processor by default).
# TMPDIR is where the tests make their vaults; by default in memory (/dev/shm), if there is room and programs may run there: else a fifth of
# the time goes to a disk. The other steps of .ci/run use the disk.
# NAME=x and CONFIGURE='--enable-…' choose another build directory (build/x) and how it is configured.
# With CI set, a skipped test counts as failed. What the tests measured (lines `# figure: …`) is told at the end, and kept in build/x/figures,
# or the file that FIGURES names.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

# The one line that everybody reads, and the exit status that agrees with it.
finish()
{
    echo "$1 passed, $2 failed"
    [ "$2" -eq 0 ] && [ "$1" -gt 0 ]
    exit
}

if ! sh "$top/tools/packages.sh" build gateway test; then
    finish 0 1
fi

# shellcheck source=tools/build.sh
. "$top/tools/build.sh"
build_place "$top" "${NAME:-test}"
# Some tests make programs. 2 GiB are far more than all of them need at a time.
in_memory()
{
    [ "$(df -P -k "$1" 2>/dev/null | awk 'NR == 2 && $1 == "tmpfs" { print $4 }')" -ge 2097152 ] 2>/dev/null || return 1
    memory=$(mktemp "$1/sealring-XXXXXX") || return 1
    printf '#!/bin/sh\n' >"$memory" && chmod +x "$memory" && "$memory" && can_run=0 || can_run=1
    rm -f "$memory"
    return "$can_run"
}
busy=
temporary=
# shellcheck disable=SC2086 # a list of words
trap '[ -z "$busy" ] || kill $busy; [ -z "$temporary" ] || rm -rf "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -z "${TMPDIR-}" ] && in_memory /dev/shm; then
    temporary=$(mktemp -d /dev/shm/tests-XXXXXX)
    chmod 1777 "$temporary" # as /tmp: some tests are of other users
    TMPDIR=$temporary
    export TMPDIR
fi
# shellcheck source=tests/figures.sh
. "$top/tests/figures.sh"
log=$build/run.log

# The product is compiled as for its users. What only tests it is compiled faster, except the program that computes all the time.
tests_cflags()
{
    sed -n 's/^CFLAGS = //p' "$build/Makefile" | sed 's/-O2/-O1/'
}

# One goal after another, as a make of its own makes `all`.
# shellcheck disable=SC2086 # CONFIGURE is a list of words
if ! build_configure "$log" ${CONFIGURE-} || ! build_make "$log" "building" all ||
    { [ $# -eq 0 ] && ! build_make "$log" "building the worlds" explore_worlds; } ||
    ! build_make "$log" "building the tests" check "$@" "TESTS=" "CFLAGS=$(tests_cflags)"; then
    tail -n 60 "$log"
    echo "The tests could not be built: the end of $log stands above."
    finish 0 1
fi

# Make itself tells which tests there are, so that one that leaves no result behind is missed.
# shellcheck disable=SC2016 # for make to expand
tests=$(printf 'include Makefile\nlist-of-test-logs:\n\t@echo $(TEST_LOGS)\n' |
    make -s --no-print-directory -C "$build" -f - list-of-test-logs "$@")
for test in $tests; do
    rm -f "$build/$test" "$build/${test%.log}.trs"
done

if [ -n "${SHUFFLE-}" ]; then
    echo "in the order of SHUFFLE=$SHUFFLE"
    # shellcheck disable=SC2016 # for make to expand
    shuffled=$(printf 'include Makefile\nlist-of-tests:\n\t@echo $(TESTS)\n' |
        make -s --no-print-directory -C "$build" -f - list-of-tests "$@" | tr -s ' ' '\n' |
        awk -v seed="$SHUFFLE" 'BEGIN { srand(seed) } { print rand(), $0 }' | sort -n | cut -d' ' -f2 | tr '\n' ' ')
    set -- "$@" "TESTS=$shuffled"
fi
while [ "$(echo "$busy" | wc -w)" -lt "${BUSY:-0}" ]; do
    while :; do :; done 8>&- &
    busy="$busy $!"
done

started=$(date +%s)
# Most of a test's time goes by waiting for something.
# shellcheck disable=SC2034 # for build_make
build_jobs=${JOBS:-$(($(nproc) * 3))}
build_make "$log" "running the tests" -k check "$@" || : # the results below decide

passed=0
failed=0
skipped=0
for test in $tests; do
    results=$build/${test%.log}.trs
    counts=$([ ! -f "$results" ] || awk '
        /^:test-result: PASS/            { passed++ }
        /^:test-result: (FAIL|XPASS|ERROR)/ { failed++ }
        /^:test-result: (SKIP|XFAIL)/    { skipped++ }
        END { if (passed + failed + skipped > 0) print passed + 0, failed + 0, skipped + 0 }' "$results")
    if [ -z "$counts" ]; then
        echo "---- ${test%.log}: gave no result"
        failed=$((failed + 1))
        continue
    fi
    # shellcheck disable=SC2086 # three numbers
    set -- $counts
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + $3))
    if [ "$2" -gt 0 ] || [ "$3" -gt 0 ]; then
        echo "---- ${test%.log}: $1 passed, $2 failed, $3 skipped"
        grep -v "^PASS: " "$build/$test" # the harness repeats what the test said
    fi
done

echo "$(echo "$tests" | wc -w) test programs in $(($(date +%s) - started)) s, built in $build"
if [ "$skipped" -gt 0 ]; then
    echo "$skipped skipped${CI:+, which counts as failed here}"
    [ -z "${CI-}" ] || failed=$((failed + skipped))
fi
figures=${FIGURES:-$build/figures}
# shellcheck disable=SC2086 # a list of words
(cd "$build" && figures_of $tests) >"$figures"
figures_table <"$figures"
finish "$passed" "$failed"
