#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one test as a process group of its own, and tells what it said when it has ended. What it leaves behind is ended with it; and
# what got away (a server that made a session of its own) holds a file, not the harness's pipe, which would otherwise wait for
# it for ever. A test that hangs is ended, too, and has failed.
#
#   contained.sh COMMAND...     TEST_SECONDS: how long it may take
said=$(mktemp) || exit 99
timeout --kill-after=10 "${TEST_SECONDS:-900}" "$@" </dev/null >"$said" 8>&- &
group=$!
trap 'kill -TERM $group; wait $group; rm -f "$said"' HUP INT TERM
wait $group
status=$?
kill -KILL -$group 2>/dev/null
cat "$said"
rm -f "$said"
[ $status -ne 124 ] || echo "Bail out! not done after ${TEST_SECONDS:-900} seconds"
exit $status
