#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/examples/event_loop.c as it stands: what is in memory is answered at once, the rest by the worker; nothing waits meanwhile.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$(dirname "$0")/server.sh"
EXAMPLE=event_loop
build_server

must init
must ring create payments --prefix acme_live
must client add acme-mobile
must issue payments --client acme-mobile --scope read
cp "$work/out" "$work/credential"
sed 's/^.*$/no credential/' "$work/credential" >"$work/words"

serve_by loop "$work/event_loop" "$SEALRING_VAULT" read
ask loop "$work/words"
is "$answer" "401 malformed memory client=" "what is no credential is answered at once"
ask loop "$work/credential"
is "$answer" "200 accepted worker client=acme-mobile" "a credential that is not cached goes to the worker"
ask loop "$work/credential"
is "$answer" "200 accepted memory client=acme-mobile" "then it is answered from memory"
must revoke "$(cut -d_ -f3 "$work/credential")"
ask loop "$work/credential"
is "$answer" "401 revoked worker client=acme-mobile" "a revoked one never again"

must issue payments --client acme-mobile --label other --scope read
cp "$work/out" "$work/other"
head -c 5000 /dev/zero | tr '\0' x >"$work/long"
cat "$work/other" "$work/words" "$work/other" "$work/words" >"$work/four"
asked=$(cat "$work/loop.asked")
cat "$work/four" >"$work/loop.requests"
ok "four requests at once are answered" until_true answered loop $((asked + 4))
is "$(sed -n "$((asked + 1)),\$p" "$work/loop.answers" | sort -n | cut -d " " -f 2,3,5 | tr '\n' ';')" \
    "200 accepted client=acme-mobile;401 malformed client=;200 accepted client=acme-mobile;401 malformed client=;" \
    "each as it is"
leave loop
is "$(cat "$work/loop.log")" "" "it had nothing to report"

"$work/event_loop" "$SEALRING_VAULT" read <"$work/other" >"$work/out" 2>"$work/err"
status=$?
status_is 1 "a file is no connection"
err_like 'must be a pipe or a socket' "with the reason"
cat "$work/other" "$work/long" | "$work/event_loop" "$SEALRING_VAULT" read >"$work/out" 2>"$work/err"
status=$?
status_is 0 "a line without end ends the connection"
out_like '^1 200 accepted worker client=acme-mobile$' "what came before is answered"
done_testing
