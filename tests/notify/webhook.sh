#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Webhooks: what a receiver gets, what each of its answers causes, and where nothing is sent.
# shellcheck disable=SC2154,SC2317 # what lib.sh sets; functions that helpers call
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/notify/lib.sh
. "$(dirname "$0")/lib.sh"
make_certificate receiver localhost
make_certificate other example.org
server_start receiver.py receiver
url=https://$address
CA=$served/receiver.pem PRIVATE=1
export CA PRIVATE

last() { # FILTER
    jq -r "$1" "$served/last"
}

requests() {
    wc -l <"$served/requests" 2>/dev/null || echo 0
}

# ---- What is sent ----

BODY='{"type":"credential.successor_available","data":{"label":"ä"}}' send webhook "$url/200" msg_1
sent "done 0 " "a webhook is accepted"
is "$(cat "$served/requests")" "1 POST /200 1 msg_1" "its signature is valid"
is "$(last .body)" '{"type":"credential.successor_available","data":{"label":"ä"}}' "the body arrives as it was signed"
is "$(last '.headers | [."Content-Type", ."webhook-id", ."User-Agent"] | @csv')" '"application/json","msg_1","sealring"' "with its headers"
is "$(last '.headers | keys | length')" 7 "and no others"
KEYS=3 send webhook "$url/204" msg_2
sent "done 0 " "any status of 2xx accepts it"
is "$(tail -n 1 "$served/requests")" "2 POST /204 1,2,3 msg_2" "there is a signature for each key, in their order"
KEYS=3 send webhook "$url/200" a b c
is "$(tail -n 3 "$served/requests" | cut -d ' ' -f 1 | uniq | wc -l)" 1 "several in one turn need one connection"

# The project's own library verifies it, where it is there: by hand, because Debian does not have it. The receiver above verifies the same by Python's hmac.
library=${STANDARD_WEBHOOKS-}
if [ -z "$library" ] && [ -n "${NPM_PACKAGES-}" ] && command -v npm >/dev/null &&
    (cd "$work" && timeout 60 npm install --ignore-scripts --no-audit --no-fund standardwebhooks@1.1.1 >"$work/npm" 2>&1); then
    library=$work/node_modules
fi
if [ -n "$library" ]; then
    ok "Standard Webhooks' own library accepts it" env NODE_PATH="$library" node "$top_srcdir/tests/notify/receive.js" "$served/last"
else
    echo "# not tried: Standard Webhooks' own library; set STANDARD_WEBHOOKS to a node_modules with it, or NPM_PACKAGES=1"
fi

# ---- What the answers cause ----

answer() { # PATH TEXT
    send webhook "$url/$1" msg
    sent "$2" "/$1"
}
answer "301/location/$address" "retry 0 the receiver answered 301: redirects are not followed"
answer "308/location/$address" "retry 0 the receiver answered 308: redirects are not followed"
answer 410 "refused 0 the receiver answered 410: it takes no more webhooks"
answer 400 "retry 0 the receiver answered 400"
answer 404 "retry 0 the receiver answered 404"
answer 500 "retry 0 the receiver answered 500"
answer 429/retry/120 "retry 120000 the receiver answered 429"
answer 503/retry/120 "retry 120000 the receiver answered 503"
answer 503/retry/999999999 "retry 21600000 the receiver answered 503"
answer 503/retry/-5 "retry 0 the receiver answered 503"
answer 503/retry/99999999999999999999999 "retry 0 the receiver answered 503"
answer 503/retry/soon "retry 0 the receiver answered 503"
answer "503/retry/Fri,%2001%20Jan%202100%2000:00:00%20GMT" "retry 21600000 the receiver answered 503"
answer "503/retry/Fri,%2001%20Jan%201999%2000:00:00%20GMT" "retry 0 the receiver answered 503"
answer colours "retry 0 the receiver answered 500"
answer endless "done 0 "
answer half "done 0 "
ended() {
    [ -s "$served/endless" ]
}
until_true ended
ok "an endless body is not read" [ "$(cat "$served/endless")" -lt 50000000 ]
is "$(grep -c 'POST /200' "$served/requests")" 4 "no redirect was followed"

send webhook "$url" /200:a /nothing:b /410:c /cut:d /200:e
is "$(cut -d ' ' -f 1 "$work/out" | tr '\n' ' ')" "done retry refused retry done " "each result is of its own attempt"

LIMIT=1500
export LIMIT
answer drip "done 0 "
for fault in cut nothing garbage headers continues hang; do
    send webhook "$url/$fault" msg
    ok "/$fault: to be sent again" grep -q '^retry 0 [ -~]\{1,199\}$' "$work/out"
done
unset LIMIT
LIMIT=0 send webhook "$url/200" msg
ok "no time is left" grep -q '^retry 0 [Tt]imeout' "$work/out"

# ---- TLS ----

CA='' send webhook "$url/200" msg
ok "a certificate that no authority has signed" grep -q '^retry 0 .*certificate' "$work/out"
server_start receiver.py other
CA=$served/other.pem send webhook "https://$address/200" msg
ok "a certificate of another host" grep -q '^retry 0 .*localhost' "$work/out"
server_start receiver.py http
before=$(requests)
send webhook "https://$address/200" msg
ok "a server without TLS" grep -q '^retry 0 ' "$work/out"
is "$(requests)" "$before" "receives nothing"

# ---- Addresses ----

send webhook "http://$address/200" msg
sent "done 0 " "http to a loopback address, if private addresses are allowed"
before=$(requests)
refuses() { # URL REASON
    PRIVATE='' send webhook "$1" msg
    sent "refused 0 the URL $2" "$1"
}
refuses "http://$address/200" "is not https"
refuses "$url/200" "has a host that is not public"
for host in 127.0.0.1 127.1 2130706433 0x7f000001 0 10.0.0.1 169.254.169.254 100.64.0.1 192.168.1.1 224.0.0.1 '[::1]' '[::ffff:127.0.0.1]' \
    '[fe80::1]' '[64:ff9b::7f00:1]' '[2002:7f00:1::]' '[fd00::1]' '[::]' localhost LOCALHOST; do
    refuses "https://$host:${address#*:}/200" "has a host that is not public"
done
refuses "ftp://example.org/" "is not https"
refuses "file:///etc/passwd" "is no valid URL"
refuses "https://user@example.org/" "has a user or a password"
refuses "https://user:password@example.org/" "has a user or a password"
refuses "https://example.org/#fragment" "has a fragment"
refuses "https://" "is no valid URL"
refuses "example.org" "is no valid URL"
refuses "" "is no valid URL"
refuses "https://example.org/ä" "has a character other than printable ASCII"
refuses "https://example.org/
X-Header: 1" "has a character other than printable ASCII"
send webhook "http://example.org/" msg
sent "refused 0 the URL is http, which is for loopback addresses only" "no http to other hosts"
# A name whose address is private is noticed when it is connected to: what libcurl itself resolves to this host.
PRIVATE='' send webhook "https://receiver.localhost:${address#*:}/200" msg
sent "retry 0 the host has an address that is not public" "a name with a private address"
is "$(requests)" "$before" "none of these was connected to"

# A proxy of the environment would receive what is sent, and decide where it goes.
server_start receiver.py receiver
https_proxy=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 send webhook "https://$address/200" msg
sent "done 0 " "no proxy of the environment is used"

# ---- What is not signed ----

send webhook "https://$address/200" a.b
sent "retry 0 the request could not be made" "an ID with a full stop is not sent"
KEYS=0 send webhook "https://$address/200" msg
sent "retry 0 the request could not be made" "nothing is sent without a key"
done_testing
