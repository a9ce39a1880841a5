#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each row of bad-input.tsv: one clear line, the right exit status, nothing changed, nothing leaked.
#
# A row has four fields between tabs:
#   command    as words for the shell, without `sealring`; may use what is defined below
#   input      a shell command that prints standard input; `-`: none
#   status     the exit status
#   pattern    an extended regular expression that a line of the message matches
# A line that begins with `#` heads a group. VERBOSE=1 shows each message.
# shellcheck disable=SC2034,SC2317 # used by the rows
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"

# ---- What the rows may use ----

repeat() { # COUNT TEXT
    awk -v count="$1" -v text="$2" 'BEGIN { for (; count > 0; count--) printf "%s", text }'
}

base62() { # NUMBER DIGITS
    awk -v number="$1" -v digits="$2" 'BEGIN {
        alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        for (; digits > 0; digits--) { text = substr(alphabet, number % 62 + 1, 1) text; number = int(number / 62) }
        print text
    }'
}

# The check digits are zlib's CRC-32, which gzip writes behind what it packs (RFC 1952, section 2.3.1).
checked() { # TEXT: with the check digits that belong to it
    crc=$(printf %s "$1" | gzip -c | tail -c 8 | od -An -N4 -tu4 --endian=little | tr -d ' ')
    printf '%s%s\n' "$1" "$(base62 "$crc" 6)"
}

bytes() { # as printf's %b
    printf %b "$1"
}

csv() { # LINE...: below a header `client,label,scopes,expires`
    echo "client,label,scopes,expires"
    printf '%b\n' "$@"
}

# ---- The vault that nothing may change ----

must init
vault=$SEALRING_VAULT
must ring create r --prefix acme_live
must client add acme --contact ops@example.org
must client add gone
must client forget gone
must issue r --client acme --scope read --scope write
good=$(cat "$work/out")
must issue r --client acme --label web
other=$(cat "$work/out")
must issue r --client acme --label expired --expires 5s
expired=$(cat "$work/out")
must issue r --client acme --label future --not-before 1h
future=$(cat "$work/out")
must issue r --client acme --label revoked
revoked=$(cat "$work/out")
must issue r --client acme --label suspended
suspended=$(cat "$work/out")
must issue r --client acme --label replaced
replaced=$(cat "$work/out")
key_of() {
    echo "$1" | sed 's/.*_\([0-9A-Za-z]*\)_[0-9]*_[0-9A-Za-z]*$/\1/'
}
key=$(key_of "$good")
other_key=$(key_of "$other")
expired_key=$(key_of "$expired")
revoked_key=$(key_of "$revoked")
suspended_key=$(key_of "$suspended")
unknown_key=0123456789abcdef
tail=${good##*_}
secret=${tail%??????}
other_secret=${other##*_}
other_secret=${other_secret%??????}
must revoke "$revoked_key"
must key suspend "$suspended_key"
must key rekey "$(key_of "$replaced")" --overlap 0s
# A version in each state: 1 destroyed, 2 compromised, 3 retired, 4 retiring, 5 active, 6 pending.
must ring create life --overlap 1h --prefix acme_life
must issue life --client acme --label one
in_destroyed=$(cat "$work/out")
must rotate life
must retire life 1 --overrule "for the test"
must destroy life 1 --overrule "for the test"
must issue life --client acme --label two
in_compromised=$(cat "$work/out")
must rotate life
must compromise life 2
must issue life --client acme --label three
in_retired=$(cat "$work/out")
must rotate life
must retire life 3 --overrule "for the test"
must rotate life
must prepare life
must ring create few --keep 1
must rotate few
must ring create dead
must issue dead --client acme
in_dead=$(cat "$work/out")
must compromise dead 1
printf '%s\n' "$good" "$other" "$expired" "$future" "$revoked" "$suspended" "$replaced" "$in_destroyed" \
    "$in_compromised" "$in_retired" "$in_dead" | canaries "$work/canaries"
is "$(wc -l <"$work/canaries")" 15 "there are secrets to look for"
echo "taken" >"$work/taken"
mkdir "$work/empty" "$work/full"
echo precious >"$work/full/file"
printf '%s\n' "$expired" >"$work/expiring"
# shellcheck disable=SC2317 # called by name
has_expired() {
    run_with "$work/expiring" verify
    matches "$work/out" expired
}
until_true has_expired

# ---- The rows ----

# What is wrong with how the command ended, a line each; nothing if nothing is.
faults() { # STATUS PATTERN
    [ "$status" -eq "$1" ] || echo "exit status $status, not $1"
    if [ -s "$work/err" ]; then
        message=$work/err
        # Names and files come back in messages: they must neither steer a terminal nor be other than UTF-8.
        [ "$(wc -l <"$message")$(grep -ac '^sealring: [[:print:]]*$' "$message")" = 11 ] ||
            echo "stderr is not one line of printable UTF-8 that begins with sealring:"
    else
        message=$work/out
        [ "$(wc -l <"$message")" -eq "$(grep -ac '^[[:print:]]*$' "$message")" ] ||
            echo "stdout has something that is not printable"
    fi
    case " $command " in
    *" explain "*) ;;
    *" --json "*) jq -e ".error.exit == $1" "$work/out" >/dev/null || echo "stdout does not tell the error" ;;
    *" verify "*) [ "$(wc -l <"$message")" -le 2 ] || echo "more than two lines" ;;
    *) [ ! -s "$work/out" ] || echo "stdout is not empty" ;;
    esac
    grep -aEq -- "$2" "$message" || echo "the message does not match $2"
    ! leaks "$work/canaries" "$work/out" "$work/err" || echo "a secret is shown"
    snapshot "$work/after" 2>"$work/snapshot.err" || echo "no snapshot: $(cat "$work/snapshot.err")"
    cmp -s "$work/before" "$work/after" || echo "the registry or the token has changed"
    read -r first <"$work/taken"
    [ "$first" = taken ] || echo "a file has changed"
}

