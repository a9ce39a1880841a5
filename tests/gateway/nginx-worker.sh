#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nginx as docs/gateways/nginx.md has it: workers of a user of their own, in the group that may verify with root's vault. The PIN is the master's.
# shellcheck disable=SC2016,SC2034,SC2317 # for another shell; variables are for nginx_configure; functions are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    echo "1..0 # SKIP other users take root and setpriv"
    exit 0
fi
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"
chmod 755 "$work" "$site"
# Debian always has this account, and nothing runs as it. Its group is the vault's verifier group.
WORKER_USER=games
uid=$(id -u $WORKER_USER)
as_worker="setpriv --reuid=$WORKER_USER --regid=$WORKER_USER --init-groups --inh-caps=-all --bounding-set=-all"

# A token that the group's users can use, as they can a hardware token.
mkdir -m 2770 "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$work/tokens.conf"
SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --init-token --free --label keys --so-pin 50288419 --pin 73914682 >/dev/null || bail_out "no token"
share_tokens() {
    chgrp -R $WORKER_USER "$work/tokens" && chmod -R g+rwX "$work/tokens"
}
(umask 077 && printf '73914682\n' >"$work/pin")
must init --verifier-group $WORKER_USER --refresh 1s --module "${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}" --token pkcs11:token=keys \
    --pin-source "$work/pin" --module-environment "SOFTHSM2_CONF=$work/tokens.conf"
must ring create web --prefix acme_live
must client add acme
for name in kept revoked; do
    must issue web --client acme --label $name --scope read --out "$work/$name"
done
share_tokens
read_env_lines
echo static >"$work/static"
VAULT_LINE="sealring_vault $SEALRING_VAULT; sealring_pin_file $work/pin;"
HTTP="proxy_cache_path $site/cache keys_zone=cache:1m;"
SERVER="location = /a { sealring read; alias $work/static; }"

# ---- What nginx -t refuses ----

refused() { # REGEX NAME
    nginx_configure
    run_nginx -t >"$work/out" 2>"$work/err"
    status=$?
    [ "$status" -ne 0 ] && matches "$work/err" "$1"
    report $? "$2" "it should be refused by $1"
}
WORKER_USER=www-data
refused "user \"www-data\" of the workers may not read \"$SEALRING_VAULT/sealring.conf\"; see verifier-group" "a user outside of the group is refused"
err_like 'workers run as "www-data"; whatever else runs as that user' "nginx -t warns of a user that others share"
WORKER_USER=games
chmod g-w "$SEALRING_VAULT/verifiers"
refused "user \"games\" of the workers may not write to \"$SEALRING_VAULT/verifiers\"" "so is one that may not write reports"
chmod g+w "$SEALRING_VAULT/verifiers"
nginx_configure
run_nginx -t >"$work/out" 2>"$work/err"
ok "the vault as init makes it is good" grep -q 'test is successful' "$work/err"
not_ok "without a warning" grep -q 'sealring' "$work/err"

# ---- While they start ----

