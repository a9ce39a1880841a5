#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring client: add, list, show, set, forget.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create r
run client list
succeeds "an empty list is no error"
err_like 'sealring client add' "and says how to go on"
run client add acme --contact 'Jürgen <j@acme.example>' --dry-run
out_like '^client acme would be added$' "client add --dry-run says so"
run client show acme
status_is 1 "and adds nothing"
run client add acme --contact 'Jürgen <j@acme.example>'
succeeds "client add"
run client add acme
status_is 1 "a second one of that name is refused"
run client add 'a b'
status_is 2 "a bad name is a usage error"
must client add bob@example.org
run client list
out_like '^acme +0 +Jürgen <j@acme.example> +20' "client list shows the contact"
is "$(head -n 3 "$work/out" | tail -n 2 | sed 's/ü/u/' | awk '{ print index($0, "20") }' | uniq | wc -l)" 1 \
    "columns are aligned, beyond ASCII too"
must issue r --client acme --scope read
run client show acme
out_like '^API keys +1$' "client show counts API keys"
out_like '^[0-9A-Za-z]{16} +r +acme +default +active' "and lists them"
run client forget acme
status_is 1 "a client with API keys is not forgotten"
must revoke "$(run key list --client acme --json; json '.keys[0].key_id')"
run client forget acme
succeeds "after revoking them it is"
run client show acme --json
json_is .client.contact '' "the contact is gone"
ok "the time is told" test "$(json .client.forgotten)" != null
run issue r --client acme
status_is 1 "it gets no new API keys"
run client set bob@example.org --contact bob
succeeds "client set"
run client show bob@example.org
out_like '^contact +bob$' "changes the contact"
run client set bob@example.org
status_is 2 "client set without contact is a usage error"
run client set nosuch --contact x
status_is 1 "an unknown client is not found"
done_testing