# shellcheck disable=SC2120 # it sets them itself
try_row() {
    eval "set -- $command"
    if [ "$feed" = - ]; then
        run "$@"
    else
        eval "$feed" >"$work/input"
        run_with "$work/input" "$@"
    fi
    faults "$wanted" "$pattern" >"$work/faults"
    [ ! -s "$work/faults" ]
    report $? "$group: $(printf '%s < %.60s' "$command" "$feed" | sed 's|#|_|g; s|\\|/|g')" "$(tr '\n' ';' <"$work/faults")"
    [ -z "${VERBOSE-}" ] || sed 's/^/#   /' "$message"
    # Each is judged by itself.
    [ ! -s "$work/faults" ] || mv "$work/after" "$work/before"
}

# What the token's own program sees, between the groups: the rows compare the token's files.
compare_objects() {
    token_objects >"$work/objects.now"
    [ -z "$group" ] || ok "$group: the token's objects are the same" cmp -s "$work/objects" "$work/objects.now"
    mv "$work/objects.now" "$work/objects"
}

tab=$(printf '\t')
group=
rows_seen=0
snapshot "$work/before"
while IFS=$tab read -r command feed wanted pattern <&3; do
    case $command in
    '# SPDX'* | '# What'*) continue ;;
    '#'*)
        compare_objects
        group=${command#\# }
        continue
        ;;
    esac
    [ -n "$pattern" ] || bail_out "a row without its four fields: $command"
    rows_seen=$((rows_seen + 1))
    # shellcheck disable=SC2119 # none of this script's
    try_row
done 3<"$top_srcdir/tests/cli/bad-input.tsv"
compare_objects
ok "there are at least 150 rows ($rows_seen)" test "$rows_seen" -ge 150
check_vault "the vault is as it should be"
echo "$good" >"$work/input"
run_with "$work/input" verify --scope read
succeeds "and the good credential is still good"
done_testing
