#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs fuzzers that were built here, two at once, from the corpora that the tests replay: `sh tests/fuzz/run.sh SECONDS [NAME...]` in a build
# directory. What they find stays in found/. Prints for each how many inputs were tried, and how many edges of the code were taken.
set -eu
seconds=$1
shift
corpora=$(cd "$(dirname "$0")" && pwd)/corpus
[ $# -gt 0 ] || set -- text note csv config rows report proof image object target answer message mail alert

one() { # NAME
    mkdir -p "found/$1"
    longest=1200
    case $1 in
    csv | report) longest=4096 ;;
    esac
    "./fuzz_$1" -max_len=$longest -max_total_time="$seconds" -timeout=20 -print_final_stats=1 -artifact_prefix="found/$1-" \
        "found/$1" "$corpora/$1" >"found/$1.log" 2>&1 || {
        tail -n 40 "found/$1.log"
        echo "fuzz_$1 has found something: see found/$1.log, and found/$1-*"
        return 1
    }
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "found/$1.log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "found/$1.log" | tail -n 1)
    echo "# figure: fuzz-$1 executions=$executions edges=$edges"
}

# A pair at a time: each takes as long as it is told.
good=0
while [ $# -gt 0 ]; do
    one "$1" &
    first=$!
    second=
    if [ $# -gt 1 ]; then
        one "$2" &
        second=$!
        shift
    fi
    shift
    wait $first || good=1
    [ -z "$second" ] || wait "$second" || good=1
done
exit $good
