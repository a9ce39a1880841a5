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
out_like 'would be made' "says so"
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

run ring list
succeeds "ring list"
out_like '^RING +PREFIX +ACTIVE +VERSIONS +API KEYS +OVERLAP +CREATED$' "has headers"
out_like '^payments +acme_live +1 +1 +0 +2d12h ' "and a line for each ring"
out_like '^test +sr +1 +1 +0 +7d ' "with the defaults"
is "$(head -n 2 "$work/out" | awk '{ print index($0, $2) }' | uniq | wc -l)" 1 "the columns are aligned"

run ring set payments --overlap 3d
succeeds "ring set"
run ring show payments
out_like '^overlap +3d ' "has changed the overlap"
out_like '^keep +2 ' "and left the rest"
out_like '^ +1 +active ' "ring show lists the versions"
run ring set payments
status_is 2 "ring set without anything to set is a usage error"
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
