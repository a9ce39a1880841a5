#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A token that keeps CKA_SIGN and does not enforce it: what is closed is found out by asking for a signature.
# shellcheck disable=SC2119 # its arguments are options
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/personality/lib.sh
. "$top_srcdir/tests/personality/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$SEALRING_VAULT/registry/sealring.db

kinds() {
    run doctor --json
    json '.doctor.findings[].code' | sort | tr '\n' ' '
}

state_of() { # VERSION: 4 is retired
    sqlite3 "$database" "SELECT state FROM version WHERE number = $1"
}

# ---- init asks the token, and not the attribute ----

new_token
become sign-unenforced
run_init
succeeds "a token that does not enforce CKA_SIGN can be used"
err_like 'cannot take a key.s right to sign away' "and init reports that it closes no key"
must ring create r
must rotate r
must retire r 1 --overrule test --overrule-succession test
is "$(kinds | grep -c token-cannot-close)" 1 "so does the doctor"

init_as
err_like 'there is no audit token' "of a token that enforces it init reports no such thing"

# ---- A vault that was made when this token enforced it, or by a program that believed the attribute ----

must ring create r --purge-delay 0s
must rotate r
become sign-unenforced
run retire r 1 --overrule test --overrule-succession test
succeeds "a version retires all the same"
err_like 'signs with key .* although its CKA_SIGN is false' "and retire reports that the key signs on"
is "$(kinds)" "audit-unsigned closing-owed " "the closing stays owed"
run run --once
is "$(state_of 1)" 4 "sealring run does not destroy it"
must rotate r
run compromise r 2 --reason test
succeeds "a compromise is committed"
err_like 'signs with key .* although its CKA_SIGN is false' "and reports the same"

sqlite3 "$database" 'UPDATE version SET closing_owed = 0' || bail_out "the registry cannot be edited"
is "$(kinds)" "audit-unsigned closed-version-signs closed-version-signs " \
    "where the attribute was believed the doctor finds that the keys sign"
run run --once
is "$(state_of 1)" 4 "and sealring run destroys nothing on the attribute's word"
run doctor --repair
is "$(kinds | grep -o closing-owed | wc -l)" 2 "a repair does not make it believed: the closing is owed again"

# ---- Once the token enforces it, what is owed is done ----

become
for closed in "$work"/state/closed-*; do
    [ -e "$closed" ] && rm "$closed"
done
run rotate r
succeeds "a token that enforces it later"
is "$(kinds | grep -c closing-owed)" 0 "is made to refuse what is closed"
done_testing
