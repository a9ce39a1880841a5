#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring status: traffic by version and hour, what happens next, who verifies; watched in place and by changes; read-only.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
command -v python3 >/dev/null || bail_out "python3 is missing (Debian: python3)"

registry() { # SQL
    sqlite3 -cmd ".timeout 5000" "$SEALRING_VAULT/registry/sealring.db" "$1"
}

# The parts below belong to one hour: done again if the hour ends meanwhile.
present_hour() {
    echo $(($(date +%s) / 3600))
}

traffic() { # VERSION HOURS-AGO ACCEPTED REJECTED
    registry "INSERT INTO usage_traffic VALUES (1, $1, $(($(present_hour) - $2)), zeroblob(16), $3, $4)"
}

must init --lease 1s
must ring create payments --prefix acme_live --overlap 2d
run status
succeeds "a ring that nobody calls"
out_like '^  no calls in the last 24 hours$' "says so, and draws nothing"
not_ok "no axis of hours" matches "$work/out" 'calls by hour'
out_like '^verifiers  none is there now$' "no verifier"
out_like '^scheduler  sealring run has never run' "no scheduler"

must rotate payments
must run --once
run status
out_like '^scheduler  sealring run last ran (now|[0-9]+s ago)$' "a scheduler that ran is told"

# ---- traffic ----

fill() {
    registry "DELETE FROM usage_traffic"
    traffic 1 30 1 0 # too long ago
    traffic 1 23 1000000 0
    traffic 1 2 75 0
    traffic 2 2 25 0
    traffic 1 1 1 0
    traffic 2 1 9999 7
    traffic 1 0 1 0
    traffic 2 0 3 1234
}
while :; do
    hour=$(present_hour)
    fill
    run status payments
    cp "$work/out" "$work/picture"
    LC_ALL=C run status payments
    cp "$work/out" "$work/ascii"
    run status payments --json
    [ "$(present_hour)" -ne "$hour" ] || break
done
sed -n '/calls by hour/,/^  v2 /p' "$work/picture" >"$work/got"
cat >"$work/wanted" <<'END'
  calls by hour   23h ago              now      calls  this hour
  v1              █                    ▆▁▂  1,000,077        25%
  v2                                   ▂▇▆     10,027        75%  1,241 rejected
END
cp "$work/got" "$work/out"
ok "the picture of the traffic" cmp "$work/got" "$work/wanted"
sed -n '/calls by hour/,/^  v2 /p' "$work/ascii" >"$work/got"
cat >"$work/wanted" <<'END'
  calls by hour   23h ago              now      calls  this hour
  v1              %                    *.:  1,000,077        25%
  v2                                   :#*     10,027        75%  1,241 rejected
END
ok "in ASCII" cmp "$work/got" "$work/wanted"
is "$(LC_ALL=C tr -d '\000-\177' <"$work/ascii" | wc -c)" 0 "nothing else in ASCII either"
run status --json
json_is '.rings[0].traffic | length' 7 "--json: the hours"
json_is '[.rings[0].traffic[] | select(.version == 2)] | map(.accepted, .rejected) | join(" ")' "25 0 9999 7 3 1234" "their counts"
json_is '.rings[0].traffic[-1].hour' "$(date -u -d "@$((hour * 3600))" +%Y-%m-%dT%H:00:00Z)" "when"
json_is '.scheduler.last_run | type' string "the scheduler"
json_is '.verifiers | type' array "the verifiers"

# ---- what happens next ----

json_is '[.rings[0].plan[] | "\(.event) \(.version) \(.state)"] | join(",")' "retire 1 ahead" "--json: what lies ahead"
run status
out_like '^  next  retire v1 +in (2d|1d23h), 20..-..-..T..:..:..Z, by sealring run$' "next: what, when, by whom"
must client add acme
must issue payments --client acme
cp "$work/out" "$work/credential"
must ring set payments --overlap 1s --quiet-period 1h --standby
run status
out_like '^(  next|      )  prepare v3 +due now, by sealring run, or by hand: sealring prepare payments$' "what is due is told with the command"
must run --once
is "$("$SEALRING" status --json | jq -r '.rings[0].version_list[2].state')" pending "(the standby is made)"

# ---- a blocked retirement: the window is over, but the version is in use ----

must ring create legacy --prefix old --overlap 1s --quiet-period 1h
must issue legacy --client acme --label old
cp "$work/out" "$work/old"
old_key=$(cut -d_ -f2 "$work/old")
must rotate legacy
run_with "$work/old" verify
succeeds "(the old credential is used)"
# shellcheck disable=SC2317 # called by a helper
window_over() {
    "$SEALRING" status legacy --json | jq -e '.rings[0].plan[0].state == "waiting"' >/dev/null
}
must usage legacy # brings in who used it
ok "a retirement becomes due and is blocked" until_true window_over
run status legacy
out_like "^  next  retire v1 +due .*, blocked: .* it is in use: $old_key of acme" "who blocks it is named"
is "$(grep -c 'sealring reissue legacy' "$work/out")" 1 "what a person should do is said once"
not_ok "and nothing is said twice" matches "$work/out" "window has ended: "

