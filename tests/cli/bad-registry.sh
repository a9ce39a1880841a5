#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Registries that are missing, not ours, newer, damaged, read-only, on a full disk, locked, exchanged: a clear answer, or none
# is needed; never a crash, never a wrong acceptance. PLACES=N damages so many random places.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"
random_seed

disk=$work/disk
mkdir "$disk"
# shellcheck disable=SC2154 # set by lib.sh
trap 'kill $(jobs -p) 2>/dev/null; umount "$disk" 2>/dev/null; rm -rf "$work"' EXIT

# Root without its privileges is bound by modes like anybody else.
as_anybody() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --inh-caps=-all --bounding-set=-all "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    else
        "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    fi
    status=$?
}

says() { # STATUS REGEX NAME: one clear line
    [ "$status" -eq "$1" ] &&
        [ "$(wc -l <"$work/err")$(grep -ac '^sealring: [[:print:]]*$' "$work/err")" = 11 ] &&
        grep -Eq "$2" "$work/err" && [ ! -s "$work/out" ]
    report $? "$3" "wanted status $1 and one line that matches $2"
}

# ---- A vault with a credential of each kind ----

must init
# Registries are put back here again and again, which the audit token's anchor would refuse, and rightly (tests/audit).
sed -i '/^audit-/d' "$SEALRING_VAULT/sealring.conf"
must ring create r --overlap 1h
must client add acme
must issue r --client acme --label retired
cp "$work/out" "$work/retired"
must rotate r
must retire r 1 --overrule "for the test"
must issue r --client acme --label revoked
cp "$work/out" "$work/revoked"
must revoke "$(cut -d_ -f2 "$work/revoked")"
must issue r --client acme --label expired --expires 5s
cp "$work/out" "$work/expired"
must issue r --client acme --label other
cp "$work/out" "$work/other"
must issue r --client acme --label good --scope read
cp "$work/out" "$work/good"
# shellcheck disable=SC2317 # called by name
has_expired() {
    run_with "$work/expired" verify
    matches "$work/out" expired
}
until_true has_expired
awk 'BEGIN { print "client"; for (i = 1; i <= 3000; i++) print "client-" i }' >"$work/many.csv"
vault=$SEALRING_VAULT
registry=$vault/registry
database=$registry/sealring.db
cp -a "$registry" "$work/whole"
is "$(stat -c %s "$database-wal")" 0 "between two commands the log is empty"
cp -a "$SEALRING_VAULT" "$work/second" # with a registry, locks and tokens of its own
sed -i "s|$SEALRING_VAULT/|$work/second/|" "$work/second/sealring.conf" "$work/second/tokens/softhsm2.conf"

