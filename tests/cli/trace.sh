#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The trace of Cryptoki calls over a whole story: complete, readable, without a secret; a hang and an error are in it; a file that cannot be
# written harms nothing.
# shellcheck disable=SC2016,SC2317 # Perl in quotes; checks that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
perl=$(command -v perl) || bail_out "perl is missing: sh tools/packages.sh test"
softhsm=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
[ -r "$softhsm" ] || bail_out "SoftHSM2's module $softhsm is missing: set SOFTHSM2_MODULE"
STOP=19

# ---- Two tokens, behind a module whose PIN and signatures nobody else has ----

canary=$work/canary
mkdir "$canary" "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$work/tokens.conf"
pin='canary-pin-8S1nT0ld' real='7391468205-real' audit='canary-audit-4gR8' so='50288419-so-pin'
for label in keys audit; do
    user=$real
    [ $label = keys ] || user=$audit
    SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --init-token --free --label $label --so-pin $so --pin "$user" >/dev/null ||
        bail_out "no token can be made"
done
echo "$softhsm" >"$canary/to"
echo "$real" >"$canary/real"
echo "$pin" >"$canary/pin"
echo "$audit" >"$work/audit.pin"
echo wrong-canary-pin-66 >"$work/wrong.pin"
cp "$canary/pin" "$work/keys.pin"
chmod 600 "$work"/*.pin
# shellcheck disable=SC2046 # a list of words
${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/canary.so" "$here/module_canary.c" -ldl ||
    bail_out "the module does not compile"
build_server
trace=$work/trace
traced() { # ARGUMENT...: as must, traced
    SEALRING_TRACE_CRYPTOKI=$trace "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ $status -eq 0 ] && return
    explain_output
    bail_out "sealring $1 ${2-} failed"
}
verify_traced() { # CREDENTIAL-FILE
    SEALRING_TRACE_CRYPTOKI=$trace "$SEALRING" verify <"$1" >"$work/out" 2>"$work/err"
    status=$?
}

# ---- The story ----

traced init --module "$work/canary.so" --token pkcs11:token=keys --pin-source "$work/keys.pin" \
    --audit-token pkcs11:token=audit --audit-pin-source "$work/audit.pin" \
    --module-environment "SOFTHSM2_CONF=$work/tokens.conf" --module-environment "CANARY=$canary"
is "$(mode_of "$trace")" 600 "the file is its owner's only"
traced ring create r --prefix canary_live --overlap 1s --quiet-period 1s
traced client add acme
traced issue r --client acme --out "$work/key"
traced issue r --client acme --label second --out "$work/second"
printf 'client,label,expires,sha256\nacme,imported,90d,%s\n' "$(printf canary-imported-key-5Yq1 | sha256sum | cut -d ' ' -f 1)" >"$work/keys.csv"
traced import r --sha256 "$work/keys.csv" --out "$work/imported.csv"
printf 'canary-imported-key-5Yq1\n' >"$work/imported"
SEALRING_TRACE_CRYPTOKI=$trace
export SEALRING_TRACE_CRYPTOKI CANARY="$canary" SOFTHSM2_CONF="$work/tokens.conf"
serve traced
unset SEALRING_TRACE_CRYPTOKI
"$perl" -pe 's/.......$/1234567/' "$work/key" >"$work/forged"
is "$(verdict_of traced "$work/key")" "200 accepted" "a server that is traced verifies"
is "$(verdict_of traced "$work/imported")" "200 accepted" "also an imported key"
ask traced "$work/forged"
until_true matches "$work/traced.log" 'Cryptoki calls are traced to .*/trace \(SEALRING_TRACE_CRYPTOKI\)'
report $? "and its log has where to"
traced rotate r --wait 60s
traced reissue r --all --out "$work/successors/"
set -- "$work"/successors/*
verify_traced "$1"
succeeds "a successor is accepted"
traced doctor
traced backup "$work/backup"
traced audit checkpoint
traced compromise r 1 --wait 60s
traced destroy r 1 --overrule "the test wants it gone"
server=$(process_of traced)
leave traced
verify_traced "$work/key"
status_is 1 "and what is compromised is not"
SEALRING_TRACE_CRYPTOKI=$trace "$SEALRING" verify <"$work/second" >"$work/out" 2>"$work/err"
SEALRING_TRACE_CRYPTOKI=$trace "$SEALRING" ring create other --pin-source "$work/wrong.pin" >"$work/out" 2>"$work/err"
status=$?
status_is 3 "a wrong PIN is refused"
nowhere SEALRING_TRACE_CRYPTOKI "no command speaks of a trace that is written"

# ---- Nothing secret ----

{
    printf 'pin %s\nreal %s\naudit %s\nso %s\nwrong wrong-canary-pin-66\nimported canary-imported-key-5Yq1\n' \
        $pin $real $audit $so
    number=0
    for file in "$work/key" "$work/second" "$work/forged" "$work"/successors/*; do
        number=$((number + 1))
        echo "credential-$number $(cat "$file")"
    done
} >"$work/canaries"
search() { # PLACE...: $work/out says what was found
    "$perl" "$here/canaries.pl" -f "$work/canaries" "$@" >"$work/search" || bail_out "canaries.pl failed"
    grep -v '^#' "$work/search" >"$work/out"
    : >"$work/err"
}
capital_digits() {
    "$perl" -0777 -ne 'print uc unpack "H*", $_'
}
for form in cat capital_digits 'od -A n -v -t x1 -w256' base64; do
    { printf '..'; printf '%s' "$pin"; } | $form >"$work/planted"
    search "$work/planted"
    ok "a PIN in the form of $form would be found" [ -s "$work/out" ]
    { printf '...'; cat "$work/key"; } | $form | tr -d '\n' >"$work/planted"
    search "$work/planted"
    ok "and so would a credential" [ -s "$work/out" ]
done
search "$trace"
ok "the trace has no PIN, credential, secret or key, in no form" [ ! -s "$work/out" ]
ok "of many calls" [ "$(wc -l <"$trace")" -gt 1000 ]

# ---- Complete, and readable by programs ----

line='^20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z pid=[0-9]+ tid=[0-9]+ call=[0-9]+ (begin|end) C_[A-Za-z]+ module="canary.so"( [a-z-]+=("[^"]*"|\{[^}]*\}|[^ ]*))*'
grep -Ev "$line( result=(CKR_[A-Z_]+|unknown) code=0x[0-9a-f]+ us=[0-9]+)?\$" "$trace" >"$work/out"
ok "each line has its form" [ ! -s "$work/out" ]
grep ' end ' "$trace" | grep -Ev ' result=[^ ]* code=0x[0-9a-f]+ us=[0-9]+$' >"$work/out"
ok "each end has result and duration" [ ! -s "$work/out" ]
cat "$top_srcdir"/src/token/*.c "$top_srcdir"/src/token/*/*.c 2>/dev/null | grep -o 'functions->C_[A-Za-z]*' |
    sed 's/.*>//' | sort -u >"$work/called"
