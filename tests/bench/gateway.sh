#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a gateway pays for a verified request, in worker CPU per request, beside what others do: `make bench-gateway`, QUICK=1 for a short run.
#
# Each row is measured in turn, ROUNDS times; the table has the medians of one run, and their ratio to the unprotected static file. CPU is that of
# nginx's worker and of the service it asks, from the scheduler (/proc/PID/schedstat), so it does not depend on what else the machine does as
# much as time would. Requests are made by wrk over kept-alive connections, with one credential.
#
# The last rows are times, not CPU: 99 % of the requests with a credential in memory take no longer, at 2,000 requests a second (h2load), alone and
# while other credentials are asked for whose derivation takes the token 5 ms each.
# shellcheck disable=SC2016,SC2046,SC2002 # variables are nginx's; lists of words
set -u
rounds=5 seconds=3
[ -z "${QUICK-}" ] || { rounds=1 seconds=1; }
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/lib.sh
. "$top_srcdir/tests/gateway/lib.sh"
for program in wrk h2load; do
    command -v $program >/dev/null || bail_out "$program is missing: sh tools/packages.sh bench"
done
lua=/usr/lib/nginx/modules/ngx_http_lua_module.so
[ -f $lua ] || bail_out "libnginx-mod-http-lua is missing: sh tools/packages.sh bench"

# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -O2 -Wall -Wextra -o "$work/sqlite_service" "$top_srcdir/tests/bench/gateway_sqlite.c" \
    $(pkg-config --cflags --libs libmicrohttpd sqlite3 libcrypto) || bail_out "the service with SQLite cannot be built"

# shellcheck source=tests/gateway/slow_token.sh
. "$top_srcdir/tests/gateway/slow_token.sh"
make_vault
must ring create web --prefix acme_live
{
    echo client,scopes
    for number in $(seq 1 $((rounds * seconds * 700))); do echo "client$number,read write"; done
} >"$work/clients.csv"
must issue web --from "$work/clients.csv" --out "$work/issued.csv"
awk -F, 'NR > 1 { print $8 }' "$work/issued.csv" >"$work/credentials"
credential=$(head -n 1 "$work/credentials")
slow_token_use
read_env_lines
head -c 1024 /dev/zero | tr '\0' x >"$work/file"
: >"$work/hashes"
while read -r one; do
    printf %s "$one" | sha256sum | cut -d ' ' -f 1 >>"$work/hashes"
done < <(head -n 100 "$work/credentials")
sqlite3 "$work/hashes.db" "CREATE TABLE key (hash TEXT PRIMARY KEY, client TEXT) WITHOUT ROWID"
awk '{ printf "INSERT INTO key VALUES (\x27%s\x27, \x27client%d\x27);\n", $1, NR }' "$work/hashes" | sqlite3 "$work/hashes.db"

free_port() {
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}
port=$(free_port)
"$work/sqlite_service" "$site/service" "$work/hashes.db" &
service=$!
# A static 204 of another process: what asking anybody costs.
echo "daemon off; master_process off; pid $work/other.pid; error_log $work/other.log; events {}
http { access_log off; keepalive_requests 1000000; server { listen unix:$site/other; location / { return 204; } }
    client_body_temp_path $work/o1; proxy_temp_path $work/o2; fastcgi_temp_path $work/o3; uwsgi_temp_path $work/o4; scgi_temp_path $work/o5; }" >"$work/other.conf"
