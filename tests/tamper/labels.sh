#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The attempts of attempts.txt that are about live keys, on tokens whose labels do not last or cannot be changed.
# shellcheck disable=SC2034 # read by tamper.sh
TAMPER_LABELS=yes
# shellcheck source=tests/tamper/tamper.sh
. "$(dirname "$0")/tamper.sh"
# shellcheck source=tests/personality/lib.sh
. "$top_srcdir/tests/personality/lib.sh"

forget_world() {
    find "$work" -mindepth 1 -maxdepth 1 ! -name home ! -name server ! -name attempts ! -name forward.so -exec rm -rf {} +
}

for personality in no-label volatile-label fixed-label; do
    mkdir "$work/state"
    become "$personality"
    all_attempts "$personality"
    is "$(cat "$work"/worker*/noticed | wc -l)" "$((2 * $(find "$work/attempts" -name unharmed | wc -l)))" "$personality: each attempt was made twice"
    forget_world
done
done_testing
