#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tokens whose labels do not last, or cannot be changed: a version's whole life, what a kill leaves, and who may destroy it.
# shellcheck disable=SC2209 # a word, not a command
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/personality/lib.sh
. "$top_srcdir/tests/personality/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$SEALRING_VAULT/registry/sealring.db
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} $(pkg-config --cflags p11-kit-1) -o "$work/object" "$top_srcdir/tests/cli/object.c" -ldl || bail_out "no object tool"

sql() {
    sqlite3 "$database" "$1" || bail_out "sqlite3 failed"
}

kinds() {
    run doctor --json
    json '.doctor.findings[].code' | sort | tr '\n' ' '
}

objects() { # how many keys the token has
    pkcs11-tool --module "$softhsm" --token-label own --login --pin 7391468205 --list-objects --type secrkey 2>/dev/null |
        grep -c '^Secret Key Object'
}

object_of() { # VERSION
    sql "SELECT lower(hex(object_id)) FROM version WHERE number = $1"
}

# prepare is killed once the key exists: the token has it, and no version does.
kill_prepare() {
    FORWARD_KILL=make "$SEALRING" prepare r >"$work/out" 2>"$work/err" </dev/null
    [ $? -eq 137 ] || bail_out "prepare was not killed"
}

# Opens the registry to an attacker who can write it, and has no token.
attack() { # SQL
    unguarded "$SEALRING_VAULT/registry/sealring.db" "$1" || bail_out "sqlite3 failed"
}

whole_life() { # WORDS TRAIT...
    words=$1
    shift
    init_as "$@"
    is "$(sed -n 's/^token-labels = //p' "$SEALRING_VAULT/sealring.conf")" "$words" "$*: init finds out that labels are ${words:-changeable}"
    is "$(objects)" 0 "and leaves no key"
    must ring create r --purge-delay 0s
    must client add acme
    rm -f "$work/first.$1"
    must issue r --client acme --out "$work/first.$1"
    must rotate r
    run_with "$work/first.$1" verify
    succeeds "a credential is verified"
    is "$(kinds)" "audit-unsigned " "the doctor finds nothing"
    run retire r 1 --overrule test --overrule-succession test
    succeeds "a version retires"
    is "$(sql 'SELECT closing_owed FROM version WHERE number = 1')" 0 "and its key is closed"
    run_with "$work/first.$1" verify
    status_is 1 "so its credential is rejected"
    run reinstate r 1
    succeeds "it is reinstated"
    run activate r 1
    succeeds "and issues again"
    run_with "$work/first.$1" verify
    succeeds "and its credential is accepted"
    run compromise r 2 --reason test
    succeeds "the other is compromised"
    is "$(sql 'SELECT closing_owed FROM version WHERE number = 2')" 0 "and closed"
    run destroy r 2 --overrule test
    succeeds "and destroyed"
    is "$(objects)" 1 "so that its key is gone"
    must rotate r
    must retire r 1 --overrule test --overrule-succession test
    run run --once
    is "$(objects)" 1 "sealring run destroys a retired version's key"
    is "$(kinds)" "audit-unsigned " "and the doctor finds nothing"
}

what_a_kill_leaves() { # TRAIT...
    init_as "$@"
    must ring create r
    kill_prepare
    is "$(objects)" 2 "$*: a killed prepare leaves a key"
    must rotate r
    is "$(objects)" 3 "the next command does not destroy it"
    run doctor --json
    orphan=$(json '.doctor.findings[] | select(.code == "intention-unfinished") | .object' | sed 's/^key //')
    ok "the doctor lists it" test -n "$orphan"
    is "$(json '.doctor.findings[] | select(.code == "intention-unfinished") | .mend' | grep -c "sealring token destroy-object $orphan ")" 1 \
        "and how it is destroyed"
    run token destroy-object "$orphan"
    status_is 2 "that wants a reason"
    run token destroy-object "$orphan" --reason 'a power failure'
    status_is 1 "and, without an audit token, a reason to go by a log that nothing signs"
    err_like 'no audit token.*--overrule REASON' "which the message names"
    is "$(objects)" 3 "the key is there"
    run token destroy-object "$orphan" --reason 'a power failure' --overrule 'no client uses it' --dry-run
    succeeds "a dry run"
    is "$(objects)" 3 "destroys nothing"
    run token destroy-object "$orphan" --reason 'a power failure' --overrule 'no client uses it'
    succeeds "with both the key is destroyed"
    is "$(objects)" 2 "so that it is gone"
    run audit show --json
    ok "the reason is in the log" matches "$work/out" 'a power failure'
    is "$(kinds)" "audit-unsigned " "the doctor finds nothing more"
    run token destroy-object "$orphan" --reason again
    ok "there is no such key any more" test "$status" -ne 0
    for version in 1 2; do
        run token destroy-object "$(object_of $version)" --reason 'by mistake' --overrule 'by mistake'
        status_is 1 "the key of version $version is not destroyed that way"
    done
    is "$(objects)" 2 "both keys are there"
}

init_and_issue() { # TRAIT...: a vault with one credential, which is in `live`
    init_as "$@"
    must ring create r
    must client add acme
    rm -f "$work/live"
    must issue r --client acme --out "$work/live"
}

