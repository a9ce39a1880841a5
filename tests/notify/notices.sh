#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Notices by webhook and mail, from an act to real receivers: content, signature by the printed secret, order, failures that concern one channel only.
# shellcheck disable=SC2154 # what lib.sh sets
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/notify/lib.sh
. "$(dirname "$0")/lib.sh"
python3 -c 'import aiosmtpd' 2>/dev/null || bail_out "aiosmtpd is missing (Debian: python3-aiosmtpd): sh tools/packages.sh test"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing: sh tools/packages.sh test"

must init
database=$SEALRING_VAULT/registry/sealring.db
must ring create webhooks --prefix webhook
must ring create payments --prefix acme_live
server_start receiver.py http
hook=http://$address
server_start mail_server.py plain
{
    echo "webhook-ring = webhooks"
    echo "webhook-private-addresses = yes"
    echo "mail-server = smtp://$address"
    echo "mail-from = sealring@service.example"
} >>"$SEALRING_VAULT/sealring.conf"
must client add shop --contact ops@shop.example --notify email,webhook --webhook "$hook/200"
must client add slow --notify webhook --webhook "$hook/503/retry/7200"
must client add gone --notify webhook --webhook "$hook/410"
for client in shop slow gone; do
    must issue payments --client $client --label web --out "$work/$client"
done
must notify secret shop --out "$work/secret"

run notify test shop
succeeds "a test by both channels"
is "$(sort "$work/out" | paste -sd ' ' -)" "email: sent webhook: sent" "is sent by each"
is "$(jq -r '.body | fromjson | .type' "$served/last")" credential.test "the webhook is marked as a test"

: >"$served/requests"
must rotate payments --no-wait
run notify send
status_is 1 "a receiver that fails is reported"
is "$(cut -d ' ' -f 3 "$served/requests" | sort | paste -sd ' ' -)" "/200 /410 /503/retry/7200" "each client's receiver was asked once"
is "$(sqlite3 "$database" "SELECT c.name, n.dead FROM notice n JOIN client c ON c.id = n.client ORDER BY 1" | paste -sd ' ' -)" "gone|1 slow|0" \
    "one refuses for ever, one is asked again"
is "$(sqlite3 "$database" "SELECT round((n.due - n.first) / 3600000.0) FROM notice n WHERE dead = 0")" 2.0 "when it asks for that"

# what the mail has
is "$(wc -l <"$served/sessions")" 2 "two mails were sent"
python3 -I -c 'import email, email.policy, sys
message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
print(message["To"], message["From"])
print(message["Subject"])
print(message.get_content(), end="")' "$served/2.eml" >"$work/mail"
is "$(sed -n 1,2p "$work/mail" | paste -sd ' ' -)" "ops@shop.example sealring@service.example API keys of shop: a new version is active" "with recipient and subject"
ok "the API key is named" grep -q "^  $(sqlite3 "$database" "SELECT key_id FROM api_key k JOIN client c ON c.id = k.client WHERE c.name = 'shop'") web, accepted until 20" "$work/mail"
not_ok "no credential is in any message" grep -r acme_live_ "$served"

# what the webhook has
must client set slow --notify none
must client set gone --notify none
must rotate payments --no-wait
run notify send
succeeds "what concerns no failing receiver is sent"
ok "the secret that was printed verifies the webhook" python3 -I -c 'import base64, hashlib, hmac, json, sys
last = json.load(open(sys.argv[1]))
headers = {name.lower(): value for name, value in last["headers"].items()}
key = base64.b64decode(open(sys.argv[2]).read().strip().removeprefix("whsec_"))
signed = headers["webhook-id"] + "." + headers["webhook-timestamp"] + "." + last["body"]
wanted = "v1," + base64.b64encode(hmac.digest(key, signed.encode(), "sha256")).decode()
sys.exit(wanted not in headers["webhook-signature"].split(" "))' "$served/last" "$work/secret"
is "$(jq -r '.body | fromjson | [.type, .data.client, (.data.notices[0].version | tostring)] | join(" ")' "$served/last")" "credential.successor_available shop 3" \
    "and it is about the new version"
is "$(sqlite3 "$database" "SELECT count(*) FROM notice")" 0 "what concerned clients without notices is gone"
done_testing
