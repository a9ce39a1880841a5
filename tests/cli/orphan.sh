#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring token destroy-object destroys only keys that this vault made and that no version ever had, by a log that is whole; and for good.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"

softhsm=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/forward.so" "$top_srcdir/tests/cli/module_forward.c" ||
    bail_out "no forwarding module"
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} $(pkg-config --cflags p11-kit-1) -o "$work/object" "$top_srcdir/tests/cli/object.c" -ldl || bail_out "no object tool"

attack() { # SQL: by somebody who can write the registry, and has no token
    unguarded "$SEALRING_VAULT/registry/sealring.db" "$1" || bail_out "sqlite3 failed"
}
id_of() { # VERSION of payments
    rows "SELECT lower(hex(object_id)) FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = 'payments' AND number = $1"
}
# shellcheck disable=SC2317 # called by ok and not_ok
token_has() { # ID
    token_objects | grep -q "ID $1 "
}
copies_of() { # ID
    find "$SEALRING_VAULT/tokens/copies" -name "key-$1-*" | wc -l
}
object() { # COMMAND ID …, by somebody who has the PIN
    # shellcheck disable=SC2046 # a word for each variable
    env $(configured module-environment) "$work/object" "$softhsm" "$(configured token | sed 's/.*token=\([^;]*\).*/\1/')" \
        "$(cat "$SEALRING_VAULT/pins/keys.pin")" "$@" || bail_out "object $*"
}
forward() { # from now on another module hands everything on
    cp "$SEALRING_VAULT/sealring.conf" "$work/conf"
    sed -i "s|^module = .*|module = $work/forward.so|" "$SEALRING_VAULT/sealring.conf"
    echo "module-environment = FORWARD_TO=$softhsm" >>"$SEALRING_VAULT/sealring.conf"
}
direct_again() {
    cat "$work/conf" >"$SEALRING_VAULT/sealring.conf"
}
fill_vault() {
    must ring create payments --purge-delay 0s
    must client add acme
    must rotate payments
    rm -f "$work/live"
    must issue payments --client acme --out "$work/live"
}
fresh() { # a vault with tokens of its own
    SEALRING_VAULT=$work/vault
    rm -rf "$SEALRING_VAULT"
    must init
    fill_vault
}
live() { # NAME: the key of version 2 is there
    run_with "$work/live" verify
    succeeds "$1"
}
keep_registry() {
    rm -rf "$work/older"
    cp -a "$SEALRING_VAULT/registry" "$work/older"
}
put_back() {
    rm -rf "$SEALRING_VAULT/registry"
    cp -a "$work/older" "$SEALRING_VAULT/registry"
}
whole_again() { # refusals are entries, too: the log is longer than what is put back
    put_back
    must client add "again$((again = ${again-0} + 1))" --take-over 'for the test'
    keep_registry
}
refused() { # ID NAME REGEX ARGUMENT...
    id=$1 name=$2 regex=$3
    shift 3
    run token destroy-object "$id" --reason 'the doctor listed it' "$@"
    status_is 1 "$name: refused"
    err_like "$regex" "with the reason"
    one_line_error "in one line"
    ok "and the key is there" token_has "$id"
}

# ---- What a registry that was put back has lost ----

fresh
keep_registry
must rotate payments
orphan=$(id_of 3)
check=$(rows "SELECT hex(check_value) FROM version WHERE number = 3")
put_back
must client add late --take-over 'the newest is lost'
run doctor --json
json_is '.doctor.findings[] | select(.code == "object-foreign") | .mend' "sealring token destroy-object $orphan --reason REASON" \
    "the doctor lists a key that this vault made and no version has"
is "$(copies_of "$orphan")" 1 "of which there is a copy"
run token destroy-object "$orphan" --reason 'the newest registry is lost' --dry-run
succeeds "a dry run"
is "$(copies_of "$orphan")" 1 "leaves the copy"
ok "and the key" token_has "$orphan"
run token destroy-object "$orphan" --reason 'the newest registry is lost'
succeeds "it is destroyed"
not_ok "so that the token has it no more" token_has "$orphan"
is "$(copies_of "$orphan")" 0 "nor is there a copy of it"
attack "INSERT INTO version SELECT ring, 3, 1, x'$orphan', x'$check', 0, 0, created, 0, 0, 0, 0, 0, created_epoch, prf, origin, public_key
    FROM version WHERE number = 1"
