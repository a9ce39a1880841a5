#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring usage --lagging: who still calls with a version that ends, the most urgent first, as a table, JSON and CSV.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

key_of() { # FILE
    cut -d_ -f3 "$1"
}
issue() { # RING CLIENT
    must issue "$1" --client "$2"
    cp "$work/out" "$work/$2"
}
call() { # FILE TIMES
    for _ in $(seq "$2"); do
        run_with "$work/$1" verify
        status_is 0 "$1 is accepted"
    done
}
order() {
    run usage --lagging "$@" --json
    jq -r '[.lagging[].client] | join(" ")' "$work/out"
}

must init
must ring create r --prefix acme_live --overlap 2d
must ring create s --prefix acme_other --overlap 1d
for client in mixed idle moved unaware other soon; do
    must client add "$client"
done
issue r mixed
issue r idle
issue r moved
issue r unaware
issue r other
issue s soon
call mixed 1
is "$(order)" "" "nobody lags before a rotation"
run usage --lagging
err_like 'no API key lags behind the active version' "as it reports"

# ---- two versions: ring s ends first
must rotate r --no-wait
must rotate s --no-wait
for client in mixed moved unaware; do
    must reissue "$(key_of "$work/$client")"
    cp "$work/out" "$work/$client-new"
done
call mixed 2
call mixed-new 1
call moved 3
call moved-new 1
call soon 1
call moved 3
is "$(order | tr ' ' '\n' | sed -n 1p)" soon "whose version ends first comes first"
# mixed: 3 of 4 with version 1, moved: 6 of 7; the others did not call
is "$(order r | tr ' ' '\n' | sed -n '1,2p' | tr '\n' ' ')" "moved mixed " "then who calls most with it"
is "$(order r | wc -w)" 5 "keys without calls lag as well, while they have no used credential of the active version"

run usage r --lagging --json
one() { # CLIENT FILTER
    printf '.lagging[] | select(.client == "%s") | %s' "$1" "$2"
}
json_is "$(one mixed '[.calls, .behind, .newest.version, .newest.used] | join(" ")')" "4 3 2 true" "calls, those behind, the newest credential"
json_is "$(one mixed '[.versions[] | "\(.version) \(.state) \(.calls) \(.share)"] | join(",")')" "1 retiring 3 0.75,2 active 1 0.25" "the share of each version"
json_is "$(one unaware '[.newest.version, .newest.used, .calls] | join(" ")')" "2 false 0" "a successor that was never used"
json_is "$(one unaware '.last_use')" null "nor was the other one"
json_is "$(one idle '[.newest.version, .newest.used] | join(" ")')" "1 false" "a key without a successor"
json_is "$(one mixed '.ends')" "$("$SEALRING" ring show r --json | jq -r '.ring.version_list[] | select(.version == 1).retire_at')" "the announced end"
run usage s --lagging --json
json_is "$(one soon '[.last_version, .behind] | join(" ")')" "1 1" "the version of the last use"
run usage --lagging --client soon
out_like '^KEY ID +RING +CLIENT +LABEL +CALLS +SHARE +NEWEST +RENEWED +ERRORS +ENDS +LAST USE$' "the table has headers"
out_like "^$(key_of "$work/soon") +s +soon +default +1 +100 % version 1 +version 1 +no +- +in (23h|1d)[0-9a-z]* +.*, version 1\$" "and a line for each key"
run usage --lagging --key "$(key_of "$work/unaware")"
out_like 'version 2, never used +no +- +in .* never called$' "never used, never called"

# ---- uses that nobody has harvested, as somebody is at work
flock -F "$work/vault/vault.lock" sleep 60 &
holder=$!
while flock -n "$work/vault/vault.lock" true; do sleep 0.05; done
call soon 2
run usage s --lagging --json
kill "$holder"
json_is "$(one soon '.calls')" 3 "are counted"

