#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two vaults on one token have a ring of the same name, so that their keys bear the same labels. Whoever can write the registry of one, and
# cannot use the token, has no key of the other closed, narrowed or destroyed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/personality/lib.sh
. "$top_srcdir/tests/personality/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} $(pkg-config --cflags p11-kit-1) -o "$work/object" "$top_srcdir/tests/cli/object.c" -ldl || bail_out "no object tool"

sql() { # VAULT STATEMENT
    sqlite3 "$1/registry/sealring.db" "$2" || bail_out "sqlite3 failed"
}

object() { # COMMAND ID …: by somebody who has the PIN
    "$work/object" "$softhsm" own 7391468205 "$@" || bail_out "object $*"
}

# A vault whose version 1 is retired and closed, and whose version 2 is live.
make_vault() { # NAME
    SEALRING_VAULT=$work/$1
    rm -rf "$SEALRING_VAULT"
    run_init
    [ "$status" -eq 0 ] || bail_out "no vault $1"
    must ring create r --purge-delay 0s
    must client add acme
    must rotate r
    must retire r 1 --overrule test --overrule-succession test
    rm -f "$work/$1.key"
    must issue r --client acme --out "$work/$1.key"
}

# The attacker's vault as it was made, with SQL on its registry.
attack() { # SQL
    rm -rf "$work/mine"
    cp -a "$work/mine.whole" "$work/mine"
    SEALRING_VAULT=$work/mine
    unguarded "$SEALRING_VAULT/registry/sealring.db" "PRAGMA ignore_check_constraints = ON; $1" || bail_out "sqlite3 failed"
}

id_of() { # VERSION: of the other vault
    sql "$work/theirs" "SELECT lower(hex(object_id)) FROM version WHERE number = $1"
}

# Whatever may close or destroy an object by itself, and what an operator who notices nothing may do.
act() {
    run client add other
    run prepare r
    run run --once
    run doctor --repair
    run destroy r 2 --overrule test
    run compromise r 2 --reason test
    run rotate r
}

attempts() { # TRAIT...
    words=${*:-a token that keeps labels}
    new_token
    become "$@"
    make_vault theirs
    make_vault mine
    cp -a "$work/mine" "$work/mine.whole"
    live=$(id_of 2)
    for row in 'state = 2' 'state = 2, closing_owed = 1' 'state = 4, closing_owed = 1, closed = 1, purge_at = 1' \
        'state = 4, closed = 1, purge_at = 1' 'state = 5, was_compromised = 1, closing_owed = 1, closed = 1, purge_at = 1' \
        'state = 6, closing_owed = 1, closed = 1, purge_at = 1, destroyed = 1'; do
        attack "UPDATE version SET object_id = x'$live', $row WHERE number = 2"
        act
        SEALRING_VAULT=$work/theirs
        run_with "$work/theirs.key" verify
        succeeds "$words, a row with $row: the other vault's key signs"
    done

    # what the other vault has closed stays closed
    attack "UPDATE version SET object_id = x'$(id_of 1)' WHERE number = 1"
    run reinstate r 1
    ok "$words: another vault's closed key is not reinstated" test "$status" -ne 0
    is "$(object get "$(id_of 1)" CKA_SIGN)" false "and stays closed"

    # usages are taken away by the vault that has the key only
    object set "$live" CKA_DERIVE 1
    attack "UPDATE version SET object_id = x'$live' WHERE number = 2"
    run doctor --repair
    is "$(object get "$live" CKA_DERIVE)" true "$words: another vault's key is not narrowed"
    SEALRING_VAULT=$work/theirs
    run doctor --repair --json
    is "$(json '.doctor.findings[] | select(.code == "object-usages") | .repaired')" true "the vault that has it repairs it"
    is "$(object get "$live" CKA_DERIVE)" false "so that nothing can be derived from it"
    run_with "$work/theirs.key" verify
    succeeds "and it signs"
    rm -rf "$work/mine.whole"
}

attempts
attempts no-label
attempts fixed-label
done_testing
