#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where secrets may be and where not: PINs from elsewhere than a file, memory that cannot be locked, core dumps, /proc, all that is said.
# shellcheck disable=SC2317 # checks that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
perl=$(command -v perl) || bail_out "perl is missing: sh tools/packages.sh test"
places=0
ABRT=6
QUIT=3
STOP=19

# ---- A vault whose PIN and derived secrets are known to nobody but sealring: what is found of them is its own, and not the module's ----

must init
conf=$SEALRING_VAULT/sealring.conf
canary=$work/canary
mkdir "$canary"
sed -n 's/^module = //p' "$conf" >"$canary/to"
mv "$SEALRING_VAULT/pins/keys.pin" "$canary/real"
pin='canary-pin-8S1nT0ld'
printf '%s\n' $pin >"$canary/pin"
cp "$canary/pin" "$SEALRING_VAULT/pins/keys.pin"
chmod 600 "$SEALRING_VAULT/pins/keys.pin" "$canary/pin"
# shellcheck disable=SC2046 # a list of words
${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/canary.so" "$here/module_canary.c" -ldl ||
    bail_out "the module does not compile"
{
    sed "s|^module = .*|module = $work/canary.so|" "$conf"
    echo "module-environment = CANARY=$canary"
} >"$work/conf"
cp "$work/conf" "$conf"

must ring create r --prefix canary_live
must client add acme
must issue r --client acme
cp "$work/out" "$work/key"
must client add other
must issue r --client other --out "$work/other"
printf 'pin %s\nissued %s\nother %s\n' $pin "$(cat "$work/key")" "$(cat "$work/other")" >"$work/canaries"

# search PLACE...: $work/found says what was found, $searched how much
search() {
    "$perl" "$here/canaries.pl" "$work/canaries" "$@" >"$work/search" || bail_out "canaries.pl failed"
    grep -v '^#' "$work/search" >"$work/found"
    places=$((places + $(sed -n 's/^# \([0-9]*\) places.*/\1/p' "$work/search")))
}

clean() { # NAME PLACE...
    name=$1
    shift
    search "$@"
    cp "$work/found" "$work/out"
    [ ! -s "$work/found" ]
    report $? "$name" "something was found: see stdout"
}

# The search itself finds what is there.
{ head -c 5000 /dev/zero | tr '\0' x; cat "$work/key"; } >"$work/planted"
echo "$pin" >>"$work/planted"
search "$work/planted"
is "$(cut -d ' ' -f 2- "$work/found" | tr '\n' ' ')" "issued-digits 1 pin 1 " "what is searched for would be found"
SECRET=$(cat "$work/key") sleep 60 &
search "/proc/$!/environ"
kill $!
is "$(cut -d ' ' -f 2- "$work/found")" "issued-digits 1" "also in /proc"

# ---- The PIN from a systemd credential ----

sed 's|^pin-source = .*|pin-source = credential:sealring.keys|' "$work/conf" >"$conf"
mkdir -m 700 "$work/credentials"
cp "$canary/pin" "$work/credentials/sealring.keys"
chmod 400 "$work/credentials/sealring.keys"
run ring create c1
status_is 3 "without \$CREDENTIALS_DIRECTORY the token is not reached"
err_like 'LoadCredential=sealring.keys:FILE' "and it says what belongs into the unit"
CREDENTIALS_DIRECTORY=$work/credentials
export CREDENTIALS_DIRECTORY
run ring create c2
succeeds "a credential of the unit is the PIN"
run_with "$work/key" verify
succeeds "to verify as well"
chmod 440 "$work/credentials/sealring.keys"
run ring create c3
status_is 3 "but not one that a group can read"
err_like 'chmod 600' "which it says"
chmod 400 "$work/credentials/sealring.keys"
unset CREDENTIALS_DIRECTORY
run ring create c4 --pin-source "$canary/pin"
succeeds "by hand another source is named"
run doctor --pin-source "$canary/pin"
not_ok "the doctor misses no file where there is none" grep -q 'pin-missing\|pin-unusable\|is not there' "$work/out"
CREDENTIALS_DIRECTORY=$work/credentials
export CREDENTIALS_DIRECTORY
chmod 440 "$work/credentials/sealring.keys"
run doctor
out_like 'sealring.keys.*(can be used|chmod)' "and finds a credential that a group can read"
chmod 400 "$work/credentials/sealring.keys"
unset CREDENTIALS_DIRECTORY
run backup "$work/backup"
succeeds "a backup can be made"
run restore "$work/backup" --dry-run
status_is 3 "restoring wants the PIN"
err_like 'LoadCredential=' "and says where it should come from"
run restore "$work/backup" --dry-run --pin-source "$canary/pin"
succeeds "restoring takes one from elsewhere as well"
run ring create c5 --pin-source credential:../pin
status_is 2 "a credential's name leads nowhere else"
sed 's|^pin-source = .*|pin-source = credential:../pin|' "$work/conf" >"$conf"
run ring create c5
status_is 2 "nor in sealring.conf"
err_like 'line [0-9]* wants a credential' "which names the line"

# ---- The PIN from a terminal, which is a real one ----

# type ANSWER COMMAND...: on a terminal of its own; all that it shows is in $work/out, its output and errors too.
type_in() {
    printf '%s\n' "$1" >"$work/typed"
    shift
    printf "'%s' " "$SEALRING" "$@" >"$work/line"
    mkfifo "$work/keyboard"
    : >"$work/out"
    script -qefc "$(cat "$work/line")" /dev/null <"$work/keyboard" >"$work/out" 2>"$work/err" &
    terminal=$!
    exec 7>"$work/keyboard"
    until_true grep -q 'PIN of' "$work/out" && cat "$work/typed" >&7
    wait $terminal
    status=$?
    exec 7>&-
    rm "$work/keyboard"
}

sed 's|^pin-source = .*|pin-source = terminal|' "$work/conf" >"$conf"
if command -v script >/dev/null; then
    type_in $pin ring create t1
    succeeds "the PIN is typed"
    out_like '^PIN of pkcs11:token=sealring-keys' "after the token was named"
    nowhere $pin "and is not shown"
    [ "$(grep -c 'PIN of' "$work/out")" -eq 1 ]
    report $? "it is asked for once"
    type_in wrong-and-typed ring create t2
    status_is 3 "a wrong one is refused"
    out_like 'refused the PIN that was typed' "which is said"
    nowhere wrong-and-typed "without it"
    type_in $pin ring create t3
    succeeds "and nothing stands in the way of the right one"
    cp "$work/conf" "$conf"
    type_in $pin ring create t4 --pin-source -
    succeeds "--pin-source - asks as well"
    sed 's|^pin-source = .*|pin-source = terminal|' "$work/conf" >"$conf"
    type_in "$("$perl" -e 'print "x" x 300')" ring create t5
    status_is 3 "what is too long is none"
    nowhere xxxxxxxx "and is not shown"
else
    echo "# no script(1): the terminal is not tried"
fi
setsid "$SEALRING" ring create t6 >"$work/out" 2>"$work/err" </dev/null
status=$?
status_is 3 "without a terminal nobody is asked"
err_like 'was not given' "which it says"
build_server
"$work/server" "$SEALRING_VAULT" "" 1 <"$work/key" >"$work/out" 2>"$work/err"
status=$?
status_is 1 "a server asks nobody"
err_like 'which a server has none of' "and says what it wants instead"
cp "$work/conf" "$conf"

# ---- RLIMIT_MEMLOCK 0 ----

if [ "$(id -u)" -eq 0 ]; then
    limited="setpriv --bounding-set -ipc_lock prlimit --memlock=0:0"
else
    limited="prlimit --memlock=0:0"
fi
unlocked() { # ARGUMENT...
    $limited "$SEALRING" "$@" >"$work/out" 2>"$work/err" <"$work/key"
    status=$?
}
$limited true || bail_out "prlimit does not work"
unlocked ring create m1
succeeds "without locked memory a ring is made"
is "$(grep -c 'RLIMIT_MEMLOCK' "$work/err")" 1 "and it is said once"
unlocked verify
succeeds "a credential is verified"
is "$(grep -c 'RLIMIT_MEMLOCK' "$work/err")" 1 "and it is said once"
unlocked ring list
succeeds "what needs no secret"
is "$(cat "$work/err")" "" "says nothing of it"
run_with "$work/key" verify
is "$(cat "$work/err")" "" "nor does who may lock memory"
was_accepted() {
    case $answer in '200 accepted'*) ;; *) return 1 ;; esac
}
mv "$work/server" "$work/server.real"
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$limited" "$work/server.real" >"$work/server"
chmod +x "$work/server"
serve tight
ask tight "$work/key"
ok "a server serves" was_accepted
until_true grep -q RLIMIT_MEMLOCK "$work/tight.log"
is "$(grep -c 'warning: .*RLIMIT_MEMLOCK' "$work/tight.log")" 1 "its log says it once"
leave tight
mv "$work/server.real" "$work/server"

