#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring-client: what it asks of whom, what it saves, what it refuses, and that nothing is lost by any fault of the server or the disk.
# shellcheck disable=SC2154,SC2317 # what lib.sh sets; functions that helpers call
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/clock.sh
. "$(dirname "$0")/../cli/clock.sh"
key=$work/place/api.key
mkdir "$work/place"
server_start https
ca=$served/certificate
renew() {
    client renew "$key" --url "$url" --ca "$ca" "$@"
}

# ---- A renewal ----

fresh "$key" $first
chain $first
renew
succeeds "no successor is due"
out_like "^no successor of $key is due$" "which is reported"
ok "the file is unchanged" contains "$key" $first
is "$(cat "$served/requests")" "POST /v1/renew $first current" "one request was sent"
client status "$key"
out_like "^expires +2099-01-31T00:00:00Z$" "its answer has the end of the credential"
chain $first $second
chmod 640 "$key"
[ "$(id -u)" -ne 0 ] || chown 12345:54321 "$key"
before=$(stat -c '%a %u %g' "$key")
renew
succeeds "a successor is due"
out_like "^renewed $key: API key AAAABBBBCCCCDDDD, version 2, expires 2099-01-31T00:00:00Z$" "which is reported"
ok "it is in the file" contains "$key" $second
is "$(stat -c '%a %u %g' "$key")" "$before" "whose owner and permissions are kept"
is "$(stat -c '%a %u %g' "$key.state")" "$before" "the state's are the same, as it has the predecessor"
is "$(jq -r .predecessor "$key.state")" $first "which is kept"
is "$(ls "$work/place")" "api.key
api.key.lock
api.key.state" "nothing else is left"
nowhere $second "the credential is not printed"
renew
succeeds "then none is due"
client status "$key"
succeeds "status"
out_like "^can be renewed +yes$" "it can be renewed"
out_like "^expires +2099-01-31T00:00:00Z$" "good until"
out_like "^predecessor until +2098-01-31T00:00:00Z$" "the predecessor until"
nowhere $first "the predecessor is not printed"
client status "$key" --json
json_is '[.can_be_renewed, .key_id, .version, .expires, .failures, .last_error] | @json' \
    '[true,"AAAABBBBCCCCDDDD",2,"2099-01-31T00:00:00Z",0,null]' "the same in JSON"

# A former credential is given the same successor: a restored file moves on, and so does a copy on another host.
chain $first $second $third
fresh "$key" $first
renew
ok "a copy of the former credential becomes the second" contains "$key" $second
renew
ok "and then the third" contains "$key" $third

# ---- The server's faults: nothing is lost, and each is reported ----

