#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one test as a process group of its own. What it leaves behind is ended with it: a process that lives on would hold the
# harness's pipe, and the harness would wait for that one. A test that hangs is ended, too, and has failed.
#
#   contained.sh COMMAND...     TEST_SECONDS: how long it may take
timeout --kill-after=10 "${TEST_SECONDS:-900}" "$@" </dev/null &
group=$!
trap 'kill -TERM $group; wait $group' HUP INT TERM
wait $group
status=$?
kill -KILL -$group 2>/dev/null
[ $status -ne 124 ] || echo "Bail out! not done after ${TEST_SECONDS:-900} seconds"
exit $status
