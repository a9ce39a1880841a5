#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The nginx module while the token is slow or does not answer: clients wait, leave or get 503, and nginx serves everything else.
# shellcheck disable=SC2016,SC2034,SC2317 # variables are nginx's, or for nginx_configure; functions are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck source=tests/gateway/slow_token.sh
. "$(dirname "$0")/slow_token.sh"
make_vault
must ring create web --prefix acme_live
must client add acme
for number in 1 2 3 4 5 6 7 8 9; do
    must issue web --client acme --label "l$number" --scope read --out "$work/key$number"
done
slow_token_use
read_env_lines

UP="proxy_pass http://unix:$site/upstream;"
HTTP='log_format verdicts "$uri $status $sealring_verdict"; access_log '$site/verdicts.log' verdicts;'
SERVER='location / { sealring read; '$UP' } location /off/ { '$UP' }'
VAULT_LINE="sealring_vault $SEALRING_VAULT; sealring_timeout 1h;"
nginx_configure
# Each worker has a cache of its own.
sed -i 's/^worker_processes 2;/worker_processes 1;/' "$site/nginx.conf"
nginx_start

asks() { # FILE PATH NAME: in the background; the status is in $work/NAME.code
    curl -s -m 600 -o /dev/null -w '%{http_code}' -H "$(bearer "$work/$1")" --unix-socket "$site/front" "http://x$2" >"$work/$3.code" &
}
logged() { # PATH: how many requests with it have ended
    grep -c "^$1 " "$site/verdicts.log"
}
opens() {
    request -H "$(bearer "$work/key1")" http://x/a
    [ "$code" = 200 ]
}
ok "the vault opens" until_true opens

# ---- Slow: nobody is answered by a time limit ----

token_is hang
asks key2 /slow slow
slow=$!
for number in 1 2 3 4 5 6 7 8 9 10; do
    request -H "$(bearer "$work/key1")" http://x/cached
    echo "$code"
done >"$work/meanwhile"
is "$(sort "$work/meanwhile" | uniq -c | tr -s ' ')" " 10 200" "requests that need no token are served while another one waits for it"
request http://x/off/a
is "$code" 200 "what is not protected is, too"
ok "the other one is still waiting" kill -0 $slow
# nginx may not have got the request when the client leaves: then another one asks.
leaves() {
    curl -s -o /dev/null -m 0.3 -H "$(bearer "$work/key4")" --unix-socket "$site/front" http://x/leaves
    [ "$(logged /leaves)" -ge 1 ]
}
ok "clients that leave are noticed before the token answers" until_true leaves
is "$(sort -u "$site/verdicts.log" | grep '^/leaves ')" "/leaves 499 undecided" "their requests end undecided, as nginx's 499"
token_is ""
wait $slow
is "$(cat "$work/slow.code")" 200 "and who waits gets in when the token answers"

# ---- Hanging ----

# By one list: the master process also has a child for a moment that checks permissions.
replaced() {
    workers=$(pgrep -P "$(cat "$site/pid")")
    [ "$(echo "$workers" | wc -l)" -eq 1 ] && [ "$workers" != "$before" ]
}
reload() {
    before=$(pgrep -P "$(cat "$site/pid")")
    kill -HUP "$(cat "$site/pid")"
}
sed -i 's/sealring_timeout 1h/sealring_timeout 2s/' "$site/nginx.conf"
reload
ok "a reload replaces the worker" until_true replaced
ok "the vault opens there" until_true opens
token_is hang
asks key3 /hang hang
wait $!
is "$(cat "$work/hang.code")" 503 "a token that does not answer: 503 after sealring_timeout"

# More than threads and queue take: nobody waits in vain for a place.
sed -i 's/^thread_pool .*/thread_pool sealring threads=1 max_queue=1;/' "$site/nginx.conf"

# ---- A reload while it hangs ----

reload
leaving() {
    grep -q 'shutting down' "/proc/$before/cmdline"
}
ok "a reload does not wait for the token" until_true leaving
asks key6 /reload reload
reload=$!
ok "the former worker waits for the token's call" kill -0 "$before"
token_is ""
wait $reload
ok "a request during the reload is answered: $(cat "$work/reload.code")" grep -q '^\(200\|503\)$' "$work/reload.code"
ok "the former worker ends when the token's call has" until_true replaced
answers() {
    request -H "$(bearer "$work/key$1")" http://x/again
    [ "$code" = 200 ]
}
for number in 2 3 4 5 6; do
    ok "after that key $number is served" until_true answers $number
done

token_is hang
for number in 7 8 9; do
    asks key$number /full full$number
    eval "full$number=\$!"
done
# shellcheck disable=SC2154
wait "$full7" "$full8" "$full9"
is "$(cat "$work"/full?.code)" 503503503 "a full queue and a timeout are the same to a client"
ok "the log names the queue" grep -q 'the queue of sealring_thread_pool is full' "$site/error.log"
token_is ""
for number in 7 8 9; do
    ok "key $number is served in the end" until_true answers $number
done

# ---- Other protocols ----

h2() {
    request --unix-socket "$site/front2" --http2-prior-knowledge -H "$(bearer "$work/key1")" http://x/h2
    [ "$code" = 200 ]
}
ok "HTTP/2" until_true h2
request --unix-socket "$site/front2" --http2-prior-knowledge http://x/h2
is "$code" 401 "HTTP/2 without a credential"

nginx_was_well
done_testing