# What somebody with the PIN added to a key, doctor --repair takes away.
widened() { # TRAIT...
    init_and_issue "$@"
    "$work/object" "$softhsm" own 7391468205 set "$(object_of 1)" CKA_DERIVE 1 || bail_out "no usage can be added"
    is "$(kinds)" "audit-unsigned object-usages " "$*: the doctor finds that something can be derived from a key"
    run doctor --repair
    is "$(kinds)" "audit-unsigned " "and takes that away"
    run_with "$work/live" verify
    succeeds "the key signs"
}

# Labels do not show whose a key is, if they show anything: the object ID does.
another_vault() { # TRAIT...
    init_and_issue "$@"
    live=$(object_of 1)
    ours=$SEALRING_VAULT
    SEALRING_VAULT=$work/theirs
    database=$SEALRING_VAULT/registry/sealring.db
    rm -rf "$SEALRING_VAULT"
    run_init
    succeeds "$*: another vault on the same token"
    must ring create r
    attack "INSERT INTO intention (id, nonce, ring, object_id, owner, created)
        VALUES (7, randomblob(16), 1, x'$live', 'mallory', 1)"
    run doctor --repair
    must rotate r
    run token destroy-object "$live" --reason 'the doctor listed it' --overrule 'it is well'
    status_is 1 "does not destroy the first one's key"
    err_like 'was not made by this vault' "as its ID is not this vault's, whatever a forged intention has"
    SEALRING_VAULT=$ours
    database=$SEALRING_VAULT/registry/sealring.db
    run_with "$work/live" verify
    succeeds "which signs still"
}

# Whoever can write the registry, and cannot use the token, has no key closed or destroyed.
forged() { # TRAIT...
    init_as "$@"
    must ring create r --purge-delay 0s
    must client add acme
    must rotate r
    rm -f "$work/live"
    must issue r --client acme --out "$work/live"
    must retire r 1 --overrule test --overrule-succession test
    live=$(object_of 2)
    attack "INSERT INTO intention (id, nonce, ring, object_id, owner, created)
        VALUES (7, randomblob(16), 1, x'$live', 'mallory', 1)"
    run client add other
    run rotate r --dry-run
    run doctor --repair
    is "$(objects)" 2 "$*: a forged intention has no key destroyed"
    run_with "$work/live" verify
    succeeds "the live key signs"
    # its version's row is made another's, so that the key seems to be nobody's
    sql "UPDATE version SET object_id = randomblob(16) WHERE number = 2"
    attack "INSERT OR REPLACE INTO intention (id, nonce, ring, object_id, owner, created)
        VALUES (8, randomblob(16), 1, x'$live', 'mallory', 1)"
    run prepare r
    run doctor --repair
    run token destroy-object "$live" --reason 'the doctor listed it' --overrule 'it is well'
    ok "nor does an operator destroy it who is deceived by a forged row" test "$status" -ne 0
    err_like "audit log has key|labelled as version|is a version's" "as the log or the label names its version"
    sql "UPDATE version SET object_id = x'$live' WHERE number = 2"
    run_with "$work/live" verify
    succeeds "the live key signs still"
    # a retired version's row names the live key
    sql "UPDATE version SET object_id = randomblob(16) WHERE number = 2"
    sql "UPDATE version SET object_id = x'$live', closing_owed = 1 WHERE number = 1"
    run prepare r
    run run --once
    run destroy r 1 --overrule test
    sql "UPDATE version SET object_id = randomblob(16) WHERE number = 1"
    sql "UPDATE version SET object_id = x'$live' WHERE number = 2"
    run_with "$work/live" verify
    succeeds "a closed version's row that names the live key neither closes nor destroys it"
}

whole_life '' snapshot
for traits in no-label volatile-label; do
    whole_life lost $traits
    what_a_kill_leaves $traits
    forged $traits
    widened $traits
    another_vault $traits
done
whole_life fixed fixed-label
what_a_kill_leaves fixed-label
forged fixed-label
widened fixed-label
another_vault fixed-label
forged snapshot

# Nothing is configured of a token that does not keep or change labels.
unnoticed() { # TRAIT
    must ring create r --purge-delay 0s
    must rotate r
    run retire r 1 --overrule test --overrule-succession test
    succeeds "$1, and no token-labels: a version retires all the same"
    is "$(sql 'SELECT closing_owed FROM version WHERE number = 1')" 0 "and is closed"
    run reinstate r 1
    succeeds "it is reinstated"
    must activate r 1
    must activate r 2
    must retire r 1 --overrule test --overrule-succession test
    run destroy r 1 --overrule test
    succeeds "and destroyed"
    is "$(objects)" 1 "so that its key is gone"
}

# Labels that last as long as the process: init cannot see that.
init_as process-label
is "$(grep -c token-labels "$SEALRING_VAULT/sealring.conf")" 0 "labels that last until the process ends are not noticed by init"
unnoticed process-label
is "$(kinds)" "audit-unsigned object-relabelled " "the doctor reports that a key has lost its label"
echo 'token-labels = lost' >>"$SEALRING_VAULT/sealring.conf"
is "$(kinds)" "audit-unsigned " "and nothing once the configuration has that"

# A vault that was made before init asked: the objects keep the label of their making.
init_as fixed-label
sed -i '/^token-labels/d' "$SEALRING_VAULT/sealring.conf"
unnoticed fixed-label

echo 'token-labels = sometimes' >>"$SEALRING_VAULT/sealring.conf"
run ring list
status_is 2 "token-labels has three values"
err_like 'token-labels.*changeable, fixed, lost' "which are named"
done_testing
