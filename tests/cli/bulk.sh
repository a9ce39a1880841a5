#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring issue --from: CSV read strictly, everything checked first, interruptions that lose nothing.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r --prefix acme_live

bad() { # NAME REGEX CONTENT
    printf %b "$3" >"$work/bad.csv"
    run issue r --from "$work/bad.csv"
    status_is 2 "$1 is refused"
    err_like "$2" "naming the place"
    out_empty "with nothing on standard output"
}
bad "an empty file" 'empty' ''
bad "a header alone" 'no clients' 'client\n'
bad "a header without client" 'line 1: .*client' 'label,scopes\nx,y\n'
bad "an unknown column" 'line 1: column 2' 'client,colour\na,red\n'
bad "a column twice" 'line 1: .*twice' 'client,client\na,b\n'
bad "a line with too few fields" 'line 3: ' 'client,scopes\na,x\nb\n'
bad "a line with too many fields" 'line 2: ' 'client\na,b\n'
bad "a quotation that does not end" 'line 2: ' 'client\n"a\n'
bad "a quotation mark within a field" 'line 2: ' 'client\na"b\n'
bad "a line without client" 'line 3: .*client is missing' 'client,scopes\nok,x\n,x\n'
bad "a time that is none" 'line 2: expires' 'client,expires\na,tomorrow\n'
bad "a bad name below an empty line" 'line 4: ' 'client\nok\n\nb c\n'
bad "a client twice with one label" 'line 4 repeats client a with label default of line 2: ' 'client\na\nb\na\n'
run client list
out_empty "no client was added by any of them"
run issue r --from "$work/nosuch.csv"
status_is 1 "a missing file is refused"

# A byte order mark, CRLF, another order, quotation marks, empty fields.
printf '\357\273\277label,scopes,client,expires,contact\r\nweb,"read,all write",acme,2099-01-01T00:00:00Z,"a ""b"", c"\r\n,,bob,,\r\n' \
    >"$work/clients.csv"
run issue r --from "$work/clients.csv" --dry-run
succeeds "--dry-run checks the file"
err_like 'would issue' "says so"
run client list
out_empty "and changes nothing"
run issue r --from "$work/clients.csv"
succeeds "issue --from"
cp "$work/out" "$work/first.csv"
is "$(head -n 1 "$work/out")" client,label,key_id,version,serial,expires,scopes,credential,state "the result has a header"
out_like '^acme,web,[0-9A-Za-z]{16},1,1,2099-01-01T00:00:00Z,"read,all write",acme_live_[^,]*,issued$' "a line for each client"
out_like '^bob,default,[0-9A-Za-z]{16},1,1,,,acme_live_[^,]*,issued$' "in the order of the file"
run client show acme --json
json_is .client.contact 'a "b", c' "the contact is taken over"
run_with "$work/clients.csv" issue r --from - --out "$work/second.csv"
succeeds "the same again, from standard input"
err_like '^0 issued, 2 had been issued before$' "issues nothing"
is "$(sed 's/,issued$/,existed/' "$work/first.csv")" "$(cat "$work/second.csv")" "and gives the same result"
printf 'client,label,scopes\nacme,web,other\nnew,,\n' >"$work/clients.csv"
run issue r --from "$work/clients.csv" --out "$work/second.csv"
status_is 1 "other claims for an existing API key are refused"
err_like 'line 2' "naming the line"
is "$(wc -l <"$work/second.csv")" 3 "the former result stays"
run client show new
status_is 1 "nothing was issued to the others"
printf 'client,expires\nrelative,90d\n' >"$work/clients.csv"
must issue r --from "$work/clients.csv"
sleep 1.1 # so that the same duration means another time
run issue r --from "$work/clients.csv" --json
succeeds "a duration may be repeated"
json_is .state existed "and means the API key that exists"

# A bad line among ten thousand.
{
    echo client,scopes
    seq -f 'client-%05g,read write' 1 10000
} >"$work/many.csv"
sed '5000s/.*/bad name,read/' "$work/many.csv" >"$work/bad.csv"
run issue r --from "$work/bad.csv" --out "$work/bad.out"
ok "one bad line of 10,000 is refused" test "$status" -ne 0
err_like 'bad.csv, line 5000: ' "by its number"
not_ok "there is no result" test -e "$work/bad.out"
run key list --json
json_is '.keys | length' 3 "and nothing was issued"

# kill -9 in the middle: the reader stops reading, so the writer is caught in the act.
must ring create killed
mkfifo "$work/pipe"
"$SEALRING" issue killed --from "$work/many.csv" >"$work/pipe" 2>"$work/err" &
writer=$!
exec 3<"$work/pipe"
head -c 1000 <&3 >"$work/piece"
kill -9 $writer
wait $writer 2>/dev/null
exec 3<&-
run ring list --json
before=$(json '.rings[] | select(.name == "killed") | .keys')
ok "a killed run has issued some ($before)" test "$before" -gt 0 -a "$before" -lt 10000
run issue killed --from "$work/many.csv" --out "$work/all.csv"
succeeds "the same again completes it"
err_like "^[0-9,]+ issued, [0-9,]+ had been issued before$" "and says so"
is "$(grep -c ',existed$' "$work/all.csv")" "$before" "what was issued before is handed over again"
is "$(wc -l <"$work/all.csv")" 10001 "the result is complete"
is "$(tail -n +2 "$work/all.csv" | cut -d, -f1 | sort -u | wc -l)" 10000 "each client once"
is "$(tail -n +2 "$work/all.csv" | cut -d, -f3 | sort -u | wc -l)" 10000 "each with its own API key"
run ring list --json
is "$(json '.rings[] | select(.name == "killed") | .keys')" 10000 "no API key too many was made"
tail -n 1 "$work/all.csv" | cut -d, -f8 >"$work/last"
run_with "$work/last" verify --scope write
succeeds "the last credential is accepted"

# SIGTERM in the middle: no half file, an exit status that tells.
must ring create stopped
mkdir "$work/result"
"$SEALRING" issue stopped --from "$work/many.csv" --out "$work/result/out.csv" 2>"$work/err" >"$work/out" &
writer=$!
# shellcheck disable=SC2317 # called by a helper
some_issued() {
    "$SEALRING" ring list --json | jq -e '.rings[] | select(.name == "stopped") | .keys > 0' >/dev/null
}
until_true some_issued
kill -TERM $writer
wait $writer
status=$?
status_is 143 "a run that is told to stop ends with 143"
err_like 'running the same command again completes it' "and says how to go on"
is "$(find "$work/result" | wc -l)" 1 "no file is left, not even a temporary one"

# A terminal sees a progress bar, a pipe does not.
head -n 501 "$work/many.csv" >"$work/some.csv"
must ring create shown
TERM=xterm script -qec "'$SEALRING' issue shown --from '$work/some.csv' --out '$work/shown.csv'" "$work/typescript" >/dev/null
ok "a terminal sees the progress" grep -q 'issuing .* of 500' "$work/typescript"
run issue shown --from "$work/some.csv" --out "$work/shown.csv"
is "$(cat "$work/err")" "0 issued, 500 had been issued before" "a file sees the totals only"
done_testing
