#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring doctor: each finding is made for real, and reported with its repair; what --repair repairs is gone for a second doctor, and is on
# the record; what it must not do it does not.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
# shellcheck source=tests/cli/server.sh
. "$here/server.sh"
# shellcheck source=tests/cli/clock.sh
. "$here/clock.sh"
build_server
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
: >"$work/answers"
: >"$work/untried"

softhsm=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} $(pkg-config --cflags p11-kit-1) -o "$work/object" "$top_srcdir/tests/cli/object.c" -ldl || bail_out "no object tool"
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$work/forward.so" "$top_srcdir/tests/cli/module_forward.c" ||
    bail_out "no forwarding module"

# ---- The test's hands ----

token_label() { # KEY of sealring.conf
    configured "$1" | sed 's/.*token=\([^;]*\).*/\1/'
}
object() { # COMMAND ID …, in the keys' token, by somebody who has the PIN
    # shellcheck disable=SC2046 # a word for each variable
    env $(configured module-environment) "$work/object" "$softhsm" "$(token_label token)" \
        "$(cat "$SEALRING_VAULT/pins/keys.pin")" "$@" || bail_out "object $*"
}
id_of() { # RING VERSION
    rows "SELECT lower(hex(object_id)) FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = '$1' AND v.number = $2"
}
sql() {
    sqlite3 "$SEALRING_VAULT/registry/sealring.db" "$1" || bail_out "sqlite3 failed"
}
killed() { # AT ARGUMENT...: sealring through the module that kills it there
    at=$1
    shift
    cp "$SEALRING_VAULT/sealring.conf" "$work/conf"
    sed -i "s|^module = .*|module = $work/forward.so|" "$SEALRING_VAULT/sealring.conf"
    echo "module-environment = FORWARD_TO=$softhsm" >>"$SEALRING_VAULT/sealring.conf"
    FORWARD_KILL=$at "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    cat "$work/conf" >"$SEALRING_VAULT/sealring.conf"
    [ "$status" -eq 137 ] || {
        explain_output
        bail_out "sealring $* was not killed at $at"
    }
}
entries() { # of the record, by the doctor's hand
    rows "SELECT count(*) FROM audit WHERE act LIKE 'doctor.%' OR act LIKE 'recover.%'"
}

# ---- What is asked of the doctor ----

examine() { # ARGUMENT...: as JSON, kept; $status
    run doctor --json "$@"
    cat "$work/out" >>"$work/answers"
}
codes() { # FILTER: of the last answer
    json "[.doctor.findings[] | select($1) | .code] | unique | join(\" \")" 2>&1
}
tells() { # CODE OBJECT-REGEX MEND-REGEX: among the findings, unrepaired, with all its texts
    if jq -e --arg code "$1" --arg object "$2" --arg mend "$3" '[.doctor.findings[] | select(.code == $code and (.repaired | not)
        and (.object | test($object)) and (.mend | test($mend)) and (.what | length) > 5 and (.why | length) > 5)] | length == 1' \
        "$work/out" >/dev/null 2>&1; then
        report 0 "finds $1"
    else
        report 1 "finds $1" "$(json "[.doctor.findings[] | .code + \" \" + .object + \": \" + .what + \" / \" + .mend] | join(\"; \")" 2>&1)"
    fi
}
is_mended() { # NAME CODE...: by --repair, seen by a second doctor, each on the record
    name=$1
    shift
    last=$(rows "SELECT max(sequence) FROM audit")
    examine --repair
    status_is 0 "$name: repaired"
    is "$(codes .repaired)" "$(printf '%s\n' "$@" | sort -u | tr '\n' ' ' | sed 's/ $//')" "$name: each is reported as repaired"
    examine
    is "$status $(json .doctor.found)" "0 0" "$name: a second doctor finds nothing"
    for code in "$@"; do
        case $code in
        token-unreachable | audit-token-unreachable | token-copy-behind) echo "$code" ;; # mended by what was mended besides
        intention-unfinished) rows "SELECT '$code' FROM audit WHERE sequence > $last AND act IN ('recover.undo', 'recover.complete')" ;;
        token-file-damaged) rows "SELECT '$code' FROM audit WHERE sequence > $last AND act = 'token.restore' LIMIT 1" ;;
        closing-owed) rows "SELECT '$code' FROM audit WHERE sequence > $last AND act = 'recover.close'" ;;
        *) rows "SELECT '$code' FROM audit WHERE sequence > $last AND act = 'doctor.repair'
            AND json_extract(detail, '\$.finding') = '$code' LIMIT 1" ;;
        esac
    done >"$work/recorded"
    is "$(tr '\n' ' ' <"$work/recorded")" "$(printf '%s ' "$@")" "$name: each is on the record"
}

# ---- A vault as it should be ----

must init --lease 1s
must ring create payments --overlap 1h --quiet-period 1s --keep 20
must client add acme --contact desk@example.org
must issue payments --client acme
cp "$work/out" "$work/credential"
must rotate payments
must retire payments 1 --overrule "for the test"
cp -a "$SEALRING_VAULT" "$work/pristine"
run doctor
succeeds "nothing is wrong with a new vault"
out_empty "so nothing is printed"
err_like '^nothing is wrong$' "but that"
snapshot "$work/before"
examine
is "$status $(json '.doctor | [.found, .repaired, .remaining, .registry_examined, .token_examined, .audit_token_examined, .not_examined] | map(tostring) | join(" ")')" \
    "0 0 0 0 true true true null" "in JSON, too"