fails_with() { # STATUS REGEX NAME
    renew
    status_is "$1" "$3"
    err_like "^sealring-client: $2" "with the reason"
    ok "the file is unchanged" contains "$key" $first
    is "$(jq -r '.failures > 0 and .last_error != null' "$key.state")" true "it is remembered"
    is "$(find "$work/place" -name '*.new')" "" "nothing is left beside it"
    nowhere $first "no credential is printed"
}
chain $first $second
for each in "lose:3:the server for renewals, .* did not answer" "cut:3:the server for renewals" "large:3:the server for renewals" \
    "body {}:3:the server's answer for .* contains no credential" "body []:3:the server's answer for .* is no JSON" \
    'body {"sealed":"AA==","key_id":"A","version":1}:3:the server.s answer for .* is sealed: give the private key' \
    "409:1:the server does not renew .* .409 made-up." "403:1:the server does not renew .* .403 made-up." "500:3:the server's answer" \
    "404:3:the server's answer" "401:1:the server does not accept"; do
    fresh "$key" $first
    words=${each%%:*} rest=${each#*:}
    case $words in body*) rest=${each#"${each%%:[13]:*}":} words=${each%%:[13]:*} ;; esac
    fault "$words"
    fails_with "${rest%%:*}" "${rest#*:}" "$words"
    renew
    ok "$words: the next renewal gets the successor" contains "$key" $second
done
client status "$key"
not_ok "after a success no error is shown" grep -q 'last error' "$work/out"

fresh "$key" $first
fault 503 3600
renew
status_is 3 "503 is for later"
renew
status_is 3 "Retry-After is respected by the next process"
err_like "has asked not to be asked about .* before 20" "with the time"
is "$(requests " 503")$(requests "$first renewed")" "1$(requests "$first renewed")" "which sends no request"
client status "$key" --json
json_is '.retry_at != null' true "status shows it"
# A clock that was a year ahead when that was noted: not for a year.
jq '.retry_at = "2098-01-01T00:00:00Z"' "$key.state" >"$work/edited" && cat "$work/edited" >"$key.state"
renew
ok "a time that is too far away does not count" contains "$key" $second
for damage in '' '{' '[]' '{"failures":-1,"predecessor":"a b","retry_at":7,"last_error":"\u0000"}' "$(head -c 9000 /dev/zero | tr '\0' ' ')"; do
    fresh "$key" $first
    printf '%s' "$damage" >"$key.state"
    renew
    ok "a damaged state blocks nothing" contains "$key" $second
done

# ---- To whom the credential is sent ----

fresh "$key" $first
elsewhere=$work/elsewhere
mkdir "$elsewhere"
cp "$served/key" "$served/certificate" "$elsewhere"
python3 -I "$top_srcdir/tests/client/renewal_server.py" "$elsewhere" https 2>/dev/null &
daemons="$daemons $!"
until_true test -f "$elsewhere/address"
for code in 302 307 308; do
    fresh "$key" $first
    fault $code "$(cat "$elsewhere/address")/v1/renew"
    fails_with 3 "the server's answer .* redirections are not followed" "a redirection ($code) is not followed"
done
fresh "$key" $first
for name in https_proxy HTTPS_PROXY all_proxy ALL_PROXY http_proxy; do
    eval "$name=http://127.0.0.1:${url##*:}; export $name"
done
renew
unset https_proxy HTTPS_PROXY all_proxy ALL_PROXY http_proxy
succeeds "proxies in the environment are ignored"
printf 'machine localhost login a password b\n' >"$HOME/.netrc"
printf 'proxy = "http://127.0.0.1:1"\ninsecure\n' >"$HOME/.curlrc"
fresh "$key" $first
renew
is "$(tail -n 1 "$served/requests")" "POST /v1/renew $first renewed" ".netrc and .curlrc, too"
ok "the other server was never asked" test ! -e "$elsewhere/requests"
fresh "$key" $first
count_before=$(wc -l <"$served/requests")
client renew "$key" --url "$url"
status_is 3 "an unknown certificate is refused"
client renew "$key" --url "https://127.0.0.1:${url##*:}" --ca "$ca"
status_is 3 "and one of another host"
err_like "did not answer: .*" "with the reason"
for bad in "http://localhost:${url##*:}" "ftp://localhost" "localhost:${url##*:}" "https://user:word@localhost" "https://localhost/?a" "https://localhost/#a" "unix:relative" "" "https://" "file:///etc/passwd"; do
    client renew "$key" --url "$bad" --ca "$ca"
    status_is 2 "the address \`$bad\` is refused"
done
is "$(wc -l <"$served/requests")" "$count_before" "nobody was sent anything"
client renew "$key" --url "$url/a/b//" --ca "$ca"
is "$(tail -n 1 "$served/requests")" "POST /a/b/v1/renew $first renewed" "a path is kept"

# ---- Files that cannot be replaced are only watched; nothing is asked then ----

watched() { # FILE REGEX NAME
    count_before=$(wc -l <"$served/requests")
    client renew "$1" --url "$url" --ca "$ca"
    status_is 1 "$3"
    err_like "is only watched: $2" "with the reason"
    is "$(wc -l <"$served/requests")" "$count_before" "the server is not asked"
}
volume=$work/volume
mkdir -p "$volume/..2026_01"
echo $first >"$volume/..2026_01/api.key"
ln -s ..2026_01 "$volume/..data"
ln -s ..data/api.key "$volume/api.key"
watched "$volume/api.key" "it is a symbolic link" "a secret volume of Kubernetes"
CREDENTIALS_DIRECTORY=$volume client status --systemd-credential api.key
out_like "^can be renewed +no: it is a systemd credential" "a systemd credential is only watched"
client renew "$work/nowhere" --url "$url"
status_is 1 "a file that does not exist"
err_like "cannot read the credential in $work/nowhere" "is named"
for content in '' 'two words' 'two
lines' "$(head -c 600 /dev/zero | tr '\0' a)"; do
    printf '%s' "$content" >"$work/bad"
    client renew "$work/bad" --url "$url"
    status_is 2 "a file with something else than a credential"
done
mkdir "$work/folder"
client renew "$work/folder" --url "$url"
status_is 2 "a directory"
printf '\n  %s\t\r\n' $first >"$work/place/blanks"
client renew "$work/place/blanks" --url "$url" --ca "$ca"
ok "blanks and line ends around it do not matter" contains "$work/place/blanks" $second

# ---- A network file system, as statfs(2) reports it ----

cat >"$work/network.c" <<'C'
#include <string.h>
#include <sys/vfs.h>
int statfs(const char *path, struct statfs *facts)
{
    (void)path;
    memset(facts, 0, sizeof *facts);
    facts->f_type = 0x6969;
    return 0;
}
C
if ! nm -D --undefined-only "$(dirname "$CLIENT")/libsealring-client.so" | grep -q __asan_init && ${CC:-cc} -shared -fPIC -o "$work/network.so" "$work/network.c"; then
    fresh "$key" $first
    export LD_PRELOAD="$work/network.so"
    watched "$key" "it is on a network file system \(NFS\)" "a network file system is refused by its name"
    unset LD_PRELOAD
fi

# ---- Mounts: a namespace of their own, so nothing of the machine changes ----

if unshare --mount true 2>/dev/null; then
    cat >"$work/mounts.sh" <<'END'
set -u
mkdir -p "$work/tiny" "$work/single" "$work/readonly"
echo $first >"$work/single/api.key"; cp "$work/single/api.key" "$work/origin"
mount --bind "$work/origin" "$work/single/api.key" || exit 77
"$CLIENT" renew "$work/single/api.key" --url "$url" --ca "$ca" 2>"$work/single.err"; echo "single $?"
echo $first >"$work/readonly/api.key"
mount --bind "$work/readonly" "$work/readonly" && mount -o remount,ro,bind "$work/readonly"
"$CLIENT" renew "$work/readonly/api.key" --url "$url" --ca "$ca" 2>"$work/readonly.err"; echo "readonly $?"
mount -t tmpfs -o size=16k tmpfs "$work/tiny"
(umask 077; echo $first >"$work/tiny/api.key")
head -c 100000 /dev/zero >"$work/tiny/filler" 2>/dev/null
"$CLIENT" renew "$work/tiny/api.key" --url "$url" --ca "$ca" 2>"$work/tiny.err"; echo "tiny $? $(cat "$work/tiny/api.key")"
rm "$work/tiny/filler"
"$CLIENT" renew "$work/tiny/api.key" --url "$url" --ca "$ca" >/dev/null; echo "later $? $(cat "$work/tiny/api.key")"
END
    count_before=$(wc -l <"$served/requests")
    export CLIENT work url ca first
    unshare --mount sh "$work/mounts.sh" >"$work/mounts" 2>&1
    is "$(grep single "$work/mounts")" "single 1" "a file that is mounted by itself is only watched"
    ok "with the reason" grep -q "a mount of its own" "$work/single.err"
    is "$(grep readonly "$work/mounts")" "readonly 1" "one on a read-only file system, too"
    ok "with the reason" grep -q "on a read-only file system" "$work/readonly.err"
    is "$(grep tiny "$work/mounts")" "tiny 1 $first" "on a full disk nothing is renewed"
    ok "with the reason" grep -q "there is no room" "$work/tiny.err"
    is "$(wc -l <"$served/requests")" "$((count_before + 1))" "and the server is not asked before there is room"
    is "$(grep later "$work/mounts")" "later 0 $second" "later it is"
else
    echo "# no mounts here: full disk and read-only file systems are not tried"
fi

# ---- An operator replaces the file during the request ----

is_asked() {
    [ "$(requests "$first")" -ge 1 ]
}
fresh "$key" $first
rm -f "$served/requests"
fault slow-after 4
"$CLIENT" renew "$key" --url "$url" --ca "$ca" >"$work/out" 2>"$work/err" &
process=$!
until_true is_asked
fresh "$work/place/other" $third
mv "$work/place/other" "$key"
wait $process
status=$?
status_is 3 "a file that was replaced during its renewal"
err_like "was replaced during its renewal: the new content is used" "is reported"
ok "and not overwritten" contains "$key" $third

# ---- Several processes, one file ----

fresh "$key" $first
rm -f "$served/requests"
fault slow 1
for each in 1 2 3 4 5; do
    "$CLIENT" renew "$key" --url "$url" --ca "$ca" >"$work/out.$each" 2>&1 &
    eval "process_$each=$!"
done
results=
for each in 1 2 3 4 5; do
    eval "wait \$process_$each"
    results="$results $?"
done
is "$results" " 0 0 0 0 0" "five processes at once all report the successor"
ok "which is in the file" contains "$key" $second
is "$(requests "$first renewed")" 1 "and was asked for once"
fresh "$key" $first
flock "$key.lock" sleep 60 &
holder=$!
lock_is_held() {
    [ -e "$key.lock" ] && ! flock -n "$key.lock" true
}
until_true lock_is_held
renew --wait 0s
status_is 3 "while another process holds the lock, later"
err_like "another process is renewing" "with the reason"
kill $holder
wait $holder 2>/dev/null

# ---- A Unix socket ----

server_stop
server_start unix
fresh "$key" $first
client renew "$key" --url "$url"
succeeds "a Unix socket needs no TLS"
ok "the successor is in the file" contains "$key" $second
# Only differences of times count, and a time that is too far away does not.
for clock in -400d +400d; do
    fresh "$key" $first
    fault 429 3600
    at $clock "$CLIENT" renew "$key" --url "$url"
    status_is 3 "429 with a clock that is wrong by $clock"
    err_like "cannot renew .* now .429 made-up." "with the reason"
    at $clock "$CLIENT" renew "$key" --url "$url"
    err_like "has asked not to be asked" "Retry-After is respected"
    client renew "$key" --url "$url"
    ok "with the right clock it does not block the renewal" contains "$key" $second
done
server_stop
client renew "$key" --url "$url"
status_is 3 "a server that is away is for later"

# ---- The command line ----

for each in "" "nothing" "renew" "renew $key" "renew $key more --url $url" "renew $key --json" "status $key --url $url" "exec $key --url $url" \
    "exec $key --signal HUP -- true" "exec $key --file --restart --signal HUP -- true" "exec $key --env 1A -- true" "exec $key --file --env A -- true" \
    "exec $key --file --signal KILL -- true" "renew $key --url $url --wait soon" "watch $key --url $url --interval 366000d"; do
    # shellcheck disable=SC2086 # words
    client $each
    status_is 2 "wrong usage: $each"
    is "$(wc -l <"$work/err")" 1 "with one line"
done
client --help
succeeds "--help"
client --version
out_like '^sealring-client [0-9]' "--version"
done_testing
