#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A reload of nginx under load while the token takes 5 ms for each credential: LONG=1 with 10,000 of them, otherwise with 300.
# shellcheck disable=SC2016,SC2034,SC2317 # variables are for nginx_configure; functions are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/gateway/slow_token.sh
. "$(dirname "$0")/slow_token.sh"

keys=300
[ -z "${LONG-}" ] || keys=10000
clients=4
make_vault
must ring create web --prefix acme_live
{
    echo client,scopes
    seq -f 'client%.0f,read' $keys
} >"$work/clients.csv"
must issue web --from "$work/clients.csv" --out "$work/issued.csv"
awk -F, 'NR > 1 { print $8 }' "$work/issued.csv" >"$work/credentials"
is "$(wc -l <"$work/credentials")" $keys "so many credentials"
slow_token_use
read_env_lines
echo static >"$work/static"
# 503 by a time limit would be a matter of the machine's speed.
VAULT_LINE="sealring_vault $SEALRING_VAULT; sealring_timeout 1h;"
HTTP='access_log off;'
SERVER="location = /a { sealring read; alias $work/static; }"
nginx_configure
nginx_start

# Each client asks with its share of the credentials, one after the other, over one connection as long as it lasts.
client=0
while [ $client -lt $clients ]; do
    awk -v client=$client -v clients=$clients -v socket="$site/front" 'NR % clients == client {
        if (begun++) print "next"
        printf "unix-socket = \"%s\"\nurl = http://x/a\nheader = \"Authorization: Bearer %s\"\noutput = /dev/null\nsilent\nmax-time = 60\n", socket, $0
        printf "write-out = \"%%{http_code} %%{time_total}\\n\"\n" }' "$work/credentials" >"$work/curl$client"
    client=$((client + 1))
done
all_once() { # NAME: each credential once: lines `STATUS SECONDS` in $work/NAME.*
    running=
    client=0
    while [ $client -lt $clients ]; do
        curl -K "$work/curl$client" >"$work/$1.$client" &
        running="$running $!"
        client=$((client + 1))
    done
    # shellcheck disable=SC2086 # a list
    wait $running
}
codes() { # NAME
    cat "$work/$1".? | cut -d ' ' -f 1 | sort | uniq -c | tr -s ' '
}
p99() { # NAME: in milliseconds
    cat "$work/$1".? | cut -d ' ' -f 2 | sort -n | awk '{ value[NR] = $1 } END { printf "%.1f\n", value[int(NR * 0.99)] * 1000 }'
}
all_once before
is "$(codes before)" " $keys 200" "each is valid"

# ---- Under load ----

workers() {
    pgrep -f '^nginx: worker process( is shutting down)?$' -P "$(cat "$site/pid")"
}
taken_over() { # the former workers accept no more connections
    for worker in $before; do
        [ ! -d "/proc/$worker" ] || grep -aq 'shutting down' "/proc/$worker/cmdline" || return 1
    done
}
token_is slow=5
round=0
{
    until [ -e "$work/stop" ]; do
        all_once "load$round"
        round=$((round + 1))
    done
    echo $round >"$work/rounds"
} &
loading=$!
before=$(workers)
kill -HUP "$(cat "$site/pid")"
ok "a reload hands over to other workers" until_true taken_over
all_once after
: >"$work/stop"
wait $loading
is "$(cat "$work"/load*.? "$work"/after.? | cut -d ' ' -f 1 | sort -u)" 200 "no valid request is refused through the reload"

# ---- What was accepted crosses the reload ----

ends() {
    grep -c 'cache warming has ended' "$site/error.log"
}
token_is ""
warm() { # 2 workers more
    [ "$(ends)" -ge $((seen + 2)) ]
}
seen=0
until_true warm
seen=$(ends)
before=$(workers)
kill -HUP "$(cat "$site/pid")"
until_true taken_over
ok "the workers after a reload verify ahead of requests what was in use" until_true warm
token_is hang
all_once hanging
is "$(codes hanging)" " $keys 200" "so all of it is in memory, before anybody asks: the token need not answer"
token_is ""
echo "# figure: nginx-reload-p99 $(p99 after) ms, $keys credentials in use, the token takes 5 ms"
echo "# figure: nginx-memory-p99 $(p99 hanging) ms, all of them in memory"
nginx_was_well
done_testing