restore() { # with it what verifiers reported of a later state
    rm -rf "$registry" "$vault"/verifiers/*.report
    cp -a "$work/whole" "$registry"
}

# ---- Locked; these wait, so they run beside the others, on a copy ----

(
    # shellcheck disable=SC2030 # here only
    SEALRING_VAULT=$work/second
    # "user@host PID purpose", as a sealring signs it.
    echo "ops@example 123 rotate" >"$SEALRING_VAULT/vault.lock"
    flock -F "$SEALRING_VAULT/vault.lock" sleep 600 &
    holder=$!
    while flock --nonblock "$SEALRING_VAULT/vault.lock" true; do sleep 0.05; done
    "$SEALRING" client add locked >"$work/locked.out" 2>"$work/locked.err"
    echo $? >"$work/locked.status"
    "$SEALRING" verify <"$work/good" >"$work/locked.verify"
    kill "$holder"
    wait
    # Another program inside a transaction, and one that lets nobody in.
    mkfifo "$work/held"
    stdbuf -oL sqlite3 "$SEALRING_VAULT/registry/sealring.db" <"$work/held" >"$work/steps" &
    exec 4>"$work/held"
    echo "BEGIN IMMEDIATE; SELECT 'inside';" >&4
    until_true grep -q inside "$work/steps"
    "$SEALRING" verify <"$work/good" >"$work/held.verify"
    "$SEALRING" client add busy >"$work/held.out" 2>"$work/held.err"
    echo $? >"$work/held.status"
    echo "ROLLBACK; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 'alone';" >&4
    until_true grep -q alone "$work/steps"
    "$SEALRING" status >"$work/excluded.out" 2>"$work/excluded.err"
    echo $? >"$work/excluded.status"
    exec 4>&-
    wait
    "$SEALRING" client add after >"$work/after.out" 2>"$work/after.err"
    echo $? >"$work/after.status"
) &
locking=$!

# ---- Missing, not ours, newer ----

is_unusable() { # NAME REGEX
    for command in status "key list" verify "client add x" "rotate r"; do
        # shellcheck disable=SC2086 # words
        run_with "$work/good" $command
        says 4 "$2" "$1: $command"
    done
}

rm "$database"
is_unusable "without its file" 'registry .*sealring.db does not exist: '
restore
rm -r "$registry"
is_unusable "without its directory" '(registry|sealring).* '
mkdir "$registry"
mkdir "$database"
is_unusable "a directory in its place" 'not a regular file'
rmdir "$database"
: >"$database"
is_unusable "an empty file" 'is an empty file'
awk 'BEGIN { for (i = 0; i < 1000; i++) print "this is no database" }' >"$database"
is_unusable "a text" 'is no registry: the file is something else'
restore
head -c 100 "$work/whole/sealring.db" >"$database"
is_unusable "cut behind its head" 'is (damaged|no registry)'
restore
rm "$database"
sqlite3 "$database" "CREATE TABLE t (x)"
is_unusable "another program's database" 'is a database of another program'
restore
sqlite3 "$database" "PRAGMA application_id = 1"
is_unusable "another application ID" 'is a database of another program'
restore
sqlite3 "$database" "PRAGMA user_version = 0"
is_unusable "a schema without a number" 'or one that was never finished .its schema has no number.'
restore
sqlite3 "$database" "PRAGMA ignore_check_constraints = 1; UPDATE vault SET schema = 0, min_reader = 0, min_writer = 0"
is_unusable "older than any" 'is damaged'
restore
sqlite3 "$database" "PRAGMA user_version = 9; UPDATE vault SET schema = 9, min_reader = 9, min_writer = 9"
is_unusable "newer" 'newer than this program: reading it takes schema 9, .*install the newer sealring'
restore
sqlite3 "$database" "PRAGMA user_version = 9; UPDATE vault SET schema = 9, min_writer = 9"
run_with "$work/good" verify
succeeds "newer, but readable: read"
run client add x
says 4 'newer than this program: writing it takes schema 9' "newer, but readable: not written"
restore
sqlite3 "$database" "DROP TABLE credential"
is_unusable_in_part() {
    run_with "$work/good" verify
    status_is 4 "without a table: verify"
    out_like '^unavailable +the registry .*no such table' "names the registry"
    run client add x
    [ "$status" -eq 0 ] || [ "$status" -eq 4 ]
    report $? "without a table: what does not need it"
}
is_unusable_in_part
restore
run_with "$work/good" verify
succeeds "put back, all is well"

# ---- Damaged ----

# What one command may come to on a damaged registry. Collects what it must not.
bear() { # FILE ARGUMENT...: FILE is standard input
    input_name=${1##*/}
    run_with "$@"
    shift
    case $status in
    0 | 1 | 3 | 4 | 5) ;;
    *) echo "$* < $input_name ends with $status" ;;
    esac
    [ "$status" -eq 0 ] || [ -s "$work/err" ] || [ "$1" = verify ] || echo "$*: no word why it ends with $status"
    [ ! -s "$work/err" ] || [ "$status" -eq 0 ] ||
        [ "$(wc -l <"$work/err")$(grep -ac '^sealring: [[:print:]]*$' "$work/err")" = 11 ] || echo "$*: not one clear line"
    [ "$1" != verify ] || [ "$status" -ne 0 ] || grep -q '^accepted  client acme ' "$work/out" || echo "$*: status 0, but not accepted"
}

bear_all() { # whether the damage is borne
    {
        bear "$work/good" verify
        bear "$work/good" status
        bear "$work/good" key list --json
        for wrong in forged retired revoked expired; do
            bear "$work/$wrong" verify
            [ "$status" -ne 0 ] || echo "the $wrong credential is accepted"
        done
        bear "$work/good" verify --scope admin
        [ "$status" -ne 0 ] || echo "a scope that was never granted is accepted"
        case $1 in
        *0) bear "$work/good" rotate r ;;
        *) bear "$work/good" client add "x$1" ;;
        esac
    } >"$work/faults" 2>&1
    [ ! -s "$work/faults" ]
}

# Another's secret with the good one's key ID and right check digits.
body=$(cut -d_ -f1-3 "$work/good")_$(cut -d_ -f4 "$work/other" | cut -c 1-43)
crc=$(printf %s "$body" | gzip -c | tail -c 8 | od -An -N4 -tu4 --endian=little | tr -d ' ')
awk -v body="$body" -v number="$crc" 'BEGIN {
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for (i = 0; i < 6; i++) { text = substr(alphabet, number % 62 + 1, 1) text; number = int(number / 62) }
    print body text
}' >"$work/forged"
run_with "$work/forged" verify
out_like '^bad-secret' "the forged credential is well formed"