# ---- verifiers ----

run_with "$work/old" verify
run status
out_like '^verifiers  ' "verifiers are counted"
lost=0123456789abcdef0123456789abcdef
registry "INSERT INTO verifier (instance, seat, inode, host, program, process, joined, state, number, epoch, seen_boot_id, seen_boot_ms,
        last_report, ended, hole, alarms)
    VALUES (x'$lost', x'$lost', 1, 'web9', 'shop', 4711, 1, 2, 1, 1, '$(cat /proc/sys/kernel/random/boot_id)',
        $(awk '{ printf "%d", $1 * 1000 }' /proc/uptime), $(date +%s)000, 0, 0, 0)"
run status
out_like '^verifiers  .*1 is lost' "one whose report is gone is counted"
out_like '^  → web9 shop 4711 \(01234567\): its report file is gone' "and what it owes is told"
run status --json
json_is '.verifiers[] | select(.host == "web9") | .state' lost "in JSON, too"
registry "DELETE FROM verifier WHERE host = 'web9'"

# ---- who renews by itself ----

run status legacy --json
json_is '.rings[0].renewal' null "a ring that renews nothing counts nobody"
must ring create moving --prefix move --renew bearer --overlap 2d
run status moving --json
json_is '.rings[0].renewal | [.clients, .renewing, .longest_ms] | tostring' '[0,0,null]' "no clients"
for client in alone hand both; do
    must client add "$client"
    must issue moving --client "$client" --out "$work/$client"
done
must issue moving --client both --label more --out "$work/more"
run status moving
out_like '^  renewal  0 of 3 clients renew by themselves$' "clients are counted, not keys"
must rotate moving
for file in alone both; do
    run_with "$work/$file" renew --out "$work/$file-new"
    succeeds "$file is renewed"
done
must reissue "$(cut -d_ -f2 "$work/hand")" --out "$work/hand-new"
# as if it had taken that long
registry "UPDATE credential SET issued = (SELECT activated FROM version v WHERE v.ring = credential.ring AND v.number = 2) + 11520500
    WHERE predecessor = 1 AND api_key IN (SELECT id FROM api_key WHERE key_id = '$(cut -d_ -f2 "$work/both")')"
run status moving
out_like '^  renewal  1 of 3 clients renews by itself; moving to v2 took up to 3h12m1s: the overlap must not be shorter$' \
    "who renewed all its keys, and how long a move took"
run status moving --json
json_is '.rings[0].renewal | [.clients, .renewing, .longest_ms] | tostring' '[3,1,11520500]' "in JSON, too"
renewed_under() { # VERSION: of the credential that was renewed
    registry "UPDATE credential SET version = $1 WHERE serial = 1 AND api_key IN
        (SELECT id FROM api_key WHERE key_id = '$(cut -d_ -f2 "$work/both")')"
}
renewed_under 2
run status moving --json
json_is '.rings[0].renewal | [.renewing, .longest_ms < 11520500] | tostring' '[1,true]' "a renewal under the same version is no move"
renewed_under 1
must revoke "$(cut -d_ -f2 "$work/hand")" --reason test --no-wait
must key suspend "$(cut -d_ -f2 "$work/more")"
run_with "$work/more" renew
status_is 1 "(a suspended key is not renewed)"
run status moving
out_like '^  renewal  2 of 2 clients renew by themselves; ' "keys that are revoked or suspended do not count"

# ---- read-only ----

mv "$SEALRING_VAULT/tokens" "$work/tokens"
flock -F "$SEALRING_VAULT/vault.lock" sleep 60 &
holder=$!
while flock -n "$SEALRING_VAULT/vault.lock" true; do sleep 0.05; done
run status
succeeds "without the token, and while somebody holds the vault's lock"
out_like '^ring payments' "it shows what there is"
kill "$holder"
mv "$work/tokens" "$SEALRING_VAULT/tokens"
if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$work" "$SEALRING_VAULT" "$SEALRING_VAULT/registry" "$SEALRING_VAULT/verifiers"
    chmod 644 "$SEALRING_VAULT/sealring.conf" "$SEALRING_VAULT/registry/"*
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$SEALRING" status >"$work/out" 2>"$work/err" </dev/null
    status=$?
    succeeds "another user, who can read only"
    out_like '^ring payments' "sees it as well"
fi

# ---- watching ----

run status --every 1s
status_is 2 "--every goes with --watch"
run status --watch --every 1ms
status_is 2 "no rest at all is refused"
run status --watch --vault "$work/nosuch"
ok "the first look must succeed" test "$status" -ne 0

