#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Text from outside: what somebody wrote into the registry, names of files, hosts and users, the environment. It steers no terminal, breaks out of
# no command that is proposed, and what it is part of can be read, exported and restored.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
for name in perl sqlite3 bash; do
    command -v $name >/dev/null || bail_out "$name is missing: sh tools/packages.sh test"
done

esc=$(printf '\033')
database=$SEALRING_VAULT/registry/sealring.db
sql() {
    sqlite3 -cmd '.timeout 5000' -cmd 'PRAGMA ignore_check_constraints = 1' "$database" "$@" || bail_out "the registry's tables are others"
}
clean() { # NAME [colour] [ascii]: of both streams of the last run
    said=$1
    shift
    perl "$here/clean.pl" "$@" "$work/out" "$work/err" >"$work/unclean"
    [ ! -s "$work/unclean" ] && cat "$work/out" "$work/err" | grep -q .
    report $? "$said" "$(head -n 3 "$work/unclean" | tr '\n' ' ')"
}
is_json() {
    jq -e . "$work/out" >/dev/null 2>&1
}
# As SQL: sequences for terminals of 7 and 8 bits, line ends, what is invisible or turns text round, and no UTF-8.
hostile="char(27) || ']0;title' || char(7) || char(27, 91) || '2J' || char(10) || '    9  2026-01-01T00:00:00Z  root' || char(13, 9, 127)
    || char(155) || '31m' || char(0x2028, 0x2029, 0x202e, 0x2066, 0x200b, 0xfeff, 0xe0041) || CAST(x'9b33316dff' AS TEXT)"

must init
must ring create payments --overlap 1h --keep 20
must client add acme --contact 'Wide 漢字'
must client add other --contact 'ab'
must issue payments --client acme --scope read
cp "$work/out" "$work/credential"
key=$(cut -d_ -f2 "$work/credential")
must rotate payments

# ---- tables are aligned by columns, also where a character takes two ----

run client list
perl -CSD -ne 's/([\x{4e00}-\x{9fff}])/$1_/g; push @lines, $_; END { my $at = index $lines[0], "KEYS"; $at += length "KEYS";
    for (@lines[1, 2]) { print "bad: $_" if substr($_, $at - 1, 1) !~ /[0-9]/ } print "no KEYS" if $at < 9 }' "$work/out" >"$work/misaligned"
ok "a table is aligned behind wide characters" test ! -s "$work/misaligned"

# ---- rows that somebody edited ----