examine --repair
snapshot "$work/after"
ok "and with nothing to repair --repair changes nothing" cmp -s "$work/before" "$work/after"
run doctor --vault "$work/nowhere"
status_is 1 "no vault"
one_line_error "is said in one line"
run doctor payments
status_is 2 "no ring is wanted"

sed -i '/^vault/d' "$SEALRING_VAULT/sealring.conf"
examine
tells place-missing 'sealring\.conf$' 'doctor --repair'
is_mended "the place of a vault of an older program" place-missing
ok "the configuration is as it was" sh -c "grep '^vault' '$SEALRING_VAULT/sealring.conf' >'$work/now'; grep '^vault' '$work/pristine/sealring.conf' | cmp -s - '$work/now'"

# ---- Files and permissions ----

v=$SEALRING_VAULT
if [ "$(id -u)" -eq 0 ]; then
    cp -p "$v/sealring.conf" "$work/conf.kept"
    echo 'verifier-group = 3000' >>"$v/sealring.conf"
    examine
    is "$(codes '.code == "verifier-group"')" verifier-group "finds verifier-group"
    is_mended "rights of the verifier group" verifier-group
    cp -p "$work/conf.kept" "$v/sealring.conf"
    chgrp -R 0 "$v" && chmod g-s "$v" "$v/registry" && chmod 00750 "$v/verifiers"
else
    echo verifier-group >>"$work/untried"
fi
chmod 644 "$v/pins/keys.pin" "$v/login/keys.login"
chmod 775 "$v/registry"
chmod 666 "$v/registry/sealring.db-shm"
chmod 644 "$v/vault.lock" "$v/registry/sealring.db"
chmod 755 "$v/tokens"
rmdir "$v/verifiers" || bail_out "verifiers/ is not empty"
cp "$v/sealring.conf" "$v/sealring.conf.new"
owner=
if [ "$(id -u)" -eq 0 ]; then
    chown 65534 "$v/vault.lock"
    owner="wrong-owner"
else
    echo "# a wrong owner needs root to make one: not tried"
    echo wrong-owner >>"$work/untried"
fi
examine
status_is 3 "what keeps the token from being looked at ends it with status 3"
tells pin-file-open 'keys\.pin$' '^chmod go-rwx /'
tells login-record-open 'keys\.login$' '^chmod go-rwx '
tells directory-writable '/registry$' '^chmod go-w '
tells registry-writable 'sealring\.db-shm$' '^chmod go-w '
tells registry-readable 'sealring\.db$' '^chmod '
tells lock-open 'vault\.lock$' '^chmod go-rwx '
tells tokens-open '/tokens$' '^chmod go-rwx '
tells directory-missing '/verifiers$' '^mkdir '
tells leftover-file 'sealring\.conf\.new$' '^rm '
[ -z "$owner" ] || tells wrong-owner 'vault\.lock$' '^as root: chown '
tells token-unreachable token 'sealring doctor'
json_is '.doctor.not_examined | test("PIN file")' true "and says what was not looked at"
json_is .doctor.audit_token_examined true "what can be looked at is"
is "$(mode_of "$v/pins/keys.pin") $(mode_of "$v/tokens")" "644 755" "without --repair nothing is changed"
run doctor
out_like '^alarm     pin-file-open  /.*/keys\.pin$' "for people: how bad, what, which"
out_like '^  why   others could read the PIN' "why it matters"
out_like '^  fix   chmod go-rwx .*/keys\.pin  \(--repair does it\)$' "and the command"
out_like '^[0-9]+ found, 0 repaired, [0-9]+ remain$' "and a sum"
# shellcheck disable=SC2086 # a word or none
is_mended "files" pin-file-open login-record-open directory-writable registry-writable registry-readable lock-open tokens-open \
    directory-missing leftover-file token-unreachable $owner
is "$(mode_of "$v/pins/keys.pin") $(mode_of "$v/tokens") $(mode_of "$v/verifiers")" "600 700 750" "the modes are right"
is "$(rows "SELECT json_extract(detail, '\$.done') FROM audit WHERE json_extract(detail, '\$.finding') = 'pin-file-open'")" \
    "mode 0644 to 0600" "the record says what was changed"
not_ok "the leftover is gone" test -e "$v/sealring.conf.new"

chmod 660 "$v/registry/sealring.db"
mv "$v/login" "$v/login.away"
examine
tells directory-missing '/login$' '^mkdir '
is_mended "login" directory-missing registry-writable token-unreachable audit-token-unreachable

# ---- The files of the software tokens ----

