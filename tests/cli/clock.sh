# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh: programs under another wall clock, by libfaketime.
#
#   at SHIFT COMMAND...     runs it with a wall clock that is off by so much; the time since boot is right. Like `run` otherwise
#   $faketime               the library to be preloaded
# shellcheck shell=sh disable=SC2034,SC2154 # $status and $work are lib.sh's

faketime=
for each in /usr/lib/*/faketime/libfaketimeMT.so.1; do
    [ -e "$each" ] && faketime=$each
done
[ -n "$faketime" ] || bail_out "libfaketime is missing (Debian: libfaketime)"
export ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS-}"
export DONT_FAKE_MONOTONIC=1

at() {
    shift_by=$1
    shift
    env "LD_PRELOAD=$faketime" "FAKETIME=$shift_by" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

for each in -20000d +1d; do
    at "$each" date +%Y
    [ "$status" -eq 0 ] || bail_out "libfaketime does not work here"
done
