#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Claim codes in the place of credentials: issued alone and in bulk, listed, canceled; what they mean for succession.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init --lease 1s
must ring create payments --prefix acme_live --quiet-period 1s --overlap 1s
must client add shop

# ---- one ----

must issue payments --client shop --scope read --claim --out "$work/code" --instructions "$work/page"
code=$(cat "$work/code")
key=$(echo "$code" | cut -d _ -f 2)
ok "a code with the key ID" grep -Exq "claim_[0-9A-Za-z]{16}_[0-9A-Za-z]{28}" "$work/code"
ok "instructions" grep -q "sealring-client claim" "$work/page"
ok "which are valid for 24 h" grep -q "valid for 1d" "$work/page"
ok "without the code" sh -c "! grep -q '$key' '$work/page'"
must claim list --json
is "$(jq -c '.claims[] | [.key_id, .client, .state, .serial, .first_peer]' "$work/out")" "[\"$key\",\"shop\",\"open\",1,\"\"]" "claim list"
must key show "$key"
ok "key show" grep -q "claim *open, of credential 1" "$work/out"
must key show "$key" --json
is "$(jq -r .key.claim.state "$work/out")" open "key show --json"
is "$(strings "$SEALRING_VAULT/registry/sealring.db" | grep -c "$code")" 0 "the code is not stored"
must reissue "$key" --claim --claim-life 2h --json
is "$(jq -r '[.claim[0:6], .credential] | tostring' "$work/out")" '["claim_",null]' "reissue offers another one"
must claim cancel "$key"
must claim list --json
is "$(jq '.claims | length' "$work/out")" 0 "canceled"
run claim cancel "$key"
status_is 1 "there is none any more"
must key rekey "$key" --claim --out "$work/code.new" --instructions "$work/page" --no-wait
ok "rekey" grep -q "^claim_$key" "$work/code.new"
must audit verify

# ---- from the log ----

must backup "$work/backup"
must issue payments --client shop --label logged --claim --out "$work/logged"
"$SEALRING" audit export >"$work/export"
must restore "$work/backup" --log "$work/export"
must claim list --json
is "$(jq -r --arg key "$(cut -d _ -f 2 "$work/logged")" '.claims[] | select(.key_id == $key).state' "$work/out")" open "a claim comes with the entries of the log"
must revoke "$(cut -d _ -f 2 "$work/logged")" --no-wait

# ---- refused ----

for options in '--claim --claim-life 31d' '--claim --claim-life 59s' '--claim-life 1h' "--instructions $work/page2" '--claim --sealed'; do
    # shellcheck disable=SC2086 # several words
    run issue payments --client shop --label more $options
    status_is 2 "issue $options"
done
ok "no page" test ! -e "$work/page2"

# ---- in bulk ----

printf 'client\nalice\nbob\n' >"$work/list.csv"
must issue payments --from "$work/list.csv" --claim --out "$work/codes.csv"
is "$(head -n 1 "$work/codes.csv")" client,label,key_id,version,serial,expires,scopes,claim,state "the column is claim"
is "$(grep -c ',claim_.*,issued$' "$work/codes.csv")" 2 "a code in each line"
must issue payments --from "$work/list.csv" --claim --out "$work/again.csv"
is "$(grep -c ',claim_.*,existed$' "$work/again.csv")" 2 "other codes, when it is repeated"
ok "which are others" sh -c "! cmp -s '$work/codes.csv' '$work/again.csv'"
must reissue payments --all --claim --out "$work/codes/"
is "$(find "$work/codes" -name '*.claim' | wc -l)" 3 "a file for each"
must claim list --ring payments --json
is "$(jq '[.claims[] | select(.state == "open")] | length' "$work/out")" 3 "three are open"
must audit verify

# ---- succession: whoever has not claimed needs the former credential ----

must issue payments --client shop --label old --out "$work/old"
old=$(cut -d _ -f 3 "$work/old")
run_with "$work/old" verify
succeeds "it is in use"
must rotate payments
gate_is_open() {
    run retire payments 1 --dry-run
    ! grep -q 'window ends\|in use\|it was used\|do not show' "$work/err" "$work/out"
}
until_true gate_is_open || bail_out "never: gate_is_open"
must reissue "$old" --claim --out "$work/code.old"
run retire payments 1
status_is 5 "a version does not retire while a credential waits to be claimed"
err_like "1 API key used .*$old of shop" "the key is named"
must claim cancel "$old"
run retire payments 1
succeeds "it does when the operator has delivered in another way"

done_testing