find "$v/tokens/softhsm2" -name token.object -exec truncate -s 0 {} +
rm "$(find "$v/tokens/softhsm2" -name generation | tail -n 1)"
examine
tells token-unreachable token 'sealring doctor'
is "$(json '[.doctor.findings[] | select(.code == "token-file-damaged")] | length')" 3 "without --repair nothing is restored"
run rotate payments --dry-run
status_is 3 "a dry run, which restores nothing, cannot open the token"
err_like '/token\.object is damaged or missing, and nothing is restored now; .sealring doctor --repair.' "and names the file and the command"
nowhere "plugged in" "and no other reason"
is_mended "a token's files" token-file-damaged
rm "$(find "$v/tokens/copies" -name token.object | head -n 1)"
examine
tells token-copy-behind 'token\.object$' 'sealring doctor --repair'
is_mended "copies" token-copy-behind
copy=$(find "$v/tokens/copies" -name 'key-*.object' | head -n 1)
mv "$copy" "$work/copy"
mkdir "$copy"
aside=$(find "$v/tokens/softhsm2" -name token.object | head -n 1)
aside=${aside%/*}/11111111-2222-3333-4444-555555555555.damaged
echo "what is left of an object" >"$aside"
examine --repair
tells token-copy-unreadable '/copies/.*/key-.*\.object$' 'ls -ld /'
tells token-file-aside '/softhsm2/.*\.damaged$' 'if no version lacks its object: rm /'
ok "neither is removed by --repair" test -d "$copy" -a -e "$aside"
rmdir "$copy"
mv "$work/copy" "$copy"
rm "$aside"
examine
is "$status $(json .doctor.found)" "0 0" "nothing is found once both are as they were"
cp -a "$v/tokens" "$work/tokens"
rm -r "$v/tokens/copies"
find "$v/tokens/softhsm2" -name token.object -exec truncate -s 0 {} +
examine --repair
status_is 3 "a token that nobody can restore"
json_is '[.doctor.findings[] | select(.code == "token-file-lost")] | length' 2 "is named"
rm -r "$v/tokens"
mv "$work/tokens" "$v/tokens"
rm -r "$v/login.away"

# Its content may be another's by now: it is read before it is used again, by a person.
for wrong in sealring.conf .; do
    chmod g+w "$v/$wrong"
    examine --repair
    status_is 2 "$wrong that others can write: nothing else is looked at"
    case $wrong in
    .) tells vault-writable 'vault$' 'chmod go-w ' ;;
    *) tells config-writable 'sealring\.conf$' '^read it, then: chmod go-w ' ;;
    esac
    json_is '[.doctor.findings[].repaired] | any' false "and not even --repair makes it good"
    chmod g-w "$v/$wrong"
done
cp "$v/sealring.conf" "$work/conf"
echo "nonsense" >>"$v/sealring.conf"
examine
status_is 2 "a configuration that is none"
tells config-unusable 'vault$' 'sealring.conf.5.'
sed "s|^module = .*|module = $work/writable.so|" "$work/conf" >"$v/sealring.conf"
cp "$softhsm" "$work/writable.so"
chmod 666 "$work/writable.so"
examine --repair
status_is 3 "a module that others can write is not loaded"
tells module-writable 'writable\.so$' '^chmod go-w '
cat "$work/conf" >"$v/sealring.conf"
mv "$v/pins/keys.pin" "$work/keys.pin"
examine --repair
status_is 3 "without the PIN"
tells pin-file-missing 'keys\.pin$' '^put the PIN into it again'
: >"$v/pins/keys.pin"
chmod 600 "$v/pins/keys.pin"
examine --repair
tells pin-file-unusable 'keys\.pin$' 'first line'
mv "$work/keys.pin" "$v/pins/keys.pin"

cat >"$work/statfs.c" <<'END'
#include <string.h>
#include <sys/vfs.h>
int statfs(const char *path, struct statfs *facts)
{
    (void)path;
    memset(facts, 0, sizeof *facts);
    facts->f_type = 0x6969;
    return 0;
}
END
${CC:-cc} -shared -fPIC -o "$work/statfs.so" "$work/statfs.c" || bail_out "no file system to pretend"
LD_PRELOAD=$work/statfs.so
export LD_PRELOAD
examine
unset LD_PRELOAD
if nm -D "$(dirname "$SEALRING")/libsealring.so" 2>/dev/null | grep -q __asan_init; then
    echo "# a sanitizer must come first: no file system is pretended"
    echo registry-on-network >>"$work/untried"
else
    status_is 4 "a registry on a network file system is not opened"
    tells registry-on-network 'sealring\.db$' 'local'
fi

# ---- What is owed ----

