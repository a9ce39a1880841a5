#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# While the audit token is away: a dry run refuses what the act would be refused, `run --once` does not end as if all were well, and `status`,
# text and JSON name what is not signed. Remedies are not cut off.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"

must init
must ring create r --prefix acme --overlap 1s --quiet-period 1s
must client add acme
must issue r --client acme --scope read --out "$work/one.key"
must issue r --client acme --label two --scope read --out "$work/two.key"
key=$("$SEALRING" key list --json | jq -r '.keys[] | select(.label == "default") | .key_id')
other=$("$SEALRING" key list --json | jq -r '.keys[] | select(.label == "two") | .key_id')
must key suspend "$other"
must prepare r
run status
out_like '^audit log  [0-9]+ entries, all signed$' "status shows that the whole log is signed"

tokens=$SEALRING_VAULT/tokens
audit=$(basename "$(dirname "$(grep -l sealring-audit "$tokens"/softhsm2/*/token.object)")")
[ -n "$audit" ] || bail_out "no audit token"
away() {
    mkdir -p "$work/away"
    mv "$tokens/softhsm2/$audit" "$work/away/token" || bail_out "the audit token cannot be taken away"
    mv "$tokens/copies/$audit" "$work/away/copies" || bail_out "its copies cannot be taken away"
}
back() {
    mv "$work/away/token" "$tokens/softhsm2/$audit" || bail_out "the audit token cannot be brought back"
    mv "$work/away/copies" "$tokens/copies/$audit" || bail_out "its copies cannot be brought back"
}

# ---- What needs a signature first, and its dry run ----

away
foreseen() { # ARGUMENT...: the dry run and the act end alike, and only the act reports that it changed nothing
    run "$@" --dry-run
    is "$status" 3 "$1 ${2-}: the dry run is refused as well"
    err_like 'this would be refused: this act needs a signature of the audit token .*is it plugged in' "$1 ${2-}: and names the reason"
    one_line_error "$1 ${2-}: in one line"
    run "$@"
    is "$status" 3 "$1 ${2-}: as the act is"
    err_like 'nothing was changed: this act needs a signature of the audit token .*is it plugged in' "$1 ${2-}: for this reason"
    one_line_error "$1 ${2-}: in one line, too"
}
foreseen key resume "$other"
foreseen rotate r
foreseen activate r
foreseen ring create s
foreseen ring set r --keep 2
run key suspend "$key" --dry-run
succeeds "a restriction needs none: its dry run succeeds"
run issue r --client acme --label three --scope read --dry-run
succeeds "neither does issuing"

# ---- sealring run ----

run run --once
is "$status" 3 "run --once, with nothing due, ends with the token's status"
err_like 'no checkpoint was signed.*sealring-audit.*is it plugged in' "and names it"
run key suspend "$key"
succeeds "a restriction is committed"
err_like 'no checkpoint was signed over the latest entries, which are committed: .*is the module.s configuration found\?$' "and the reason is not cut off"
run run --once
is "$status" 3 "run --once, which could not sign it"
run run --once --dry-run
is "$status" 3 "and its dry run"
run client add noted --json
json_is '.notes[0] | test("no checkpoint was signed.*is the module.s configuration found")' true "JSON has the note, too"
json_is '.client.name' noted "beside the result"
run status
out_like '^audit log  [0-9]+ entries, the last [0-9]+ not signed yet: if that stays, sealring doctor' "status shows that entries are not signed"
run status --json
json_is '.audit.entries > .audit.signed' true "and so does its JSON"
back
must run --once
run status
out_like '^audit log  [0-9]+ entries, all signed$' "they are signed when the token is back"

# ---- A refused PIN: the remedy is at the end of a long message ----

pins=$SEALRING_VAULT/pins/audit.pin
cp -p "$pins" "$work/pin"
echo 00000000 >"$pins"
run client add other
err_like 'was refused before by .*correct the file; if it is right, empty .*audit\.login$' "what to do about a refused PIN is not cut off"
nowhere "--pin-source" "an option that does not concern this token is not proposed"
cp -p "$work/pin" "$pins"

# ---- Policies: a dry run finds that the tokens are missing ----

must ring set r --standby
must destroy r 2
mv "$SEALRING_VAULT/pins/keys.pin" "$work/keys.pin"
run run --once --dry-run
is "$status" 1 "a dry run of run fails where run would fail"
out_like 'failed to prepare version 3: the PIN file' "because of the token with the keys"
mv "$work/keys.pin" "$SEALRING_VAULT/pins/keys.pin"
run run --once --dry-run
succeeds "and succeeds when that is there"
away
run run --once --dry-run
out_like 'failed to prepare version 3: this would be refused: .*audit token' "or because of the audit token"
back

# ---- A registry that was rolled back: nothing is planned for it ----

build_server
serve one
cp -a "$SEALRING_VAULT/registry" "$work/older"
must revoke "$key"
rm -rf "$SEALRING_VAULT/registry"
cp -a "$work/older" "$SEALRING_VAULT/registry"
for act in "run --once" "issue r --client acme --label four --scope read" "rotate r" "client add last"; do
    # shellcheck disable=SC2086 # words
    run $act --dry-run
    is "$status" 1 "$act: the dry run is refused for a registry that was rolled back"
    err_like 'ALARM: the registry was rolled back.*--take-over REASON' "$act: with the alarm and what to do"
done
# shellcheck disable=SC2317 # called by until_true
alarmed() {
    run verifier list
    grep -q 'ALARM: the registry ' "$work/out"
}
ok "verifier list shows a server's alarm" until_true alarmed
run status
out_like '^  . .*server [0-9]+ .*: ALARM: the registry ' "and so does status"
run client add last --take-over "a drill" --dry-run
succeeds "--take-over"
err_like 'the registry would be taken over, and continues in a new era: the audit token knew of entry [0-9]+' "its dry run reports what it would do"
run client add last --take-over "a drill" --json
succeeds "--take-over, in earnest"
json_is '.notes[0] | test("the registry was taken over, and continues in a new era: the audit token knew of entry [0-9]+")' true "JSON reports it"
run client add later --take-over "a drill"
err_like 'nothing had to be taken over or confirmed: --take-over was not used' "an option that was not needed is reported"
run status
out_like '^audit log .* all signed$' "the log is signed again"
out_like '^alarms +[1-9][0-9]* in the last 24 hours, the latest .*: sealring audit show --act alarm' "the alarm is in the log, and status shows it"
run status --json
json_is '.audit | .alarms > 0 and (.alarm | test("ALARM: the registry "))' true "in JSON as well"
leave one
done_testing
