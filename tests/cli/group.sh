#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A vault of root's, with which the users of a group verify: what they can read and write, what they cannot, and that root's commands count them.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"

module=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
[ -r "$module" ] || bail_out "SoftHSM2's module $module is missing: set SOFTHSM2_MODULE"
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    echo "1..0 # SKIP other users take root and setpriv"
    exit 0
fi
chmod 755 "$work"
if ! setpriv --reuid=3001 --regid=3001 --clear-groups "$SEALRING" --help >/dev/null 2>&1; then
    echo "1..0 # SKIP another user cannot run $SEALRING"
    exit 0
fi
build_server
group=3000

# A token that the group's users can use, as they can a hardware token: SoftHSM2's files are given to the group after each change.
mkdir -m 2770 "$work/tokens"
chgrp $group "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$work/tokens.conf"
softhsm() {
    SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --init-token --free --label "$1" --so-pin 50288419 --pin 73914682 >/dev/null ||
        bail_out "no token $1"
}
share_tokens() {
    chgrp -R $group "$work/tokens" && chmod -R g+rwX "$work/tokens"
}
softhsm keys
softhsm audit
share_tokens
printf '73914682\n' >"$work/pin"
chmod 600 "$work/pin"
cp "$work/pin" "$work/gateway.pin"
chmod 400 "$work/gateway.pin"
chown 3001 "$work/gateway.pin"

with_token() {
    run "$@" --module "$module" --token pkcs11:token=keys --pin-source "$work/pin" --audit-token pkcs11:token=audit \
        --audit-pin-source "$work/pin" --module-environment "SOFTHSM2_CONF=$work/tokens.conf"
}
as() { # UID GROUPS COMMAND...
    user=$1 groups=$2
    shift 2
    if [ "$groups" = none ]; then groups=--clear-groups; else groups=--groups=$groups; fi
    setpriv --reuid="$user" --regid="$user" "$groups" --inh-caps=-all --bounding-set=-all "$@"
}
# Verifies with sealring verify, which opens the vault as a server does.
verifies() { # UID GROUPS CREDENTIAL-FILE [PIN-FILE]
    as "$1" "$2" "$SEALRING" verify --pin-source "${4:-$work/gateway.pin}" <"$3" >"$work/out" 2>"$work/err"
    status=$?
}

# ---- init ----

run init --verifier-group $group
status_is 2 "a vault with software tokens of its own has no verifier group"
err_like 'software tokens in the vault are their owner' "with the reason"
with_token init --verifier-group no-such-group
status_is 2 "an unknown group is refused"
err_like 'there is no group no-such-group' "it is named"
not_ok "nothing was made" test -e "$SEALRING_VAULT/sealring.conf"
mkdir -m 777 "$work/open"
as 3001 none env SEALRING_VAULT="$work/open/vault" "$SEALRING" init --verifier-group $group --module "$module" --token pkcs11:token=keys \
    --pin-source "$work/gateway.pin" --module-environment "SOFTHSM2_CONF=$work/tokens.conf" >"$work/out" 2>"$work/err"
status=$?
status_is 1 "only root can make such a vault"
err_like 'run init as root' "with what to do"
(umask 077 && with_token init --verifier-group $group --lease 2s && exit $status)
status=$?
succeeds "init makes a vault with a verifier group"
is "$(grep '^verifier-group' "$SEALRING_VAULT/sealring.conf")" "verifier-group = $group" "it is in the configuration"
share_tokens
must ring create payments --prefix acme_live --overlap 1s --quiet-period 1s
must client add acme-mobile
share_tokens
must issue payments --client acme-mobile --scope read
cp "$work/out" "$work/credential"
key=$(cut -d_ -f3 "$work/credential")
chmod a+r "$work/credential"
run doctor --json
is "$(jq -r '[.doctor.findings[] | select(.code == "verifier-group" or .code == "wrong-owner" or .code == "directory-writable")] | length' "$work/out")" 0 \
    "doctor finds nothing wrong with it"