must rotate payments
mv "$v/tokens" "$work/away"
run compromise payments 2 --reason "it leaked"
mv "$work/away" "$v/tokens"
examine
status_is 1 "an owed step remains"
tells closing-owed '^payments/2$' 'sealring run --once'
is "$(object get "$(id_of payments 2)" CKA_SIGN)" true "without --repair the token is not told"
is_mended "what the token was owed" closing-owed checkpoint-behind anchor-behind
is "$(object get "$(id_of payments 2)" CKA_SIGN)" false "the closed version's key signs no more"
killed make prepare payments
is "$(token_objects | grep -c 'sealring-intent/')" 1 "a key whose making was killed is in the token"
examine
tells intention-unfinished '^key [0-9a-f]{32}$' 'sealring doctor --repair'
half_made=$(json '.doctor.findings[] | select(.code == "intention-unfinished") | .object' | cut -d ' ' -f 2)
object make "$half_made" "somebody's" 0
examine --repair
tells intention-unfinished "^key $half_made\$" 'sealring doctor --repair'
tells object-twice "^key $half_made\$" 'pkcs11-tool .*--list-objects'
is "$(object get "$half_made" CKA_SIGN)" several "of two keys with the ID of one half made a repair destroys none"
object destroy "$half_made"
is_mended "a key half made" intention-unfinished
is "$(token_objects | grep -c 'sealring-intent/')" 0 "it is gone"
killed change prepare payments
examine
tells intention-unfinished '^key [0-9a-f]{32}$' 'sealring doctor --repair'
is_mended "a killed prepare" intention-unfinished
is "$(token_objects | grep -c 'sealring/payments/4 ')" 1 "the object has its label"
must activate payments
must retire payments 3 --overrule "for the test"
killed destroy destroy payments 1 --overrule "for the test"
examine --repair
status_is 1 "a destruction is not made up for without a person"
tells destruction-owed '^payments/1$' '^sealring destroy payments 1$'
is "$(object get "$(id_of payments 1)" CKA_SIGN)" false "the object is closed, and there"
must destroy payments 1
check_vault "the operator's act mends it"

mv "$v/pins/audit.pin" "$work/audit.pin"
must client add unsigned
examine
status_is 3 "an audit token that is away"
tells audit-token-unreachable 'audit token' 'sealring doctor'
tells checkpoint-behind checkpoint 'sealring run --once'
mv "$work/audit.pin" "$v/pins/audit.pin"
examine
tells anchor-behind anchor 'sealring run --once'
mv "$v/vault.unsigned" "$work/noted"
examine
tells foreign-entries 'audit log' 'take-over'
mv "$work/noted" "$v/vault.unsigned"
is_mended "checkpoint and anchor" checkpoint-behind anchor-behind
# shellcheck disable=SC2046 # words
env $(configured module-environment) pkcs11-tool --module "$softhsm" --token-label "$(token_label audit-token)" --login \
    --pin "$(cat "$v/pins/audit.pin")" --delete-object --type data \
    --label "sealring-anchor/$(rows "SELECT lower(hex(vault_id)) FROM vault")" >/dev/null 2>&1 || bail_out "no anchor to remove"
examine
tells anchor-missing anchor 'sealring audit verify'
is_mended "the anchor" anchor-missing token-file-damaged

# ---- What hands leave in the token and in the database ----

sql "DROP TRIGGER audit_fixed; DROP INDEX version_owed"
object set "$(id_of payments 3)" CKA_SIGN 1
object set "$(id_of payments 4)" CKA_DERIVE 1
run verify <"$work/credential"
examine
is "$(json '[.doctor.findings[] | select(.code == "schema-lacking") | .object] | sort | join(" ")')" "audit_fixed version_owed" \
    "what the database lacks, each"
tells closed-version-signs '^payments/3$' 'doctor --repair'
tells object-usages '^payments/4$' 'doctor --repair.*sealring compromise payments 4'
is_mended "hands" schema-lacking closed-version-signs object-usages token-copy-behind
is "$(object get "$(id_of payments 3)" CKA_SIGN)" false "the closed version's key is closed again"
is "$(object get "$(id_of payments 4)" CKA_DERIVE) $(object get "$(id_of payments 4)" CKA_SIGN)" "false true" \
    "the active one's derives nothing, and signs as before"
is "$(rows "SELECT group_concat(act) FROM (SELECT act FROM audit WHERE ring = 'payments' AND version = 3 ORDER BY sequence DESC LIMIT 2)")" \
    "recover.close,doctor.repair" "first the intention, then the act, both on the record"
must issue payments --client acme --label other
run audit verify
succeeds "and the log is whole"

# ---- What only a person can decide ----

object make 5eed01 sealring/payments/9 0
object make 5eed02 sealring-intent/00112233445566778899aabbccddeeff 0
object make 5eed03 sealring/elsewhere/1 0
object make "$(id_of payments 2)" sealring/payments/2 0
must rotate payments
object set "$(id_of payments 4)" CKA_SIGN 0
token_objects >"$work/objects"
examine --repair
status_is 1 "they remain"
tells object-foreign '^key 5eed01$' '^nothing, if another vault uses this token; else .*--list-objects'
tells object-half-made '^key 5eed02$' '^nothing, if another vault uses this token; else .*--list-objects'
tells object-unknown 'PKCS#11 token' 'another vault'
tells object-twice '^payments/2$' 'pkcs11-tool .*--list-objects'
tells accepted-version-closed '^payments/4$' 'sealring retire payments 4 --overrule REASON, sealring reinstate payments 4'
token_objects >"$work/objects.after"
ok "--repair made, opened and destroyed no object" cmp -s "$work/objects" "$work/objects.after"
for id in 5eed01 5eed02 5eed03; do
    object destroy $id
done
must retire payments 4 --overrule "its key was closed"
must reinstate payments 4
must compromise payments 4 --reason "it was closed by somebody"
second=$(id_of payments 2)
object destroy "$second"
examine
tells object-gone '^payments/2$' '^sealring destroy payments 2 --overrule'
must destroy payments 2 --overrule "its object is gone"
run doctor
succeeds "the operator's acts mend all of it"