# ---- CSV
run usage r --lagging --csv
succeeds "as CSV"
is "$(sed -n 1p "$work/out")" "key_id,ring,client,label,state,newest_version,newest_used,version,version_state,calls,share,ends,last_use,last_version,renewed,renewal_errors,last_error,last_error_time" "with names"
is "$(grep -c "^$(key_of "$work/mixed")," "$work/out")" 2 "a line for each version that it called with"
out_like "^$(key_of "$work/mixed"),r,mixed,default,active,2,yes,1,retiring,3,0\\.750,20[^,]*Z,20[^,]*Z,[12],,0,,\$" "the retiring one"
out_like "^$(key_of "$work/other"),r,other,default,active,1,no,,,0,0\\.000,20[^,]*Z,,,,0,,\$" "no calls"

# ---- renewals that fail, until one succeeds
errors() { # CLIENT: of ring s
    run usage s --lagging --json
    json_is "$(one "$1" '[.renewal_errors[] | "\(.error) \(.count)"] | join(",")')" "$2" "$3"
}
errors soon "" "no renewal failed"
must audit show --json
entries=$(json '.entries | length')
run_with "$work/soon" renew
run_with "$work/soon" renew
errors soon "renewal-off 2" "renewals that failed are counted by their results"
sed 's/_1_......../_1_AAAAAAAA/' "$work/soon" >"$work/wrong"
run_with "$work/wrong" renew
run_with "$work/soon" renew --dry-run
errors soon "renewal-off 2" "a wrong secret counts for nothing, nor does a dry run"
must audit show --json
is "$(json '.entries | length')" "$entries" "errors are no acts"
must ring set s --renew bearer
must key set "$(key_of "$work/soon")" --from-addresses 192.0.2.0/24
run_with "$work/soon" renew --peer 203.0.113.9
errors soon "address 1,renewal-off 2" "each kind for itself, the latest first"
run usage s --lagging
out_like "^$(key_of "$work/soon") .* no +3, address (now|[0-9]+s ago) +in " "in the table"
run usage s --lagging --csv
out_like ",3,address,20[^,]*Z\$" "as CSV"
must key suspend "$(key_of "$work/soon")"
run_with "$work/soon" renew --peer 192.0.2.1
errors soon "rejected 1,address 1,renewal-off 2" "a suspended key, as well"
must key resume "$(key_of "$work/soon")"
must key set "$(key_of "$work/soon")" --from-addresses any

# ---- by itself, or by an operator
must ring set s --renew bearer
run_with "$work/soon" renew
succeeds "a client renews by itself"
newest=$(cut -d_ -f3 "$work/soon")
run usage s --lagging --json
json_is "$(one soon '.renewal_errors | length')" 0 "errors before that count no more"
json_is "$(one soon '.newest.renewed')" "$("$SEALRING" key show "$newest" --json | jq -r '.key.credential_list[] | select(.serial == 2).issued')" \
    "when its newest credential was renewed"
run usage s --lagging
out_like "^$newest .* version 2, never used +(now|[0-9]+s ago) +- +in " "in the table"
run usage s --lagging --csv
out_like "^$newest,s,soon,default,active,2,no,1,.*,1,20[^,]*Z,0,,\$" "as CSV"
run usage r --lagging --json
json_is "$(one mixed '.newest.renewed')" null "what an operator made was not renewed"

# ---- the time asked about
run usage r --lagging --since 2099-01-01T00:00:00Z --json
json_is "$(one mixed '.calls')" "" "what was called before counts for nothing: its newest credential was used"
json_is "$(one unaware '.calls')" 0 "who never used it lags whenever"

# ---- who has moved, and who is revoked, lags no more
for client in idle moved unaware other; do
    must revoke "$(key_of "$work/$client")" --reason test --no-wait
done
is "$(order r)" mixed "revoked keys do not lag"
must retire r 1 --overrule test --overrule-succession test --no-wait
run usage r --lagging --json
json_is "$(one mixed '[.versions[] | "\(.version) \(.state) \(.calls)"] | join(",")')" "1 retired 3,2 active 1" "the version has ended"
run usage --lagging
out_like "^$(key_of "$work/mixed") .* (now|[0-9]+s ago) +.*, version [12]\$" "a version that has ended"
is "$(order | cut -d' ' -f1)" mixed "comes before one that will"

# ---- wrong inputs
run usage r --lagging --by day
status_is 2 "--lagging has no periods"
run usage r --csv
status_is 2 "--csv is a form of --lagging"
run usage r --lagging --csv --json
status_is 2 "not both forms"
run usage nosuch --lagging
status_is 1 "no such ring"
done_testing