sed -n 's/^.* end \(C_[A-Za-z]*\) .*$/\1/p' "$trace" | sort -u >"$work/traced.functions"
comm -23 "$work/called" "$work/traced.functions" >"$work/out"
ok "all functions that sealring calls are in the trace" [ ! -s "$work/out" ]
ok "which are many" [ "$(wc -l <"$work/called")" -gt 20 ]
ok "the server's calls, too" grep -q "pid=$server .* end C_Sign " "$trace"
ok "with session, object and mechanism" \
    grep -Eq ' end C_SignInit module="canary.so" session=[0-9]+ mechanism=CKM_SHA256_HMAC object=[0-9]+ result=CKR_OK code=0x0 us=' "$trace"
ok "with labels" grep -q 'CKA_LABEL="sealring/r/2"' "$trace"
ok "of values the length only" grep -Eq 'CKA_VALUE\[[0-9]+\]' "$trace"
not_ok "never the value" grep -q 'CKA_VALUE=' "$trace"
ok "with the token's label" grep -q ' token="audit" ' "$trace"
ok "an error has its name and number" grep -Eq ' end C_Login .* user=CKU_USER result=CKR_PIN_INCORRECT code=0xa0 us=' "$trace"

# ---- A call that hangs: the command of docs/tokens.md ----

command=$(sed -n "/^awk .*begin/p" "$top_srcdir/docs/tokens.md" | head -n 1)
[ -n "$command" ] || bail_out "docs/tokens.md has no command that shows open calls"
open_calls() {
    (cd "$work" && eval "$command") >"$work/out" 2>"$work/err"
}
rm -f "$trace"
must issue r --client acme --label third --out "$work/third"
traced ring list
not_ok "what needs no token makes no trace" [ -e "$trace" ]
verify_traced "$work/third"
open_calls
ok "no call is open at the end of a command" [ ! -s "$work/out" ]
echo "C_Sign $STOP" >"$canary/stop"
SEALRING_TRACE_CRYPTOKI=$trace "$SEALRING" verify <"$work/third" >"$work/hung.out" 2>&1 &
hung=$!
until_true grep -q '^State:.T' /proc/$hung/status || bail_out "verify does not hang"
open_calls
out_like " pid=$hung tid=[0-9]+ call=[0-9]+ begin C_Sign module=\"canary.so\" session=[0-9]+ data-length=" \
    "a call that hangs is shown, with its session"
ok "and few others, of threads that were stopped with it" [ "$(wc -l <"$work/out")" -le 3 ]
kill -CONT $hung
wait $hung
is $? 0 "when it comes back the command goes on"
open_calls
ok "and nothing is open" [ ! -s "$work/out" ]

# ---- Off unless asked for; asked for in sealring.conf ----

rm -f "$trace"
run_with "$work/third" verify
succeeds "without the variable"
not_ok "there is no trace" [ -e "$trace" ]
cp "$SEALRING_VAULT/sealring.conf" "$work/conf"
echo "module-environment = SEALRING_TRACE_CRYPTOKI=$trace" >>"$SEALRING_VAULT/sealring.conf"
run_with "$work/third" verify
succeeds "named by module-environment in sealring.conf"
ok "it is written by a command" grep -q ' end C_Sign ' "$trace"
rm -f "$trace"
serve configured
is "$(verdict_of configured "$work/third")" "200 accepted" "and a server, which takes the module's environment from the vault,"
ok "writes it too" grep -q "pid=$(process_of configured) .* end C_Sign " "$trace"
leave configured
cp "$work/conf" "$SEALRING_VAULT/sealring.conf"