cp -a "$SEALRING_VAULT" "$work/good"
put_back() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/good" "$SEALRING_VAULT"
}
everything() { # WHAT: every command that reads, as text and as JSON
    mkdir "$work/said"
    for command in "audit show" "audit verify" "audit export" "audit key" "audit checkpoint" doctor status "client list" "client show acme" \
        "key list" "key show $key" "verifier list --all" "ring list" "ring show payments" usage; do
        for json in '' --json; do
            # shellcheck disable=SC2086 # words
            run $command $json
            [ "$status" -lt 128 ] || echo "sealring $command $json: status $status"
            mv "$work/out" "$work/said/$command $json"
            mv "$work/err" "$work/said/$command $json errors"
        done
    done >"$work/offences"
    (
        cd "$work/said" || exit
        [ "$(find . -type f | wc -l)" -eq 60 ] || echo "not all commands were run"
        perl "$here/clean.pl" ./*
        # a checkpoint is lines, whoever wrote them
        find . -type f ! -name 'audit checkpoint*' -exec grep -H '^ *9  2026-01-01' {} + | sed 's/$/: a line that never was/'
        find . -type f -name '*--json' -size +0 -exec sh -c 'jq . "$@" >/dev/null 2>"$0" || echo "one of $*: no JSON: $(cat "$0")"' "$work/jq" {} +
    ) >>"$work/offences"
    rm -r "$work/said"
    : >"$work/out"
    : >"$work/err"
    ! [ -s "$work/offences" ]
    report $? "nothing of $1 reaches a terminal" "$(head -n 3 "$work/offences" | tr '\n' ' ')"
}
unguarded "$database" "UPDATE audit SET actor = 'root' || $hostile, act = act || $hostile, client = 'a' || $hostile,
    ring = 'r' || $hostile, key_id = $hostile, detail = json_object('reason', 'x' || char(27, 155, 0x202e)) WHERE sequence = 4;
    UPDATE audit SET detail = '{' || $hostile WHERE sequence = 5"
everything "an edited entry of the log"
put_back
for column in client.contact client.name ring.name ring.prefix api_key.label api_key.narrowed credential.scopes intention.owner verifier.host \
    checkpoint.note vault.vault_id vault.module; do
    table=${column%.*}
    sqlite3 "$database" "SELECT ${column#*.} FROM $table" >/dev/null 2>&1 || continue
    unguarded "$database" "PRAGMA ignore_check_constraints = 1; UPDATE $table SET ${column#*.} = 'x' || $hostile" 2>/dev/null
    everything "$column"
    put_back
done
sql "CREATE TABLE \"x$(printf '\033[31m\302\2337m')\" (\"c$(printf '\033c')\"); CREATE INDEX \"i$(printf '\342\200\256')\" ON client (name);
    CREATE TRIGGER \"t$(printf '\033[8m\n')\" AFTER INSERT ON client BEGIN SELECT 1; END"
everything "a name in the schema"
put_back

# ---- names of files, and words of the command line ----

hidden=$(printf 'x\033[31m\n\302\233y\342\200\256.report')
: >"$SEALRING_VAULT/verifiers/$hidden"
touch -d '2 hours ago' "$SEALRING_VAULT/verifiers/$hidden"
everything "a report file's name"
rm "$SEALRING_VAULT/verifiers/$hidden"
bad=$(printf 'a\033[2Jb\302\233c\342\200\256d\377')
for arguments in "--vault $bad status" "$bad" "audit show --$bad" "verify --scope $bad" "audit verify --checkpoint $bad" "restore $bad" \
    "issue payments --client $bad" "issue payments --from $bad" "verifier forget $bad --reason x" "init --module $bad" "backup /nowhere/$bad" \
    "key show $bad" "revoke $bad --reason $bad" "help $bad" "run --once --pin-source $bad"; do
    for json in '' --json; do
        # shellcheck disable=SC2086 # words
        run $arguments $json
        clean "no control character of the command line is printed: $(echo "$arguments" | cut -d ' ' -f 1 | tr -cd 'a-z-') $json"
        [ -z "$json" ] || ok "and JSON is JSON" is_json
    done
done >"$work/all"
grep -v '^ok' "$work/all"
count=$((count - $(grep -c '^\(not \)\{0,1\}ok' "$work/all")))
! grep -q '^not ok' "$work/all"
report $? "no word of the command line reaches a terminal as it is"
SEALRING_VAULT=$work/$bad TERM=$bad run status
clean "nor does the environment"
one_line_error "which is in one line"

# ---- on a terminal ----

on_terminal() { # LOCALE COMMAND: what a terminal gets
    TERM=xterm LC_ALL=$1 script -qec "$SEALRING $2" /dev/null </dev/null >"$work/out" 2>"$work/err"
}
if command -v script >/dev/null; then
    unguarded "$database" "UPDATE audit SET actor = 'bücherei' || $hostile WHERE sequence = 4"
    on_terminal C.UTF-8 "audit show"
    clean "on a terminal there are colours, and no control character" colour
    ok "there are colours" grep -q "$esc\[1m" "$work/out"
    ok "and letters" grep -q 'bücherei' "$work/out"
    on_terminal C "audit show"
    clean "a terminal of another character set gets ASCII" colour ascii
    ok "which shows what is left out" grep -q 'b\\u00fccherei\\x1b\]0;title' "$work/out"
    on_terminal C "client list"
    clean "a page, too" colour ascii
    put_back
else
    bail_out "script is missing (Debian: bsdutils)"
fi

# ---- names of hosts and users ----

exported() { # what the last export has of the last client.add: user on host
    "$SEALRING" audit export | jq -r 'select(.metadata.event_code == "client.add") | .actor.user.name + " on " + .device.hostname' | tail -n 1
}
if [ "$(id -u)" -eq 0 ] && unshare --uts --mount true 2>/dev/null; then
    number=0
    while IFS='|' read -r host user wanted; do
        number=$((number + 1))
        for arguments in "client add host-$number" "rotate payments" "run --once"; do
            # shellcheck disable=SC2086 # words
            unshare --uts --mount sh -c 'printf "$1" >/proc/sys/kernel/hostname && sed "s/^root:/$2:/" /etc/passwd >"$3" && mount --bind "$3" /etc/passwd && shift 3 &&
                exec "$@"' sh "$host" "$user" "$work/passwd" "$SEALRING" $arguments >"$work/out" 2>"$work/err" </dev/null
            status=$?
            succeeds "$arguments by $user on host $number"
        done
        is "$(exported)" "$wanted" "the export names $wanted"
        unshare --uts sh -c 'printf "$1" >/proc/sys/kernel/hostname; shift; exec "$@"' sh "$host" "$SEALRING" verify <"$work/credential" >"$work/out" 2>"$work/err"
        run verifier list --all --json
        clean "its verifier has a clean name"
    done <<'HOSTS'
b\374ro|root|root on b\xfcro
h\377\033[31m|root|root on h\xff\x1b[31m
plain|alice@corp.example|alice@corp.example on plain
a@b c|x@y@z|x@y@z on a\x40b\x20c
plain|ev\x1b[31mil|ev\x1b[31mil on plain
HOSTS
    everything "a host's name"
    is "$(sqlite3 "$database" 'SELECT actor FROM audit' | LC_ALL=C grep -c '[^ -~]')" 0 "and none of its bytes that need escaping are in an entry"
else
    echo "# names of hosts and users need root and namespaces: not tried"
fi

# As an older sealring left it, killed on such a host between the intention and the object.
sql "INSERT INTO intention (id, nonce, ring, object_id, owner, created) SELECT 1000, randomblob(length(zeroblob(16))), 1, randomblob(16),
    'root@h' || CAST(x'ff1b5b33316d0a' AS TEXT) || ' 4711', created FROM vault"
run doctor
clean "an intention of a host whose name is no UTF-8 can be read"
out_like 'intention-unfinished' "and is a finding"
run doctor --repair
status_is 0 "it is recovered"
run rotate payments
succeeds "and the next rotation works"
put_back

# ---- a vault's own path ----

tokens_of() { # DIRECTORY: init, dry and real, and what follows, in a vault there
    SEALRING_VAULT=$1/vault
    run init --dry-run
    dry=$status
    run init
    [ "$dry" = "$status" ] || echo "dry run $dry, init $status"
}
for name in 'a b' "it's" 'q"uote' '100%' ' leading' 'trailing ' 'x?y*' 'semi;colon' 'back\\slash' '-dash' '$HOME' "$(printf 'tab\there')" "$(printf 'latin \374')" \
    "$(printf 'esc \033[31m')" 'slash/'; do
    mkdir "$work/$name"
    {
        tokens_of "$work/$name"
        for command in "ring create r" "client add c" "issue r --client c --out $work/path.key" doctor "status --json" "audit export"; do
            # shellcheck disable=SC2086 # words
            run $command
            [ "$status" -eq 0 ] || echo "sealring $command: $status: $(cat "$work/err")"
            perl "$here/clean.pl" "$work/out" "$work/err"
        done
        "$SEALRING" verify <"$work/path.key" >/dev/null 2>"$work/err" || echo "verify: $(cat "$work/err")"
        rm -f "$work/path.key"
    } >"$work/path" 2>&1
    ! [ -s "$work/path" ]
    report $? "a vault in a directory $(printf %s "$name" | od -An -c | tr -d ' \n') works" "$(head -n 2 "$work/path" | tr '\n' ' ')"
done
for name in 'job#12' 'branch=main' "$(printf 'two\nlines')" "$(printf 'cr\rx')" "$(printf 'long%.0s' $(seq 60))"; do
    mkdir "$work/$name"
    [ ${#name} -lt 200 ] || name="$name/$name/$name/$name"
    mkdir -p "$work/$name"
    tokens_of "$work/$name" >"$work/path"
    ok "init says the same with --dry-run" test ! -s "$work/path"
    status_is 2 "a path that SoftHSM2 cannot name is refused"
    err_like 'the path of the vault .*(has a|is too long).*SoftHSM2' "which says so"
    ok "and nothing is made" test ! -e "$SEALRING_VAULT"
done
SEALRING_VAULT=$work/vault

# ---- commands to paste ----

paste_from() { # NAME: the commands that the doctor proposes about what is called NAME, run by each shell
    run doctor --json
    for shell in sh bash; do
        jq -r '.doctor.findings[].mend' "$work/out" | grep -o 'sqlite3 .*; then: \|\(rm\|mv\|chmod\|mkdir\) .*' |
            sed 's/; then: $//' >"$work/paste"
        (cd "$work" && while read -r line; do $shell -c "$line" >>"$work/pasted.out" 2>&1 </dev/null; done <"$work/paste")
        [ ! -e "$work/pasted" ] && [ -s "$work/paste" ]
        report $? "$1 is one word for $shell" "$(head -n 2 "$work/paste")"
        rm -f "$work/pasted"
    done
}
: >"$work/pasted.out"
sql "CREATE TABLE \"a'; touch pasted; echo '\" (a); CREATE TABLE \"\$(touch pasted)\" (a); CREATE TABLE \"b\`touch pasted\`\" (a);
    CREATE TABLE \"c'' UNION SELECT 1; .shell touch pasted\" (a); CREATE TABLE \"d$(printf '\033')' ; touch pasted #\" (a);
    CREATE TABLE \"e
touch pasted\" (a); CREATE TABLE \"f \"\"quoted\"\" name\" (fine)"
paste_from "a table's name"
ok "the command shows the table" grep -q 'quoted.*fine' "$work/pasted.out"
put_back
mkdir "$work/a'; touch pasted; echo '"
mv "$SEALRING_VAULT" "$work/a'; touch pasted; echo '/v"
SEALRING_VAULT="$work/a'; touch pasted; echo '/v"
sed -i '/^vault/d' "$SEALRING_VAULT/sealring.conf" # it is moved, and was copied before: sealring.conf(5)
chmod o+rwx "$SEALRING_VAULT/registry" "$SEALRING_VAULT/registry/sealring.db" "$SEALRING_VAULT/sealring.conf" "$SEALRING_VAULT"
paste_from "a directory's name"
paste_from "and that of what is in it" # which is looked at when the vault itself is good
run doctor --json
json_is '[.doctor.findings[] | select((.code | test("writable")) and (.object | test("(db|registry|v)$")))] | length' 0 "the commands mend what they are for"

done_testing
