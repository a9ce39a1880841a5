#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Claims: whoever writes the registry and has no token gets no credential for a code of his own, and takes no claim back.
# shellcheck disable=SC2119,SC2317 # functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/../gateway/daemon.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"

database() {
    echo "$SEALRING_VAULT/registry/sealring.db"
}
edit() { # SQL, as an attacker who also lets the epoch move
    unguarded "$(database)" "$1; UPDATE vault SET epoch = epoch + 1" || bail_out "the edit itself failed: $1"
}
chain() { # the facts' hashes, computed again
    unguarded "$(database)" "$(perl "$top_srcdir/tests/tamper/forge.pl" chain "$(database)")" || bail_out "the chain cannot be made"
}
own_code() { # KEYID: $own and its $digest
    own=$(perl "$top_srcdir/tests/tamper/forge.pl" claim "$(database)" "$1")
    digest=${own#* }
    own=${own% *}
}
post() { # CODE: $code and $work/body
    jq -n --arg code "$1" --rawfile certificate "$work/thief.pem" '{code: $code, certificate: $certificate}' >"$work/request"
    code=$(curl -s -m 60 -o "$work/body" -w '%{http_code}' --unix-socket "$work/renew" -X POST --data-binary "@$work/request" http://x/v1/claim)
}
gets_nothing() { # CODE WHAT
    post "$1"
    is "$(jq -r 'has("sealed")' "$work/body")" false "$2: no credential ($code)"
    ok "$2: the broker refuses" grep -q "1 credentials cannot be renewed now: .*registry" "$work/broker.log"
    run client add another
    status_is 1 "$2: acts are refused"
    err_like "registry" "$2: and name the registry"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=thief -days 30 -keyout "$work/thief.key" -out "$work/thief.pem" 2>/dev/null ||
    bail_out "openssl makes no certificate"
must init --lease 1s
must ring create payments --prefix acme_live
must client add shop
must issue payments --client shop --scope read --out "$work/plain"
plain=$(cut -d _ -f 3 "$work/plain")
must issue payments --client shop --label claimed --scope read --claim --out "$work/code"
claimed=$(cut -d _ -f 2 "$work/code")
cp -a "$SEALRING_VAULT" "$work/kept"

trial() { # WHAT: a fresh copy of the vault
    [ -z "$daemon" ] || daemon_stop
    [ -z "$broker" ] || broker_stop
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/kept" "$SEALRING_VAULT"
}
serve() {
    broker_start
    daemon_start --renew-listen "unix:$work/renew" --broker "$broker_socket"
    renewing() {
        request http://x/readyz
        [ "$(cat "$work/body")" = '{"renewal":true}' ]
    }
    until_true renewing
}
now=$(date +%s)
end=$((now + 3600))000

trial
serve
own_code "$plain"
edit "INSERT INTO closed_fact (sequence, kind, key_id, ring_id, version, state, hash, value)
    SELECT max(sequence) + 1, 1, '$plain', x'', 0, 1, zeroblob(32), '0' || char(10, 10, 10, 10, 10, 10) || '0 claim $digest 1 $end' FROM closed_fact"
chain
gets_nothing "$own" "a claim that was appended, whose chain fits"

trial
serve
own_code "$claimed"
edit "UPDATE closed_fact SET value = substr(value, 1, instr(value, '0 claim ') + 7) || '$digest 1 $end' WHERE key_id = '$claimed'"
chain
gets_nothing "$own" "another code in a claim's place, with a chain that fits"

trial
serve
own_code "$claimed"
edit "UPDATE closed_fact SET value = substr(value, 1, instr(value, '0 claim ') + 7) || '$digest 1 $end' WHERE key_id = '$claimed'"
gets_nothing "$own" "the same without"

trial
serve
must claim cancel "$claimed"
edit "DELETE FROM closed_fact WHERE sequence = (SELECT max(sequence) FROM closed_fact)"
gets_nothing "$(cat "$work/code")" "a claim that was canceled, and its end removed"

trial
serve
edit "UPDATE credential SET scopes = 'admin read' WHERE api_key = (SELECT id FROM api_key WHERE key_id = '$claimed')"
post "$(cat "$work/code")"
is "$code $(jq -r .code "$work/body")" "503 unavailable" "an edited credential is not handed over"
ok "which is an alarm" grep -q "ALARM: the token does not confirm the registry's row of credential 1 of API key $claimed" "$work/broker.log"

trial
serve
post "$(cat "$work/code")"
is "$code" 200 "without an edit it is"
daemon_stop
broker_stop
done_testing
