#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring-client exec and watch: the program gets the credential, and learns of each change; signals and statuses are passed on.
# shellcheck disable=SC2154,SC2317,SC2016 # what lib.sh sets; functions that helpers call; programs in quotes
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
key=$work/api.key
server_start unix

# run_client ARGUMENT...: in the background, as $process
run_client() {
    "$CLIENT" "$@" >"$work/out" 2>"$work/err" </dev/null &
    process=$!
    daemons="$daemons $process"
}
ends_with() { # STATUS NAME
    wait "$process"
    status=$?
    status_is "$1" "$2"
}
log_is() { # LINE...
    [ "$(tr '\n' ' ' <"$work/log" 2>/dev/null)" = "$* " ]
}
replace() { # FILE TEXT: as an operator's tool does
    (umask 077 && echo "$2" >"$1.mine" && mv "$1.mine" "$1")
}

# ---- Variables, statuses ----

chain $first
fresh "$key" $first
client exec "$key" -- sh -c 'echo "$SEALRING_CREDENTIAL"; exit 7'
status_is 7 "the program's status"
is "$(cat "$work/out")" $first "which has the credential"
client exec "$key" --env SHOP_KEY -- sh -c 'echo "$SHOP_KEY ${SEALRING_CREDENTIAL-none}"'
is "$(cat "$work/out")" "$first none" "in another variable"
SHOP_KEY=old client exec "$key" --env SHOP_KEY -- sh -c 'env | grep -c ^SHOP_KEY='
is "$(cat "$work/out")" 1 "which replaces one of that name"
client exec "$key" --file -- sh -c 'cat "$SEALRING_CREDENTIAL_FILE"'
is "$(cat "$work/out")" $first "or by its file"
client exec "$key" -- sh -c 'kill -KILL $$'
status_is 137 "a program that a signal ended"
client exec "$key" -- "$work/nowhere"
status_is 127 "a program that does not exist"
client exec "$key" -- "$work"
status_is 126 "one that cannot be executed"
client exec "$work/nowhere" -- true
status_is 1 "without a credential nothing is run"
client exec "$key" -- sh -c 'trap - PIPE; kill -PIPE $$; kill -TERM $$'
status_is 141 "the program has the usual signals"

# ---- A change: start again ----

rm -f "$work/log"
run_client exec "$key" -- sh -c 'echo "$SEALRING_CREDENTIAL" >>'"$work/log"'; exec sleep 600'
until_true log_is $first
replace "$key" $second
ok "a replaced file starts the program again" until_true log_is $first $second
kill $process
ends_with 143 "SIGTERM is passed on"
ok "and the program has not been started a third time" log_is $first $second
rm -f "$work/log"
fresh "$key" $first
run_client exec "$key" -- sh -c 'trap "" TERM; echo "$SEALRING_CREDENTIAL" >>'"$work/log"'; while :; do sleep 0.1; done'
until_true log_is $first
replace "$key" $second
ok "a program that ignores SIGTERM is killed, and started again" until_true log_is $first $second
kill -KILL "$(pgrep -P $process)"
ends_with 137 "it ends with the program"

# ---- A change: a signal ----

rm -f "$work/log"
fresh "$key" $first
run_client exec "$key" --file --signal HUP -- sh -c 'cat "$SEALRING_CREDENTIAL_FILE" >>'"$work/log"'; trap "cat \"\$SEALRING_CREDENTIAL_FILE\" >>'"$work/log"'" HUP; trap "exit 5" USR1
    while :; do sleep 0.05; done'
until_true log_is $first
replace "$key" $second
ok "the program gets the signal" until_true log_is $first $second
kill -USR1 $process
ends_with 5 "other signals are passed on"

# ---- Renewal, by the server ----

rm -f "$work/log"
fresh "$key" $first
chain $first $second
run_client exec "$key" --url "$url" --interval 1s -- sh -c 'echo "$SEALRING_CREDENTIAL" >>'"$work/log"'; exec sleep 600'
ok "a successor that is due is fetched, saved, and used" until_true log_is $first $second
ok "it is in the file" contains "$key" $second
fault 503
fault lose
chain $first $second $third
ok "after failures, too" until_true log_is $first $second $third
ok "each is reported" grep -q "warning: the server cannot renew" "$work/err"
not_ok "without the credential" grep -q "acme_live" "$work/err"
kill $process
ends_with 143 "it ends"

# ---- watch ----

fresh "$key" $first
chain $first
run_client watch "$key" --url "$url" --interval 1s
until_true requests "$first current" >/dev/null
chain $first $second
ok "watch renews" until_true contains "$key" $second
said() {
    grep -q "$1" "$work/err"
}
ok "and reports it" until_true said "$key was renewed"
kill -INT $process
ends_with 0 "a signal ends it"

# A secret volume of Kubernetes: the link ..data is replaced.
volume=$work/volume
mkdir -p "$volume/..1" "$volume/..2"
echo $first >"$volume/..1/api.key"
echo $second >"$volume/..2/api.key"
ln -s ..1 "$volume/..data"
ln -s ..data/api.key "$volume/api.key"
rm -f "$work/log"
run_client exec "$volume/api.key" --url "$url" -- sh -c 'echo "$SEALRING_CREDENTIAL" >>'"$work/log"'; exec sleep 600'
until_true log_is $first
ln -s ..2 "$volume/..new" && mv -T "$volume/..new" "$volume/..data"
ok "a secret volume that changes" until_true log_is $first $second
ok "it is only watched" said "only watched: it is a symbolic link"
kill $process
ends_with 143 "it ends"
rm -f "$work/log"
export CREDENTIALS_DIRECTORY="$volume/..2"
run_client exec --systemd-credential api.key --file -- sh -c 'cat "$SEALRING_CREDENTIAL_FILE" >'"$work/log"
ends_with 0 "a systemd credential"
ok "by its path" log_is $second

# Where there is no notification the file is polled: so many watches that there are none left is an error of inotify_init1.
cat >"$work/blind.c" <<'C'
#include <errno.h>
int inotify_init1(int flags)
{
    (void)flags;
    errno = EMFILE;
    return -1;
}
C
if ${CC:-cc} -shared -fPIC -o "$work/blind.so" "$work/blind.c" && ! nm -D --undefined-only "$(dirname "$CLIENT")/libsealring-client.so" | grep -q __asan_init; then
    rm -f "$work/log"
    fresh "$key" $first
    LD_PRELOAD=$work/blind.so "$CLIENT" exec "$key" -- sh -c 'unset LD_PRELOAD; echo "$SEALRING_CREDENTIAL" >>'"$work/log"'; exec sleep 600' 2>/dev/null &
    process=$!
    until_true log_is $first
    replace "$key" $second
    ok "without inotify the file is polled" until_true log_is $first $second
    kill $process
    ends_with 143 "it ends"
fi

# A file that is empty, or missing, for a moment changes nothing.
rm -f "$work/log"
fresh "$key" $first
run_client exec "$key" -- sh -c 'echo "$SEALRING_CREDENTIAL" >>'"$work/log"'; exec sleep 600'
until_true log_is $first
: >"$key"
ok "an empty file is reported" until_true said "contains no credential.*the one that was read before stays in use"
rm "$key"
replace "$key" $second
ok "and the next content is used" until_true log_is $first $second
kill $process
ends_with 143 "it ends"
done_testing
