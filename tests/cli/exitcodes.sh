#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each exit status, and output that cannot be written.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
build_server

must init --lease 10m
must ring create r --overlap 1h
must client add acme
must issue r --client acme
cp "$work/out" "$work/good"
succeeds "0: done"
run_with "$work/good" verify
succeeds "0: accepted"
echo nonsense >"$work/nonsense"
run_with "$work/nonsense" verify
status_is 1 "1: rejected"
run ring show nosuch
status_is 1 "1: not found"
run ring create r
status_is 1 "1: refused"
run ring create
status_is 2 "2: usage"
run status --vault "$work/nosuch"
status_is 1 "1: no vault there"
must rotate r
run retire r 1
status_is 5 "5: a gate is not satisfied"

serve web
until_true verifiers_are '[.verifiers[] | select(.state == "serving")] | length' 1
kill -STOP "$(process_of web)"
run rotate r --wait 100ms
status_is 5 "5: nor is a barrier"
run key suspend "$(cut -d_ -f2 "$work/good")" --no-wait
status_is 6 "6: committed, and not effective yet"
err_like '^note: committed; effective on 0 of 1 verifiers' "which is said"
run key resume "$(cut -d_ -f2 "$work/good")"
run key suspend "$(cut -d_ -f2 "$work/good")" --wait 100ms --json
status_is 6 "6: also with --json"
run key resume "$(cut -d_ -f2 "$work/good")" --wait 1s
status_is 2 "2: what waits for nobody has no --wait"
run key resume "$(cut -d_ -f2 "$work/good")"
run revoke 0000000000000000 --wait 1s --no-wait
status_is 2 "2: --wait and --no-wait contradict each other"
kill -CONT "$(process_of web)"
leave web
run activate r
succeeds "0: the barrier is open again"

conf=$SEALRING_VAULT/sealring.conf
cp "$conf" "$work/conf"
sed 's|^module = .*|module = /nonexistent/module.so|' "$work/conf" >"$conf"
run rotate r
status_is 3 "3: no module"
one_line_error "in one line"
run status
succeeds "what needs no token works without it"
cp "$work/conf" "$conf"

pin=$(sed -n 's/^pin-source = //p' "$conf" | head -n 1)
case $pin in /*) ;; *) pin=$SEALRING_VAULT/$pin ;; esac
cp -p "$pin" "$work/pin"
chmod u+w "$pin"
echo 000000 >"$pin"
run rotate r
status_is 3 "3: a wrong PIN"
run rotate r
status_is 3 "3: and still, without another try"
rm "$pin"
cp -p "$work/pin" "$pin"
run rotate r
succeeds "0: with the right PIN again"

database=$(find "$SEALRING_VAULT" -name '*.db' | head -n 1)
registry=$(dirname "$database")
mv "$registry" "$registry.away"
run status
status_is 4 "4: no registry"
one_line_error "in one line"
run_with "$work/good" verify
status_is 4 "4: also for verify"
mkdir "$registry"
echo "this is no database, and long enough to be told from an empty one" >"$database"
run status
status_is 4 "4: a damaged registry"
rm -r "$registry"
mv "$registry.away" "$registry"
run status
succeeds "0: the registry is back"

"$SEALRING" status >/dev/full 2>"$work/err"
status=$?
: >"$work/out"
status_is 1 "1: the disk is full"
one_line_error "with a line"
"$SEALRING" status >&- 2>"$work/err"
status=$?
status_is 1 "1: standard output is closed"
one_line_error "with a line"
mkfifo "$work/pipe"
cat "$work/pipe" >/dev/null &
reader=$!
exec 3>"$work/pipe"
kill $reader
wait $reader 2>/dev/null
"$SEALRING" status >&3 2>"$work/err"
status=$?
exec 3>&-
status_is 1 "1: a pipe without a reader"
one_line_error "with a line"
done_testing