fifth=$(id_of payments 5)
object label "$fifth" sealring/payments/77
examine --repair
tells object-relabelled '^payments/5$' 'sealring audit show --ring payments'
object label "$fifth" sealring/payments/5
object destroy "$fifth"
examine
is "$(codes .repairable)" token-file-damaged "a key that somebody destroyed can be restored"
rm "$v/tokens/copies/"*"/key-$fifth-"*
examine --repair
tells object-missing '^payments/5$' 'backup.*sealring rotate payments.*sealring compromise payments 5'
object make "$fifth" sealring/payments/5 0
examine --repair
tells check-value-differs '^payments/5$' 'sealring compromise payments 5'
unguarded "$v/registry/sealring.db" "UPDATE version SET prf = 'aes-cmac' WHERE number = 5"
record_rows "$v/registry/sealring.db"
examine --repair
json_is '.doctor.findings[] | select(.code == "prf-unknown") | [.object, (.what | test("install a newer sealring"))] | tostring' \
    '["payments/5",true]' "finds a version whose kind of key this program does not know"
unguarded "$v/registry/sealring.db" "UPDATE version SET prf = 'hmac-sha256' WHERE number = 5"
record_rows "$v/registry/sealring.db"
object destroy "$fifth"
rm "$v/tokens/copies/"*"/key-$fifth-"*
object make "$fifth" sealring/payments/5 1
examine --repair
tells object-attributes '^payments/5$' 'sealring rotate payments, then sealring compromise payments 5'
json_is '.doctor.findings[] | select(.code == "object-attributes") | .what | test("CKA_EXTRACTABLE is true, CKA_NEVER_EXTRACTABLE is false")' \
    true "with each attribute that is wrong"
must rotate payments
must compromise payments 5 --reason "another key was in its place"
must destroy payments 5 --overrule "at once"
run doctor
succeeds "and so do rotate, compromise and destroy"

# ---- Verifiers and their reports ----

must rotate payments
serve app
until_true verifiers_are '[.verifiers[] | select(.state == "serving")] | length' 1
run doctor
succeeds "a server at work is nothing wrong"
own= # the file that the server holds: commands have left others beside it
for file in "$v/verifiers/"*.report; do
    flock -n -s "$file" true || own=$file