modes() {
    (cd "$SEALRING_VAULT" && stat -c '%n %a %u %g' . sealring.conf vault.bell registry registry/sealring.db registry/sealring.db-wal \
        registry/sealring.db-shm verifiers verifiers/reports.bell)
}
modes >"$work/modes"
cat >"$work/wanted" <<END
. 2750 0 $group
sealring.conf 640 0 $group
vault.bell 640 0 $group
registry 2750 0 $group
registry/sealring.db 640 0 $group
registry/sealring.db-wal 640 0 $group
registry/sealring.db-shm 640 0 $group
verifiers 3770 0 $group
verifiers/reports.bell 660 0 $group
END
diff "$work/wanted" "$work/modes" >"$work/out" 2>&1
ok "whatever root's umask is, the group can read the registry and write reports" test ! -s "$work/out"

# ---- who may verify ----

verifies 3001 $group "$work/credential"
succeeds "a user of the group verifies"
out_like '^accepted .*acme-mobile' "and knows the client"
is "$(cd "$SEALRING_VAULT/verifiers" && stat -c '%a %u %g' ./*.report)" "640 3001 $group" "with a report of its own"
is "$(cd "$SEALRING_VAULT/verifiers" && stat -c '%a %u' 3001.login)" "600 3001" "and a login record of its own"
verifies 3002 none "$work/credential"
not_ok "a user outside of the group does not" test "$status" -eq 0
as 3001 $group "$SEALRING" verify <"$work/credential" >"$work/out" 2>"$work/err"
status=$?
status_is 3 "the PIN is root's: it must come from elsewhere"
err_like "the PIN file $work/pin cannot be opened" "which is what it reports"

# A server stays fresh, is counted, and its uses are harvested.
conf=$SEALRING_VAULT/sealring.conf
cp -p "$conf" "$work/conf.kept"
sed -i "s|^pin-source = .*|pin-source = $work/gateway.pin|" "$conf"
serve_by gateway setpriv --reuid=3001 --regid=3001 --groups=$group --inh-caps=-all --bounding-set=-all "$work/server" "$SEALRING_VAULT" "" 1
is "$(verdict_of gateway "$work/credential")" "200 accepted" "a server of the group's user serves"
run verifier list --json
json_is '[.verifiers[] | select(.state == "serving")] | length' 1 "root's commands see it"
run rotate payments --no-wait
share_tokens
must activate payments 2 --wait 20s
out_like 'version 2 is active' "a rotation waits for it"
must issue payments --client acme-mobile --label second --scope read
cp "$work/out" "$work/second"
is "$(verdict_of gateway "$work/second")" "200 accepted" "a key that was just issued is accepted"
must key suspend "$key" --wait 10s
is "$(verdict_of gateway "$work/credential")" "401 suspended" "a change is effective there"
must key resume "$key"
must revoke "$key" --wait 10s
is "$(verdict_of gateway "$work/credential")" "401 revoked" "as a revocation is"
leave gateway
run usage payments --json
json_is '[.usage[].accepted] | add' 3 "its uses count"
run doctor --json
is "$(jq -r '[.doctor.findings[] | select(.code | startswith("report") or . == "verifier-group" or . == "registry-damaged")] | length' "$work/out")" 0 \
    "doctor finds nothing wrong with its report"
ok "a version retires on its reports" until_true retires payments 1

cp -p "$work/conf.kept" "$conf"

# ---- what they cannot do ----