nginx -c "$work/other.conf" -e "$work/other.log" &
other=$!
until_true test -S "$site/other" || bail_out "nginx does not start"
SEALRINGD=$(dirname "$SEALRING")/sealringd
"$SEALRINGD" --vault "$SEALRING_VAULT" --listen "unix:$site/sealringd" 2>"$work/sealringd.log" &
sealringd=$!
until_true grep -q 'listening on unix:' "$work/sealringd.log" || bail_out "sealringd does not start"
# shellcheck disable=SC2034 # read by nginx_configure
MAIN="load_module /usr/lib/nginx/modules/ndk_http_module.so; load_module $lua; worker_rlimit_nofile 4096;"
# shellcheck disable=SC2034,SC2016
HTTP='access_log off; keepalive_requests 1000000; open_file_cache max=100;
    upstream back { server unix:'$site'/upstream; keepalive 32; }
    upstream asked { server unix:'$site'/asked; keepalive 32; }
    upstream other { server unix:'$site'/other; keepalive 32; }
    upstream service { server unix:'$site'/service; keepalive 32; }
    upstream sealringd { server unix:'$site'/sealringd; keepalive 32; }
    lua_shared_dict keys 1m;
    init_by_lua_block {
        ffi = require "ffi"
        ffi.cdef[[unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);]]
        crypto = ffi.load("libcrypto.so.3")
        digest = ffi.new("unsigned char[32]")
        for line in io.lines("'$work'/hashes") do ngx.shared.keys:set((line:gsub("..", function(h) return string.char(tonumber(h, 16)) end)), "client") end
    }
    server {
        listen unix:'$site'/asked;
        location / { return 204; }
    }'
LUA='access_by_lua_block {
        local header = ngx.req.get_headers()["Authorization"]
        local key = header and header:match("^Bearer (.+)$")
        if not key then return ngx.exit(401) end
        crypto.SHA256(key, #key, digest)
        local client = ngx.shared.keys:get(ffi.string(digest, 32))
        if not client then return ngx.exit(401) end
        ngx.var.lua_client = client
    }'
BACK='proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection "";'
ASK='proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass_request_body off; proxy_set_header Content-Length "";'
# shellcheck disable=SC2034
SERVER='listen 127.0.0.1:'$port';
    set $lua_client "";
    location = /static { alias '$work'/file; }
    location = /static-sealring { sealring read; alias '$work'/file; }
    location = /static-lua { '$LUA' alias '$work'/file; }
    location = /static-asked { auth_request /asked; alias '$work'/file; }
    location = /static-other { auth_request /other; alias '$work'/file; }
    location = /static-sealringd { auth_request /sealringd; alias '$work'/file; }
    location = /static-service { auth_request /service; alias '$work'/file; }
    location = /proxied { '$BACK' }
    location = /proxied-sealring { sealring read; proxy_set_header X-Sealring-Client $sealring_client; '$BACK' }
    location = /asked { internal; '$ASK' proxy_pass http://asked; }
    location = /other { internal; '$ASK' proxy_pass http://other; }
    location = /sealringd { internal; '$ASK' proxy_pass http://sealringd/v1/verify/read/-; }
    location = /service { internal; '$ASK' proxy_pass http://service; }'
nginx_configure
sed -i 's/^worker_processes 2;/worker_processes 1;/; s/^error_log \(.*\) info;/error_log \1 warn;/' "$site/nginx.conf"
nginx_start
accepted() {
    request -H "Authorization: Bearer $credential" http://x/static-sealring
    [ "$code" = 200 ]
}
until_true accepted || bail_out "the module does not accept: $code"
worker=$(pgrep -P "$(cat "$site/pid")")

cpu_of() { # PID...: nanoseconds on a processor, of all threads
    cat $(printf '/proc/%s/task/*/schedstat ' "$@") 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
measure() { # PATH: microseconds of CPU for each request
    local before after requests
    before=$(cpu_of "$worker" "$other" "$service" "$sealringd")
    wrk -t 1 -c 16 -d "${seconds}s" -H "Authorization: Bearer $credential" "http://127.0.0.1:$port$1" >"$work/wrk" 2>&1
    after=$(cpu_of "$worker" "$other" "$service" "$sealringd")
    requests=$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' "$work/wrk")
    ! grep -q 'Non-2xx' "$work/wrk" || bail_out "$1: $(grep Non-2xx "$work/wrk")"
    awk -v cpu=$((after - before)) -v requests="${requests:-0}" 'BEGIN { if (requests > 0) printf "%.2f\n", cpu / requests / 1000 }'
}
median() { # FILE
    sort -n "$1" | awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

rows="static static-sealring static-lua static-asked static-other static-sealringd static-service proxied proxied-sealring"
for ((round = 1; round <= rounds; round++)); do
    for row in $rows; do
        measure "/$row" >>"$work/row.$row"
    done
done
words() {
    case $1 in
    static) echo "static file of 1 KiB, unprotected" ;;
    static-sealring) echo "static file, module" ;;
    static-lua) echo "static file, Lua: SHA-256 in a shared dictionary" ;;
    static-asked) echo "static file, auth_request to a static 204 of the same process" ;;
    static-other) echo "static file, auth_request to a static 204 of another nginx (both processes)" ;;
    static-sealringd) echo "static file, auth_request to sealringd (both processes)" ;;
    static-service) echo "static file, auth_request to a service with hashed keys in SQLite (both processes)" ;;
    proxied) echo "proxied answer, unprotected" ;;
    proxied-sealring) echo "proxied answer, module" ;;
    esac
}
base=$(median "$work/row.static")
echo "| request | worker CPU, µs | ratio |"
echo "| --- | --- | --- |"
for row in $rows; do
    value=$(median "$work/row.$row")
    [ -n "$value" ] || bail_out "$row was not measured"
    awk -v words="$(words "$row")" -v value="$value" -v base="$base" 'BEGIN { printf "| %s | %.2f | %.2f |\n", words, value, value / base }'
