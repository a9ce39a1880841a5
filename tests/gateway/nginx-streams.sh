#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Server-sent events and WebSockets through nginx with the module: they outlive a revocation, and end as docs/gateways/nginx.md advises.
# shellcheck disable=SC2016,SC2034,SC2317 # variables are nginx's, or for nginx_configure; functions are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"

make_vault
must ring create web --prefix acme_live
must client add acme
for name in kept revoked; do
    must issue web --client acme --label $name --scope read --out "$work/$name"
done
python3 "$top_srcdir/tests/gateway/streams.py" "$work/streams" 2>"$work/streams.log" &
until_true test -S "$work/streams"
MAIN='worker_shutdown_timeout 1s;'
SERVER='location / { sealring read; proxy_pass http://unix:'$work'/streams; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $http_connection; }'
nginx_configure
nginx_start

stream() { # CREDENTIAL-FILE PATH NAME: what comes is in $work/NAME.stream, the process is $stream
    : >"$work/$3.stream"
    curl -s -N --http1.1 -H "$(bearer "$work/$1")" -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
        -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' --unix-socket "$site/front" -D "$work/$3.headers" -o "$work/$3.stream" "http://x$2" &
    stream=$!
}
grown() { # NAME
    [ "$(wc -c <"$work/$1.stream")" -gt "$size" ]
}
goes_on() { # NAME
    size=$(wc -c <"$work/$1.stream")
    until_true grown "$1"
}
has_ended() { # PROCESS
    ! kill -0 "$1" 2>/dev/null
}
stream revoked /events events
events=$stream
stream revoked /socket socket
socket=$stream
stream kept /events kept
kept=$stream
for name in events socket kept; do
    ok "$name: a stream with a valid credential begins" goes_on $name
done
is "$(tr -d '\r' <"$work/socket.headers" | sed -n 's/^Sec-WebSocket-Accept: //p')" "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" "one of them is a WebSocket"
must revoke "$(cut -d _ -f 3 "$work/revoked")"
for path in /events /socket; do
    request -H "$(bearer "$work/revoked")" http://x$path
    is "$code" 401 "after a revocation none begins: $path"
done
ok "server-sent events outlive it" goes_on events
ok "a WebSocket outlives it" goes_on socket

# ---- The remedy ----

kill -HUP "$(cat "$site/pid")"
for process in $events $socket $kept; do
    ok "a reload with worker_shutdown_timeout ends every stream" until_true has_ended "$process"
done
stream kept /events again
ok "who connects again is judged: a valid credential begins another one" goes_on again
request -H "$(bearer "$work/revoked")" http://x/events
is "$code" 401 "a revoked one does not"
kill "$stream"
nginx_was_well
done_testing
