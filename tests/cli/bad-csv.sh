#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# CSV as programs really write it is read for what it says; one bad line among many is named, and nothing is issued.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/snapshot.sh
. "$here/snapshot.sh"

must init
must ring create r --prefix acme_live
must client add forgotten
must client forget forgotten

# ---- What is odd and good ----

accepts() { # NAME CONTENT WANTED: the registry's `client|contact|label|scopes` of what was issued
    printf %b "$2" >"$work/good.csv"
    before=$(rows "SELECT coalesce(max(id), 0) FROM api_key")
    run issue r --from "$work/good.csv" --out "$work/good.out"
    succeeds "$1"
    is "$(rows "SELECT c.name, c.contact, k.label, d.scopes FROM api_key k JOIN client c ON c.id = k.client
        JOIN credential d ON d.api_key = k.id WHERE k.id > $before ORDER BY k.id")" "$(printf %b "$3")" "means what it says"
}
accepts "a byte order mark" '\357\273\277client\nbom\n' 'bom||default|'
accepts "CRLF" 'client,label\r\ncrlf,x\r\ncrlf,y\r\n' 'crlf||x|\ncrlf||y|'
accepts "a last line without its end" 'client,label\nlast,x' 'last||x|'
accepts "CR alone" 'client,label\rmac,x\rmac,y\r' 'mac||x|\nmac||y|'
accepts "quoted commas and marks" 'client,contact\nquoted,"a ""b"", c"\n' 'quoted|a "b", c|default|'
accepts "quotes that are not needed" '"client","label"\n"plain","x"\n' 'plain||x|'
accepts "spaces around fields" 'client , scopes\n spaced , write  read \n' 'spaced||default|read write'
accepts "empty lines" '\n\nclient\n\n\nempty\n\n' 'empty||default|'
accepts "UTF-8 where it is allowed" 'client,contact\nutf8,Gr\303\266\303\237e \360\237\224\221\n' 'utf8|Größe 🔑|default|'
accepts "columns in any order" 'scopes,expires,label,client,contact\nread,,x,order,me\n' 'order|me|x|read'
accepts "a scope twice" 'client,scopes\ntwice,read write read\n' 'twice||default|read write'
printf 'client,label\nbom,\nbom,more\n' >"$work/good.csv"
run issue r --from "$work/good.csv"
succeeds "what was issued before and what was not"
is "$(cut -d, -f1,2,9 "$work/out" | tail -n +2 | tr '\n' ' ')" "bom,default,existed bom,more,issued " "is told apart"

# ---- What is bad, anywhere in a long file ----

printf 'client,contact,label,scopes,expires,not_before\n' >"$work/many.csv"
awk 'BEGIN { for (i = 2; i <= 10000; i++) printf "client-%05d,,,read write,,\n", i }' >>"$work/many.csv"
snapshot "$work/before"