done

echo
awk -v base="$base" -v module="$(median "$work/row.static-sealring")" -v other="$(median "$work/row.static-other")" -v daemon="$(median "$work/row.static-sealringd")" 'BEGIN {
    printf "The module costs %.2f times the unprotected file (aim: at most 1.05); sealringd %.2f times the static 204 of another process (aim: at most 1.15).\n", module / base, daemon / other }'

# ---- While the token is asked ----

token_is slow=5
p99() { # NAME: in milliseconds
    h2load --h1 -c 16 -n $((seconds * 2000)) --rps 125 --log-file="$work/times" -H "Authorization: Bearer $credential" \
        "http://127.0.0.1:$port/static-sealring" >"$work/h2load" 2>&1
    grep -q " $((seconds * 2000)) 2xx" "$work/h2load" || bail_out "not every request was accepted: $(grep codes "$work/h2load")"
    sort -n -k 3 "$work/times" | awk '{ value[NR] = $3 } END { printf "%.3f\n", value[int(NR * 0.99)] / 1000 }' >>"$work/row.$1"
    rm -f "$work/times"
}
tail -n +2 "$work/credentials" >"$work/fresh"
for ((round = 1; round <= rounds; round++)); do
    p99 alone
    head -n $((seconds * 600)) "$work/fresh" | awk -v port="$port" 'NR > 1 { print "next" }
        { printf "url = http://127.0.0.1:%d/static-sealring\nheader = \"Authorization: Bearer %s\"\noutput = /dev/null\nsilent\n", port, $0 }' >"$work/curl"
    sed -i "1,$((seconds * 600))d" "$work/fresh"
    curl -K "$work/curl" &
    misses=$!
    p99 misses
    kill $misses 2>/dev/null
    wait $misses 2>/dev/null
done
echo
echo "| cached requests, 2,000/s | p99, ms | ratio |"
echo "| --- | --- | --- |"
alone=$(median "$work/row.alone")
awk -v alone="$alone" -v misses="$(median "$work/row.misses")" 'BEGIN {
    printf "| alone | %.2f | 1.00 |\n| beside misses, each of which takes the token 5 ms | %.2f | %.2f |\n", alone, misses, misses / alone }'
