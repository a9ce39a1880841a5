#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Successors that sealring run hands over by itself: to hooks, encrypted to clients' certificates, and into a directory; hooks that fail, keys that
# get none, and a whole rotation without hands.
# shellcheck disable=SC2016,SC2317 # the hooks' own variables; functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
for name in openssl sqlite3; do
    command -v $name >/dev/null || bail_out "$name is missing: sh tools/packages.sh test"
done
database=$SEALRING_VAULT/registry/sealring.db
store=$work/store # what the hooks have stored

hook() { # NAME SCRIPT
    printf '#!/bin/sh\nstore=%s\n%s\n' "$store" "$2" >"$work/hooks/$1"
    chmod 700 "$work/hooks/$1"
}

owed() { # FILTER: of what `handover list` has
    "$SEALRING" handover list --all --json | jq -r "[.handovers[] | $1] | join(\" \")"
}

due_now() {
    sqlite3 "$database" "UPDATE handover SET due = 1"
}

entries() { # ACT
    sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = '$1'"
}

state() { # RING VERSION
    "$SEALRING" ring show "$1" --json | jq -r ".ring.version_list[] | select(.version == $2).state"
}

must init --lease 1s
mkdir "$work/hooks" "$store" "$work/deliveries"
chmod 700 "$work/hooks"

# ---- sealring.conf ----

must ring create plain --prefix acme_live --overlap 1s --quiet-period 1s --deliver hook --keep 20
for client in shop depot; do
    must client add $client
    must issue plain --client $client --label web --out "$work/$client.first"
done
must rotate plain
run run --once
status_is 1 "successors that nobody takes are a failure"
err_like 'ring plain delivers successors \(--deliver hook\), and sealring.conf has no `hooks`' "with the reason"
is "$(sqlite3 "$database" "SELECT max(version) FROM credential")" 1 "and nothing is issued"
printf 'hooks = %s\ndeliveries = %s\n' "$work/hooks" "$work/deliveries" >>"$SEALRING_VAULT/sealring.conf"
hook 10-store '[ "$SEALRING_EVENT" = successor ] || exit 0
cat >"$store/$SEALRING_CLIENT.$SEALRING_LABEL" && echo "$SEALRING_KEY_ID $SEALRING_RING $SEALRING_VERSION" >>"$store/calls"'
chmod 777 "$work/hooks"
run run --once
status_is 1 "a hooks directory that others can write is refused"
err_like 'hooks can be written by its group or by others: chmod go-w' "with what to do"
is "$(sqlite3 "$database" "SELECT max(version) FROM credential")" 1 "and nothing is issued"
chmod 700 "$work/hooks"

# ---- plain successors ----

run run --once --dry-run
succeeds "a dry run"
out_like 'plain: delivers version 2 to client depot' "lists what would be delivered"
is "$(find "$store" -type f | wc -l)" 0 "and runs no hook"
run run --once
succeeds "sealring run delivers"
out_like 'plain: delivered version 2 to client shop \(API key [0-9A-Za-z]{16}\)' "and reports each one"
for client in shop depot; do
    run_with "$store/$client.web" verify
    succeeds "$client's successor is accepted"
    is "$(cut -d_ -f4 "$store/$client.web")" 2 "under the new version"
done
nowhere "$(cat "$store/shop.web")" "no output has a credential"
is "$(owed .state)" "delivered delivered" "handover list --all has both"
run handover list
out_empty "and handover list none that is owed"
number=$(entries key.deliver)
is "$number" 2 "an entry for each in the audit log"
calls=$(wc -l <"$store/calls")
run run --once
is "$(wc -l <"$store/calls") $(entries key.deliver)" "$calls $number" "nothing is delivered twice"

# ---- a hook that fails ----