done
ok "the server holds its report" test -n "$own"
reports=$v/verifiers
head -c 30000 /dev/urandom >"$reports/00000000000000000000000000000000.report"
cp "$own" "$reports/11111111111111111111111111111111.report"
cp "$own" "$reports/22222222222222222222222222222222.report"
printf '\377' | dd of="$reports/22222222222222222222222222222222.report" bs=1 seek=16 conv=notrunc 2>/dev/null
must init --vault "$work/other"
serve other "$work/other"
until_true test -s "$(echo "$work/other/verifiers/"*.report)"
leave other
cp "$work/other/verifiers/"*.report "$reports/"
foreign=$(basename "$work/other/verifiers/"*.report)
touch -d '1 hour ago' "$reports"/*.report
chmod 666 "$own"
examine --stale-after 1h
status_is 1 "reports that are none"
tells report-damaged '/0{32}\.report$' '^mv /'
tells report-misplaced '/1{32}\.report$' '^mv /'
tells report-unknown-format '/2{32}\.report$' '^mv /'
tells report-foreign "/$foreign\$" '^mv /'
tells report-writable "/$(basename "$own")\$" '^chmod go-w /'
is_mended "reports" report-damaged report-misplaced report-unknown-format report-foreign report-writable
is "$(find "$reports" -name '*.aside' | wc -l) $(cmp "$reports/$foreign.aside" "$work/other/verifiers/$foreign" && echo same)" "4 same" \
    "they are set aside as they were, not deleted"
if [ "$(id -u)" -eq 0 ]; then
    chown 2001 "$own"
    examine
    tells report-owner "/$(basename "$own")\$" "^chown 0 /"
    chown 0 "$own"
else
    echo report-owner >>"$work/untried"
fi
is "$(verdict_of app "$work/credential")" "401 version-retired" "the server goes on"
leave app
examine --stale-after 1h
is "$(json .doctor.found)" 0 "a report that was left is not in the way yet"
serve brief
until_true verifiers_are '[.verifiers[] | select(.state == "serving")] | length' 1
leave brief
until_true verifiers_are '[.verifiers[] | select(.state == "serving")] | length' 0
sleep 1
examine --stale-after 1s
tells report-stale '\.report$' 'sealring doctor --repair'
status_is 1 "it is after a while"
examine --repair --stale-after 1s
if [ "$(json .doctor.remaining)" = 1 ]; then
    json_is '.doctor.findings[0].failure | test("when the hour is over")' true "but what it counted this hour is waited for"
else
    not_ok "it is removed" test -e "$own"
fi
find "$reports" -mindepth 1 -delete

serve last
until_true verifiers_are '[.verifiers[] | select(.state == "serving")] | length' 1
kill -STOP "$(process_of last)"
must rotate payments # waits until its lease is surely over, and remembers it
examine --repair
tells verifier-silent '^verifier [0-9a-f]{8}$' 'end the process'
must ring set payments --quiet-period 1h # so long is a hole in the reports of interest
find "$reports" -name '*.report' -delete
kill -9 "$(process_of last)"
wait "$(process_of last)" 2>/dev/null
must rotate payments
examine --repair
tells verifier-lost '^verifier [0-9a-f]{8}$' '^sealring verifier forget [0-9a-f]{8} --reason'
lost=$(jq -r '[.doctor.findings[] | select(.code == "verifier-lost") | .object][0] | split(" ")[1]' "$work/out")
run verifier forget "$lost" --reason "killed by the test" # or its lease has surely ended meanwhile
run doctor
succeeds "forgetting it mends that"
must ring set payments --quiet-period 1s
sql "INSERT INTO verifier SELECT X'0123456789abcdef0123456789abcdef', zeroblob(16), 0, printf('%.500c', 'x'), 'server', 1, 1, 2, 1, 1,
    '', 0, 1, 1, 0, 0"
examine
tells verifier-row-damaged '^verifier 01234567$' '^sealring doctor --repair$'
is_mended "a row of a verifier that nobody can read" verifier-row-damaged

# ---- Somebody who may read only ----

if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$work"
    chmod g-w "$v"
    setpriv --reuid 65534 --regid "$(stat -c %g "$v")" --clear-groups "$SEALRING" doctor >"$work/out" 2>"$work/err" </dev/null
    status=$?
    status_is 3 "who may not read the PIN gets to know that the tokens were not looked at"
    out_like '^warning   token-unreachable ' "as a finding"
    object set "$(id_of payments 3)" CKA_SIGN 1
    chmod 640 "$v/registry/sealring.db"
    sql "DROP TRIGGER audit_fixed"
    run client add leaves-a-log # refused, and leaves the log, which sqlite3 removed: without, nobody can read who may not write
    for repair in "" --repair; do
        # shellcheck disable=SC2086 # a word or none
        setpriv --reuid 65534 --regid "$(stat -c %g "$v")" --clear-groups "$SEALRING" doctor --json $repair >"$work/out" 2>"$work/err" </dev/null
        status=$?
        status_is 3 "status 3 ${repair:-without --repair}"
        tells schema-lacking audit_fixed 'doctor --repair'
    done
    json_is '.doctor.findings[] | select(.code == "schema-lacking") | .failure | test("written|writing|permission"; "i")' true \
        "and why it could not be repaired"
    : >"$reports/33333333333333333333333333333333.report"
    chmod 600 "$reports/33333333333333333333333333333333.report"
    setpriv --reuid 65534 --regid "$(stat -c %g "$v")" --clear-groups "$SEALRING" doctor --json >"$work/out" 2>"$work/err" </dev/null
    cat "$work/out" >>"$work/answers"
    tells report-unreadable '/3{32}\.report$' 'owner'
    rm "$reports/33333333333333333333333333333333.report"
    is_mended "root" schema-lacking closed-version-signs token-copy-behind
else
    echo "# another user needs root: not tried"
    echo report-unreadable >>"$work/untried"
fi

# ---- Who writes the registry by other means ----

v=$work/tampered
must init --vault "$v"
SEALRING_VAULT=$v
must ring create payments --overlap 1h
must rotate payments
good=$work/good.db
cp "$v/registry/sealring.db" "$good"
put_back() {
    rm -f "$v/registry/"*
    cp "$good" "$v/registry/sealring.db"
}
tampered() { # SQL CODE OBJECT-REGEX MEND-REGEX
    sql "$1"
    entries=$(entries)
    examine --repair
    tells "$2" "$3" "$4"
    is "$(entries)" "$entries" "and leaves it to a person"
    put_back
}
sql "DROP TRIGGER version_final"
tampered "UPDATE version SET activated = 0 WHERE number = 2;
    CREATE TRIGGER version_final BEFORE UPDATE ON version
 WHEN (OLD.state = 6 AND NEW.state <> 6) OR (OLD.was_compromised = 1 AND NEW.was_compromised = 0)
 BEGIN SELECT RAISE(ABORT, 'compromised and destroyed are final'); END" row-altered '^payments/2$' 'sealring doctor --repair'
sql "UPDATE version SET activated = 0 WHERE number = 2"
record_rows "$v/registry/sealring.db"
examine # a repair would sign it
tells ring-broken '^payments$' 'audit show --ring payments'
rm "$v/vault.unsigned"
put_back
tampered "CREATE TRIGGER evil AFTER INSERT ON audit BEGIN SELECT 1; END" schema-strange '^evil$' "sqlite3 .*sqlite_schema WHERE name = .*evil"
tampered "DROP INDEX version_owed; CREATE INDEX version_owed ON version (created)" schema-strange '^version_owed$' 'sealring restore'
tampered "PRAGMA foreign_keys = OFF; UPDATE version SET ring = 99 WHERE number = 1" registry-damaged 'sealring\.db$' 'sealring restore'
tampered "INSERT OR REPLACE INTO clock VALUES (1, '$(cat /proc/sys/kernel/random/boot_id)', 1000, 1000, 1, 1000, 0, 0)" clocks-disagree \
    '^clock$' 'set the clock right'
at -30d "$SEALRING" doctor --json # more of it in late-clock.sh
cat "$work/out" >>"$work/answers"
tells clock-late '^clock$' 'set the clock.*--trust-clock REASON'
tampered "PRAGMA user_version = 9; UPDATE vault SET schema = 9, min_writer = 9" registry-newer 'sealring\.db$' 'newer sealring'
sql "DROP TRIGGER audit_fixed; UPDATE audit SET actor = 'nobody@nowhere 1' WHERE sequence = 2"
examine # a repair would be an entry in a log that is put back below
tells audit-log '^entry 2$' 'sealring audit verify --key KEY --checkpoint FILE'
put_back
must client add today
put_back
examine --repair
status_is 1 "yesterday's registry remains"
tells registry-put-back registry 'sealring run --once --take-over REASON'
must run --once --take-over "the test put it back"
run doctor
succeeds "taking over mends it"

cp "$v/sealring.conf" "$work/conf"
sed -i '/^audit-key/d' "$v/sealring.conf"
examine --repair
status_is 1 "a configuration without audit-key: --repair leaves it to the upgrade"
tells audit-key-unconfigured 'sealring\.conf' '^sealring upgrade$'
must upgrade
ok "which adds the line" grep -qx "$(grep '^audit-key' "$work/conf")" "$v/sealring.conf"
examine
is "$status $(json .doctor.found)" "0 0" "then nothing is found"
sql "UPDATE audit_key SET vkey = replace(vkey, 'sealring/', 'mallory/')"
examine
tells audit-key-replaced 'audit key' 'sealring doctor --repair.*sealring audit verify'
is_mended "another key in the registry" audit-key-replaced

# A change of the audit key that stops where the registry refuses to be written, and one that stops before sealring.conf is.
sql 'DROP TRIGGER audit_node_stays'
run audit rekey
status_is 4 "no change of the audit key in an altered registry"
run doctor --repair
examine
json_is '[.doctor.findings[] | select(.code == "audit-key-unnamed") | .object] | tostring' '["audit token"]' "finds audit-key-unnamed"
cp "$v/sealring.conf" "$work/conf.before"
run audit rekey --no-wait
examine
is "$status $(json .doctor.found)" "0 0" "a change that is complete: nothing is found"
cp "$v/sealring.conf" "$work/conf"
cat "$work/conf.before" >"$v/sealring.conf"
examine
json_is '[.doctor.findings[] | select(.code == "audit-key-behind") | .object] | tostring' '["sealring.conf"]' "finds audit-key-behind"
sed 's/ until .*/ until 99999 99999/' "$work/conf" >"$v/sealring.conf"
examine
json_is '[.doctor.findings[] | select(.code == "audit-key-range") | .object] | tostring' '["sealring.conf"]' "finds audit-key-range"
cat "$work/conf" >"$v/sealring.conf"
sed -i '/^audit-token/d; /^audit-pin-source/d' "$v/sealring.conf"
examine
tells audit-token-unconfigured 'sealring\.conf' 'audit-token and audit-pin-source'
cat "$work/conf" >"$v/sealring.conf"
sed -i '/^audit-/d' "$v/sealring.conf"
examine --repair
tells audit-token-unconfigured 'sealring\.conf' 'audit-token and audit-pin-source'
{
    sed '/^audit-/d' "$work/conf"
    sed -n 's/^token = /audit-token = /p' "$work/conf"
    echo "audit-pin-source = $v/pins/keys.pin"
} >"$v/sealring.conf"
examine --repair
tells audit-key-differs 'audit token' "vault's own audit token"
cat "$work/conf" >"$v/sealring.conf"
dd if=/dev/zero of="$v/registry/sealring.db" bs=4096 seek=2 count=2 conv=notrunc 2>/dev/null
examine --repair
json '.doctor.findings[].what' >"$work/damage"
ok "a page of zeros is damage" grep -Eq 'registry-damaged|registry-unusable' "$work/out"
: >"$v/registry/sealring.db"
rm -f "$v/registry/"*-wal "$v/registry/"*-shm
examine --repair
status_is 4 "a registry that is none ends it with status 4"
tells registry-unusable 'sealring\.db$' 'sealring restore'
json_is '.doctor.registry_examined' false "and reports it"