# nginx makes them dumpable, and calls srandom() next: there they are held.
cat >"$work/hold.c" <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
void srandom(unsigned seed)
{
    char name[sizeof HOLD + 16];
    (void)seed;
    if (getuid() == 0)
        return;
    (void)snprintf(name, sizeof name, HOLD "/%d", (int)getpid());
    (void)close(open(name, O_CREAT | O_WRONLY, 0600));
    while (access(HOLD "/release", F_OK) != 0)
        (void)usleep(10000);
}
C
mkdir "$work/hold" && chmod 777 "$work/hold"
${CC:-cc} -shared -fPIC -DHOLD="\"$work/hold\"" -o "$work/hold.so" "$work/hold.c" || bail_out "no hold.so"
held() { # COUNT processes are
    [ "$(find "$work/hold" -name '[0-9]*' | wc -l)" -ge "$1" ]
}
reads_memory() { # PROCESS: another process of the workers' user
    # shellcheck disable=SC2086 # words
    $as_worker sh -c 'exec 3<"$0"' "/proc/$1/mem" 2>/dev/null
}
traces() { # PROCESS
    # shellcheck disable=SC2086 # words
    $as_worker /usr/bin/python3 -c 'import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
print("attached" if libc.ptrace(0x4206, int(sys.argv[1]), None, None) == 0 else errno.errorcode[ctypes.get_errno()])' "$1"
}
hold_start() { # holds two workers, and the two processes for the cache
    rm -f "$work/hold"/*
    preload=$work/hold.so
    run_nginx >"$work/out" 2>"$work/err" || bail_out "nginx does not start"
    preload=
    until_true held 4
}
hold_start
for process in $(cd "$work/hold" && echo [0-9]*); do
    is "$(stat -c %u "/proc/$process/mem")" "$uid" "nginx has made a process dumpable"
    not_ok "its user's other processes cannot read its memory even now" reads_memory "$process"
    is "$(traces "$process")" EPERM "nor trace it"
done
: >"$work/hold/release"
serving() {
    run verifier list --json
    [ "$(json '[.verifiers[] | select(.state == "serving")] | length')" = 2 ]
}
ok "they go on" until_true serving
capabilities() { # of all threads of nginx's processes, each once
    cat /proc/[0-9]*/task/[0-9]*/status 2>/dev/null | awk -v master="$(cat "$site/pid")" '
        $1 == "PPid:" { ours = $2 == master } ours && ($1 == "CapPrm:" || $1 == "CapEff:") { print $2 }' | sort -u
}
is "$(capabilities)" 0000000000000000 "and no thread has any of root's capabilities"
nginx_end
without_module() {
    sed -i '/^load_module/d; /sealring/d' "$site/nginx.conf"
}
without_module
hold_start
process=$(find "$work/hold" -name '[0-9]*' -printf '%f\n' -quit)
ok "without the module they can" reads_memory "$process"
is "$(traces "$process")" attached "both"
: >"$work/hold/release"
nginx_end
nginx_configure

# ---- Whose the workers are ----

nginx_start
master=$(cat "$site/pid")
gets_in() { # FILE
    request -H "$(bearer "$work/$1")" http://x/a
    [ "$code" = 200 ]
}
ok "a valid credential gets in" until_true gets_in kept
ok "so does the other one" until_true gets_in revoked
workers() {
    pgrep -f '^nginx: worker process$' -P "$master"
}
manager=$(pgrep -f '^nginx: cache manager process$' -P "$master")
is "$(stat -c %u "/proc/$manager/mem")" 0 "the process that manages the cache is not dumpable"
has_pin() { # PROCESS: in its memory
    /usr/bin/python3 -c 'import sys
with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as memory:
    for line in maps:
        begin, end = (int(number, 16) for number in line.split()[0].split("-"))
        if line.split()[1].startswith("rw") and end - begin < 1 << 28 and memory.seek(begin) == begin and b"7391" + b"4682" in memory.read(end - begin):
            sys.exit(0)
sys.exit(1)' "$1"
}
ok "the master process has the PIN" has_pin "$master"
not_ok "that process has not" has_pin "$manager"
for worker in $(workers); do
    is "$(awk '/^Uid/ { print $2, $3, $4, $5 } /^CapEff/ { print $2 }' "/proc/$worker/status" | tr '\n' ' ')" "$uid $uid $uid $uid 0000000000000000 " \
        "a worker has its user's rights only"
    is "$(stat -c %u "/proc/$worker/mem")" 0 "its memory is root's: it is not dumpable"
    # shellcheck disable=SC2086 # words
    not_ok "its user's other processes cannot read how it was started" $as_worker dd if="/proc/$worker/environ" of=/dev/null status=none 2>/dev/null
    not_ok "nor its memory" reads_memory "$worker"
    is "$(traces "$worker")" EPERM "nor trace it (PTRACE_SEIZE)"
    not_ok "the PIN is not among its arguments and variables" grep -aqF 73914682 "/proc/$worker/environ" "/proc/$worker/cmdline"
done
# shellcheck disable=SC2086 # words
$as_worker sleep 3600 &
other=$!
is_sleep() {
    [ "$(cat "/proc/$other/comm")" = sleep ]
}
until_true is_sleep
# shellcheck disable=SC2086 # words
ok "of any other process of that user they can" $as_worker grep -aq PATH "/proc/$other/environ"
kill $other
# shellcheck disable=SC2086 # words
not_ok "the PIN file is the master's alone" $as_worker cat "$work/pin" 2>/dev/null
run verifier list --json
json_is '[.verifiers[] | select(.state == "serving")] | length' 2 "the two workers verify, and no other process of nginx does"
is "$(find "$SEALRING_VAULT" -user $WORKER_USER ! -path '*/verifiers/*')" "" "they own nothing in the vault but what is in verifiers/"

