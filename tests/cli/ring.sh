#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring ring: create, list, show, set.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
run ring list
succeeds "an empty list is no error"
out_empty "and no data"
err_like 'sealring ring create' "but says how to go on"
run status
err_like 'sealring ring create' "so does status"

run ring create payments --prefix acme_live --overlap 2d12h --keep 2 --dry-run
succeeds "ring create --dry-run"
out_like 'would be created' "says so"
run ring show payments
status_is 1 "and makes nothing"

run ring create payments --prefix acme_live --overlap 2d12h --keep=2
succeeds "ring create"
out_like 'ring payments is ready: prefix acme_live, version 1 is active' "tells what there is"
run ring create payments
status_is 1 "a second one of that name is refused"
one_line_error "in one line"
run ring create 'no spaces'
status_is 2 "a bad name is a usage error"
run ring create other --prefix Upper
status_is 2 "so is a bad prefix"
run ring create other --overlap 5
status_is 2 "so is a duration without unit"
run ring create other --keep 0
status_is 2 "so is keeping none"
must ring create test

# A policy that nobody could live with is refused, with the arithmetic.
run ring create other --quiet-period 0s
status_is 2 "a quiet period of nothing is a usage error"
err_like 'quiet' "which names it"
run ring create other --quiet-period 3651d
status_is 2 "so is one beyond ten years"
run ring create other --standby --no-standby
status_is 2 "a switch both ways is a usage error"
err_like '--standby and --no-standby contradict each other' "and says so"
run ring create other --rotate-every 1s
status_is 2 "rotating faster than a version can live is refused"
err_like 'ring other cannot be' "with the reason"
run ring show other
status_is 1 "none of them made a ring"

run ring list
succeeds "ring list"
out_like '^RING +PREFIX +ACTIVE +VERSIONS +API KEYS +OVERLAP +ROTATES +CREATED$' "has headers"
out_like '^payments +acme_live +1 +1 +0 +2d12h +by hand ' "and a line for each ring"
out_like '^test +sr +1 +1 +0 +7d +by hand ' "with the defaults"
is "$(head -n 2 "$work/out" | awk '{ print index($0, $2) }' | uniq | wc -l)" 1 "the columns are aligned"

run ring set payments --overlap 3d
succeeds "ring set"
run ring show payments
out_like '^overlap +3d ' "has changed the overlap"
out_like '^keep +2 ' "and left the rest"
out_like '^quiet period +1d without a use before a version retires$' "ring show tells the quiet period"
out_like '^ +1 +active ' "ring show lists the versions"
run ring set payments
status_is 2 "ring set without anything to set is a usage error"
must ring set test --quiet-period 12h --rotate-every 90d --standby --idle-blocks --usage-hourly 2d --usage-daily 90d
run ring show test --json
json_is '.ring | [.quiet_period, .rotate_every, .usage_hourly, .usage_daily] | join(" ")' "12h 90d 2d 90d" \
    "ring set changes each duration of the policy"
json_is '.ring | [.standby, .idle_blocks] | map(tostring) | join(" ")' "true true" "and its switches"
must ring set test --no-standby --no-idle-blocks --rotate-every 0s
run ring show test --json
json_is '.ring | [.standby, .idle_blocks, .rotate_every] | map(tostring) | join(" ")' "false false null" "there and back"
is "$("$SEALRING" ring show test --json | jq -c '.ring | [.deliver, .leaks]')" '["none","alarm"]' "successors are handed over by hand, a leak is an alarm"
for wrong in '--deliver mail' '--deliver off' '--leaks none'; do
    # shellcheck disable=SC2086 # two words
    run ring set test $wrong
    status_is 2 "$wrong is a usage error"
    err_like "${wrong% *} takes " "which lists the words"
done
for words in 'notify suspend' 'sealed rekey' 'hook alarm'; do
    must ring set test --deliver "${words% *}" --leaks "${words#* }"
    run ring show test --json
    json_is '.ring | .deliver + " " + .leaks' "$words" "ring set changes both"
done
run ring show test
out_like '^successors +handed to hooks by sealring run$' "ring show reports who hands successors over"
out_like '^leaks +raise an alarm$' "and what a leak does"
run ring set nosuch --keep 2
status_is 1 "an unknown ring is not found"
one_line_error "in one line"
run ring set payments --overlap 10d --dry-run
succeeds "ring set --dry-run"
run ring show payments --json
json_is .ring.overlap 3d "changes nothing"
json_is .ring.keep 2 "ring show --json has the policy"
json_is '.ring.version_list[0].state' active "and the versions"
done_testing
