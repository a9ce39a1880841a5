#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole story: ring, clients from CSV, issue, verify, rotate, roll back, forward, retire, revoke; the token's own view.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create payments --prefix acme_live --overlap 1s --quiet-period "${STORY_QUIET_PERIOD:-3s}"
cat >"$work/clients.csv" <<'END'
client,scopes,contact
acme-mobile,write read,mobile@acme.example
acme-web,read,web@acme.example
acme-batch,,
END
run issue payments --from "$work/clients.csv" --out "$work/credentials.csv"
succeeds "credentials are issued from a CSV file"
err_like '^3 issued$' "it says how many"
is "$(mode_of "$work/credentials.csv")" 600 "the file is its owner's only"

credential_of() { # CLIENT FILE
    awk -F, -v client="$1" '$1 == client { print $8 }' "$2"
}
credential_of acme-mobile "$work/credentials.csv" >"$work/old"
credential_of acme-web "$work/credentials.csv" >"$work/web"
key=$(awk -F, '$1 == "acme-mobile" { print $3 }' "$work/credentials.csv")
run_with "$work/old" verify --scope read
succeeds "a credential is accepted"
out_like "^accepted  client acme-mobile · ring payments · version 1 \(active\) · scopes read write · key $key\$" \
    "with client, ring, version, scopes and key"
is "$(wc -l <"$work/out")" 1 "and nothing about moving on"

run rotate payments
succeeds "rotate"
out_like '^version 2 is active$' "the new version is active"
out_like '^version 1 is retiring: its credentials stay valid until 20..-..-..T..:..:..Z .* at least' "the old one is retiring, it says until when"
must reissue payments --all --out "$work/successors/"
new=$work/successors/acme-mobile.default.$key
ok "the successor has a file of its own" test -s "$new"
is "$(mode_of "$new")" 600 "which is its owner's only"
not_ok "the successor is another credential" cmp -s "$work/old" "$new"
run_with "$work/old" verify
succeeds "the old credential is accepted"
out_like 'version 1 \(retiring\)' "under the retiring version"
out_like '^move to the new credential (before|now: this one was promised until) 20..-..-..T' "it says that the client should move, and until when"
run_with "$new" verify
succeeds "the new credential is accepted"
out_like 'version 2 \(active\)' "under the active version"
is "$(wc -l <"$work/out")" 1 "which does not have to move"

run rollback payments
succeeds "rollback"
out_like '^version 1 is active$' "the first version is active again"
run_with "$new" verify
succeeds "the new credential is accepted after a rollback"
run_with "$work/old" verify
succeeds "so is the old one"
run activate payments 2
succeeds "forward again"
run_with "$work/old" verify
succeeds "the old credential is accepted still"

run retire payments 1
status_is 5 "a version that was used just now is not retired"
err_like 'window (ends|over)' "and it says what that waits for"
ok "the old version retires once its window is over and nobody used it for the quiet period" until_true retires payments 1
out_like '^version 1 is retired: its credentials are rejected' "it says what that means"
err_like '^effective: ' "and that this is in force everywhere"
run_with "$work/old" verify
status_is 1 "the old credential is rejected"
out_like '^version-retired  client acme-mobile' "with the precise reason, and whose it is"
run_with "$new" verify
succeeds "the new one is accepted"

run revoke "$key" --reason "the story's end"
succeeds "revoke"
out_like "^API key $key is revoked for ever: committed\$" "it says committed"
err_like '^effective: ' "then effective: no verifier is there"
run_with "$new" verify
status_is 1 "the new credential is rejected"
out_like '^revoked  client acme-mobile' "as revoked"
run_with "$work/successors/acme-web.default.$(awk -F, '$1 == "acme-web" { print $3 }' "$work/credentials.csv")" verify
succeeds "other clients are accepted"

conf=$SEALRING_VAULT/sealring.conf
value_of() {
    sed -n "s/^$1 = //p" "$conf" | head -n 1
}
inside() {
    case $1 in /*) echo "$1" ;; *) echo "$SEALRING_VAULT/$1" ;; esac
}
pin=$(inside "$(value_of pin-source)")
softhsm_conf=$(value_of module-environment)
softhsm_conf=$(inside "${softhsm_conf#SOFTHSM2_CONF=}")
label=$(value_of token | sed 's/.*token=\([^;?]*\).*/\1/')
list_objects() {
    SOFTHSM2_CONF=$softhsm_conf pkcs11-tool --module "$(value_of module)" --token-label "$label" --login \
        --pin "$(tr -d '\n' <"$pin")" --list-objects >"$work/out" 2>"$work/err"
    status=$?
}
list_objects
succeeds "pkcs11-tool lists the token's objects"
is "$(grep -c '^Secret Key Object' "$work/out")" 2 "one secret key for each version"
is "$(grep -c 'label: *sealring/payments/[12]$' "$work/out")" 2 "labelled with ring and version"
is "$(grep -c 'Access:.*sensitive.*never extractable' "$work/out")" 2 "sensitive, never extractable"
is "$(grep -c 'Usage: *none' "$work/out")" 2 "for no encryption, wrapping or derivation (pkcs11-tool does not list signing)"

run status
succeeds "status"
out_like '^ring .*payments.*prefix acme_live.*2 API keys' "shows the ring"
out_like '  v1 retired ' "its retired version"
out_like '  v2 active .*2 of 2 API keys' "its active version, and who is on it"
done_testing
