#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Notices from the command line, received by a hook: what follows from acts and from times, for whom, when, and what an edited outbox achieves.
# shellcheck disable=SC2016 # jq's variables
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing: sh tools/packages.sh test"

must init
database=$SEALRING_VAULT/registry/sealring.db
mkdir -m 755 "$work/hooks"
# Keeps each message, one on a line; $work/broken makes it fail, $work/killed kills the process that sends.
cat >"$work/hooks/keep" <<HOOK
#!/bin/sh
cat >>"$work/received"
echo >>"$work/received"
echo "\$SEALRING_EVENT \$SEALRING_CLIENT" >>"$work/environment"
[ ! -e "$work/killed" ] || { rm "$work/killed"; kill -9 "\$(cat "$work/sender")"; }
[ ! -e "$work/broken" ] || { echo "the queue is full" >&2; exit 1; }
HOOK
chmod 755 "$work/hooks/keep"
echo "notice-hooks = $work/hooks" >>"$SEALRING_VAULT/sealring.conf"
: >"$work/received"
: >"$work/environment"

# Sends, and leaves in $work/out the messages that the hook received in this turn.
sends() {
    : >"$work/received"
    run notify send
}
received() { jq -r "$1" "$work/received" | paste -sd ' ' -; }
edit() { unguarded "$database" "$1"; }
outbox() { sqlite3 "$database" "SELECT count(*) FROM notice"; }

must ring create payments --prefix acme_live --keep 20
must client add shop --contact ops@shop.example --notify hook
must client add quiet --contact q@example.org
must issue payments --client shop --label web --out "$work/web"
must issue payments --client shop --label app --out "$work/app"
must issue payments --client quiet --label other --out "$work/quiet"

# ---- settings
run client show shop --json
json_is '.client.notices | [.state, .channels, .quiet, .digest] | join(" ")' 'confirmed hook none none' "client show has the settings"
run client set shop --notify email,pigeon
status_is 2 "an unknown channel is refused"
err_like 'notices are sent by email, webhook, hook' "with what there is"
run client set shop --notify webhook
err_like 'need a URL: --webhook URL' "a webhook needs a URL"
for value in "--quiet 22:00" "--quiet 22:00-22:00" "--quiet 25:00-07:00" "--digest 10m" "--digest 8d" "--webhook ftp://x.example/"; do
    # shellcheck disable=SC2086 # an option and its value
    run client set shop $value
    status_is 2 "refused: $value"
done
run client set quiet --contact "" --notify email
err_like 'need a contact: --contact ADDRESS' "email needs a contact"
run client set shop --quiet 22:00-07:00 --digest 1d --webhook https://hooks.shop.example/sealring
succeeds "all of them can be set"
run client show shop
out_like 'quiet hours +22:00-07:00 UTC' "and are shown"
must client set shop --quiet none --digest none --webhook none

# ---- events of acts
sends
succeeds "there is nothing to send at first"
is "$(cat "$work/received")" "" "and nothing is"
must rotate payments --no-wait
sends
succeeds "a rotation is sent"
is "$(received '.type, .data.client, (.data.count | tostring)')" "credential.successor_available shop 2" "one message for both API keys of the client"
is "$(received '[.data.notices[].label] | sort | join(",")')" "app,web" "which it names"
is "$(received '.data.notices[0] | .ring, (.version | tostring), .type')" "payments 2 credential.successor_available" "with ring and version"
is "$(cat "$work/environment")" "successor-available shop" "the hook has the event and the client in its environment"
is "$(outbox)" 0 "the outbox is empty then"
nowhere acme_live "no credential is printed"
not_ok "nor sent" grep -q acme_live "$work/received"
sends
is "$(cat "$work/received")" "" "nothing is sent twice"

