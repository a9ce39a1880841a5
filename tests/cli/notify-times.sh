#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Notices that follow from times, and when they are sent: ends of versions and credentials, quiet hours, digests, many API keys of one client.
# shellcheck disable=SC2317 # functions called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing: sh tools/packages.sh test"

must init
database=$SEALRING_VAULT/registry/sealring.db
mkdir -m 755 "$work/hooks"
printf '#!/bin/sh\ncat >>"%s/received"\necho >>"%s/received"\n' "$work" "$work" >"$work/hooks/keep"
chmod 755 "$work/hooks/keep"
echo "notice-hooks = $work/hooks" >>"$SEALRING_VAULT/sealring.conf"

sends() {
    : >"$work/received"
    run notify send
}
received() { jq -r "$1" "$work/received" | paste -sd ' ' -; }
edit() { unguarded "$database" "$1"; }
# As if the last turn had been this number of seconds ago.
last_turn() { edit "UPDATE notice_state SET time = time - 1000 * $1"; }
types() { received '[.data.notices[].type | ltrimstr("credential.")] | unique | join(",")'; }

# ---- the end of a version
# An hour before its end is a second after the rotation: what a rotation reports itself is no reminder.
must ring create payments --prefix acme_live --overlap 1h1s
must client add shop --notify hook
must client add other
must issue payments --client shop --label old --out "$work/old"
must issue payments --client other --label old --out "$work/other"
must rotate payments --no-wait
sends
is "$(types)" successor_available "a rotation"
reminded() {
    last_turn 120
    sends
    [ -s "$work/received" ]
}
ok "the version's end comes near" until_true reminded
is "$(types)" window_closing "an hour before the version retires"
is "$(received '.data.notices | map(.label) | join(",")')" old "with the API key that has no successor"
is "$(received '.data.notices[0] | (.until | .[0:4] | tonumber) > 2000')" true "and the time until which its credential is accepted"
sends
is "$(cat "$work/received")" "" "once"
last_turn 120
sends
is "$(types)" window_closing "an edited time repeats it"
must reissue "$(sqlite3 "$database" "SELECT k.key_id FROM api_key k JOIN client c ON c.id = k.client WHERE c.name = 'shop'")" --out "$work/new"
last_turn 120
sends
is "$(cat "$work/received")" "" "nobody is reminded who has the successor"
key=$(sqlite3 "$database" "SELECT k.id FROM api_key k JOIN client c ON c.id = k.client WHERE c.name = 'shop'")
edit "INSERT INTO usage_hour SELECT $key, 1, strftime('%s', 'now') / 3600, zeroblob(16), 1, 1, 5, 0, 0, 0, 0, 0, 1000 * strftime('%s', 'now')"
last_turn 120
sends
is "$(types)" still_on_old_version "but who goes on with the predecessor"
edit "DELETE FROM usage_hour"

# ---- the end of a credential
must issue payments --client shop --label soon --expires 30m --out "$work/soon"
must issue payments --client shop --label later --expires 3d --out "$work/later"
last_turn 3000
sends
is "$(types)" expiring "a credential that expires within the hour"
is "$(received '.data.notices | map(.label) | join(",")')" soon "and no other"
last_turn $((6 * 86400))
edit "DELETE FROM notice"
sends
is "$(received '[.data.notices[].label] | join(",")' | tr ' ' '\n' | sort | paste -sd ' ' -)" "later soon" "after a pause of days each end is reported once"

# an expiry that somebody edited is confirmed by nobody
edit "UPDATE credential SET expires = 1000 * strftime('%s', 'now') + 600000 WHERE api_key = (SELECT id FROM api_key WHERE label = 'later')"
last_turn 3500
sends
status_is 1 "an edited expiry is reported"
err_like 'ALARM: the registry was altered: a notice to client shop .expiring, version 2. is about an API key that the token does not confirm' "as an alarm"
is "$(received '.data.notices[].label' | grep -c later)" 0 "and nothing is sent about it"
edit "DELETE FROM notice"

# ---- quiet hours and digests
minute=$(($(date -u +%s) / 60 % 1440))
clock() { printf '%02d:%02d' $((($1 + 1440) % 1440 / 60)) $((($1 + 1440) % 1440 % 60)); }
must client set shop --quiet "$(clock $((minute - 60)))-$(clock $((minute + 120)))"
must rotate payments --no-wait
sends
is "$(cat "$work/received")" "" "nothing is sent in quiet hours"
is "$(sqlite3 "$database" "SELECT due / 60000 % 1440 FROM notice")" $(((minute + 120) % 1440)) "but at their end"
must compromise payments 2 --no-wait
sends
is "$(types)" emergency "except an emergency"
must client set shop --quiet none --digest 7d
edit "UPDATE notice SET due = 0"
sends
is "$(cat "$work/received")" "" "a digest waits"
is "$(sqlite3 "$database" "SELECT max(due) % 604800000 FROM notice")" 0 "for its time"
key=$(sqlite3 "$database" "SELECT key_id FROM api_key WHERE label = 'soon'")
must revoke "$key" --no-wait
sends
edit "UPDATE notice SET at = at - 604800000 WHERE entry = 0; UPDATE notice SET due = 0"
must client set shop --digest none
must client set shop --digest 1h
edit "UPDATE audit SET time = time" 2>/dev/null
must client set shop --digest none
sends
is "$(received '.type' | tr ' ' '\n' | sort | paste -sd ' ' -)" "credential.revoked credential.successor_available" "without a digest each event is a message"

# ---- many API keys
must client add factory --notify hook
{
    echo client,label
    seq -f 'factory,machine-%g' 1500
} >"$work/list.csv"
must issue payments --from "$work/list.csv" --out "$work/delivered"
must rotate payments --no-wait
sends
is "$(jq -c 'select(.data.client == "factory")' "$work/received" | wc -l)" 1 "1,500 API keys of one client are one message"
is "$(jq -r 'select(.data.client == "factory") | .data.count, (.data.notices | length)' "$work/received" | paste -sd ' ' -)" "1500 100" \
    "which counts them, and lists 100"
is "$(sqlite3 "$database" "SELECT count(*) FROM notice")" 0 "all was sent"
done_testing