# A token that nothing signs for, and one that cannot close keys.
given_pin=$work/pin
echo 1234 >"$given_pin"
chmod 600 "$given_pin"
mkdir "$work/given.tokens"
echo "directories.tokendir = $work/given.tokens" >"$work/softhsm2.conf"
SOFTHSM2_CONF=$work/softhsm2.conf softhsm2-util --init-token --free --label given --so-pin 87654321 --pin 1234 >/dev/null ||
    bail_out "no token to test with"
SEALRING_VAULT=$work/given
must init --module "$softhsm" --token pkcs11:token=given --pin-source "$given_pin" \
    --module-environment "SOFTHSM2_CONF=$work/softhsm2.conf"
sql "UPDATE vault SET token_closes_keys = 0"
examine
status_is 0 "notices are no reason to fail"
tells audit-unsigned 'audit log' 'sealring init'
tells token-cannot-close token 'nothing'
json_is '.doctor | [.found, .remaining, .notices] | map(tostring) | join(" ")' "2 0 2" "they are counted apart"

# ---- A full disk ----

mkdir "$work/small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=8m tmpfs "$work/small" 2>"$work/err"; then
    trap 'kill $(jobs -p) 2>/dev/null; umount "$work/small"; rm -rf "$work"' EXIT
    SEALRING_VAULT=$work/small/vault
    must init
    must ring create payments
    dd if=/dev/zero of="$work/small/fill" bs=64k 2>/dev/null
    run client add late
    is "$status" 1 "nothing is committed on a full disk"
    err_like 'nothing was changed: .*vault.unsigned cannot be written: No space left on device' "and the file is named that has no room"
    examine
    tells disk-full "^$work/small/vault/registry$" "make room: df $work/small/vault/registry"
    rm "$work/small/fill"
    run doctor
    succeeds "the doctor is content when there is room again"