key=$(sqlite3 "$database" "SELECT key_id FROM api_key WHERE label = 'app'")
must revoke "$key" --no-wait
sends
is "$(received '.type, (.data.count | tostring), .data.notices[0].key_id')" "credential.revoked 1 $key" "a revocation"
must rollback payments
sends
is "$(cat "$work/received")" "" "a rollback concerns nobody who has not moved"
must activate payments 2
sends
is "$(received .type)" "credential.successor_available" "activated again"
must compromise payments 1 --no-wait
sends
is "$(received '.type, (.data.notices[0].version | tostring), .data.notices[0].key_id')" "credential.emergency 1 " \
    "an emergency: the event alone, as no token can confirm the API key any more"

# ---- a receiver that fails
must issue payments --client shop --label till --out "$work/till"
must rotate payments --no-wait
touch "$work/broken"
sends
status_is 1 "a hook that fails is reported"
id=$(sqlite3 "$database" "SELECT lower(hex(message)) FROM notice")
is "${#id}" 32 "the message has an ID"
run notify list
out_like 'shop +hook +successor-available +payments +3 .*retry .*the queue is full' "notify list explains"
run status
out_like 'notices +1 to be sent' "status counts it"
sends
is "$(cat "$work/received")" "" "it is not sent again at once"
is "$(sqlite3 "$database" "SELECT due - first BETWEEN 59000 AND 70000 FROM notice")" 1 "but after a minute"
edit "UPDATE notice SET first = first - 259200001, due = 0"
sends
is "$(sqlite3 "$database" "SELECT dead FROM notice")" 1 "after three days it is a dead letter"
run status --json
json_is '.notices | [.waiting, .dead] | join(" ")' '0 1' "status counts dead letters"
rm "$work/broken"
sends
is "$(cat "$work/received")" "" "which are not sent"
run notify retry nobody
status_is 1 "retry of a client that there is not"
run notify retry shop
out_like '^1 notice is sent with the next turn' "notify retry"
sends
is "$(received '.type')" "credential.successor_available" "sends them"
is "$(outbox)" 0 "then the outbox is empty"

# ---- killed while it sends
must rotate payments --no-wait
touch "$work/killed"
sh -c 'echo $$ >"$1"; exec "$2" notify send' sh "$work/sender" "$SEALRING" >"$work/out" 2>"$work/err"
is "$(outbox)" 1 "a process that is killed after it sent has recorded nothing"
id=$(sqlite3 "$database" "SELECT lower(hex(message)) FROM notice")
run notify retry
sends
succeeds "it is sent again"
is "$(received '.data.notices[0].version')" 4 "with the same content"
is "$(outbox)" 0 "and recorded"

# ---- an edited registry
row() { # EVENT VERSION KEY SERIAL THRESHOLD ENTRY AT
    edit "INSERT INTO notice (client, channel, event, ring, version, key_id, serial, threshold, entry, at, message, attempts, first, due, dead, reason)
        VALUES ((SELECT id FROM client WHERE name = 'shop'), 3, $1, 1, $2, '$3', $4, $5, $6, $7, x'', 0, 0, 0, 0, '')"
}
planted() { # NAME
    sends
    status_is 1 "$1 is reported"
    err_like 'ALARM: the registry was altered: a notice to client shop' "as an alarm"
    is "$(cat "$work/received")" "" "and not sent"
    is "$(outbox)" 0 "nor kept"
}
last=$(sqlite3 "$database" "SELECT max(sequence) FROM audit WHERE act = 'version.activate'")
time=$(sqlite3 "$database" "SELECT time FROM audit WHERE sequence = $last")
other=$(sqlite3 "$database" "SELECT key_id FROM api_key k JOIN client c ON c.id = k.client WHERE c.name = 'quiet'")
row 9 4 '' 0 0 0 1 && planted "an emergency without an entry"
row 9 4 '' 0 0 "$last" "$time" && planted "an emergency that names another act"
row 1 3 '' 0 0 "$last" "$time" && planted "another version than the entry's"
row 1 4 '' 0 0 "$last" 1 && planted "another time"
row 6 0 "$other" 0 0 "$last" "$time" && planted "a revocation of another client's key"
row 2 2 '' 0 5 0 1 && planted "a reminder at no threshold"
row 1 4 '' 0 0 999999 "$time" && planted "an entry that there is not"
sends
row 1 4 '' 0 0 "$last" "$time"
sends
is "$(received .type)" "credential.successor_available" "a true notice may be sent again"
must issue payments --client quiet --label fresh --out "$work/fresh"
must rotate payments --no-wait
sends
last=$(sqlite3 "$database" "SELECT max(sequence) FROM audit WHERE act = 'version.activate'")
time=$(sqlite3 "$database" "SELECT time FROM audit WHERE sequence = $last")
other=$(sqlite3 "$database" "SELECT key_id FROM api_key WHERE label = 'fresh'")
edit "UPDATE api_key SET client = (SELECT id FROM client WHERE name = 'shop') WHERE key_id = '$other'"
row 1 5 '' 0 0 "$last" "$time"
sends
err_like 'ALARM: the registry was altered: a notice to client shop .* API key that the token does not confirm' "an API key that was moved to another client is an alarm"
is "$(received '[.data.notices[].key_id] | map(select(. == "'"$other"'")) | length')" 0 "and not named to that"
edit "UPDATE api_key SET client = (SELECT id FROM client WHERE name = 'quiet') WHERE key_id = '$other'"

