#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PIN files, URIs, modules and tokens that are not as they should be: exit status 3 (2 for the configuration), one line.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"

module=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
[ -r "$module" ] || bail_out "SoftHSM2's module $module is missing: set SOFTHSM2_MODULE"

build_module() { # NAME
    # shellcheck disable=SC2046,SC2086 # words
    ${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/$1.so" "$top_srcdir/tests/cli/module_$1.c" ||
        bail_out "the module $1 for the tests cannot be built"
}
build_module forward
build_module crash
echo 'int no_pkcs11_here;' >"$work/other.c"
${CC:-cc} -shared -fPIC -o "$work/other.so" "$work/other.c" || bail_out "no library to try"

# ---- Tokens: one that is good, two of one name, one without a user PIN; elsewhere a blank one alone ----

mkdir "$work/tokens" "$work/blank"
echo "directories.tokendir = $work/tokens" >"$work/tokens.conf"
echo "directories.tokendir = $work/blank" >"$work/blank.conf"
user_pin=73914682
so_pin=50288419
make_token() { # LABEL
    SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --init-token --free --label "$1" --so-pin $so_pin --pin $user_pin \
        >/dev/null || bail_out "no token $1"
}
make_token good
make_token twin
make_token twin
slot=$(SOFTHSM2_CONF=$work/tokens.conf softhsm2-util --show-slots | sed -n 's/^Slot \([0-9]*\)$/\1/p' | tail -n 1)
SOFTHSM2_CONF=$work/tokens.conf pkcs11-tool --module "$module" --slot "$slot" --init-token --label nopin \
    --so-pin $so_pin >/dev/null 2>&1 || bail_out "no token without a PIN"
printf '%s\n' $user_pin >"$work/pin"
chmod 600 "$work/pin"
printf '%s\n%s\n' $user_pin $so_pin >"$work/canaries"

# ---- A vault on the good one, through a module that writes down each login ----

must init --module "$work/forward.so" --token pkcs11:token=good --pin-source "$work/pin" \
    --module-environment "SOFTHSM2_CONF=$work/tokens.conf" --module-environment "FORWARD_TO=$module" \
    --module-environment "FORWARD_LOG=$work/logins"
ok "the module that hands on is taken" grep -q 'C_Login 0x0' "$work/logins"
must ring create r
must client add acme
must issue r --client acme
cp "$work/out" "$work/good"
sed 's/.*_\([0-9A-Za-z]\{43\}\)[0-9A-Za-z]\{6\}$/\1/' "$work/good" >>"$work/canaries"
conf=$SEALRING_VAULT/sealring.conf
cp "$conf" "$work/conf"
token_objects >"$work/objects"
snapshot "$work/before" "$work/tokens"

# Collects what is wrong with how the last command ended.
judge() { # STATUS REGEX
    [ "$status" -eq "$1" ] || echo "exit status $status, not $1"
    [ "$(wc -l <"$work/err")$(grep -ac '^sealring: [[:print:]]*$' "$work/err")" = 11 ] || echo "not one clear line"
    grep -Eq "$2" "$work/err" || echo "it does not match $2"
    [ ! -s "$work/out" ] || echo "stdout is not empty"
    ! leaks "$work/canaries" "$work/out" "$work/err" || echo "a secret is shown"
}

settle() { # NAME: the case, from the faults that were collected
    [ ! -s "$work/faults" ]
    report $? "$1" "$(tr '\n' ';' <"$work/faults")"
}

# sealring init on what is bad: told in one line, nothing left behind.
init_fails() { # NAME STATUS REGEX MODULE URI PIN-FILE [NAME=VALUE...]
    name=$1 wanted=$2 pattern=$3 with_module=$4 uri=$5 pin=$6
    shift 6
    set -- --module-environment "SOFTHSM2_CONF=$work/tokens.conf" "$@"
    run init --vault "$work/new" --module "$with_module" --token "$uri" --pin-source "$pin" "$@"
    {
        judge "$wanted" "$pattern"
        [ ! -e "$work/new" ] || echo "something is left behind: $(find "$work/new" | tr '\n' ' ')"
    } >"$work/faults"
    rm -rf "$work/new"
    settle "init: $name"
}

# Commands in the vault: told in one line, nothing changed; what needs no token goes on.
vault_fails() { # NAME STATUS REGEX
    {
        for command in "rotate r" "issue r --client acme --label x" "verify"; do
            # shellcheck disable=SC2086 # words
            run_with "$work/good" $command
            # Some shells announce how their child died.
            [ "$2" -lt 128 ] || sed -i '/^\(Aborted\|Segmentation fault\)\( (core dumped)\)\?$/d' "$work/err"
            judge "$2" "$3" | sed "s/^/$command: /"
        done
        run status
        [ "$status" -eq 0 ] || echo "status needs no token, and fails: $status"
        snapshot "$work/after" "$work/tokens" && cmp -s "$work/before" "$work/after" || echo "something has changed"
    } >"$work/faults" 2>"$work/said"
    settle "vault: $1"
}

vault_is_well() { # NAME
    cp "$work/conf" "$conf"
    run_with "$work/good" verify
    token_objects >"$work/objects.now"
    [ "$status" -eq 0 ] && cmp -s "$work/objects" "$work/objects.now"
    report $? "$1"
}

# ---- The PIN file ----

pin_is_bad() { # NAME REGEX: what stands at $work/pin.bad is no PIN file
    init_fails "PIN file $1" 3 "$2" "$module" pkcs11:token=good "$work/pin.bad"
    sed "s|^pin-source = .*|pin-source = $work/pin.bad|" "$work/conf" >"$conf"
    vault_fails "PIN file $1" 3 "$2"
    rm -rf "$work/pin.bad"
}
pin_file() { # MODE CONTENT as printf's
    # shellcheck disable=SC2059 # it is a format
    printf "$2" >"$work/pin.bad"
    chmod "$1" "$work/pin.bad"
}
: >"$work/logins"
pin_is_bad "missing" 'PIN file .*pin.bad cannot be (found|opened)'
pin_file 640 "$user_pin\n"
pin_is_bad "readable by its group" 'PIN file .*pin.bad can be used by its group or others: chmod 600'
pin_file 604 "$user_pin\n"
pin_is_bad "readable by others" 'PIN file .*pin.bad can be used by its group or others: chmod 600'
pin_file 602 "$user_pin\n"
pin_is_bad "writable by others" 'PIN file .*pin.bad can be used by its group or others: chmod 600'
pin_file 600 ''
pin_is_bad "empty" 'PIN file .*pin.bad is empty'
pin_file 600 '\n'
pin_is_bad "with a newline only" 'PIN file .*pin.bad has no PIN'
mkdir -m 700 "$work/pin.bad"
pin_is_bad "a directory" 'PIN file .*pin.bad is no regular file'
mkfifo -m 600 "$work/pin.bad"
pin_is_bad "a pipe" 'PIN file .*pin.bad is no regular file'
ln -s /dev/zero "$work/pin.bad"
pin_is_bad "a device" '(PIN file .*|/dev/zero) is no regular file'
pin_file 600 "$(awk 'BEGIN { while (i++ < 1000) printf "7" }')\n"
pin_is_bad "too long" 'PIN file .*pin.bad is longer than [0-9]+ bytes'
ln -s pin.bad "$work/pin.bad"
pin_is_bad "a link to itself" 'PIN file .*pin.bad cannot be (found|opened)'
is "$(cat "$work/logins")" "" "none of them was tried on the token"
vault_is_well "with its own PIN file all is well"

# A wrong PIN is tried once, however many commands and processes want it; then the file is known.
counter() {
    SOFTHSM2_CONF=$work/tokens.conf pkcs11-tool --module "$module" --list-token-slots | grep -A 4 'token label *: good' |
        grep -c 'user PIN count low'
}
is "$(counter)" 0 "the token counts no failed try before"
: >"$work/logins"
pin_file 600 "00000000\n"
sed "s|^pin-source = .*|pin-source = $work/pin.bad|" "$work/conf" >"$conf"
vault_fails "a wrong PIN" 3 "PIN in .*pin.bad .*(correct the file|CKR_PIN_INCORRECT)"
is "$(cat "$work/logins")" "C_Login 0xa0" "three commands came to one try"
is "$(counter)" 1 "the token's counter shows it"
for _ in 1 2 3 4 5 6 7 8; do
    "$SEALRING" verify <"$work/good" >/dev/null 2>&1 &
    processes="${processes-} $!"
done
# shellcheck disable=SC2086 # a list
wait $processes
is "$(wc -l <"$work/logins")" 1 "and eight at once to none more"
rm "$work/pin.bad"
pin_file 600 "11111111\n"
for _ in 1 2 3 4 5 6 7 8; do
    "$SEALRING" verify <"$work/good" >/dev/null 2>&1 &
    processes="$processes $!"
done
# shellcheck disable=SC2086 # a list
wait $processes
is "$(wc -l <"$work/logins")" 2 "another file is another PIN: tried once, by eight at once"
rm "$work/pin.bad"
vault_is_well "with the right PIN again all is well"
is "$(counter)" 0 "and the token forgets the failed tries"
pin_file 600 "00000000\n"
init_fails "a wrong PIN" 3 'refused the PIN in .*pin.bad' "$module" pkcs11:token=good "$work/pin.bad"
rm "$work/pin.bad"

# The same wrong PIN in files that are made anew, written one way or the other, is still one PIN.
: >"$work/logins"
sed "s|^pin-source = .*|pin-source = $work/pin.bad|" "$work/conf" >"$conf"
for content in '22222222' '22222222\n' '22222222\r\n' '22222222\n\n# as of today\n' '22222222'; do
    rm -f "$work/pin.bad"
    pin_file 600 "$content"
    run_with "$work/good" verify
done
is "$(wc -l <"$work/logins")" 1 "five files with one wrong PIN come to one try"
err_like 'refused before .*correct the file; if it is right, log in once by hand' "which is said, and the way out"
for content in "$user_pin\r\n" "$user_pin\n# as of today\n" "$user_pin\n\n"; do
    pin_file 600 "$content"
    run_with "$work/good" verify
    is "$status" 0 "the PIN in the first line is taken: $content"
done
: >"$work/logins"
pin_file 600 "$user_pin\033\n"
vault_fails "a PIN with a control character" 3 'PIN file .*pin.bad has a control character in its first line'
rm "$work/pin.bad"
pin_file 600 "$user_pin\000\n"
vault_fails "a PIN with a NUL" 3 'PIN file .*pin.bad has a control character in its first line'
is "$(wc -l <"$work/logins")" 0 "and the token is not asked"
rm "$work/pin.bad"
vault_is_well "with the right PIN all is well"

# ---- One process whose OpenSSL does not work: SoftHSM2 calls the right PIN wrong there ----

openssl_conf() { # NAME LINE...: $work/NAME.cnf
    name=$1
    shift
    printf '%s\n' 'openssl_conf = start' '[start]' "$@" >"$work/$name.cnf"
}
openssl_conf legacy 'providers = list' '[list]' 'legacy = legacy' '[legacy]' 'activate = 1'
openssl_conf base 'providers = list' '[list]' 'base = base' '[base]' 'activate = 1'
openssl_conf fips 'alg_section = properties' '[properties]' 'default_properties = fips=yes'
openssl_conf random 'random = numbers' '[numbers]' 'random = NOSUCH'
openssl_conf both 'providers = list' '[list]' 'legacy = on' 'default = on' '[on]' 'activate = 1'
for name in legacy base fips random; do
    : >"$work/logins"
    lacks=SHA-256
    [ $name != random ] || lacks='random numbers'
    OPENSSL_CONF=$work/$name.cnf
    export OPENSSL_CONF
    vault_fails "an OpenSSL configuration without $lacks ($name)" 3 "OpenSSL has no $lacks .*correct its configuration .*$name.cnf"
    unset OPENSSL_CONF
    is "$(wc -l <"$work/logins")" 0 "the PIN is not sent to the token ($name)"
    vault_is_well "and nobody else is kept out by it ($name)"
done
OPENSSL_CONF=$work/both.cnf
export OPENSSL_CONF
vault_is_well "a configuration that adds a provider is as good as none"
unset OPENSSL_CONF

# ---- URIs ----

uri_is_bad() { # NAME REGEX URI
    init_fails "$1" 2 "$2" "$module" "$3" "$work/pin"
    sed "s|^token = .*|token = $3|" "$work/conf" >"$conf"
    vault_fails "$1" 2 "$2"
}
uri_is_bad "a URI with pin-value" 'must not have pin-value or pin-source' "pkcs11:token=good?pin-value=$user_pin"
uri_is_bad "a URI with pin-source" 'must not have pin-value or pin-source' "pkcs11:token=good?pin-source=file:$work/pin"
uri_is_bad "a URI with a module" 'must not name a module' "pkcs11:token=good?module-path=$module"
uri_is_bad "a URI of an object" 'attributes that do not describe a token' "pkcs11:token=good;object=x"
uri_is_bad "a URI with an unknown attribute" 'attributes that do not describe a token' "pkcs11:token=good;colour=red"
uri_is_bad "no URI" 'no PKCS#11 URI .RFC 7512.' "good"
uri_is_bad "another scheme" 'no PKCS#11 URI .RFC 7512.' "https://example.org/"
uri_is_bad "a URI with wrong escapes" 'no PKCS#11 URI .RFC 7512.' "pkcs11:token=%zz"
vault_is_well "with its own URI all is well"

# ---- Tokens ----

token_is_bad() { # NAME REGEX URI [CONFIGURATION of SoftHSM2]
    init_fails "$1" 3 "$2" "$module" "$3" "$work/pin"
    sed "s|^token = .*|token = $3|" "$work/conf" >"$conf"
    vault_fails "$1" 3 "$2"
}
token_is_bad "a token that is not there" 'no PKCS#11 token matches pkcs11:token=nosuch' pkcs11:token=nosuch
token_is_bad "a serial number that is not there" 'no PKCS#11 token matches' 'pkcs11:token=good;serial=0'
token_is_bad "two tokens of one name" '2 PKCS#11 tokens match pkcs11:token=twin: add serial=' pkcs11:token=twin
token_is_bad "all tokens" 'PKCS#11 tokens match pkcs11:: add serial=' pkcs11:
token_is_bad "a token without a user PIN" 'token nopin .* has no user PIN yet' pkcs11:token=nopin
sed "s|$work/tokens.conf|$work/blank.conf|; s|^token = .*|token = pkcs11:manufacturer=SoftHSM%20project|" "$work/conf" >"$conf"
vault_fails "a token that is not initialised" 3 'not initialised: initialise it with its own tool'
sed "s|^\(module-environment = \)SOFTHSM2_CONF=.*|\1SOFTHSM2_CONF=$work/nosuch.conf|" "$work/conf" >"$conf"
vault_fails "a module that finds no configuration" 3 'no PKCS#11 token matches|does not start|one does not answer'
cp "$work/conf" "$conf"
FORWARD_HIDE=hmac
export FORWARD_HIDE
vault_fails "a token without HMAC" 3 'token good .* cannot compute HMAC-SHA256 .CKM_SHA256_HMAC.: use another one'
run init --vault "$work/new" --module "$work/forward.so" --token pkcs11:token=good --pin-source "$work/pin" \
    --module-environment "SOFTHSM2_CONF=$work/tokens.conf" --module-environment "FORWARD_TO=$module"
judge 3 'cannot compute HMAC-SHA256' >"$work/faults"
[ ! -e "$work/new" ] || echo "something is left behind" >>"$work/faults"
settle "init: a token without HMAC"
unset FORWARD_HIDE
mv "$work/tokens" "$work/tokens.away"
mkdir "$work/tokens"
for command in "rotate r" "verify" "issue r --client acme --label x"; do
    # shellcheck disable=SC2086 # words
    run_with "$work/good" $command
    judge 3 'no PKCS#11 token matches' >"$work/faults"
    settle "$command: the token's files are away"
done
rmdir "$work/tokens" 2>/dev/null || rm -r "$work/tokens"
mv "$work/tokens.away" "$work/tokens"
vault_is_well "when they are back all is well"

# ---- Modules ----

module_is_bad() { # NAME REGEX MODULE
    init_fails "$1" 3 "$2" "$3" pkcs11:token=good "$work/pin"
    sed "s|^module = .*|module = $3|" "$work/conf" >"$conf"
    vault_fails "$1" 3 "$2"
}
module_is_bad "a module that is not there" 'module.* /nosuch/module.so' /nosuch/module.so
echo "no library" >"$work/text.so"
module_is_bad "a module that is no library" 'module cannot be loaded: .*text.so' "$work/text.so"
module_is_bad "a module that is a directory" 'module cannot be loaded: .*tokens' "$work/tokens"
module_is_bad "a library that is no PKCS#11 module" 'other.so is not a PKCS#11 module' "$work/other.so"
head -c 4096 "$work/other.so" >"$work/cut.so"
init_fails "a library that was cut" 3 'module (cannot be loaded: .*cut.so|.*cut.so crashes while it is loaded)' "$work/cut.so" \
    pkcs11:token=good "$work/pin"
init_fails "a module that does not start" 3 'does not start .C_Initialize: CKR_GENERAL_ERROR.' "$work/crash.so" \
    pkcs11:token=good "$work/pin"
cp "$work/conf" "$conf"

# init tries a module that it does not know in a child process.
for how in abort segv exit; do
    init_fails "a module that crashes when it is loaded ($how)" 3 \
        'module .*crash.so (crashes while it is loaded .*|ends the process that loads it): nothing was made' \
        "$work/crash.so" pkcs11:token=good "$work/pin" \
        --module-environment CRASH_AT=load --module-environment CRASH_HOW=$how
done
# Where a vault has it already, or it crashes later, nothing can survive; but it is told.
crashes() { # NAME PLACE
    for how in abort:134 segv:139; do
        CRASH_AT=$2 CRASH_HOW=${how%:*}
        export CRASH_AT CRASH_HOW
        sed "s|^module = .*|module = $work/crash.so|" "$work/conf" >"$conf"
        # dash announces how its children die: let it do so elsewhere.
        vault_fails "a module that crashes $1 (${how%:*})" "${how#*:}" "crashed by SIG(ABRT|SEGV), in its PKCS#11 module .* vault $SEALRING_VAULT"
        unset CRASH_AT CRASH_HOW
    done
}
crashes "when it is loaded" load
crashes "when it is asked for its functions" functions
crashes "when it starts" start
vault_is_well "with its own module all is well"
check_vault "and registry and token agree"
# ---- A key of somebody else's, imported, on a token that generates none: the doctor is not kept from its work ----

cp "$work/conf" "$conf"
# shellcheck disable=SC2046 # words
${CC:-cc} $(pkg-config --cflags p11-kit-1) -o "$work/object" "$top_srcdir/tests/cli/object.c" -ldl || bail_out "no object tool"
SOFTHSM2_CONF=$work/tokens.conf "$work/object" "$module" good $user_pin import f0f1 foreign || bail_out "no key is imported"
run doctor
wanted=$status
FORWARD_HIDE=generate
export FORWARD_HIDE
run doctor
unset FORWARD_HIDE
is "$status" "$wanted" "a foreign imported key on a token without C_GenerateKey does not stop the doctor"
not_ok "which has seen the token's objects" grep -q "the token's objects" "$work/out" "$work/err"

done_testing
