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
done_testing