# A background job has SIGINT ignored, unless somebody gives it back.
touch "$work/blocks" "$work/trouble" "$work/lines"
perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$SEALRING" status --watch --every 100ms >"$work/blocks" 2>"$work/trouble" &
watcher=$!
# shellcheck disable=SC2317 # called by a helper
blocks_are() {
    [ "$(grep -c '^---- ' "$work/blocks")" -eq "$1" ]
}
ok "one block at first" until_true blocks_are 1
sleep 0.5 # some more looks
ok "and none without a change" blocks_are 1
must ring set legacy --keep 7
ok "one for a change" until_true blocks_are 2
mv "$SEALRING_VAULT/registry" "$work/away"
ok "a registry that is away is said" until_true grep -q 'tries again' "$work/trouble"
sleep 0.5
is "$(sort "$work/trouble" | uniq -d)" "" "once"
mv "$work/away" "$SEALRING_VAULT/registry"
ok "and it goes on" until_true grep -q 'goes on' "$work/trouble"
must ring set legacy --keep 8
ok "and sees what changes" until_true blocks_are 3
kill -INT "$watcher"
wait "$watcher"
is "$?" 0 "SIGINT ends it"

perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$SEALRING" status legacy --watch --every 100ms --json >"$work/lines" 2>&1 &
watcher=$!
# shellcheck disable=SC2317 # called by a helper
lines_are() {
    [ "$(wc -l <"$work/lines")" -eq "$1" ]
}
ok "JSON: a line" until_true lines_are 1
must ring set legacy --keep 9
ok "and one for a change" until_true lines_are 2
kill -TERM "$watcher"
wait "$watcher"
is "$?" 0 "SIGTERM ends it"
is "$(jq -r '.rings[0].keep' "$work/lines" | tr '\n' ' ')" "8 9 " "each line is whole"

# On a terminal, which a program holds: what it got is kept, its size changed, and Ctrl-C typed.
cat >"$work/terminal.py" <<'END'
import fcntl, os, pty, select, signal, struct, sys, termios, time
command, columns, lines, mode, away = sys.argv[1:6]
child, terminal = pty.fork()
if child == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ["TERM"] = "xterm"
    while True:
        rows, cols = struct.unpack("hhhh", fcntl.ioctl(1, termios.TIOCGWINSZ, b"\0" * 8))[:2]
        if rows > 0:
            break
        time.sleep(0.01)
    os.execv(command, [command] + sys.argv[6:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("hhhh", int(lines), int(columns), 0, 0))
got = b""
def until(text, count):
    global got
    limit = time.time() + 30
    while got.count(text) < count and time.time() < limit:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                got += os.read(terminal, 65536)
            except OSError:
                break
    return got.count(text) >= count
if mode == "watch":
    until(b"Ctrl-C ends", 3)
    os.rename(away, away + ".away")
    until(b"tries again", 1)
    os.rename(away + ".away", away)
    until(b"Ctrl-C ends", got.count(b"Ctrl-C ends") + 1)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("hhhh", 10, 50, 0, 0))
    until(b"\033[10;1H", 1)
    os.write(terminal, b"\003")
until(b"never", 1)
status = os.waitpid(child, 0)[1]
os.write(1, got)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
END
terminal() { # COLUMNS LINES MODE ARGUMENT...
    wide=$1 high=$2 mode=$3
    shift 3
    python3 "$work/terminal.py" "$SEALRING" "$wide" "$high" "$mode" "$SEALRING_VAULT/registry" "$@" >"$work/out" 2>"$work/err"
    status=$?
}
# shellcheck disable=SC2317 # called by a helper
holds() { # BYTES as printf knows them
    python3 -c 'import sys; sys.exit(sys.argv[2].encode().decode("unicode_escape").encode() not in open(sys.argv[1], "rb").read())' "$work/out" "$1"
}
terminal 100 40 watch status --watch --every 100ms
succeeds "Ctrl-C ends it on a terminal"
ok "which it drew on the alternate screen" holds '\x1b[?1049h'
ok "from its corner, not wiped before" holds '\x1b[H'
is "$(grep -ac "$(printf '\033')\[2J" "$work/out")" 1 "once it has begun"
ok "trouble is said" holds 'tries again'
ok "a change of size is noticed" holds '\x1b[10;1H'
is "$(tail -c 14 "$work/out" | od -An -c | tr -d ' \n')" '033[?25h033[?1049l' "and the terminal is given back as it was"

for columns in 60 80 120; do
    terminal "$columns" 40 once status
    succeeds "at $columns columns"
    widest=$(sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/\r//' "$work/out" |
        python3 -c 'import sys; print(max(len(line.rstrip("\n")) for line in sys.stdin))')
    ok "no line is longer ($widest)" test "$widest" -le "$columns"
done
ok "with colour" holds '\x1b[32m'
NO_COLOR=1 terminal 80 40 once status
not_ok "none with NO_COLOR" holds '\x1b[32m'
done_testing