damage() { # FILE OFFSET LENGTH SEED: random bytes, or zeros for whole blocks
    if [ "$3" -ge 512 ]; then
        head -c "$3" /dev/zero
    else
        printf %b "$(awk -v seed="$4" -v count="$3" 'BEGIN { srand(seed); while (count-- > 0) printf "\\0%03o", rand() * 256 }')"
    fi | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# The log is at work as after a kill: a reader keeps it from being emptied.
mkfifo "$work/reader"
stdbuf -oL sqlite3 "$database" <"$work/reader" >"$work/steps" &
exec 4>"$work/reader"
echo "BEGIN; SELECT count(*) FROM vault; SELECT 'reads';" >&4
until_true grep -q reads "$work/steps"
must issue r --client acme --label logged
must client set acme --contact logged
cp -a "$registry" "$work/logged"
exec 4>&-
ok "there is a log with something in it" test -s "$work/logged/sealring.db-wal"

places=${PLACES:-40}
size=$(stat -c %s "$work/whole/sealring.db")
log_size=$(stat -c %s "$work/logged/sealring.db-wal")
bad_places=0
borne=0
numbers $((places * 2)) 1000000000 >"$work/numbers"
for place in $(seq 1 $places); do
    offset=$(sed -n "$((place * 2 - 1))p" "$work/numbers")
    length=$(sed -n "$((place * 2))p" "$work/numbers")
    case $((length % 5)) in
    0) length=1 ;;
    1) length=2 ;;
    2) length=16 ;;
    3) length=512 ;;
    4) length=4096 ;;
    esac
    rm -rf "$registry"
    # Every fifth in the log. What the log says is lost from the damage on, as if it had not been done.
    if [ $((place % 5)) -eq 0 ]; then
        cp -a "$work/logged" "$registry"
        where="$database-wal" offset=$((offset % log_size))
    else
        cp -a "$work/whole" "$registry"
        where=$database offset=$((offset % size))
    fi
    damage "$where" "$offset" "$length" $((seed + place))
    if bear_all "$place"; then
        borne=$((borne + 1))
    else
        bad_places=$((bad_places + 1))
        sed "s/^/# ${where##*/}, $length bytes at $offset: /" "$work/faults"
    fi
done
is "$borne" $places "damage in each of $places random places is borne"
# And what is not random: the head, each field of it.
for offset in 0 16 18 20 21 24 28 32 36 40 44 52 56 60 64 68 92 96 100 103 105; do
    restore
    damage "$database" $offset 1 $((seed + offset))
    bear_all $offset
    report $? "damage in the head at $offset is borne" "$(tr '\n' ';' <"$work/faults")"
done
for pages in 1 2 5 13; do
    restore
    truncate -s $((pages * 4096)) "$database"
    bear_all $pages
    report $? "cut behind page $pages, it is borne" "$(tr '\n' ';' <"$work/faults")"
done
restore
head -c 32768 /dev/urandom >"$database-shm"
run_with "$work/good" verify
succeeds "a damaged index of the log is made anew"

# ---- Read-only ----

restore
chmod -R a-w "$registry"
as_anybody client add x
says 4 'sealring.db may not be written by this user: check owner, group and mode' "read-only: nothing is changed"
as_anybody status
succeeds "read-only: it can be read"
chmod -R u+w "$registry"
chmod a-w "$vault/vault.lock"
as_anybody client add x
says 4 'vault.lock cannot be opened for writing by this user: Permission denied' "a lock file that is read-only"
chmod u+w "$vault/vault.lock"
chmod 0 "$database"
as_anybody status
says 4 'sealring.db or the log beside it cannot be opened by this user: check owner, group and mode' "unreadable"
chmod 640 "$database"
chmod 0 "$registry"
as_anybody status
says 4 'sealring.db .*cannot be opened by this user|Permission denied' "in a directory that cannot be entered"
chmod 750 "$registry"
chmod 0 "$vault/sealring.conf"
as_anybody status
says 1 'sealring.conf cannot be opened: Permission denied' "a configuration that is unreadable"
chmod 640 "$vault/sealring.conf"

# ---- Full ----

small_disk() { # runs the command where only a little more may be written
    if [ "$has_disk" = yes ]; then
        run "$@"
    else
        limited 400 "$@"
    fi
}
mkfifo "$work/limited.out" "$work/limited.err"
limited() { # BLOCKS of 512 bytes that a file may have; the output goes through pipes, as it is none of the files
    cat "$work/limited.out" >"$work/out" &
    output=$!
    cat "$work/limited.err" >"$work/err" &
    (
        ulimit -f "$1"
        shift
        exec "$SEALRING" "$@" >"$work/limited.out" 2>"$work/limited.err" </dev/null
    )
    status=$?
    wait $output $!
}

