#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The requests that Envoy and Traefik send according to their documentation, as docs/gateways has them: what sealringd answers.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/daemon.sh
. "$(dirname "$0")/daemon.sh"
# shellcheck source=tests/gateway/front.sh
. "$(dirname "$0")/front.sh"

front_prepare envoy.md
answer() { # CREDENTIAL-FILE [SED-EXPRESSION]: to the page's request; $code, $work/response
    {
        configuration http | sed "s|CREDENTIAL|$(cat "$1")|; ${2-}" | sed 's/$/\r/'
        printf '\r\n'
    } | raw >"$work/response"
    code=$(sed -n '1s,HTTP/1.1 \([0-9]*\).*,\1,p' "$work/response")
}
column() { # KIND: what the page's table has for sealringd
    awk -F ' *\\| *' -v kind="$1" '$2 == kind { print $3 }' "$page"
}
answers() { # KIND CREDENTIAL-FILE [SED-EXPRESSION]
    answer "$2" "${3-}"
    is "$code" "$(column "$1")" "$gateway: $1"
}
for gateway in envoy traefik; do
    page=$top_srcdir/docs/gateways/$gateway.md
    answers "valid" "$work/valid"
    is "$(tr -d '\r' <"$work/response" | sed -n 's/^X-Sealring-Scopes: //p')" "read write" "$gateway: with the scopes"
    not_ok "$gateway: the connection stays" grep -qi '^connection: close' "$work/response"
    answers "not valid" "$work/revoked"
    answers "a scope is missing" "$work/narrow"
    answers "no credential" "$work/valid" 's/Bearer/Basic/'
    answers "no credential" "$work/valid" '/uthorization:/d'
    answers "two different credentials" "$work/valid" "s/^\([Aa]uth.*\)/\1\\nX-API-Key: other/"
    answers "$bound_elsewhere" "$work/bound"
    issue_unseen "unseen.$gateway"
    token_is hang
    answers "no verdict" "$work/unseen.$gateway"
    token_is ""
    answer "$work/narrow" 's|/orders|/-/v1/verify/write/-|; s|^\([Hh]ost:.*\)|\1\nX-Sealring-Scopes: read\nX-Forwarded-Uri: /v1/verify/write/-|'
    is "$code" 403 "$gateway: the client's path and headers require nothing else"
    for method in POST DELETE OPTIONS HEAD PATCH; do
        answer "$work/valid" "1s/GET/$method/"
        is "$code" 200 "$gateway: $method"
    done
done
daemon_stop
status_is 0 "sealringd ends well"
done_testing
