#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A renewal that is killed before each call that changes something, or has that call fail: no credential is lost, none is in a file that others can read, and the next renewal completes.
# shellcheck disable=SC2154
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh"
key=$work/place/api.key
mkdir "$work/place"
if nm -D --undefined-only "$(dirname "$CLIENT")/libsealring-client.so" | grep -q __asan_init; then
    echo "1..0 # SKIP a library with the sanitizers must be loaded before this one"
    exit 0
fi
${CC:-cc} -shared -fPIC -o "$work/kill_before.so" "$top_srcdir/tests/client/kill_before.c" -ldl || bail_out "it cannot be compiled"
server_start unix
chain $first $second
: >"$work/calls"

# A child of its own, so that the shell does not report the kill.
renew_with() { # VARIABLE=VALUE...
    (env LD_PRELOAD="$work/kill_before.so" "$@" "$CLIENT" renew "$key" --url "$url" >"$work/out" 2>"$work/err") 2>/dev/null
    status=$?
}

# Each file in the place is this user's alone, and what has the credential's name has one of the two credentials.
is_sound() {
    [ -z "$(find "$work/place" -type f ! -perm 600)" ] || { echo "# readable: $(find "$work/place" -type f ! -perm 600)"; return 1; }
    contains "$key" $first || contains "$key" $second
}

fresh "$key" $first
renew_with CALLS="$work/calls"
status_is 0 "an undisturbed renewal"
points=$(wc -l <"$work/calls")
ok "it has more than 20 calls that change something ($points)" test "$points" -gt 20
# Of each file: content, fsync, rename; and the directory is synced before the process ends.
is "$(grep -xE 'pwrite|fsync|rename' "$work/calls" | tr '\n' ' ')" "pwrite fsync rename fsync pwrite fsync rename fsync " "what is renamed is on the disk before, and its name after"

bad=
point=0
while [ $point -lt "$points" ]; do
    point=$((point + 1))
    fresh "$key" $first
    renew_with BEFORE=$point
    [ "$status" -eq 137 ] || bad="$bad $point:survived"
    is_sound || bad="$bad $point:unsound"
    client status "$key"
    [ "$status" -eq 0 ] || bad="$bad $point:status"
    client renew "$key" --url "$url"
    [ "$status" -eq 0 ] && contains "$key" $second && is_sound || bad="$bad $point:lost"
    [ -z "$(find "$work/place" -name '*.new')" ] || bad="$bad $point:litter"
done
is "$bad" "" "killed before each of them, and renewed again"

# ENOSPC and EIO: a renewal that reports success has saved the successor, one that does not has left the file as it was, or complete.
for error in 28 5; do
    bad=
    point=0
    while [ $point -lt "$points" ]; do
        point=$((point + 1))
        fresh "$key" $first
        renew_with BEFORE=$point ERROR=$error
        case $status in
        0) contains "$key" $second || bad="$bad $point:unsaved" ;;
        1 | 3) [ -s "$work/err" ] || bad="$bad $point:silent" ;;
        *) bad="$bad $point:$status" ;;
        esac
        is_sound || bad="$bad $point:unsound"
        contains "$key" $second || [ ! -e "$key.state" ] || grep -q '"renewed": null' "$key.state" || bad="$bad $point:untrue"
        client renew "$key" --url "$url"
        [ "$status" -eq 0 ] && contains "$key" $second || bad="$bad $point:lost"
        [ -z "$(find "$work/place" -name '*.new')" ] || bad="$bad $point:litter"
    done
    is "$bad" "" "error $error at each of them"
done
is "$(grep -vc "POST /v1/renew $first\|POST /v1/renew $second" "$served/requests")" 0 "nothing else was ever presented"
done_testing