restore
has_disk=no
if mount -t tmpfs -o size=1m none "$disk" 2>/dev/null; then
    has_disk=yes
    cp -a "$registry"/* "$disk"
    cp "$vault/sealring.conf" "$work/conf"
    sed "s|^registry = .*|registry = $disk/sealring.db|" "$work/conf" >"$vault/sealring.conf"
    dd if=/dev/zero of="$disk/filler" bs=4096 count=150 2>/dev/null
fi
echo "# the small disk is a $([ $has_disk = yes ] && echo "tmpfs" || echo "limit for files")"
small_disk issue r --from "$work/many.csv" --out "$work/full.csv"
says 4 'sealring.db (cannot grow: .*full|could not be read or written): ?' "a full disk stops a bulk issue"
not_ok "which leaves no half file" test -e "$work/full.csv"
small_disk status
succeeds "reading goes on"
run_with "$work/good" verify
succeeds "and verifying"
if [ "$has_disk" = yes ]; then
    rm "$disk/filler"
    umount "$disk"
    mount -t tmpfs -o size=64m none "$disk"
    cp -a "$registry"/* "$disk"
fi
run issue r --from "$work/many.csv" --out "$work/full.csv"
succeeds "with room again the same command completes"
is "$(wc -l <"$work/full.csv")" 3001 "with every line"
if [ "$has_disk" = yes ]; then
    umount "$disk"
    cp "$work/conf" "$vault/sealring.conf"
fi

restore
snapshot "$work/before"
limited 0 client add x
says 4 'sealring.db' "not a byte may be written: client add"
limited 0 issue r --client acme --label x
says 4 'sealring.db' "not a byte may be written: issue"
limited 64 status
succeeds "only the index of the log may be written: status" # SQLite makes it anew for whoever comes first
snapshot "$work/after"
ok "nothing has changed" cmp -s "$work/before" "$work/after"
for blocks in 0 1 8 32 64 100 200; do
    limited $blocks rotate r
    [ "$status" -eq 0 ] || {
        [ "$status" -ge 3 ] && [ "$status" -le 4 ] &&
            [ "$(wc -l <"$work/err")$(grep -ac '^sealring: [[:print:]]*$' "$work/err")" = 11 ]
    }
    report $? "rotate where a file may have $blocks blocks (status $status)"
done
limited 0 rotate r --json
ok "--json tells it, too" test "$(json .error.exit)" = "$status"
must ring set r --keep 100
run rotate r
succeeds "rotate without a limit"
restore

# ---- Exchanged while open ----

must ring create open
awk 'BEGIN { print "client"; for (i = 1; i <= 8000; i++) print "client-" i }' >"$work/long.csv"
mkfifo "$work/pipe"
"$SEALRING" issue open --from "$work/long.csv" >"$work/pipe" 2>"$work/err" &
writer=$!
exec 3<"$work/pipe"
head -c 1000 <&3 >/dev/null
cp -a "$registry" "$work/exchanged"
mv "$database" "$database.old"
cp -a "$database.old" "$database"
cat <&3 >"$work/rest"
wait $writer
status=$?
exec 3<&-
: >"$work/out"
says 4 'registry file was replaced while open: .*sealring.db is another file now' "a registry exchanged under a bulk issue"
restore

# ---- The locked ones come in ----

wait $locking
status=$(cat "$work/locked.status") && cp "$work/locked.out" "$work/out" && grep -v '^waiting: ' "$work/locked.err" >"$work/err"
ok "who waits for a lock learns at once for whom" \
    grep -Eq '^waiting: the vault is locked by ops@example 123 rotate .*the kernel lists process [0-9]+' "$work/locked.err"
says 4 'the vault is locked by ops@example 123 rotate .*: try again when it is done' "a locked vault"
ok "can still verify" grep -q '^accepted ' "$work/locked.verify"
ok "inside another's transaction it can, too" grep -q '^accepted ' "$work/held.verify"
status=$(cat "$work/held.status") && cp "$work/held.out" "$work/out" && cp "$work/held.err" "$work/err"
says 4 "sealring.db is busy with another program's transaction: try again" "but not write"
status=$(cat "$work/excluded.status") && cp "$work/excluded.out" "$work/out" && cp "$work/excluded.err" "$work/err"
says 4 "sealring.db is busy with another program's transaction: try again" "locked out altogether"
is "$(cat "$work/after.status")" 0 "afterwards it goes on"

run_with "$work/good" verify
succeeds "in the end all is well"
done_testing