else
    echo disk-full >>"$work/untried"
fi

# ---- Channels of notices ----

SEALRING_VAULT=$work/channels
must init
must ring create webhooks
channel() { # LINE WORDS: what is found about a line of sealring.conf, which is removed again
    cp "$SEALRING_VAULT/sealring.conf" "$work/conf"
    printf '%b\n' "$1" >>"$SEALRING_VAULT/sealring.conf"
    examine
    json '[.doctor.findings[] | select(.code == "channel-unusable") | .what] | join("; ")' >"$work/what"
    ok "finds $1" grep -Eq "$2" "$work/what"
    cat "$work/conf" >"$SEALRING_VAULT/sealring.conf"
}
mail='mail-server = smtp://localhost\nmail-from = ops@example.org'
channel 'mail-server = smtps://localhost' '^mail-server in sealring.conf is not smtp://'
channel 'mail-server = smtp://localhost' '^mail-from in sealring.conf is not configured$'
channel "$mail\nmail-user = ops" '^sealring.conf has only one of mail-user and mail-password-file$'
channel "$mail\nmail-user = ops\nmail-password-file = none" '/none, cannot be opened'
channel "$mail\nmail-ca = none" '^mail-ca in sealring.conf, .*/none, cannot be read'
channel 'webhook-ring = none' 'none'
channel 'webhook-ring = webhooks\nwebhook-ca = none' '^webhook-ca in sealring.conf, .*/none, cannot be read'
channel "$mail\nwebhook-ring = webhooks" '^$'

# ---- A credential of a key for one holder that was renewed twice ----

SEALRING_VAULT=$work/contested
must init
must ring create r --renew bearer
must client add shop
must issue r --client shop --holders one --out "$work/copied"
must rotate r
run_with "$work/copied" renew --out "$work/renewed"
run_with "$work/renewed" verify
run_with "$work/copied" renew
examine
tells key-contested '^API key [0-9A-Za-z]{16}$' 'sealring key rekey [0-9A-Za-z]{16}$'

# ---- A credential that was found where it does not belong ----

must ring create found
must issue found --client shop --out "$work/leaked"
must leaks report "$work/leaked" --apply
examine
tells key-leaked '^API key [0-9A-Za-z]{16}$' '^sealring leaks list'

# ---- Notices that could not be sent ----

must key rekey "$(rows "SELECT key_id FROM api_key WHERE ring = 1")" --out "$work/rekeyed"
must client set shop --notify hook
must rotate r
run notify send
unguarded "$SEALRING_VAULT/registry/sealring.db" "UPDATE notice SET dead = 1"
examine
json_is '[.doctor.findings[] | select(.code == "notices-dead") | .object] | join(" ")' outbox "finds notices-dead"

# ---- A successor that a hook does not take ----

mkdir -m 700 "$work/hooks"
printf '#!/bin/sh\necho no network\nexit 1\n' >"$work/hooks/store"
chmod 700 "$work/hooks/store"
echo "hooks = $work/hooks" >>"$SEALRING_VAULT/sealring.conf"
must ring create taken --deliver hook
must issue taken --client shop --out "$work/taken"
must rotate taken
run run taken --once
examine
tells successor-undelivered '^ring taken$' '^sealring handover list taken'
run status taken
out_like '1 successor was not delivered, and will be tried again: .*no network: sealring handover list taken' "status has it, too"

# ---- All kinds were shown; the page knows all of them ----

sed -n 's/^    KIND(DOCTOR_[A-Z_]*, "\([a-z-]*\)",.*/\1/p' "$top_srcdir/src/manage/doctor/doctor_kinds.h" | sort >"$work/kinds"
jq -r '.doctor.findings[]?.code' "$work/answers" | sort -u >"$work/kinds.shown"
echo upgrade-unfinished >>"$work/untried" # tests/upgrade/upgrade.sh makes it
sort -u "$work/untried" >"$work/kinds.untried"
is "$(comm -23 "$work/kinds" "$work/kinds.shown" | comm -23 - "$work/kinds.untried" | tr '\n' ' ')" "" "every kind of finding was made and found"
sed -n 's/^\.It Li \([a-z-]*\).*/\1/p' "$top_srcdir/docs/man/sealring-doctor.1" 2>/dev/null | sort >"$work/kinds.told"
ok "the man page lists every kind" cmp -s "$work/kinds" "$work/kinds.told"
echo "# figure: doctor-findings $(comm -12 "$work/kinds" "$work/kinds.shown" | wc -l)"
done_testing
