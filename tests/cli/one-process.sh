#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A verifier and a manager in one process share one module, as both libraries have the one table of modules in libsealring: it forks and rotates.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
: "${top_builddir:=$PWD}"
library=$(cd "$top_builddir" && pwd)/.libs
sanitize=
! nm -D --undefined-only "$library/libsealring.so" | grep -q __asan_init || sanitize=-fsanitize=address,undefined

# shellcheck disable=SC2086 # lists of words
${CC:-cc} -Wall -Wextra -Werror $sanitize -I"$top_srcdir/include" -o "$work/both" "$top_srcdir/tests/cli/one_process.c" \
    -L"$library" -Wl,-rpath,"$library" -lsealring-manage -lsealring >"$work/out" 2>&1 || {
    explain_output
    bail_out "the program cannot be built"
}

for round in 1 2 3; do
    SEALRING_VAULT=$work/vault$round
    must init --lease 10s
    must ring create payments --keep 10
    "$work/both" "$SEALRING_VAULT" >"$work/out" 2>"$work/err"
    status=$?
    succeeds "round $round: issued, rotated, forked and verified"
    is "$(grep -c ': accepted, version [123]$' "$work/out")" 9 "each credential was accepted on both sides of the fork"
    run doctor
    is "$status" 0 "and nothing is left behind"
done
done_testing
