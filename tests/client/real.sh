#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole way: sealring-client and programs with the library renew at the real sealringd and sealring-broker, and notice nothing of a rotation.
# shellcheck disable=SC2154,SC2317,SC2119 # what other scripts set; functions that helpers call; no arguments are none
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/../gateway/daemon.sh"

must init --refresh 1s
must ring create payments --prefix acme_live --renew bearer
must ring create closed --prefix acme_closed
must client add shop
for name in one two three; do
    must issue payments --client shop --label $name --scope read --out "$work/$name"
done
must issue closed --client shop --out "$work/off"
mkdir "$served"
make_certificate '' localhost
broker_start
daemon_start --renew-listen "127.0.0.1:0" --renew-tls-certificate "$served/certificate" --renew-tls-key "$served/key" --broker "$broker_socket"
renewing() {
    grep -q 'renewing by TLS on' "$work/daemon.log"
}
until_true renewing || bail_out "the daemon does not listen for renewals"
port=$(sed -n 's/.*renewing by TLS on 127\.0\.0\.1:\([0-9]*\)$/\1/p' "$work/daemon.log")
url=https://localhost:$port
renew() { # FILE
    client renew "$1" --url "$url" --ca "$served/certificate"
}
version_of() { # FILE
    cut -d _ -f 4 "$1"
}
accepted() { # FILE
    request -H "$(bearer "$1")" http://x/v1/verify/read/-
    [ "$code" = 200 ]
}

renew "$work/one"
succeeds "before a rotation nothing is due"
out_like "no successor of .* is due" "which is reported"
renew "$work/off"
status_is 1 "a ring that renews no credentials"
err_like "does not renew .*renewal-off" "with the reason"
sed 's/.$/x/' "$work/one" >"$work/wrong"
renew "$work/wrong"
status_is 1 "a credential that is not valid"

# Two programs and a timer, and a rotation.
cp "$work/one" "$work/former"
run_exec() { # NAME
    "$CLIENT" exec "$work/$1" --url "$url" --ca "$served/certificate" --interval 1s -- \
        sh -c "echo \"\$SEALRING_CREDENTIAL\" >>'$work/$1.log'; exec sleep 600" 2>"$work/$1.err" &
    eval "process_$1=\$!"
    daemons="$daemons $!"
}
run_exec one
run_exec two
must rotate payments
moved() { # NAME
    [ "$(version_of "$work/$1")" = 2 ] && [ "$(tail -n 1 "$work/$1.log")" = "$(cat "$work/$1")" ]
}
ok "a program moves by itself" until_true moved one
ok "another one, too" until_true moved two
ok "its successor is accepted" until_true accepted "$work/one"
ok "so is the former one" accepted "$work/former"
renew "$work/three"
succeeds "a timer renews"
out_like "^renewed .*: API key $(cut -d _ -f 3 "$work/three"), version 2, expires " "with the key's ID"
renew "$work/former"
ok "a copy of the former credential gets the same successor" cmp -s "$work/former" "$work/one"
kill "$process_one" "$process_two"
wait "$process_one" "$process_two" 2>/dev/null

# The broker is away and comes back.
must rotate payments
broker_stop
renew "$work/three"
status_is 3 "without the broker, later"
err_like "cannot renew .* now .503 unavailable" "with the reason"
client status "$work/three" --json
json_is '.failures > 0' true "which status shows"
broker_start
renews() {
    jq '.retry_at = null' "$work/three.state" >"$work/edited" && cat "$work/edited" >"$work/three.state"
    renew "$work/three"
    [ "$status" -eq 0 ] && [ "$(version_of "$work/three")" = 3 ]
}
ok "with the broker the renewal goes on" until_true renews
ok "and the successor is accepted" until_true accepted "$work/three"
daemon_stop