run client add "later"
run run --once
not_ok "a forged row does not bring it back" token_has "$orphan"
attack "DELETE FROM version WHERE number = 3"
run audit verify
succeeds "and the log is whole"

# The copy goes first: at no time is there one of a key that the token has no more.
must rotate payments
orphan=$(id_of 3)
put_back
must client add latest --take-over 'the newest is lost'
is "$(copies_of "$orphan")" 1 "of another key there is a copy"
forward
FORWARD_KILL=destroy "$SEALRING" token destroy-object "$orphan" --reason 'the newest registry is lost' >"$work/out" 2>"$work/err" </dev/null
is $? 137 "killed before the token destroys it"
direct_again
is "$(copies_of "$orphan")" 0 "it has no copy any more"
ok "while the token has it still" token_has "$orphan"
is "$(rows "SELECT act FROM audit ORDER BY sequence DESC LIMIT 1")" token.destroy-object "and the act is on the record"
run token destroy-object "$orphan" --reason 'the newest registry is lost'
succeeds "the same command can be given again"
not_ok "and the token has it no more" token_has "$orphan"
is "$(copies_of "$orphan")" 0 "nor is there a copy"

# ---- A log that is not whole ----

fresh
second=$(id_of 2)
keep_registry
digit=$(printf %.1s "$second")
other=$(printf %s "$digit" | tr 0-9a-f 1-9a-f0)
altered=$other${second#?}
entry=$(rows "SELECT sequence FROM audit WHERE instr(detail, '$second') > 0 AND act LIKE 'version.%' ORDER BY sequence LIMIT 1")
attack "DELETE FROM credential; DELETE FROM version WHERE number = 2;
    UPDATE audit SET detail = replace(detail, '$second', '$altered')"
refused "$second" "an entry was altered" 'audit log is not what it should be.*sealring audit verify'
refused "$second" "which cannot be overruled" 'audit log is not what it should be.*sealring audit verify' --overrule 'it is well'
whole_again
attack "DELETE FROM credential; DELETE FROM version WHERE number = 2;
    UPDATE audit SET detail = replace(detail, 'object_id', 'object\\u005fid')"
refused "$second" "a member's name is written otherwise" 'audit log is not what it should be.*sealring audit verify'
whole_again
attack "DELETE FROM credential; DELETE FROM version WHERE number = 2; DELETE FROM audit WHERE sequence = $entry"
refused "$second" "an entry is missing" 'ALARM: the registry|audit log is not what it should be.*sealring audit verify'
whole_again
attack "DELETE FROM credential; DELETE FROM version WHERE number = 2"
refused "$second" "the version's row is missing" 'version 2 of ring payments: its row contains nothing, the record of closed versions contains active'
refused "$second" "which cannot be overruled either" 'version 2 of ring payments: its row contains nothing, the record of closed versions contains active' --overrule 'it is well'
whole_again
live "the live key signs still"

# The audit token is away: then nothing shows whether the log is whole.
attack "DELETE FROM credential; DELETE FROM version WHERE number = 2; DELETE FROM checkpoint; DELETE FROM audit WHERE sequence >= $entry;
    DELETE FROM audit_node"
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
run token destroy-object "$second" --reason 'the doctor listed it' --overrule 'it is well'
ok "while the audit token is away nothing is destroyed" test "$status" -ne 0
err_like 'audit' "which the message names"
ok "and the key is there" token_has "$second"
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
refused "$second" "the log's end was cut off" 'ALARM: the registry was rolled back'
whole_again
live "the live key signs still"

# An audit token that has lost its anchor does not show whether the log's end is missing.
must rotate payments
orphan=$(id_of 3)
whole_again
lose_anchor() {
    # shellcheck disable=SC2046 # a word for each variable
    env $(configured module-environment) pkcs11-tool --module "$softhsm" --login --pin "$(cat "$SEALRING_VAULT/pins/audit.pin")" \
        --token-label "$(configured audit-token | sed 's/.*token=\([^;]*\).*/\1/')" --delete-object --type data \
        --label "sealring-anchor/$(rows 'SELECT lower(hex(vault_id)) FROM vault')" >/dev/null 2>&1 || bail_out "no anchor"
    find "$SEALRING_VAULT/tokens/copies" -name '*-*.object' ! -name 'key-*' -delete
}
lose_anchor
run token destroy-object "$orphan" --reason 'the newest registry is lost'
status_is 1 "without its anchor nothing is destroyed"
err_like 'has lost its anchor, so .*--overrule REASON' "which the message names"
ok "and the key is there" token_has "$orphan"
lose_anchor # the refusal is an entry, which was signed and anchored
run token destroy-object "$orphan" --reason 'the newest registry is lost' --overrule 'no client uses it'
succeeds "which an operator may overrule"
not_ok "and the key is gone" token_has "$orphan"
live "but the live one"

# ---- Another vault on the same token, which has no audit token ----

fresh
must init --vault "$work/theirs" --module "$softhsm" --token "$(configured token)" --pin-source "$SEALRING_VAULT/pins/keys.pin" \
    --module-environment "$(configured module-environment)"
SEALRING_VAULT=$work/theirs
fill_vault
must ring create elsewhere
live "another vault uses the same token"
same=$(id_of 2)
nonce=$(printf '%032x' 77)
elsewhere=$(rows "SELECT lower(hex(object_id)) FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = 'elsewhere'")
SEALRING_VAULT=$work/vault
run doctor --json
json_is "[.doctor.findings[].mend | select(test(\"destroy-object\"))] | length" 0 "the doctor does not propose to destroy its keys"
json_is '[.doctor.findings[] | select(.code == "object-foreign") | .mend | test("nothing, if another vault")] | all' true "but says whose they may be"
refused "$same" "the key of a ring with the same name" 'was not made by this vault'
refused "$same" "which cannot be overruled" 'was not made by this vault' --overrule 'it is well'
refused "$elsewhere" "the key of another ring" 'was not made by this vault'
attack "INSERT INTO intention (id, nonce, ring, object_id, owner, created) VALUES (7, x'$nonce', 1, x'$same', 'mallory', 1)"
run token destroy-object "$same" --reason 'the doctor listed it'
ok "nor by a forged intention that names it" test "$status" -ne 0
attack "INSERT OR REPLACE INTO intention (id, nonce, ring, object_id, owner, created) VALUES (7, x'$nonce', 1, x'$same', 'mallory', 1)"
object label "$same" "sealring-intent/$(printf '%032x' 78)"
refused "$same" "nor with an intention's label" 'was not made by this vault'
object label "$same" sealring/payments/2
ok "and the key is there" token_has "$same"
SEALRING_VAULT=$work/theirs
live "the other vault's key signs still"

# ---- No audit token: nothing shows whether the log is whole ----

keep_registry
must rotate payments
orphan=$(id_of 3)
put_back
must client add late
refused "$orphan" "without an audit token" "no audit token.*--overrule REASON"
run token destroy-object "$orphan" --reason 'the newest registry is lost' --overrule ''
status_is 2 "a reason that is none overrules nothing"
refused "$(id_of 1)" "a version's key is not destroyed by overruling" "version's, number 1" --overrule 'no client uses it'
attack "UPDATE audit SET detail = replace(detail, '$(id_of 1)', '$(id_of 1 | tr 0-9a-f 1-9a-f0)')"
refused "$orphan" "nor by a log that contradicts itself" 'audit log is not what it should be.*sealring audit verify' --overrule 'no client uses it'
put_back
must client add late
run token destroy-object "$orphan" --reason 'the newest registry is lost' --overrule 'no client uses it'
succeeds "the operator overrules that with a reason"
not_ok "and the key is gone" token_has "$orphan"
run audit show --json
json_is '[.entries[] | select(.act == "token.destroy-object")][-1].detail.overrule' 'no client uses it' "the reason is on the record"

# ---- Labels ----

SEALRING_VAULT=$work/vault
keep_registry
must rotate payments
orphan=$(id_of 3)
put_back
must client add late --take-over 'the newest is lost'
for label in 'somebody' '' sealring "sealring-probe/$nonce"; do
    object label "$orphan" "$label"
    refused "$orphan" "a key labelled \"$label\"" "is not sealring's"
done
for label in sealring/payments/2 sealring/payments/3; do
    object label "$orphan" "$label"
    run token destroy-object "$orphan" --reason 'the newest registry is lost' --dry-run
    succeeds "a key labelled $label would be destroyed"
done
object make 5eed01 "sealring-probe/$(rows 'SELECT lower(hex(vault_id)) FROM vault')" 0
run token destroy-object 5eed01 --reason 'init was interrupted'
succeeds "the key by which init tried the token is destroyed"
object make 5eed02 sealring/payments/9 0
refused 5eed02 "a key that somebody made" 'was not made by this vault'
done_testing
