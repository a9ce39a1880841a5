#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian's nginx with the module: who gets in, what the client gets, what the upstream server gets, in which order nginx asks.
# shellcheck disable=SC2016,SC2034,SC2317 # variables are nginx's, or for nginx_configure; functions are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"

make_vault
must ring create web --prefix acme_live
for client in acme globex initech; do
    must client add $client
    must issue web --client $client --scope read --scope write --out "$work/$client"
    must issue web --client $client --label reader --scope read --out "$work/$client.reader"
done
must client add bank
must issue web --client bank --scope read --from-addresses 203.0.113.0/24,2001:db8::/48 --out "$work/bound"
echo acme_live_nonsense >"$work/nonsense"
sed 's/^\(acme_live_.\)Q/\1R/; t; s/^\(acme_live_.\)./\1Q/' "$work/acme" >"$work/typo"

# ---- What nginx -t refuses ----

configuration() { # NAME REGEX: the configuration is refused with a line like that
    nginx_configure
    run_nginx -t >"$work/out" 2>"$work/err"
    status=$?
    [ "$status" -ne 0 ] && matches "$work/err" "$2"
    report $? "$1" "it should be refused by $2"
}
SERVER='location / { sealring read; proxy_pass http://unix:'$site'/upstream; }'
ENV_LINES=
configuration "a missing env line is named" "needs the line \"env SOFTHSM2_CONF=$SEALRING_VAULT/tokens/softhsm2.conf;\""
ENV_LINES='env SOFTHSM2_CONF=/elsewhere;'
configuration "so is one with another value" 'needs the line "env SOFTHSM2_CONF='
unset ENV_LINES
VAULT_LINE=
configuration "protection without a vault is refused" '"sealring" needs "sealring_vault"'
VAULT_LINE="sealring_vault $work/nowhere;"
configuration "a vault that does not exist is named" "sealring_vault \"$work/nowhere\""
VAULT_LINE="sealring_vault $SEALRING_VAULT; sealring_thread_pool other;"
configuration "a thread pool that does not exist is named" 'unknown thread pool "other"'
VAULT_LINE="sealring_vault $SEALRING_VAULT; sealring_pin_file $work/nowhere;"
configuration "a PIN file that does not exist is named" "sealring_pin_file \"$work/nowhere\" cannot be read"
unset VAULT_LINE
SERVER='sealring re\"ad;'
configuration "a scope that cannot exist is named" 'scope "re"ad", which cannot exist'
SERVER='sealring read; sealring write;'
configuration "two lines are too many" '"sealring" directive is duplicate'

# ---- Who gets in ----

HTTP='
    map $sealring_client $limit_by { "" $sealring_verdict; default $sealring_client; }
    limit_req_zone $limit_by zone=clients:1m rate=1r/m;
    limit_req_zone $sealring_key_id zone=delays:1m rate=6r/m;
    limit_conn_zone $sealring_client zone=connections:1m;
    log_format counted "$sealring_client $limit_conn_status";
    underscores_in_headers on;
    log_format verdicts "$uri $sealring_verdict client=$sealring_client key=$sealring_key_id ring=$sealring_ring scopes=$sealring_scopes version=$sealring_version";
    access_log '$site/verdicts.log' verdicts;
    log_format headers "$uri authorization=$http_authorization key=$http_x_api_key other=$http_x_sealring_other";
    access_log '$site/headers.log' headers;'
