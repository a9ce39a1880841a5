#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nginx with the module is killed and started again under load: a worker, the master process, everything.
# shellcheck disable=SC2034,SC2317 # variables are for nginx_configure; functions are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/gateway/load.sh
. "$(dirname "$0")/load.sh"

make_vault
must ring create web --prefix acme_live
must client add acme
for name in kept first second third fourth; do
    must issue web --client acme --label $name --scope read --out "$work/$name"
done
echo static >"$work/static"
# Who waits for a vault that is being opened waits for as long as it takes: 503 would be a matter of the machine's speed.
VAULT_LINE="sealring_vault $SEALRING_VAULT; sealring_timeout 1h;"
SERVER="location = /a { sealring read; alias $work/static; }"
nginx_configure
nginx_start
for name in kept first second third fourth; do
    load $name "$work/$name" "$site/front" /a
done
for name in kept first second third fourth; do
    answered_again $name 50
done
revoke_is_effective() { # NAME STATE-OF-NGINX
    must revoke "$(cut -d _ -f 3 "$work/$1")"
    effective=$(date +%s.%N)
    answered_again "$1" 50
    unload "$1"
    is "$(accepted_after "$1" "$effective")" 0 "$2: no request that began after a revocation was effective is accepted"
    is "$(statuses "$1" | sed 's/ away//')" "200 401 " "$2: before it each is, after it none, except while there is no answer"
}
workers() {
    pgrep -f '^nginx: worker process$' -P "$(cat "$site/pid")"
}

# ---- A worker ----

killed=$(workers | head -n 1)
kill -9 "$killed"
two_others() {
    [ "$(workers | grep -vcx "$killed")" -eq 2 ]
}
ok "a worker that was killed is replaced" until_true two_others
answered_again kept 50
revoke_is_effective first "a worker was killed"

# ---- The master process: its workers go on without it ----

orphans=$(workers)
kill -9 "$(cat "$site/pid")"
answered_again kept 50
ok "the workers of a master process that was killed answer" test "$(echo "$orphans" | wc -l)" -eq 2
revoke_is_effective second "without a master process"

# ---- Everything ----

# shellcheck disable=SC2086 # words
kill -9 $orphans
all_gone() {
    for worker in $orphans; do
        [ ! -d "/proc/$worker" ] || return 1
    done
}
ok "everything is killed" until_true all_gone
away() {
    tail -n 1 "$work/kept.load" | grep -q 'away$'
}
ok "then there is no answer" until_true away
must revoke "$(cut -d _ -f 3 "$work/fourth")"
gone=$(date +%s.%N)
rm -f "$site/front" "$site/front2" "$site/upstream" "$site/upstream2" "$site/pid" # as systemd's socket directories are
began=$(date +%s.%N)
nginx_start
is_back() {
    awk -v after="$began" '$1 > after && $2 == 200' "$work/kept.load" | grep -q .
}
ok "until it is started again" until_true is_back
revoke_is_effective third "started again"
answered_again fourth 50
unload fourth
is "$(accepted_after fourth "$gone") $(statuses fourth)" "0 200 401 away " "a credential that was revoked while nothing ran is not accepted afterwards"
answered_again kept 50
unload kept
is "$(statuses kept)" "200 away " "through all of it no valid request is refused"
for name in first second; do
    request -H "$(bearer "$work/$name")" http://x/a
    is "$code" 401 "the $name one that was revoked stays so"
done
nginx_was_well
done_testing