must rotate plain
hook 20-check 'cat; echo "no network for $SEALRING_CLIENT" >&2; [ "$SEALRING_CLIENT" != depot ]'
run run --once
status_is 1 "a hook that fails"
out_like 'failed to deliver version 3 to client depot .*attempt 1: hook 20-check ended with status 1: no network for depot; tries again' "is reported"
nowhere "$(cat "$store/depot.web")" "without the credential"
is "$(owed '"\(.client) \(.state) \(.attempts)"')" "depot failed 1 shop delivered 1" "others get their successors"
run handover list
out_like '^plain +depot +web +[0-9A-Za-z]+ +3 +failed +1 .*no network for depot' "handover list shows it"
first=$(cat "$store/depot.web")
calls=$(wc -l <"$store/calls")
run run --once
is "$(wc -l <"$store/calls")" "$calls" "it is not tried again at once"
for _ in 2 3 4; do
    due_now
    run run --once
done
is "$(owed '.attempts')" "4 1" "but later, each time after a longer pause"
pause=$(sqlite3 "$database" "SELECT (h.due - (SELECT max(time) FROM audit)) / 60000.0 BETWEEN 7.5 AND 8.5 FROM handover h WHERE h.delivered = 0")
is "$pause" 1 "of 8 minutes after the fourth attempt"
is "$(cat "$store/depot.web")" "$first" "with the same credential"
is "$(sqlite3 "$database" "SELECT count(*) FROM credential c JOIN api_key k ON k.id = c.api_key JOIN client l ON l.id = k.client WHERE l.name = 'depot'")" 3 \
    "which is issued once"
rm "$work/hooks/20-check"
run handover send
succeeds "handover send waits for no pause"
is "$(owed .state)" "delivered delivered" "and delivers what is left"

# ---- keys that get none ----

must rotate plain
must key suspend "$(cut -d_ -f3 "$store/depot.web")" --reason test
run run --once
succeeds "a suspended key gets no successor"
is "$(cut -d_ -f4 "$store/depot.web" "$store/shop.web" | paste -sd ' ')" "3 4" "but the others do"
must key resume "$(cut -d_ -f3 "$store/depot.web")"
run run --once
is "$(cut -d_ -f4 "$store/depot.web")" 4 "it gets one when it is resumed"
must ring set plain --deliver notify
must rotate plain
run run --once
is "$(cut -d_ -f4 "$store/depot.web" "$store/shop.web" | paste -sd ' ')" "4 4" "notify delivers nothing"

# ---- killed, and at the same time ----