cannot() { # NAME COMMAND...: as a user of the group
    name=$1
    shift
    as 3001 $group "$@" >"$work/out" 2>"$work/err"
    not_ok "the group's users cannot $name" test $? -eq 0
}
report=$(echo "$SEALRING_VAULT"/verifiers/*.report)
as 0 none touch "$SEALRING_VAULT/verifiers/of-root"
cannot "write the registry" sqlite3 "$SEALRING_VAULT/registry/sealring.db" "UPDATE api_key SET state = 1"
cannot "write its log" sh -c "echo >>$SEALRING_VAULT/registry/sealring.db-wal"
cannot "make a file beside it" touch "$SEALRING_VAULT/registry/x"
cannot "replace the configuration" mv "$conf" "$SEALRING_VAULT/x"
cannot "write the configuration" sh -c "echo >>$conf"
cannot "hold the vault's lock" sh -c "exec 9<$SEALRING_VAULT/vault.lock"
cannot "read the login record" cat "$SEALRING_VAULT/login/keys.login"
cannot "ring the bell of the operator's side" sh -c "echo >>$SEALRING_VAULT/vault.bell"
cannot "remove a file of another user's among the reports" rm -f "$SEALRING_VAULT/verifiers/of-root"
as 3002 $group rm -f "$report" 2>/dev/null
ok "nor a report of another user of the group" test -e "$report"
rm "$SEALRING_VAULT/verifiers/of-root"
cannot "revoke" "$SEALRING" revoke "$(cut -d_ -f3 "$work/second")" --pin-source "$work/gateway.pin"
as 3001 $group sqlite3 -readonly "$SEALRING_VAULT/registry/sealring.db" "SELECT count(*) FROM api_key" >"$work/out" 2>"$work/err"
is "$(cat "$work/out")" 2 "they can read the registry"

# Another user's login record in this one's place.
rm "$SEALRING_VAULT/verifiers/3001.login"
as 3002 $group sh -c "echo >$SEALRING_VAULT/verifiers/3001.login"
verifies 3001 $group "$work/second"
status_is 2 "a login record of another user is not used"
err_like 'verifiers/3001.login belongs to uid 3002, so no PIN is tried with it' "it is named"
rm "$SEALRING_VAULT/verifiers/3001.login"
verifies 3001 $group "$work/second"
succeeds "without it the user verifies again"

# ---- doctor ----

found() { # the places that doctor reports
    "$SEALRING" doctor --json 2>/dev/null | jq -r '.doctor.findings[] | select(.code == "verifier-group") | .object' | sed "s|$SEALRING_VAULT/*||" |
        sort | tr '\n' ' '
}
is "$(found)" "" "doctor is content"
chmod g-s "$SEALRING_VAULT/registry"
chgrp 0 "$conf"
chmod 600 "$SEALRING_VAULT/registry/sealring.db"
chmod 770 "$SEALRING_VAULT/verifiers"
chmod 664 "$SEALRING_VAULT/vault.bell"
is "$(found)" "registry registry/sealring.db sealring.conf vault.bell verifiers " "doctor finds each place with other rights"
verifies 3001 $group "$work/second"
not_ok "where the group has too few, its users do not verify" test "$status" -eq 0
run doctor --repair
is "$(found)" "" "doctor --repair gives it its rights"
modes >"$work/modes"
ok "those that it had" cmp -s "$work/wanted" "$work/modes"
verifies 3001 $group "$work/second"
succeeds "and its users verify"
sed -i 's/^verifier-group = .*/verifier-group = no-such-group/' "$conf"
is "$(found)" "sealring.conf " "a group that is missing is found"

# A vault that had none.
SEALRING_VAULT=$work/older
with_token init
share_tokens
must ring create payments --prefix acme_live
share_tokens
must client add acme-mobile
must issue payments --client acme-mobile --scope read
cp "$work/out" "$work/third"
chmod a+r "$work/third"
verifies 3001 $group "$work/third"
not_ok "with a vault without a group other users do not verify" test "$status" -eq 0
echo "verifier-group = $group" >>"$SEALRING_VAULT/sealring.conf"
run doctor --repair # which finds the other vault's keys on the token
verifies 3001 $group "$work/third"
succeeds "after a line in its configuration and doctor --repair they do"

# ---- a registry that is made later ----

must backup "$work/backup"
rm -r "$SEALRING_VAULT"/registry/*
(umask 077 && run restore "$work/backup" --accept-loss test && exit $status)
status=$?
succeeds "a backup is restored"
verifies 3001 $group "$work/third"
succeeds "the group's users read the restored registry"
is "$(found)" "" "doctor is content with it"
done_testing