# ---- Core dumps ----

# core_of SIGNAL COMMAND...: $work/core if it left one
core_of() {
    want=$1
    shift
    rm -f "$work/core" "$work/core".*
    (cd "$work" && exec ${cores:+prlimit --core=unlimited:unlimited} "$@") >"$work/out" 2>"$work/err" <"$work/input"
    status=$?
    is $status $((128 + want)) "$3 is ended by signal $want"
    set -- "$work/core".*
    [ ! -e "$1" ] || mv "$1" "$work/core"
}
pattern=$(cat /proc/sys/kernel/core_pattern)
echo "# core_pattern: $pattern"
case $pattern in
\|* | */*) cores= ;;
*) cores=yes ;;
esac
prlimit --core=unlimited:unlimited true 2>/dev/null || cores=
[ -z "${NO_CORES-}" ] || cores= # to try the other way
[ -n "$cores" ] || command -v gcore >/dev/null || bail_out "no core can be had here: install gdb, or let core_pattern be \`core'"

for signal in $ABRT $QUIT; do
    : >"$work/input"
    echo "C_Login $signal" >"$canary/stop"
    core_of "$signal" "$SEALRING" ring create "a$signal"
    not_ok "the command leaves no core in the middle of a login" [ -e "$work/core" ]
    cp "$work/key" "$work/input"
    echo "C_Sign $signal" >"$canary/stop"
    core_of "$signal" "$SEALRING" verify
    not_ok "nor in the middle of a signature" [ -e "$work/core" ]
    clean "and its last words are harmless" "$work/out" "$work/err"
done

# gcore reads what a core dump would hold, by the same marks (VmFlags: dd); for where cores go elsewhere.
server_core() { # FUNCTION SIGNAL NAME
    if [ -n "$cores" ]; then
        echo "$1 $2" >"$canary/stop"
        core_of "$2" "$work/server" "$SEALRING_VAULT" "" 1
        ok "$3 leaves a core" [ -s "$work/core" ]
    else
        echo "$1 $STOP" >"$canary/stop"
        "$work/server" "$SEALRING_VAULT" "" 1 <"$work/input" >"$work/out" 2>"$work/err" &
        stopped=$!
        until_true grep -q '^State:.T' /proc/$stopped/status || bail_out "the server does not stop"
        gcore -o "$work/core" $stopped >"$work/out" 2>"$work/err" && mv "$work/core.$stopped" "$work/core"
        kill -KILL $stopped
        ok "$3 gives gcore an image" [ -s "$work/core" ]
    fi
}
for signal in $ABRT $QUIT; do
    : >"$work/input"
    server_core C_Login "$signal" "a server in the middle of a login"
    clean "the PIN is not in it" "$work/core"
    cat "$work/key" >"$work/input"
    server_core C_Sign "$signal" "a server in the middle of a signature"
    search "$work/core"
    # the request itself is the server's own: its line, and what standard input has buffered
    grep -v 'issued-digits' "$work/found" >"$work/out"
    ok "neither PIN nor derived secret is in it" [ ! -s "$work/out" ]
    digits=$(sed -n 's/.* issued-digits //p' "$work/found")
    ok "of the text there is what the server itself holds: ${digits:-0} copies" [ "${digits:-0}" -le 2 ]
done
rm -f "$work/core"

# ---- A server that lives: its memory, its environment, its log ----

serve alive
ask alive "$work/other"
ok "a server has verified" was_accepted
ask alive "$work/key"
echo "no credential $(cut -c 1-60 "$work/key")" >"$work/bad"
ask alive "$work/bad"
echo "$(cut -c 1-70 "$work/key")000000" >"$work/bad"
ask alive "$work/bad"
"$perl" -e 'print "z" x 70, "\n" for 1 .. 200' >"$work/bad" # what its standard input had buffered is written over
cat "$work/bad" >"$work/alive.requests"
until_true answered alive 204 || bail_out "the server does not answer"
alive=$(process_of alive)
clean "nothing is left of PIN, texts and derived secrets in its memory" "pid:$alive"
clean "nor in its environment, command line, log and answers" "/proc/$alive/environ" "/proc/$alive/cmdline" \
    "$work/alive.log" "$work/alive.answers"
# What the module holds is the module's: it was given the real PIN, and how long it keeps it is its affair.
printf 'real %s\n' "$(cat "$canary/real")" >"$work/real"
"$perl" "$here/canaries.pl" "$work/real" "pid:$alive" | sed 's/^/# the PKCS#11 module itself: /'
leave alive

# ---- The command while it works ----

echo "C_Sign $STOP" >"$canary/stop"
"$SEALRING" verify <"$work/key" >"$work/out" 2>"$work/err" &
stopped=$!
until_true grep -q '^State:.T' /proc/$stopped/status
clean "command line and environment of a command are clean" /proc/$stopped/cmdline /proc/$stopped/environ
search "pid:$stopped"
grep -v 'issued-digits' "$work/found" >"$work/out"
ok "the PIN is wiped by the time a signature is made, and no secret derived from the text" [ ! -s "$work/out" ]
is "$(sed -n 's/.* issued-digits //p' "$work/found")" 1 "of the text there is one copy"
if [ "$(id -u)" -eq 0 ]; then
    ok "it cannot be dumped: its files in /proc are root's alone" [ "$(stat -c %U /proc/$stopped/mem)" = root ]
fi
kill -CONT $stopped
wait $stopped
ok "and it goes on" [ $? -eq 0 ]

# ---- All that commands say, to good and bad input ----

mkdir "$work/said"
said=0
"$SEALRING" help --json | jq -r '.commands[].command' >"$work/commands"
credential=$(cat "$work/key")
while read -r words; do
    case $words in
    help | run | status) more= ;;
    *) more=$credential ;;
    esac
    for json in "" --json; do
        said=$((said + 1))
        case $words in # what would take the vault apart
        compromise | destroy | retire | revoke | "client forget" | "verifier forget") safe=--dry-run ;;
        run) safe=--once ;;
        *) safe= ;;
        esac
        # shellcheck disable=SC2086 # lists of words
        timeout 30 "$SEALRING" $words $more $json $safe >"$work/said/$said.a" 2>&1 <"$work/key"
        # shellcheck disable=SC2086
        timeout 30 "$SEALRING" $words r $json $safe --scope "$credential" --client "$credential" >"$work/said/$said.b" 2>&1 <"$work/bad"
        # shellcheck disable=SC2086
        timeout 30 "$SEALRING" $words $json $safe --pin-source $pin >"$work/said/$said.c" 2>&1 <"$work/key"
    done
done <"$work/commands"
sed -i "/$pin cannot be found\|--pin-source\|PIN file $pin/d" "$work/said"/*.c # a path is no secret, also if it is a PIN
clean "no command repeats a secret, given where it does not belong" "$work/said"/*
ok "all were asked" [ "$(wc -l <"$work/commands")" -gt 30 ]
must audit export
cp "$work/out" "$work/audit"
clean "nor is one on the record" "$work/audit"
find "$SEALRING_VAULT" -type f ! -path '*/pins/*' >"$work/files"
# shellcheck disable=SC2046 # none has spaces
clean "nor anywhere in the vault but in its PIN files" $(cat "$work/files")

echo "# figure: canaries-searched $places places"
done_testing