# the settings
sqlite3 "$database" "SELECT quote(notices) FROM client WHERE name = 'shop'" >"$work/settings"
must rotate payments --no-wait
edit "UPDATE client SET notices = 'ewh' || char(10) || '-' || char(10) || '0' || char(10) || 'https://mallory.example/' WHERE name = 'shop'"
sends
status_is 1 "edited settings are reported"
err_like 'ALARM: the registry was altered: the text of settings for notices of client shop' "as an alarm"
is "$(cat "$work/received")" "" "nothing is sent"
run client show shop
out_like 'notices +.altered: see sealring audit verify' "client show reports them"
run audit verify
out_like 'client shop: its row has a text of settings for notices that its last fact does not have' "and audit verify"
run client set shop --contact other@shop.example
err_like 'ALARM: the registry was altered: the text of settings for notices of client shop' "the contact alone cannot be set then"
edit "UPDATE client SET notices = 'e--' || char(10) || '-' || char(10) || '0' || char(10) WHERE name = 'quiet'"
sends
run notify send
edit "UPDATE client SET notices = '' WHERE name = 'quiet'"
edit "UPDATE client SET notices = $(cat "$work/settings") WHERE name = 'shop'"
run notify retry
edit "UPDATE notice SET due = 0"
sends
is "$(received '.data.notices[0].version')" 6 "what waited is sent when the settings are those that were set"
edit "DELETE FROM notice"

# how far notices were derived
must rotate payments --no-wait
edit "DELETE FROM notice_state"
sends
status_is 1 "a deleted place is reported"
err_like 'ALARM: the registry was altered: up to where notices were derived is missing' "as an alarm"
edit "UPDATE notice_state SET entry = 999999"
sends
err_like 'up to where notices were derived is behind the log' "and one behind the log's end"
edit "UPDATE notice_state SET entry = 0, time = 0"
sends
is "$(received '.type' | tr ' ' '\n' | sort -u | grep -c expir)" 0 "an earlier one repeats true notices only"

# ---- a forgotten client
must client add gone --notify hook
must client forget gone
is "$(sqlite3 "$database" "SELECT notices || coalesce(notices_hash, '') FROM client WHERE name = 'gone'")" "" "client forget erases the settings"
edit "INSERT INTO notice SELECT (SELECT id FROM client WHERE name = 'gone'), 3, 1, 1, 4, '', 0, 0, $last, $time, x'', 0, 0, 0, 0, ''"
sends
is "$(cat "$work/received")" "" "and it gets no notice"

# ---- run
must client set shop --notify hook
must rotate payments --no-wait
: >"$work/received"
run run --once
is "$(received '[.data.notices[].version] | max' | tr ' ' '\n' | sort -n | tail -n 1)" 8 "run sends notices, too"
run notify test shop
succeeds "a test is sent"
out_like '^hook: sent' "by each channel"
is "$(tail -n 1 "$work/received" | jq -r .type)" "credential.test" "and is marked as one"
run notify test quiet
status_is 1 "a client without notices gets none"
done_testing
