#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring init: where the vault goes, what is refused, what is warned of.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

run status
ok "without a vault a command fails" test "$status" -ne 0
one_line_error "in one line"
err_like 'sealring init' "that says how to make one"
run init --dry-run
succeeds "init --dry-run"
out_like '^would create a vault in ' "says what it would do"
not_ok "and does nothing" test -e "$SEALRING_VAULT"

run init
succeeds "init"
out_like '^vault ID +[0-9a-f]{32}$' "tells the vault's ID"
err_like '^note: .*SoftHSM2' "warns of the software token"
ok "the configuration is there" test -f "$SEALRING_VAULT/sealring.conf"
is "$(sed -n 's/^audit-key = //p' "$SEALRING_VAULT/sealring.conf")" "$(sed -n 's/^audit key *//p' "$work/out")" "with the audit token's key"
ok "which is one" grep -Eq '^audit-key = sealring/[0-9a-f]{32}\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$' "$SEALRING_VAULT/sealring.conf"
is "$(find "$SEALRING_VAULT" -name '*pin*' -type f ! -perm 0600 ! -perm 0400 | wc -l)" 0 "PIN files are their owner's only"
run init
status_is 1 "a second init is refused"
one_line_error "in one line"
run init --dry-run
status_is 1 "init --dry-run tells that too"
mkdir "$work/other"
echo precious >"$work/other/file"
run init --vault "$work/other"
status_is 1 "a directory with files in it is refused"
is "$(cat "$work/other/file")" precious "and left alone"
is "$(find "$work/other" | wc -l)" 2 "entirely"

run init --vault "$work/json" --json
succeeds "init --json"
json_is '.vault.path' "$work/json" "names the path"
json_is '.vault.software_token' true "says that the token is software"
json_is '.vault.vault_id | length' 32 "gives the vault's ID"

run init --vault "$work/half" --module /nonexistent.so
status_is 2 "--module alone is a usage error"
one_line_error "in one line"
echo 1234 >"$work/pin"
chmod 600 "$work/pin"
run init --vault "$work/half" --module "$work/nonexistent.so" --token pkcs11:token=x --pin-source "$work/pin"
ok "a missing module fails" test "$status" -ne 0
not_ok "and leaves nothing behind" test -e "$work/half"

for lease in 0s 999ms 2h; do
    run init --vault "$work/half" --lease $lease
    status_is 2 "a lease of $lease is a usage error"
    not_ok "and leaves nothing behind" test -e "$work/half"
done
run init --vault "$work/lease" --lease 5s
succeeds "a lease of 5 s is taken"

for refresh in 0s 9ms 21s; do
    run init --vault "$work/half" --refresh $refresh
    status_is 2 "a refresh interval of $refresh is a usage error"
    not_ok "and leaves nothing behind" test -e "$work/half"
done
run init --vault "$work/half" --lease 5s --refresh 2s
status_is 2 "so is one of more than a third of the lease"
run init --vault "$work/refresh" --refresh 20ms
succeeds "a refresh interval of 20 ms is taken"
is "$(sqlite3 "$work/refresh/registry/sealring.db" "SELECT refresh_ms FROM vault")" 20 "and stored"

# A token that exists is used as it is.
SOFTHSM2_CONF=$work/softhsm2.conf
export SOFTHSM2_CONF
mkdir "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label given --so-pin 87654321 --pin 1234 >/dev/null || bail_out "no token to test with"
module=$(sed -n 's/^module = //p' "$SEALRING_VAULT/sealring.conf")
unset SOFTHSM2_CONF
run init --vault "$work/given" --module "$module" --token pkcs11:token=given --pin-source "$work/pin" \
    --module-environment "SOFTHSM2_CONF=$work/softhsm2.conf"
succeeds "a given token is probed and taken"
run ring create r --vault "$work/given"
succeeds "and used, with the module's environment from the configuration"

# Where the vault is when nobody says.
unset SEALRING_VAULT
if [ "$(id -u)" -eq 0 ]; then
    run init --dry-run --json
    json_is .vault.path /var/lib/sealring "root's vault is in /var/lib"
    run help init
    out_like XDG_DATA_HOME "others' is in their data directory"
else
    XDG_DATA_HOME=$work/data run init --dry-run --json
    json_is .vault.path "$work/data/sealring" "a user's vault is in XDG_DATA_HOME"
    run init --json
    json_is .vault.path "$HOME/.local/share/sealring" "or in the home directory"
fi
done_testing
