# SPDX-License-Identifier: Apache-2.0
# Sourced after daemon.sh: a vault, sealringd, an upstream server, and what every gateway in front of them is tried with.
#
#   front_prepare PAGE         makes them; PAGE is the gateway's page in docs/gateways
#   configuration LANGUAGE     the page's block of that language, on standard output
#   front_answers COMMAND...   starts the gateway by COMMAND, which listens on $work/front, and compares what clients get with the page's table
# shellcheck shell=sh disable=SC2154

# shellcheck source=tests/gateway/slow_token.sh
. "$(dirname "$0")/slow_token.sh"
# As the pages have it.
# shellcheck disable=SC2016 # no command
bound_elsewhere='the API key is bound to other networks, or `--address-header` has no address'

front_prepare() {
    page=$top_srcdir/docs/gateways/$1
    must init
    must ring create payments --prefix acme_live
    must client add shop
    for name in valid revoked keep; do
        must issue payments --client shop --label "$name" --scope read --scope write --out "$work/$name"
    done
    must issue payments --client shop --label narrow --scope write --out "$work/narrow"
    must issue payments --client shop --label bound --scope read --from-addresses 203.0.113.0/24 --out "$work/bound"
    issue_unseen unseen
    must revoke "$(cut -d _ -f 3 "$work/revoked")"
    python3 "$gateway_tests/upstream.py" "$work/upstream" 2>/dev/null &
    daemons="$daemons $!"
    until_true test -S "$work/upstream"
    slow_token_use
    daemon_start
}

# The first request with it takes the token.
issue_unseen() { # FILE
    must issue payments --client shop --label "$1" --scope read --out "$work/$1"
}

configuration() {
    awk -v begin="\`\`\`$1" '$0 == begin { inside = 1; next } /^```/ { inside = 0 } inside' "$page"
}

front() { # CURL-ARGUMENT...: to the gateway
    code=$(curl -s -m 30 --path-as-is -o "$work/body" -D "$work/headers" -w '%{http_code}' --unix-socket "$work/front" "$@")
}
front_up() {
    front http://x/
    [ "$code" != 000 ] || ! kill -0 "$gateway" 2>/dev/null
}

# What the page's table contains for a kind of request: the first word of its third column.
tabled() {
    awk -F ' *\\| *' -v kind="$1" '$2 == kind { split($4, words, "[ ,:]"); print words[1] }' "$page"
}
gets() { # KIND CURL-ARGUMENT...
    kind=$1
    shift
    front "$@" http://x/orders?v=1
    wanted=$(tabled "$kind")
    is "$code" "$wanted" "$kind: the client gets ${wanted:-nothing that the page has}"
    header_times=$(tr -d '\r' <"$work/headers" | grep -ci '^x-sealring-')
    is "$header_times" 0 "$kind: and no header about the client"
}

gateway_start() {
    "$@" >"$work/gateway.log" 2>&1 &
    gateway=$!
    daemons="$daemons $gateway"
    until_true front_up
    kill -0 "$gateway" 2>/dev/null || {
        sed 's/^/# /' "$work/gateway.log" | tail -n 20
        bail_out "the gateway does not start"
    }
}

front_answers() {
    gateway_start "$@"
    forged="-H X-Sealring-Client:forged -H X-Sealring-Sunset:forged -H X-Sealring-Other:forged -H X-Sealring-Scopes:admin"
    # shellcheck disable=SC2086 # words
    gets "valid" -H "$(bearer "$work/valid")" $forged -H 'X-Forwarded-Uri: /v1/verify/write/-'
    is "$(sed -n "1s, HTTP/1\..*,,p" "$work/body")" "GET /orders?v=1" "the upstream server gets the request"
    is "$(sed -n 's/^x-sealring-client: //p' "$work/body") $(sed -n 's/^x-sealring-scopes: //p' "$work/body")" "shop read write" \
        "with the client's name and scopes"
    # OTHERS_PASS: a header that the gateway cannot remove, as its page warns.
    grep -v "^${OTHERS_PASS:-nothing}:" "$work/body" >"$work/kept"
    not_ok "and nothing of what the client had set itself" grep -q forged "$work/kept"
    not_ok "and without the credential" grep -qE '^(authorization|x-api-key):' "$work/body"
    gets "valid" -H "X-API-Key: $(cat "$work/valid")"
    gets "no credential"
    gets "no credential" -H 'Authorization: Basic YWJj'
    gets "not valid" -H "$(bearer "$work/revoked")"
    gets "not valid" -H "$(bearer "$work/valid")x"
    gets "a scope is missing" -H "$(bearer "$work/narrow")"
    gets "two different credentials" -H "$(bearer "$work/valid")" -H "X-API-Key: $(cat "$work/narrow")"
    gets "two different credentials" -H "X-API-Key: $(cat "$work/valid")" -H "X-API-Key: $(cat "$work/narrow")"
    for path in /-/v1/verify/write/- /../v1/verify/write/- /%2e%2e/%2e%2e/write/-; do
        front -H "$(bearer "$work/narrow")" "http://x$path"
        not_ok "a path such as $path requires no other scope" test "$code" = 200
    done
    gets "$bound_elsewhere" -H "$(bearer "$work/bound")"
    front_under_load
    token_is hang
    gets "no verdict" -H "$(bearer "$work/unseen")"
    token_is ""
    daemon_stop
    status_is 0 "sealringd ends well"
    gets "sealringd is away" -H "$(bearer "$work/valid")"
    kill "$gateway"
    wait "$gateway"
}

# While a client asks all the time: a rotation, a reload and a restart of the daemon, and the revocation of another client's key.
front_under_load() {
    load keep "$work/keep" "$work/front" /orders
    load other "$work/valid" "$work/front" /orders
    until_true loaded other 20
    must rotate payments
    must reissue "$(cut -d _ -f 3 "$work/keep")" --out "$work/keep.successor"
    kill -HUP "$daemon"
    until_true grep -q reopened "$work/daemon.log"
    must revoke "$(cut -d _ -f 3 "$work/valid")"
    effective=$(date +%s.%N)
    seen=$(wc -l <"$work/other.load")
    until_true loaded other $((seen + 20))
    unload other
    is "$(awk -v after="$effective" '$1 > after && $2 == 200' "$work/other.load" | wc -l)" 0 "no request that began after the revocation was effective gets in"
    is "$(statuses other)" "200 401 " "before it every one, after it none"
    seen=$(wc -l <"$work/keep.load")
    until_true loaded keep $((seen + 20))
    unload keep
    is "$(statuses keep)" "200 " "no valid request is refused through rotation, reload and revocation"
}