UP="proxy_pass http://unix:$site/upstream; proxy_set_header X-Sealring-Client \$sealring_client;"
SERVER='
    sealring any;
    location / { '$UP' }
    location /read/ { sealring read; '$UP' }
    location /write/ { sealring read write; '$UP' }
    location /off/ { sealring off; '$UP' }
    location /off/inner/ { sealring read; '$UP' }
    location /forward/ { sealring_forward on; '$UP' }
    location /other/ { sealring_credential X-Other; '$UP' }
    location /options/ { sealring_exempt_options on; '$UP' }
    location /limited/ { limit_req zone=clients; limit_req_status 429; '$UP' }
    location /counted/ { limit_conn connections 9; access_log '$site/counted.log' counted; '$UP' }
    location /delayed/ { limit_req zone=delays burst=5; '$UP' }
    location /grpc/ { grpc_pass grpc://unix:'$site'/upstream2; }
    location /fcgi/ { fastcgi_pass unix:'$site'/fcgi; fastcgi_param SCRIPT_FILENAME '$work'/environment; fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param HTTP_X_SEALRING_CLIENT $sealring_client; }
    location /early/ { set $early $sealring_verdict; add_header Early $early; '$UP' }
    location /any/allowed/ { satisfy any; allow all; '$UP' }
    location /any/denied/ { satisfy any; deny all; '$UP' }
    location /all/denied/ { deny all; '$UP' }
    location /files/ { try_files /nothing @named; }
    location @named { sealring write; '$UP' }
    location /redirected/ { error_page 404 = /read/after; proxy_pass http://unix:'$site'/missing; proxy_intercept_errors on; error_page 502 = /read/after; }
    location /asked/ { auth_request /question; '$UP' }
    location = /question { internal; sealring off; '$UP' proxy_pass_request_body off; }
    location /mirrored/ { mirror /copy; '$UP' }
    location = /copy { internal; '$UP' }
    location /included/ { sealring off; ssi on; ssi_types *; alias '$work/pages/'; }
    location /returned/ { return 200 "returned\n"; }
    location /sunset/ { sealring_sunset on; '$UP' }
    location /realip/ { set_real_ip_from unix:; real_ip_header X-Real-IP; '$UP' }
    location = /static { alias '$work/static'; }'
echo static >"$work/static"
mkdir "$work/pages"
echo '<!--# include virtual="/read/inside" -->' >"$work/pages/page"
printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"; env | grep "^HTTP_" | sort\n' >"$work/environment"
chmod +x "$work/environment"
fcgiwrap -s "unix:$site/fcgi" 2>"$work/fcgi.log" &
nginx_configure
nginx_start

gets() { # NAME STATUS CURL-ARGUMENT...
    name=$1
    wanted=$2
    shift 2
    request "$@"
    is "$code" "$wanted" "$name"
}
gets "a valid credential gets in" 200 -H "$(bearer "$work/acme")" http://x/read/a
gets "and once more, from memory" 200 -H "$(bearer "$work/acme")" http://x/read/a
gets "in X-API-Key too" 200 -H "X-API-Key: $(cat "$work/acme")" http://x/read/a
gets "whatever the case of the scheme" 200 -H "Authorization: bEARER  $(cat "$work/acme") " http://x/read/a
gets "without a credential nobody does" 401 http://x/read/a
is "$(header WWW-Authenticate)" 'Bearer realm="api"' "and is asked for one"
cp "$work/body" "$work/body401"
for bad in nonsense typo; do
    gets "$bad does not" 401 -H "$(bearer "$work/$bad")" http://x/read/a
    is "$(header WWW-Authenticate)" 'Bearer realm="api", error="invalid_token"' "$bad: the header says no more than that it is invalid"
    ok "$bad: nor does the body" cmp -s "$work/body" "$work/body401"
done
gets "a missing scope is another refusal" 403 -H "$(bearer "$work/acme.reader")" http://x/write/a
is "$(header WWW-Authenticate)" 'Bearer realm="api", error="insufficient_scope", scope="read write"' "which names what is asked for"
gets "with both scopes it gets in" 200 -H "$(bearer "$work/acme")" http://x/write/a
gets "any valid credential where no scope is asked for" 200 -H "$(bearer "$work/acme.reader")" http://x/a
gets "nothing is asked for where sealring is off" 200 http://x/off/a
gets "a location inside may be on" 401 http://x/off/inner/a
gets "two different credentials are a bad request" 400 -H "$(bearer "$work/acme")" -H "X-API-Key: $(cat "$work/globex")" http://x/read/a
gets "also in one header twice" 400 -H "X-API-Key: $(cat "$work/acme")" -H "X-API-Key: $(cat "$work/globex")" http://x/read/a
gets "the same twice is one" 200 -H "$(bearer "$work/acme")" -H "X-API-Key: $(cat "$work/acme")" http://x/read/a
gets "another scheme counts as none" 401 -u user:password http://x/read/a
is "$(header WWW-Authenticate)" 'Bearer realm="api"' "as the header shows"
gets "beside X-API-Key it is no conflict" 200 -u user:password -H "X-API-Key: $(cat "$work/acme")" http://x/read/a
gets "a header of one's own" 200 -H "X-Other: $(cat "$work/acme")" http://x/other/a
gets "there the usual ones count for nothing" 401 -H "$(bearer "$work/acme")" http://x/other/a
gets "OPTIONS can be exempt" 200 -X OPTIONS http://x/options/a
gets "other methods are not" 401 http://x/options/a
gets "and elsewhere OPTIONS is judged" 401 -X OPTIONS http://x/read/a
head -c 60000 /dev/zero | tr '\0' a >"$work/long"
gets "a credential that nginx has no room for" 400 -H "$(bearer "$work/long")" http://x/read/a
head -c 5000 /dev/zero | tr '\0' a >"$work/long"
gets "and one that is only long" 401 -H "$(bearer "$work/long")" http://x/read/a
gets "a static file is protected in the same way" 401 http://x/static
gets "and served" 200 -H "$(bearer "$work/acme")" http://x/static

# ---- Addresses ----

gets "a key that is bound to networks gets in from one of them" 200 -H "$(bearer "$work/bound")" -H 'X-Real-IP: 203.0.113.9' http://x/realip/a
gets "also from one of IPv6" 200 -H "$(bearer "$work/bound")" -H 'X-Real-IP: 2001:db8::1' http://x/realip/a
gets "and not from elsewhere" 403 -H "$(bearer "$work/bound")" -H 'X-Real-IP: 198.51.100.9' http://x/realip/a
is "$(header WWW-Authenticate)" '' "other scopes would not help"
ok "the reason is in the error log" grep -q 'sealring: address, key .*: the address 198.51.100.9 is in none of' "$site/error.log"
gets "nor where the address is not known" 403 -H "$(bearer "$work/bound")" http://x/realip/a
gets "a header counts only where realip takes it" 403 -H "$(bearer "$work/bound")" -H 'X-Real-IP: 203.0.113.9' http://x/read/a
gets "other keys get in from anywhere" 200 -H "$(bearer "$work/acme")" -H 'X-Real-IP: 198.51.100.9' http://x/realip/a

# ---- What the upstream server gets ----

upstream_gets() { # NAME WANTED CURL-ARGUMENT...
    name=$1
    wanted=$2
    shift 2
    request "$@"
    is "$(sed 's/ uri=.*//' "$work/body")" "$wanted" "$name"
}
upstream_gets "the upstream server gets no credential, and who it is" "authorization= key= client=acme other= x=1" \
    -H "$(bearer "$work/acme")" -H "X-API-Key: $(cat "$work/acme")" -H "X-Other: 1" http://x/read/a
upstream_gets "unless it is forwarded" "authorization=Bearer $(cat "$work/acme") key= client=acme other= x=" \
    -H "$(bearer "$work/acme")" http://x/forward/a
upstream_gets "a client's X-Sealring-* go nowhere" "authorization= key= client=acme other= x=" \
    -H "$(bearer "$work/acme")" -H "X-Sealring-Client: root" -H "x-sealring-other: root" -H "X_Sealring_Other: root" http://x/read/a
upstream_gets "also where sealring is off" "authorization= key= client= other= x=" -H "X-Sealring-Client: root" -H "X-Sealring-Other: root" http://x/off/a
request -H "$(bearer "$work/acme")" -H "X-Sealring-Client: root" -H "X_Sealring_Other: root" -H "X-Kept: 1" http://x/fcgi/a
is "$(grep -v 'HTTP_\(HOST\|USER_AGENT\|ACCEPT\)=' "$work/body" | tr '\n' ' ')" "HTTP_X_KEPT=1 HTTP_X_SEALRING_CLIENT=acme " "nor does a FastCGI program get any of it"
request --unix-socket "$site/front2" --http2-prior-knowledge -H "$(bearer "$work/acme")" -H "X-Sealring-Other: root" -H "X-Other: 1" http://x/grpc/a
is "$code $(sed 's/ uri=.*//' "$work/body")" "200 authorization= key= client= other= x=1" "nor a gRPC server"
gets "without a credential it is not asked" 401 --unix-socket "$site/front2" --http2-prior-knowledge http://x/grpc/a
upstream_gets "a foreign Authorization stays" "authorization=Basic dTpw key= client=acme other= x=" -u u:p -H "X-API-Key: $(cat "$work/acme")" http://x/read/a

# ---- Order and phases ----

gets "a client's first request within the limit" 200 -H "$(bearer "$work/globex")" http://x/limited/a
gets "its next one is limited" 429 -H "$(bearer "$work/globex")" http://x/limited/a
gets "another client is not: the verdict was there before limit_req" 200 -H "$(bearer "$work/initech")" http://x/limited/a
gets "limit_conn" 200 -H "$(bearer "$work/initech")" http://x/counted/a
ok "counts by client, too: an empty key is not counted" until_true grep -qx "initech PASSED" "$site/counted.log"
gets "a new credential of the limited client is limited although it was never seen" 429 -H "$(bearer "$work/globex.reader")" http://x/limited/a
gets "read too early" 200 -H "$(bearer "$work/acme")" http://x/early/a
is "$(header Early)" undecided "a verdict is undecided"
gets "satisfy any: an address suffices" 200 http://x/any/allowed/a
gets "or a credential" 200 -H "$(bearer "$work/acme")" http://x/any/denied/a
request http://x/any/denied/a
is "$code" 401 "without either nobody gets in"
gets "satisfy all: a credential does not suffice" 403 -H "$(bearer "$work/acme")" http://x/all/denied/a
gets "an internal redirect keeps the credential" 200 -H "$(bearer "$work/acme")" http://x/files/a
upstream_gets "and removes it" "authorization= key= client=acme other= x=" -H "$(bearer "$work/acme")" http://x/files/a
gets "the scopes are those of where it leads" 403 -H "$(bearer "$work/acme.reader")" http://x/files/a
gets "error_page keeps it" 200 -H "$(bearer "$work/acme")" http://x/redirected/a
gets "auth_request beside it" 200 -H "$(bearer "$work/acme")" http://x/asked/a
gets "does not replace it" 401 http://x/asked/a
gets "mirror beside it" 200 -H "$(bearer "$work/acme")" http://x/mirrored/a
request -H "$(bearer "$work/acme")" -H "X-Sealring-Other: root" http://x/asked/b
request -H "$(bearer "$work/acme")" -H "X-Sealring-Other: root" http://x/mirrored/b
subrequests() {
    grep '^/\(question\|copy\) ' "$site/headers.log" | sort -u >"$work/subrequests"
    [ "$(wc -l <"$work/subrequests")" -ge 2 ]
}
ok "both are requests to an upstream server" until_true subrequests
is "$(cut -d ' ' -f 2- "$work/subrequests" | sort -u)" "authorization=- key=- other=-" "which gets neither the credential nor a client's X-Sealring-*"
gets "a subrequest is not judged, as the page warns" 200 http://x/included/page
ok "so an unprotected page can include what is protected" grep -q 'client= .*uri=/read/inside' "$work/body"
gets "nor is what \"return\" answers" 200 http://x/returned/a
request --http1.1 -H "$(bearer "$work/acme")" http://x/read/1 --next --unix-socket "$site/front" -s -o /dev/null http://x/read/2
is "$(grep -c '^/read/a accepted client=acme key=................ ring=web scopes=read write version=1$' "$site/verdicts.log" | sed 's/^[1-9][0-9]*$/some/')" some \
    "the access log has client, key, ring, scopes and version"
printf 'GET /read/p HTTP/1.1\r\nHost: x\r\n%s\r\n\r\nGET /read/p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$(bearer "$work/acme")" |
    perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; local $/; print $s <STDIN>; print for <$s>' "$site/front" >"$work/body"
is "$(grep -o '^HTTP/1.1 [0-9]*' "$work/body" | tr '\n' ' ')" "HTTP/1.1 200 HTTP/1.1 401 " "of two pipelined requests each is judged by itself"

h2="--unix-socket $site/front2 --http2-prior-knowledge"
# shellcheck disable=SC2086 # words
gets "HTTP/2: two different credentials are a bad request" 400 $h2 -H "$(bearer "$work/acme")" -H "X-API-Key: $(cat "$work/globex")" http://x/read/a

# ---- A rotation, a reload and a revocation, under load ----

loads() { # FILE COUNT NAME: requests one after the other, each status on a line of $work/NAME.codes
    curl -s -o /dev/null -w '%{http_code}\n' -H "$(bearer "$1")" --unix-socket "$site/front" "http://x/read/[1-$2]" >"$work/$3.codes"
}
loads "$work/acme" 4000 old &
old=$!
loads "$work/initech" 4000 other &
other=$!
must rotate web
must reissue web --all --out "$work/successors/"
cat "$work"/successors/acme.default.* >"$work/acme.new"
gets "the successor gets in" 200 -H "$(bearer "$work/acme.new")" http://x/read/a
sunset() {
    request -H "$(bearer "$work/acme")" http://x/sunset/a
    header Sealring-Sunset | grep -q '^[A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] 20[0-9][0-9] ..:..:.. GMT$'
}
ok "its predecessor's responses have Sealring-Sunset" until_true sunset
gets "where that is on" 200 -H "$(bearer "$work/acme")" http://x/a
is "$(header Sealring-Sunset)" "" "and nowhere else"
kill -HUP "$(cat "$site/pid")"
gets "after a reload" 200 -H "$(bearer "$work/acme.new")" http://x/read/a
wait $old $other
is "$(cat "$work/old.codes" "$work/other.codes" | sort | uniq -c | tr -s ' ')" " 8000 200" "no valid request is refused through rotation and reload"
key=$(run key list --json && json '.keys[] | select(.client == "acme" and .label == "default") | .key_id')
must revoke "$key"
for number in 1 2 3 4 5 6 7 8; do
    request -H "$(bearer "$work/acme.new")" http://x/read/after$number
    echo "$code"
done >"$work/revoked"
is "$(sort "$work/revoked" | uniq -c | tr -s ' ')" " 8 401" "once a revocation is effective no worker accepts"
cmp -s "$work/body" "$work/body401"
report $? "with the same body as for an unknown one"

# A request that limit_req holds back for 10 s is judged when it goes on.
delayed() { # LABEL: 1: the request went on before the revocation was effective
    must issue web --client acme --label "$1" --out "$work/delayed"
    key=$(run key list --json && jq -r --arg wanted "$1" '.keys[] | select(.label == $wanted) | .key_id' "$work/out")
    request -H "$(bearer "$work/delayed")" http://x/delayed/first
    is "$code" 200 "$1: the first request is not held back"
    curl -s -o /dev/null -w '%{http_code}' -H "$(bearer "$work/delayed")" --unix-socket "$site/front" http://x/delayed/second >"$work/second" &
    held=$!
    must revoke "$key"
    kill -0 $held 2>/dev/null || return 1
    wait $held
}
attempt=1
until delayed "delayed$attempt" || [ $attempt -ge 5 ]; do
    attempt=$((attempt + 1))
done
is "$(cat "$work/second")" 401 "a request that was held back past its revocation does not get in"

# ---- Out of order ----

nginx_end
mkdir -m 700 "$work/pin"
mv "$SEALRING_VAULT/pins/keys.pin" "$work/pin/"
VAULT_LINE="sealring_vault $SEALRING_VAULT; sealring_pin_file $work/pin/keys.pin;"
nginx_configure
nginx_start
gets "the master process reads the PIN for its workers" 200 -H "$(bearer "$work/initech")" http://x/read/a
unset VAULT_LINE
mv "$work/pin/keys.pin" "$SEALRING_VAULT/pins/"
nginx_configure
nginx_end
nginx_start

mv "$SEALRING_VAULT/registry" "$SEALRING_VAULT/away"
nginx_end
nginx_start
request -H "$(bearer "$work/initech")" http://x/read/a
is "$code" 503 "nginx starts without a vault, and answers 503"
is "$(header Retry-After)" 1 "with Retry-After"
gets "an unprotected location works" 200 http://x/off/a
gets "satisfy any: the others decide" 200 -H "$(bearer "$work/initech")" http://x/any/allowed/a
gets "and nobody gets in if they refuse" 403 -H "$(bearer "$work/initech")" http://x/any/denied/a
mv "$SEALRING_VAULT/away" "$SEALRING_VAULT/registry"
comes_back() {
    request -H "$(bearer "$work/initech")" http://x/read/a
    [ "$code" = 200 ]
}
ok "the module opens it by itself when it is there" until_true comes_back
not_ok "nothing in nginx's logs is a credential" grep -rqF "$(cat "$work/initech")" "$site/error.log" "$site/access.log" "$site/verdicts.log"
nginx_end
for _ in 1 2 3 4 5 6 7 8 9 10; do # stopped while the workers open the vault
    run_nginx >"$work/out" 2>"$work/err"
    nginx_end
done
nginx_was_well

done_testing