# ---- Files that are not taken ----

refused() { # FILE REASON
    is "$(SEALRING_TRACE_CRYPTOKI=$1 "$SEALRING" verify <"$work/third" 2>"$work/err" | cut -d ' ' -f 1)" accepted \
        "with a trace into what $2 a credential is verified"
    err_like "^note: Cryptoki calls are not traced \(SEALRING_TRACE_CRYPTOKI\): $1 $2" "and why there is none"
    is "$(grep -c TRACE "$work/err")" 1 "in one line"
    SEALRING_TRACE_CRYPTOKI=$1 "$SEALRING" client add "client-$count" >"$work/out" 2>"$work/err"
    status=$?
    succeeds "what changes the vault goes on, too"
    err_like "^note: .*not traced .*: $1 $2" "and has the reason"
}
rm -f "$trace"
ln -s "$work/elsewhere" "$work/link"
mkfifo "$work/pipe"
refused "$work/link" "is a symbolic link"
refused "$work" "is no regular file"
refused "$work/pipe" "is no regular file"
refused "$work/none/trace" "No such file or directory"
not_ok "nothing is written through the link" [ -e "$work/elsewhere" ]
SEALRING_TRACE_CRYPTOKI=$work/link
export SEALRING_TRACE_CRYPTOKI
serve refused
unset SEALRING_TRACE_CRYPTOKI
is "$(verdict_of refused "$work/third")" "200 accepted" "a server with such a trace verifies"
until_true matches "$work/refused.log" 'warning: Cryptoki calls are not traced .*/link is a symbolic link'
report $? "and its log has the reason"
leave refused
is "$(grep -c 'not traced' "$work/refused.log")" 1 "once"

# ---- A program with more rights than its caller ----

if [ "$(id -u)" -eq 0 ] && ! findmnt -n -o OPTIONS -T "$work" | grep -q nosuid; then
    chmod 711 "$work"
    mv "$work/server" "$work/server.plain"
    cp "$work/server.plain" "$work/server"
    chmod 4755 "$work/server"
    SEALRING_TRACE_CRYPTOKI=$work/setuid.trace
    export SEALRING_TRACE_CRYPTOKI
    SERVE_WITH="setpriv --reuid=65534 --clear-groups"
    serve setuid
    unset SEALRING_TRACE_CRYPTOKI SERVE_WITH
    is "$(verdict_of setuid "$work/third")" "200 accepted" "a setuid server verifies"
    until_true matches "$work/setuid.log" 'warning: Cryptoki calls are not traced .* more rights than its caller'
    report $? "and reports that it is not traced"
    not_ok "it makes no file that its caller names" [ -e "$work/setuid.trace" ]
    leave setuid
    mv "$work/server.plain" "$work/server"
else
    echo "# not root, or a file system without setuid: a setuid server is not tried"
fi

# ---- A disk that is full: a file that may not grow ----

truncate -s 64M "$trace"
limited="prlimit --fsize=67108864:67108864"
SEALRING_TRACE_CRYPTOKI=$trace $limited "$SEALRING" verify <"$work/third" >"$work/out" 2>"$work/err"
status=$?
succeeds "with a trace that cannot grow a credential is verified"
err_like '^note: the trace of Cryptoki calls lacks lines that could not be written to .*/trace .*: File too large' "which is reported"
SEALRING_TRACE_CRYPTOKI=$trace
export SEALRING_TRACE_CRYPTOKI
SERVE_WITH=$limited
serve full
unset SEALRING_TRACE_CRYPTOKI SERVE_WITH
is "$(verdict_of full "$work/third")" "200 accepted" "a server verifies"
until_true matches "$work/full.log" 'warning: the trace of Cryptoki calls lacks lines'
report $? "and its log has it"
is "$(verdict_of full "$work/second")" "401 version-compromised" "it answers on"
leave full
is "$(grep -c 'lacks lines' "$work/full.log")" 1 "and reports it once"
is "$(stat -c %s "$trace")" 67108864 "nothing was added"

# ---- A PIN that the token accepted, and refuses in this environment, is not tried again because of the trace ----

rm -f "$trace"
echo no-such-pin >"$canary/real"
run ring create late
status_is 3 "the PIN that was accepted is refused"
err_like 'which it accepted before' "and is in doubt in this environment"
SEALRING_TRACE_CRYPTOKI=$trace "$SEALRING" ring create late >"$work/out" 2>"$work/err"
status=$?
status_is 3 "a traced command fails as well"
ok "it asks the token" grep -q ' end C_GetTokenInfo .* token="keys" ' "$trace"
sed -n 's/^.* begin C_Login .* session=\([0-9]*\) .*$/\1/p' "$trace" >"$work/logins"
ok "and does not try the PIN once more: a trace makes no other environment" [ ! -s "$work/logins" ]

done_testing
