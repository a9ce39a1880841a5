#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# API keys that are bound to networks: issued so, bound, listed, lifted; also in CSV files, and after a restore.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

must init
must ring create payments --prefix acme_live
must client add acme
run issue payments --client acme --from-addresses '203.0.113.7,2001:db8::/48' --out "$work/bound"
succeeds "a key is issued that is bound to networks"
run key list
key=$(awk '$3 == "acme" { print $1 }' "$work/out")

accepted_from() { # ADDRESS WHAT
    run_with "$work/bound" verify --address "$1"
    succeeds "$2"
}
rejected_from() { # ADDRESS WHAT
    run_with "$work/bound" verify --address "$1"
    status_is 1 "$2"
    out_like '^address ' "$2: its verdict"
    out_like "^the address $1 is in none of the networks that the API key is bound to\$" "$2: the reason has the address"
}

accepted_from 203.0.113.7 "it is accepted from its address"
accepted_from ::ffff:203.0.113.7 "also if that is written as IPv6"
accepted_from 2001:db8:0:1::1 "and from its network"
rejected_from 203.0.113.8 "it is rejected from another address"
rejected_from 2001:db9::1 "and from another network"
run_with "$work/bound" verify
status_is 1 "it is rejected where the address is not known"
out_like '^the API key is bound to networks, and the request.s address is not known$' "the reason says so"
run_with "$work/bound" --json verify --address 192.0.2.1
out_like '"http_status": 403' "the status is 403"
run_with "$work/bound" verify --address 203.0.113.0/24
status_is 2 "a network is no address of a request"

run key show "$key"
out_like '^ *from addresses  *203.0.113.7/32,2001:db8::/48$' "key show has the networks"
run key list
out_like "^$key .* active \\(bound\\) " "key list shows that it is bound"
run --json key list
out_like '"203.0.113.7/32"' "key list has them"
run reissue "$key"
succeeds "the key is reissued"
run key set "$key" --from-addresses 203.0.113.7
succeeds "fewer addresses"
rejected_from 2001:db8:0:1::1 "what was taken away is rejected"
accepted_from 203.0.113.7 "what was left is accepted"
run key set "$key" --from-addresses 203.0.113.7/32
status_is 1 "the same addresses are no change"
err_like 'is bound to these addresses already: 203.0.113.7/32' "it says so"
run key set "$key" --from-addresses 198.51.100.0/24,203.0.113.0/24
succeeds "further addresses"
accepted_from 198.51.100.200 "they count"
run key suspend "$key"
must key resume "$key"
rejected_from 192.0.2.1 "other acts leave the addresses"
run key set "$key" --from-addresses any
succeeds "the addresses are lifted"
accepted_from 192.0.2.1 "it is accepted from anywhere"
run_with "$work/bound" verify
succeeds "and without an address"
run key show "$key"
not_ok "key show has no networks any more" grep -q 'from addresses' "$work/out"

for list in 203.0.113.1/24 300.0.0.1 203.0.113.0/33 ',' 'a b'; do
    run key set "$key" --from-addresses "$list"
    status_is 2 "refused: $list"
    err_like 'the list of addresses has ' "it says why: $list"
done
run key set "$key" --from-addresses 203.0.113.7 --label other
status_is 2 "one change at a time"

cat >"$work/list.csv" <<'END'
client,from_addresses
web,"203.0.113.0/24,198.51.100.1"
batch,
END
run issue payments --from "$work/list.csv" --out "$work/list.out"
succeeds "a list with addresses"
awk -F, '$1 == "web" { print $8 }' "$work/list.out" >"$work/bound"
web=$(awk -F, '$1 == "web" { print $3 }' "$work/list.out")
accepted_from 198.51.100.1 "the first line's key is accepted from its networks"
rejected_from 198.51.100.2 "and from no other"
run issue payments --from "$work/list.csv" --out "$work/list.out2"
succeeds "the list can be repeated"
must key set "$web" --from-addresses 198.51.100.1
run issue payments --from "$work/list.csv" --out "$work/list.out3"
status_is 1 "but not after the key got other addresses"
err_like 'with other addresses: sealring key set' "it says why"

run audit verify
succeeds "the audit log agrees"
run doctor
not_ok "the doctor reports nothing about the keys" grep -q 'API key' "$work/out"




# ---- With SQL and no token ----

sql() {
    unguarded "$SEALRING_VAULT/registry/sealring.db" "$1" || bail_out "the edit itself failed: $1"
}
must issue payments --client acme --label edited --from-addresses 203.0.113.0/24 --out "$work/edited"
cp -a "$SEALRING_VAULT" "$work/saved"
cp "$work/edited" "$work/bound"
for edit in "UPDATE closed_fact SET value = replace(value, '203.0.113.0/24', '0.0.0.0/0')" \
    "UPDATE closed_fact SET value = substr(value, 1, 4) WHERE sequence = (SELECT max(sequence) FROM closed_fact)" \
    "DELETE FROM closed_fact WHERE sequence = (SELECT max(sequence) FROM closed_fact)"; do
    sql "$edit"
    run client add probe
    status_is 1 "the next act is refused: $edit"
    run audit verify
    status_is 1 "audit verify finds it: $edit"
    run_with "$work/bound" verify --address 192.0.2.1
    not_ok "a server that starts accepts it from nowhere else: $edit" [ "$status" -eq 0 ]
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/saved" "$SEALRING_VAULT"
done

# ---- After the loss of the registry ----

must backup "$work/backup"
must key set "$web" --from-addresses 203.0.113.0/24
must issue payments --client acme --label later --from-addresses 192.0.2.0/24 --out "$work/later"
must issue payments --client acme --label ended --from-addresses 192.0.2.0/24 --out "$work/ended"
ended=$(cut -d _ -f 3 "$work/ended")
must key rekey "$ended" --out "$work/ended2"
must revoke "$ended"
run --json audit export
cp "$work/out" "$work/log.json"
rm -f "$SEALRING_VAULT/registry/sealring.db" "$SEALRING_VAULT/registry/sealring.db"-*
run restore "$work/backup" --log "$work/log.json"
succeeds "the registry is restored with the acts since the backup"
cp "$work/later" "$work/bound"
accepted_from 192.0.2.9 "the key that was issued since is accepted from its network"
rejected_from 203.0.113.9 "and from no other"
run --json key show "$web"
out_like '"203.0.113.0/24"' "the other key has its last addresses"
run audit verify
succeeds "the audit log agrees after the restore"
done_testing