# ---- A worker dies, the configuration is loaded again ----

killed=$(workers | head -n 1)
kill -9 "$killed"
two_others() {
    [ "$(workers | grep -vcx "$killed")" -eq 2 ]
}
ok "the master starts another worker" until_true two_others
ok "which opens the vault with the master's PIN" until_true serving
before=$(workers)
kill -HUP "$master"
replaced() {
    [ "$(workers | grep -vcxF "$before")" -eq 2 ] && [ "$(workers | wc -l)" -eq 2 ]
}
ok "a reload replaces the workers" until_true replaced
ok "those have the PIN, too" until_true serving
ok "and verify" until_true gets_in kept
mv "$work/pin" "$work/pin.away"
before=$(workers)
kill -HUP "$master"
ok "a reload without the PIN file is refused" until_true grep -q "sealring_pin_file \"$work/pin\" cannot be read" "$site/error.log"
ok "the workers go on" gets_in kept
is "$(workers)" "$before" "and are the same"
mv "$work/pin.away" "$work/pin"
without_module
kill -HUP "$master"
ok "a reload without the module replaces the workers" until_true replaced
is "$(capabilities)" 0000000000000000 "which have none of root's capabilities"
nginx_configure
before=$(workers)
kill -HUP "$master"
ok "with it again, too" until_true replaced
ok "and they verify" until_true gets_in kept

# ---- Changes ----

must revoke "$(cut -d _ -f 3 "$work/revoked")"
for number in 1 2 3 4 5 6; do
    request -H "$(bearer "$work/revoked")" http://x/a
    echo "$code"
done >"$work/codes"
is "$(sort "$work/codes" | uniq -c | tr -s ' ')" " 6 401" "once a revocation is effective no worker accepts"
run rotate web --no-wait
share_tokens
must activate web 2
must reissue "$(cut -d _ -f 3 "$work/kept")" --out "$work/successor"
ok "a rotation waits for the workers, and its credentials get in" gets_in successor

# ---- The page's configuration ----

nginx_end
must issue web --client acme --label orders --scope orders:read --scope orders:write --out "$work/orders"
{
    echo "pid $site/pid; error_log $site/error.log;"
    awk '$0 == "```nginx" { inside = 1; next } /^```/ { inside = 0 } inside' "$top_srcdir/docs/gateways/nginx.md" |
        sed "s|modules/ngx_http_sealring_module.so|$module|; s|^user .*|user $WORKER_USER;|; s|^env .*|$env_lines|
            s|/var/lib/sealring;|$SEALRING_VAULT;|; s|/etc/sealring/nginx.pin|$work/pin|; s|listen 8080|listen unix:$site/front|
            s|http://127.0.0.1:8081|http://unix:$site/upstream|"
} >"$site/page"
awk -v site="$site" '{ print } /^http {/ {
    print "access_log off; client_body_temp_path " site "/t1; proxy_temp_path " site "/t2; fastcgi_temp_path " site "/t3;"
    print "uwsgi_temp_path " site "/t4; scgi_temp_path " site "/t5; server { listen unix:" site "/upstream; location / {"
    print "return 200 \"authorization=$http_authorization client=$http_x_sealring_client scopes=$http_x_sealring_scopes\\n\"; } }" }' "$site/page" \
    >"$site/nginx.conf"
nginx_start
ok "the page's configuration lets a valid credential in" until_true gets_in successor
is "$(cat "$work/body")" "authorization= client=acme scopes=read" "the upstream server gets who it is, and no credential"
for case in "401|/" "401|/orders/" "200|/health" "403|/orders/|successor" "200|/orders/|orders"; do
    path=${case#*|} file=
    case $path in *'|'*) file=${path#*|} path=${path%|*} ;; esac
    request -H "$([ -z "$file" ] || bearer "$work/$file")" "http://x$path"
    is "$code" "${case%%|*}" "$path with ${file:-no credential}"
done
nginx_end
sed -i 's|rate=100r/s|rate=1r/m|; s/burst=200/burst=1/' "$site/nginx.conf"
nginx_start
ok "with a lower limit" until_true serving
for _ in 1 2 3; do
    request http://x/
    echo "$code"
done >"$work/codes"
is "$(tr '\n' ' ' <"$work/codes")" "401 401 429 " "who has no credential is limited by address"
ok "which does not limit a client at the same address" gets_in successor

nginx_was_well
done_testing