# ---- Successors that are encrypted to the client's certificate: real deliveries, handed out by the server of the tests ----

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=shop -keyout "$work/shop.key" -out "$work/shop.pem" 2>/dev/null
cat "$work/shop.key" "$work/shop.pem" >"$work/shop.both"
cat "$work/shop.pem" "$work/shop.key" >"$work/shop.turned"
must audit key --all
cp "$work/out" "$work/vault.keys"
sealed_issue() { # FILE LABEL: a delivery, as one line of base64
    must issue payments --client shop --label "$2" --recipient "$work/shop.pem" --out "$1.cms"
    openssl cms -cmsout -inform PEM -in "$1.cms" -outform DER | base64 -w 0 >"$1"
}
sealed_issue "$work/delivery" sealed
must issue payments --client shop --label plain --out "$work/plain"
served=$work/sealed
server_start unix
sealed_renew() { # DELIVERY ARGUMENT...: of another credential each time, which has the delivery as its successor
    fresh "$work/shop" "$first"
    [ -z "$kept_state" ] || cp "$kept_state" "$work/shop.state"
    chain "$first" nothing
    fault body "$(jq -cn --arg sealed "$1" '{sealed: $sealed, key_id: "AAAABBBBCCCCDDDD", version: 1}')"
    shift
    client renew "$work/shop" --url "$url" "$@"
}
kept_state=
for each in both turned; do
    sealed_renew "$(cat "$work/delivery")" --key "$work/shop.$each" --vault-keys "$work/vault.keys"
    succeeds "a sealed successor is opened ($each)"
    run_with "$work/shop" verify
    succeeds "and is a valid credential"
    sealed_key=$(cut -d _ -f 3 "$work/shop")
    is "$(jq -r .key_id "$work/shop.state")" "$sealed_key" "its key ID is from the signed note"
done
refused() { # REGEX NAME
    status_is 3 "$2"
    err_like "$1" "with the reason"
    ok "the file is unchanged" contains "$work/shop" "$first"
}
sealed_renew "$(cat "$work/delivery")"
refused 'is sealed: give the private key' "a sealed successor without a key"
sealed_renew AAAA --key "$work/shop.both" --vault-keys "$work/vault.keys"
refused 'was not accepted: this is not a sealed credential' "something else"
sealed_renew "$(cat "$work/delivery")" --key "$work/shop.pem" --vault-keys "$work/vault.keys"
refused 'private key and certificate cannot be read' "a certificate without its key"
cat "$served/../served/key" "$served/../served/certificate" >"$work/other.both"
sealed_renew "$(cat "$work/delivery")" --key "$work/other.both" --vault-keys "$work/vault.keys"
refused 'was not accepted: it is not encrypted to this certificate' "another's key"
grep -v . "$work/vault.keys" >"$work/no.keys"
echo nothing >>"$work/no.keys"
sealed_renew "$(cat "$work/delivery")" --key "$work/shop.both" --vault-keys "$work/no.keys"
refused "was not accepted: none of the vault's keys has signed it" "another vault's"
fake=$first
first=$(cat "$work/plain")
sealed_renew "$(cat "$work/delivery")" --key "$work/shop.both" --vault-keys "$work/vault.keys"
refused 'another API key than the one that is expected' "another API key's"
first=$fake
jq -n --arg key "$sealed_key" '{serial: 4294967295, key_id: $key}' >"$work/other.state"
kept_state=$work/other.state
sealed_renew "$(cat "$work/delivery")" --key "$work/shop.both" --vault-keys "$work/vault.keys"
refused 'is an older one than the last' "an older delivery"
kept_state=
fresh "$work/shop" "$first"
chain "$first" "$second"
client renew "$work/shop" --url "$url" --key "$work/shop.both" --vault-keys "$work/vault.keys"
refused 'is not sealed, although a certificate is configured' "a successor in plain text, where a certificate is configured"
client renew "$work/shop" --url "$url" --key "$work/shop.both"
status_is 2 "a key without the vault's keys"
done_testing
