#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring renew: the policy, successors, refusals, keys for one holder, and what status, run and doctor report of a contested one.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live --overlap 1h
must client add shop
must issue r --client shop --scope read --out "$work/first"
key=$("$SEALRING" key list --json | jq -r '.keys[0].key_id')
must rotate r
run_with "$work/first" renew
status_is 1 "a ring renews nothing by default"
err_like 'renewal-off: ring r renews no credentials: sealring ring set r --renew bearer' "with the reason"
is "$("$SEALRING" ring show r --json | jq -c '.ring | [.renew, .renew_life, .renew_age]')" '["off",null,"400d"]' "the default policy"
run ring show r
out_like '^ *renewal  *off' "for people, too"
for wrong in '--renew on' '--renew-age 0' '--renew-life x'; do
    # shellcheck disable=SC2086 # two words
    run ring set r $wrong
    status_is 2 "$wrong is refused"
done
run ring set r --renew-life 30s
status_is 2 "a life of less than a minute is refused"
must ring set r --renew bearer --renew-life 30d --renew-age off
is "$("$SEALRING" ring show r --json | jq -c '.ring | [.renew, .renew_life, .renew_age]')" '["bearer","30d",null]' "the policy that was set"
run ring show r
out_like '^ *renewal  *by the holder of a valid credential' "ring show has it"

run_with "$work/first" renew --dry-run
succeeds "a dry run"
out_empty "prints nothing"
run_with "$work/first" renew --peer 192.0.2.1 --out "$work/second"
succeeds "a successor"
is "$(mode_of "$work/second")" 600 "is in a file for its owner only"
run_with "$work/second" verify --scope read
succeeds "which is accepted"
run_with "$work/first" verify
succeeds "and so is its predecessor"
run_with "$work/first" renew --out "$work/second"
status_is 1 "an existing file is refused"
run_with "$work/first" renew
is "$(cat "$work/out")" "$(cat "$work/second")" "the same successor again"
err_like 'that an earlier renewal made' "with the reason"
run_with "$work/first" renew --json
json_is '[.state, .version, .serial, .client, (.scopes | join(" "))] | map(tostring) | join(" ")' "existed 2 2 shop read" "as JSON"
run_with "$work/second" renew
succeeds "none is due"
out_empty "and none printed"
err_like 'no successor is due' "with the reason"
echo nothing >"$work/wrong"
run_with "$work/wrong" renew
status_is 1 "no credential"
is "$("$SEALRING" audit show --act key.renew --json | jq -r '.entries[0] | [.key_id, .detail.renewed[0][3]] | join(" ")')" "$key 192.0.2.1" \
    "the audit log has key and address"

# ---- one holder

run key set "$key" --holders two
status_is 2 "--holders two is refused"
run key set "$key" --holders many
status_is 1 "it is for many already"
must key set "$key" --holders one
is "$("$SEALRING" key show "$key" --json | jq -c '.key | [.holders, .contested]')" '["one",false]' "the key is for one holder"
must rotate r
run_with "$work/second" renew --peer 192.0.2.1 --out "$work/third"
succeeds "its credential is renewed"
run_with "$work/third" verify
run_with "$work/second" renew --peer 203.0.113.9
status_is 1 "and not once more, after the successor was used"
err_like 'contested' "the key is contested"
is "$("$SEALRING" key show "$key" --json | jq -c '.key | [.holders, .contested]')" '["one",true]' "key show has it"
run status
out_like "API key $key of client shop is contested: 192.0.2.1 and 203.0.113.9 hold" "status names key, client and both addresses"
is "$("$SEALRING" status --json | jq -r '.rings[0].contested[0] | [.key_id, .first_peer, .second_peer] | join(" ")')" \
    "$key 192.0.2.1 203.0.113.9" "as JSON, too"
run run --once
out_like "ALARM: API key $key of client shop is contested: .*192.0.2.1, and, .* 203.0.113.9" "run as well"
run doctor
out_like "API key $key of client shop is contested" "and doctor"
out_like "sealring key rekey $key" "with what to do"
run key set "$key" --holders many
status_is 1 "more holders do not end it"
run retire r 1 --overrule "the window may end"
status_is 5 "no version retires"
err_like "1 API key is contested: $key of shop" "because of that key"
must key rekey "$key" --overlap 1h --out "$work/fourth"
run status
not_ok "a rekey ends it" grep -q contested "$work/out"
run retire r 1 --overrule "the window may end"
succeeds "and a version retires"
run audit verify
succeeds "the log agrees with the rows"
must issue r --client shop --label one --holders one --out "$work/fifth"
is "$("$SEALRING" key list --json | jq -c '.keys[] | select(.label == "one") | .holders')" '"one"' "a key is issued for one holder"
run issue r --client shop --label other --holders none
status_is 2 "--holders none is refused"
done_testing