refuses() { # NAME LINE TEXT STATUS REGEX: TEXT (as printf's %b) takes the place of LINE
    {
        head -n $(($2 - 1)) "$work/many.csv"
        printf %b "$3"
        tail -n +$(($2 + 1)) "$work/many.csv"
    } >"$work/bad.csv"
    run issue r --from "$work/bad.csv" --out "$work/bad.out"
    snapshot "$work/after"
    {
        [ "$status" -eq "$4" ] || echo "exit status $status, not $4"
        [ "$(wc -l <"$work/err")" -eq 1 ] || echo "not one line"
        grep -Eq "^sealring: .*bad.csv, $5.*; nothing was done\$" "$work/err" || echo "no line matches $5"
        cmp -s "$work/before" "$work/after" || echo "something has changed"
        [ ! -e "$work/bad.out" ] || echo "there is a result"
        [ ! -s "$work/out" ] || echo "stdout is not empty"
    } >"$work/faults"
    [ ! -s "$work/faults" ]
    report $? "$1" "$(tr '\n' ';' <"$work/faults")"
}
refuses "line 5,000: a bad name" 5000 'bad name,,,,,\n' 2 "line 5000: the client's name has a character"
refuses "line 5,000: invalid UTF-8 in a name" 5000 'bad\377,,,,,\n' 2 "line 5000: the client's name has a character"
refuses "line 5,000: invalid UTF-8 in a contact" 5000 'bad,\303(,,,,\n' 2 'line 5000: the contact .* not UTF-8'
refuses "line 5,000: a control character" 5000 'bad,a\033b,,,,\n' 2 'line 5000: the contact .* control character'
refuses "line 5,000: a NUL byte" 5000 'b\000d,,,,,\n' 2 'line 5000: field 1 holds a NUL byte'
refuses "line 5,000: a field is missing" 5000 'bad,,,,\n' 2 'line 5000: there are 5 fields where the header has 6'
refuses "line 5,000: a field too many" 5000 'bad,,,,,,\n' 2 "line 5000: there are more fields than the header's 6"
refuses "line 5,000: no client" 5000 ',,,,,\n' 2 'line 5000: the client is missing'
refuses "line 5,000: a scope that is none" 5000 'bad,,,a\\\\b,,\n' 2 'line 5000: the set of scopes of client bad has'
refuses "line 5,000: an expiry in the past" 5000 'bad,,,,2001-01-01T00:00:00Z,\n' 2 'line 5000: the expiry .* is past'
refuses "line 5,000: an expiry before not_before" 5000 'bad,,,,2099-01-01T00:00:00Z,2099-01-01T00:00:00Z\n' 2 \
    'line 5000: the expiry .* is not after its not-before time'
refuses "line 5,000: a client twice" 5000 'client-00017,,,,,\n' 2 'line 5000 repeats client client-00017 .* of line 17:'
refuses "line 5,000: a quotation mark within a field" 5000 'b"d,,,,,\n' 2 'line 5000: this is no CSV'
refuses "line 5,000: a quotation that does not end" 5000 '"bad,,,,,\n' 2 'line 5000: longer than 65536 bytes: .*quoted field'
refuses "line 5,000: a quoted newline" 5000 '"bad\nname",,,,,\n' 2 "line 5000: the client's name has a character"
refuses "line 5,000: a client that was forgotten" 5000 'forgotten,,,,,\n' 1 'line 5000: client forgotten was forgotten'
refuses "line 5,000: an API key with other scopes" 5000 'twice,,,admin,,\n' 1 'line 5000: client twice has the API key'
refuses "the last line, without its end" 10000 '"bad' 2 'line 10000: a quoted field does not end'
refuses "the first line" 1 'client,contact,label,scopes,expires,colour\n' 2 'line 1: column 6 of the header is none of'
refuses "the first line in UTF-16" 1 '\377\376c\000l\000i\000\n\000' 2 'line 1: '

# ---- What is no list at all, however large ----

run issue r --from "$work/many.csv" --dry-run
succeeds "without a bad line it would be issued"
truncate -s 1G "$work/sparse.csv"
limit=1000000 # KiB: the file must not be taken into memory
# shellcheck disable=SC3045 # dash has it, too
if ! (ulimit -v $limit && exec "$SEALRING" --version) >/dev/null 2>&1; then
    limit=unlimited
    echo "# this build (with sanitizers?) wants more memory than 1 GiB at once: no limit for it"
fi
started=$(date +%s)
(
    # shellcheck disable=SC3045
    ulimit -v $limit
    exec "$SEALRING" issue r --from "$work/sparse.csv" >"$work/out" 2>"$work/err"
)
status=$?
status_is 2 "a sparse file of 1 GiB is refused"
err_like 'sparse.csv, line 1: longer than 65536 bytes: ' "by its first line"
ok "without being read" test $(($(date +%s) - started)) -lt 10
echo client >"$work/sparse.csv"
truncate -s 1G "$work/sparse.csv"
run issue r --from "$work/sparse.csv" --dry-run
status_is 2 "also below a header"
err_like 'sparse.csv, line 2: longer than 65536 bytes: ' "by the line"
run_with /dev/zero issue r --from -
status_is 2 "a stream without an end is refused"
snapshot "$work/after"
ok "nothing has changed" cmp -s "$work/before" "$work/after"
done_testing