must ring set plain --deliver hook
for moment in before after; do
    rm -f "$store/killed"
    must rotate plain
    hook 10-store "[ $moment = after ] || [ -e \"\$store/killed\" ] || { touch \"\$store/killed\" && kill -9 \"\$PPID\"; exit 1; }
        cat >\"\$store/\$SEALRING_CLIENT.\$SEALRING_LABEL\"; echo \"\$SEALRING_CLIENT\" >>\"\$store/order\"
        [ -e \"\$store/killed\" ] || { touch \"\$store/killed\" && kill -9 \"\$PPID\"; }"
    : >"$store/order"
    run run --once
    is "$status" 137 "sealring run is killed $moment a hook has stored a successor"
    issued=$(sqlite3 "$database" "SELECT count(*) FROM credential")
    run handover list
    out_like '^plain +depot .* owed +0 ' "which is owed"
    [ $moment = before ] || stored=$(cat "$store/depot.web")
    run run --once
    succeeds "the next turn delivers"
    is "$(sqlite3 "$database" "SELECT count(*) - $issued FROM credential")" 1 "and issues the other one only"
    is "$(sort "$store/order" | uniq -c | awk '{ print $2 " " $1 }' | paste -sd ' ')" "depot $([ $moment = before ] && echo 1 || echo 2) shop 1" \
        "it is delivered once more at most"
done
is "$(cat "$store/depot.web")" "$stored" "and is the same"
must rotate plain
hook 10-store "LD_LIBRARY_PATH='${LD_LIBRARY_PATH-}' '$SEALRING' handover send --vault '$SEALRING_VAULT' >\"\$store/second\" 2>&1; cat >\"\$store/\$SEALRING_CLIENT.\$SEALRING_LABEL\""
run run --once
succeeds "sealring run delivers"
ok "a second process meanwhile does not" grep -q 'another process delivers' "$store/second"
is "$(cut -d_ -f4 "$store/depot.web" "$store/shop.web" | paste -sd ' ')" "8 8" "each gets its successor"

# ---- encrypted successors ----

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/client.key" -subj /CN=client -days 30 -out "$work/client.pem" \
    2>"$work/err" || bail_out "no certificate: $(cat "$work/err")"
must ring create sealed --prefix acme_test --deliver sealed
must client add certified --certificate "$work/client.pem"
must client add none
must issue sealed --client certified --label web --out "$work/certified.first"
must issue sealed --client none --label web --out "$work/none.first"
hook 10-store 'cat >"$store/$SEALRING_EVENT.$SEALRING_CLIENT"'
must rotate sealed
run run --once
status_is 1 "a client without a certificate is a failure"
is "$(owed 'select(.ring == "sealed") | "\(.client) \(.state)"')" "certified delivered none failed" "of that client only"
out_like 'client none .*certificate' "with the reason"
key=$(cut -d_ -f3 "$work/certified.first")
file=$work/deliveries/certified.web.$key.cms
is "$(mode_of "$file")" 600 "there is a file for its owner only"
is "$(ls -A "$work/deliveries")" "certified.web.$key.cms" "and nothing else"
ok "the hook got the same" cmp -s "$file" "$store/sealed-successor.certified"
openssl cms -decrypt -inform PEM -in "$file" -inkey "$work/client.key" -recip "$work/client.pem" -out "$work/plain" 2>"$work/err"
head -n 1 "$work/plain" >"$work/opened"
run_with "$work/opened" verify
succeeds "the client opens it, and it is accepted"
is "$(sqlite3 "$database" "SELECT max(version) FROM credential c JOIN api_key k ON k.id = c.api_key WHERE k.key_id = '$(cut -d_ -f3 "$work/none.first")'")" 1 \
    "nothing is issued that cannot be delivered"
must client set none --certificate "$work/client.pem"
run handover send
succeeds "it is delivered once there is a certificate"
must rotate sealed
chmod 500 "$work/deliveries"
rm -rf "$work/deliveries"
run run --once
status_is 1 "a missing directory is a failure"
out_like 'deliveries/certified.web.*cannot be written' "which is named"
mkdir "$work/deliveries"
run handover send
succeeds "and delivered later"

# ---- edited rows ----

must ring set plain --deliver hook
hook 10-store 'cat >"$store/$SEALRING_CLIENT.$SEALRING_LABEL"'
run run --once
before=$(cat "$store/shop.web")
sqlite3 "$database" "UPDATE handover SET version = 1, attempts = 9, due = 9e15, failure = 'made up'"
must rotate plain
run run --once
is "$(cut -d_ -f4 "$store/shop.web")" 9 "what a row has about an older version delays nothing"
sqlite3 "$database" "UPDATE ring SET deliver = 2 WHERE name = 'plain'"
sqlite3 "$database" "UPDATE handover SET delivered = 0, due = 0"
run run --once
ok "an edited row delivers the same once more" [ "$(cut -d_ -f4 "$store/shop.web")" = 9 ]
ok "which it was before" [ "$before" != "$(cat "$store/shop.web")" ]
run audit verify
succeeds "and the log agrees"

# ---- a whole rotation by sealring run alone ----

must ring create hands --prefix acme_hand --overlap 1s --quiet-period 1s --deliver hook
must client add mover
must issue hands --client mover --label web --out "$store/mover.web"
run_with "$store/mover.web" verify
must rotate hands
turns() { # until version 1 has retired; the client uses what is in its store
    run run --once
    run_with "$store/mover.web" verify
    [ "$status" -eq 0 ] && [ "$(state hands 1)" = retired ]
}
ok "version 1 retires, though succession asks for successors" until_true turns
is "$(cut -d_ -f4 "$store/mover.web")" 2 "the client has moved"
run_with "$store/mover.web" verify
succeeds "and is accepted"
done_testing
