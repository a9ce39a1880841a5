#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The life cycle by commands: windows, refusals, dry runs, standby, compromise, destruction.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live --overlap 1h
must client add acme
must issue r --client acme
cp "$work/out" "$work/one"

state_of() { # RING VERSION
    "$SEALRING" ring show "$1" --json | jq -r ".ring.version_list[] | select(.version == $2) | .state"
}

run rotate r --dry-run
succeeds "rotate --dry-run"
out_like '^version 2 would be active' "says what would happen"
out_like '^guards: ' "and what the guards answer"
is "$(state_of r 1)" active "and does nothing"
is "$(state_of r 2)" "" "makes nothing either"
run rollback r
status_is 1 "a rollback without a predecessor is refused"
one_line_error "in one line"
run retire r 1
status_is 1 "the active version is not retired"
run retire r
status_is 2 "retire wants a version"
err_like 'VERSION' "and says so"
run retire r 0
status_is 2 "a version that is no number is a usage error"
run retire r 7
status_is 1 "an unknown version is not found"

run prepare r --reason "before the holidays"
succeeds "prepare"
out_like '^version 2 is pending' "makes the standby"
run status r
out_like '^ .* version 2 is pending: sealring activate r 2$' "status says what to do with it"
run rotate r --json
succeeds "rotate takes the standby"
json_is '[.change.effects[] | select(.version == 2)][-1].to' active "--json: the standby is active"
json_is '[.change.effects[] | select(.version == 1)][-1].to' retiring "--json: the other is retiring"
ok "--json: until when" test "$(json '[.change.effects[] | select(.version == 1)][-1].retire_at')" != null

run retire r 1
status_is 5 "within its window a version is not retired"
one_line_error "in one line"
err_like 'window' "that names the window"
run retire r 1 --dry-run
status_is 5 "a dry run answers the same"
run retire r 1 --json
json_is .error.exit 5 "--json: the exit status"
json_is .error.status waiting "--json: its name"
run status r
out_like '^ .* 1 of 1 API key still has its newest credential under version 1: sealring reissue r --all --out DIR/$' \
    "status tells who has not moved"
run retire r 1 --overrule "" 
status_is 2 "overruling wants a reason"
run retire r 1 --overrule "the client has moved" --reason twice
status_is 2 "and one only"
run retire r 1 --overrule "the client has moved"
succeeds "a human may overrule the wait"
err_like '1 API key has its newest credential under version 1 and is locked out now: sealring reinstate' "and hears whom that locks out"
run_with "$work/one" verify
status_is 1 "its credentials are rejected"
out_like '^version-retired' "as retired"
run status r
out_like '1 API key has its newest credential under version 1, which is retired: sealring reinstate r 1' "status tells who is left behind"

run reinstate r 1
succeeds "reinstate"
run_with "$work/one" verify
succeeds "its credentials are accepted again"
out_like 'version 1 \(pending\)' "under a pending version"
run activate r 1
succeeds "activate a given version"
run rollback r
succeeds "rollback to the newest retiring one"
is "$(state_of r 2)" active "which is active again"
run status r
out_like 'the rollback stopped automatic rotation' "status tells that rotation is held"
run rotate r
succeeds "rotate"
is "$(state_of r 3)" active "makes the next version"
run status r
not_ok "and releases the hold" matches "$work/out" 'is held'

run compromise r 1 --reason "found in a log"
succeeds "compromise"
out_like '^version 1 is compromised' "says so"
run_with "$work/one" verify
status_is 1 "its credentials are rejected"
out_like '^version-compromised' "as compromised"
run reinstate r 1
status_is 1 "it does not come back"
run activate r 1
status_is 1 "in no way"
run destroy r 1
status_is 5 "its object is kept until the purge delay is over"
run destroy r 1 --overrule "evidence is secured"
succeeds "unless it is overruled"
out_like '^version 1 is destroyed' "and says so"
is "$(state_of r 1)" destroyed "its row is kept"
run_with "$work/one" verify
status_is 1 "its credentials stay rejected"
out_like '^version-compromised' "for the same reason"

run compromise r 3
succeeds "the active version may be compromised"
run issue r --client acme --label none
status_is 1 "without an active version nothing is issued"
run status r
out_like 'no version is active, so nothing can be issued: sealring rotate r' "status says what to do"
run rotate r
succeeds "which works"
must issue r --client acme --label some
cp "$work/out" "$work/four"
run_with "$work/four" verify
succeeds "and issues again"
must prepare r
run compromise r 4 --json
json_is '[.change.effects[] | select(.version == 5)][-1].to' active "a standby takes the place of a compromised active one"

# Purge delays that are over need no overruling.
must ring create quick --overlap 1s --quiet-period 1s --purge-delay 0s
must rotate quick
ok "retire when the window is over" until_true retires quick 1
run status quick
out_like 'sealring destroy quick 1' "status says that the object is needed no more"
run destroy quick 1
succeeds "destroy"
run prepare quick
run destroy quick 3
succeeds "a pending version that nobody holds credentials of may be destroyed"

# As many living predecessors as the policy keeps.
must ring create few --keep 1 --overlap 1h
must rotate few
run rotate few
ok "no more predecessors than the policy keeps" test "$status" -ne 0
one_line_error "in one line"
is "$(state_of few 2)" active "the active version stays"
run rotate nosuch
status_is 1 "an unknown ring is not found"

run status
out_like 'v1 +destroyed' "status draws the destroyed"
out_like 'v3 +compromised' "and the compromised"
LC_ALL=C run status
is "$(LC_ALL=C tr -d '\000-\177' <"$work/out" | wc -c)" 0 "in ASCII where the locale has no more"
done_testing
