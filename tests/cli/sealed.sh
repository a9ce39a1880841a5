#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sealed delivery: credentials that are encrypted to certificates, by issue, reissue and key rekey; opened by openssl and by the client's check.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/clock.sh
. "$here/clock.sh"
for name in openssl sqlite3; do
    command -v $name >/dev/null || bail_out "$name is missing: sh tools/packages.sh test"
done
unseal=${top_builddir:-.}/unseal_file
[ -x "$unseal" ] || bail_out "there is no $unseal: make check builds it"
database=$SEALRING_VAULT/registry/sealring.db

make_pair() { # NAME ARGUMENT...: of openssl genpkey
    name=$1
    shift
    openssl genpkey -quiet -out "$work/$name.key" "$@" 2>"$work/err" &&
        openssl req -x509 -key "$work/$name.key" -subj "/CN=$name" -days 30 -out "$work/$name.pem" 2>"$work/err"
    [ -s "$work/$name.pem" ] || bail_out "no certificate: $(cat "$work/err")"
}

make_dated() { # NAME BEGIN END: of the key p256
    : >"$work/index"
    printf '[ca]\ndefault_ca = own\n[own]\ndatabase = %s\nnew_certs_dir = %s\nrand_serial = yes\ndefault_md = sha256\npolicy = any\n[any]\n' \
        "$work/index" "$work" >"$work/ca.conf"
    openssl req -new -key "$work/p256.key" -subj "/CN=$1" -out "$work/request"
    openssl ca -batch -notext -config "$work/ca.conf" -selfsign -keyfile "$work/p256.key" -startdate "$2" -enddate "$3" -in "$work/request" \
        -out "$work/$1.pem" 2>"$work/err" || bail_out "no certificate: $(cat "$work/err")"
}

# What openssl alone makes of it: the credential is the first line.
openssl_opens() { # FILE NAME
    openssl cms -decrypt -inform PEM -in "$1" -inkey "$work/$2.key" -recip "$work/$2.pem" -out "$work/plain" 2>"$work/err"
}

unseals() { # FILE NAME [PREFIX [KEYID]]
    file=$1 pair=$2
    shift 2
    "$unseal" "$file" "$work/$pair.key" "$work/$pair.pem" "$work/vault.keys" "$@" >"$work/out" 2>"$work/err"
    status=$?
}

is_accepted() { # FILE NAME: a credential on its first line
    head -n 1 "$1" >"$work/credential"
    run_with "$work/credential" verify
    succeeds "$2"
}

key_of() { # LABEL
    sqlite3 "$database" "SELECT key_id FROM api_key WHERE label = '$1'"
}

registry_has() { # the number of credentials, and of entries
    sqlite3 "$database" "SELECT (SELECT count(*) FROM credential), (SELECT count(*) FROM api_key)"
}

refused() { # STATUS NAME REGEX ARGUMENT...: and nothing is issued
    wanted=$1 name=$2 regex=$3
    shift 3
    before=$(registry_has)
    run "$@"
    status_is "$wanted" "$name: refused"
    err_like "$regex" "$name: with the reason"
    out_empty "$name: and nothing is printed"
    is "$(registry_has)" "$before" "$name: nor issued"
}

make_pair p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
make_pair p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
make_pair rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
make_pair mallory -algorithm EC -pkeyopt ec_paramgen_curve:P-256
make_dated old 20200101000000Z 20210101000000Z
must init
must ring create r --prefix acme_live
for name in p256 p384 rsa mallory; do
    must client add $name --certificate "$work/$name.pem"
done
must client add plain
run audit key --all
cp "$work/out" "$work/vault.keys"

# ---- Each kind of certificate, each command

for pair in p256 p384 rsa; do
    run issue r --client $pair --label $pair --scope read --sealed
    succeeds "issue --sealed for $pair"
    cp "$work/out" "$work/$pair.cms"
    is "$(head -n 1 "$work/$pair.cms")$(tail -n 1 "$work/$pair.cms")" '-----BEGIN CMS----------END CMS-----' "it is CMS in PEM"
    not_ok "it contains no credential" grep -rqa acme_live_ "$work/$pair.cms"
    ok "openssl opens it" openssl_opens "$work/$pair.cms" $pair
    is_accepted "$work/plain" "and its first line is accepted"
    unseals "$work/$pair.cms" $pair acme_live "$(key_of $pair)"
    succeeds "the client's check is content"
    is "$(cat "$work/out")" "$(head -n 1 "$work/plain")
r $pair" "and returns the same, with ring and client"
done
openssl cms -cmsout -print -inform PEM -in "$work/rsa.cms" >"$work/printed" 2>&1
ok "content: AES-256-GCM, authenticated" grep -q 'aes-256-gcm' "$work/printed"
ok "RSA: OAEP" grep -q 'rsaesOaep' "$work/printed"
not_ok "no SHA-1 in RSA's parameters" grep -qi 'sha1' "$work/printed"
openssl cms -cmsout -print -inform PEM -in "$work/p256.cms" >"$work/printed" 2>&1
ok "EC: ECDH with SHA-256" grep -q 'dhSinglePass-stdDH-sha256kdf-scheme' "$work/printed"

run issue r --client plain --label by-recipient --recipient "$work/p384.pem" --json
succeeds "issue --recipient needs no certificate of the client"
json_is '[.credential, .state] | tostring' '[null,"issued"]' "JSON: no credential in plain text"
json .sealed >"$work/json.cms"
unseals "$work/json.cms" p384 acme_live "$(key_of by-recipient)"
succeeds "but the encrypted one"
run issue r --client p256 --label own-file --sealed --out "$work/out.cms"
succeeds "issue --sealed --out FILE"
is "$(mode_of "$work/out.cms")" 600 "is readable by its owner only"
must rotate r
run reissue "$(key_of p256)" --sealed --out "$work/new/"
succeeds "reissue --sealed to a directory"
file=$work/new/p256.p256.$(key_of p256).cms
err_like "it is in $file\$" "names the file"
is "$(mode_of "$file")" 600 "which is readable by its owner only"
unseals "$file" p256
succeeds "and is opened"
run key rekey "$(key_of rsa)" --sealed --out "$work/new" --no-wait
unseals "$work/new/rsa.rsa.$(key_of rsa).cms" rsa acme_live "$(key_of rsa)"
succeeds "key rekey --sealed"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE act IN ('key.issue', 'key.reissue', 'key.rekey') AND detail LIKE '%\"sealed\":true%'")" 7 \
    "the audit log records that they were encrypted"

# ---- In bulk: a file for each API key

{ printf 'client,label,scopes\np256,one,read\np256,two,read\nrsa,one,read\n'; seq -f 'p256,more%g,read' 1 33; } >"$work/clients.csv" # one signature is for 32
run issue r --from "$work/clients.csv" --sealed --out "$work/bulk/"
succeeds "issue --from --sealed"
is "$(find "$work/bulk" -name '*.cms' -perm 600 | wc -l)" 36 "a file for each"
run issue r --from "$work/clients.csv" --sealed --out "$work/bulk/"
succeeds "again"
err_like '^0 issued, 36 had been issued before' "it passes the same"
for each in "$work"/bulk/*.cms; do
    unseals "$each" "$(basename "$each" | cut -d . -f 1)" acme_live "$(basename "$each" .cms | cut -d . -f 3)"
    succeeds "$(basename "$each") is what its name states"
done
not_ok "no file holds a credential in plain text" grep -rqa 'acme_live_' "$work/bulk" "$work/new"
must issue r --client plain --label unsealed
must rotate r
before=$(registry_has)
run reissue r --all --sealed --out "$work/all/"
status_is 1 "reissue --all --sealed fails at the end where a client has no certificate"
err_like '2 API keys of ring r were left out, the others are done: client plain has no certificate: sealring client set plain --certificate FILE' "and names it"
is "$(find "$work/all" -name '*.cms' | wc -l)" "$(sqlite3 "$database" "SELECT count(*) FROM api_key WHERE label NOT IN ('unsealed', 'by-recipient')")" "the others have their files"
is "$(sqlite3 "$database" "SELECT count(*) FROM credential c JOIN api_key k ON c.api_key = k.id WHERE k.label = 'unsealed'")" 1 \
    "no successor was issued that nobody gets"
run reissue r --all --recipient "$work/p384.pem" --out "$work/all-to-one"
status_is 2 "a directory that is missing is named with a slash at its end"
run reissue r --all --recipient "$work/p384.pem" --out "$work/all-to-one/" --dry-run
succeeds "a dry run of all to one recipient"
run reissue r --all --recipient "$work/p384.pem" --out "$work/all-to-one/"
succeeds "all to one recipient"

# ---- What is refused, before anything is issued

refused 1 "a client without a certificate" 'client plain has no certificate: sealring client set plain --certificate FILE' \
    issue r --client plain --label x --sealed
refused 2 "a recipient whose certificate has expired" "the recipient's certificate has expired: 2021-01-01" \
    issue r --client plain --label x --recipient "$work/old.pem"
refused 2 "a file that is no certificate" "the recipient's certificate is not X.509 in PEM or DER" \
    issue r --client plain --label x --recipient "$work/clients.csv"
refused 2 "both options" 'give one of them' issue r --client p256 --label x --sealed --recipient "$work/p256.pem"
refused 2 "several without a directory" 'several encrypted credentials need a directory' issue r --from "$work/clients.csv" --sealed
printf 'client,label\np256,three\nplain,three\n' >"$work/one-without.csv"
refused 1 "a list with a client that has none" "one-without.csv, line 3: client plain has no certificate.*nothing was done" \
    issue r --from "$work/one-without.csv" --sealed --out "$work/bulk/"
printf 'client,label\np256,four\nnewcomer,four\n' >"$work/newcomer.csv"
refused 1 "a list that adds a client" "line 3: client newcomer is not there yet, and would have no certificate" \
    issue r --from "$work/newcomer.csv" --sealed --out "$work/bulk/"
refused 1 "rekeying without a certificate" 'client plain has no certificate' key rekey "$(key_of unsealed)" --sealed

# ---- Edits by SQL: no credential is encrypted to a certificate that nobody has set

alters() { # NAME SQL
    cp -a "$SEALRING_VAULT" "$work/whole"
    unguarded "$database" "$2"
    refused 1 "$1, issue" 'ALARM: the registry was altered: the certificate of client p256 is not the one that was set' \
        issue r --client p256 --label x --sealed
    refused 1 "$1, rekey" 'ALARM: the registry was altered' key rekey "$(key_of p256)" --sealed
    run reissue "$(key_of p256)" --sealed
    status_is 1 "$1, reissue: refused"
    out_empty "$1, reissue: and nothing is printed"
    is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = 'alarm' AND detail LIKE '%the certificate of client%'")" 2 "$1: the log records the alarms"
    rm -rf "$SEALRING_VAULT"
    mv "$work/whole" "$SEALRING_VAULT"
}
der=$(openssl x509 -in "$work/mallory.pem" -outform DER | od -An -v -tx1 | tr -d ' \n')
alters "an exchanged certificate" "UPDATE client SET certificate = X'$der' WHERE name = 'p256'"
alters "another client's certificate" "UPDATE client SET (certificate, certificate_hash, salt) = (SELECT certificate, certificate_hash, salt FROM client WHERE name = 'mallory') WHERE name = 'p256'"
alters "another client's row" "UPDATE client SET name = 'aside' WHERE name = 'p256'; UPDATE client SET name = 'p256' WHERE name = 'mallory'; UPDATE client SET name = 'mallory' WHERE name = 'aside'"

# ---- The client's check: what it refuses

rejects() { # NAME REGEX FILE PAIR [PREFIX [KEYID]]
    what=$1 regex=$2
    shift 2
    unseals "$@"
    status_is 1 "$what: the client refuses it"
    err_like "$regex" "$what: with the reason"
    out_empty "$what: and gets nothing"
}
rejects "another prefix" 'another prefix' "$work/p256.cms" p256 acme_test
rejects "another API key" 'another API key' "$work/p256.cms" p256 acme_live "$(key_of rsa)"
rejects "another recipient" 'not encrypted to this certificate' "$work/p256.cms" mallory
sed '5s/./A/3;5s/./B/4;5s/./C/5' "$work/p256.cms" >"$work/damaged.cms"
rejects "a changed byte" 'damaged or changed|not encrypted|not a sealed' "$work/damaged.cms" p256
openssl_opens "$work/p256.cms" p256
encrypt() { # TEXT NAME: as anybody can who knows the certificate
    openssl cms -encrypt -binary -aes-256-gcm -outform PEM -in "$1" -out "$work/forged.cms" "$work/$2.pem" 2>"$work/err" || bail_out "openssl cms: $(cat "$work/err")"
}
encrypt "$work/plain" p256
unseals "$work/forged.cms" p256
succeeds "what is encrypted again to the same certificate is the same"
encrypt "$work/plain" mallory
rejects "a recipient that passes it on to another" 'another credential or recipient' "$work/forged.cms" mallory
head -n 1 "$work/plain" >"$work/text"
encrypt "$work/text" p256
rejects "a credential without a note" 'not a credential with a signed note' "$work/forged.cms" p256
{ openssl_opens "$work/rsa.cms" rsa && head -n 1 "$work/plain"; openssl_opens "$work/p256.cms" p256 && tail -n +2 "$work/plain"; } >"$work/text"
encrypt "$work/text" p256
rejects "a note about another credential" 'another credential or recipient' "$work/forged.cms" p256
sed 's/^client .*/client mallory/' "$work/plain" >"$work/text"
encrypt "$work/text" p256
rejects "an edited delivery" 'not about this delivery' "$work/forged.cms" p256
mine=$(sed -n '2,/^$/p' "$work/text" | sed '$d' | sha256sum | cut -d ' ' -f 1)
sed "s/^[0-9a-f]\{64\}\$/$mine/" "$work/text" >"$work/text.new"
encrypt "$work/text.new" p256
rejects "an edited delivery under an edited note" "none of the vault's keys has signed it" "$work/forged.cms" p256
run audit checkpoint
{ sed '/^$/q' "$work/plain"; cat "$work/out"; } >"$work/text"
encrypt "$work/text" p256
rejects "a checkpoint as the note" 'not about this delivery' "$work/forged.cms" p256
openssl cms -encrypt -binary -aes256 -outform PEM -in "$work/plain" -out "$work/forged.cms" "$work/p256.pem"
rejects "encryption without authentication" 'not a sealed credential' "$work/forged.cms" p256
echo 'sealring/0+00000000+AAAA' >"$work/other.keys"
mv "$work/vault.keys" "$work/kept.keys"
cp "$work/other.keys" "$work/vault.keys"
rejects "another vault's key" "none of the vault's keys has signed it" "$work/p256.cms" p256
mv "$work/kept.keys" "$work/vault.keys"

# ---- The audit token: its key changes, and it is away

must audit rekey
run reissue "$(key_of p256)" --sealed
cp "$work/out" "$work/later.cms"
rejects "after a change of the audit key, one who has the old one" "none of the vault's keys" "$work/later.cms" p256
run audit key --all
cp "$work/out" "$work/vault.keys"
unseals "$work/later.cms" p256
succeeds "with both keys what the new one signed is opened"
unseals "$work/p256.cms" p256
succeeds "and what the old one signed"
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
refused 3 "without the audit token" 'audit.pin' issue r --client p256 --label away --sealed
run reissue "$(key_of p256)" --sealed
status_is 3 "reissue: refused"
key=$(key_of p384)
run key rekey "$key" --sealed --no-wait
status_is 3 "a rekeying that ends the older credentials is not delayed by it"
err_like "the credential of API key $key was issued and could not be encrypted: .*; sealring reissue $key --sealed delivers it" "and names what is missing"
openssl_opens "$work/p384.cms" p384
head -n 1 "$work/plain" >"$work/credential"
run_with "$work/credential" verify
status_is 1 "the older credential is rejected"
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
run reissue "$key" --sealed
succeeds "afterwards reissue delivers it"
cp "$work/out" "$work/late.cms"
unseals "$work/late.cms" p384 acme_live "$key"
succeeds "and it is opened"

# ---- The end of a client's certificate

must client set p384 --certificate ''
must client set p384 --certificate "$work/rsa.pem"
before=$(registry_has)
at +60d "$SEALRING" reissue r --all --sealed --out "$work/expired/"
status_is 1 "when all certificates have expired, reissue --all --sealed issues nothing"
err_like 'the certificate of client [a-z0-9]* has expired: 20.*; sealring client set [a-z0-9]* --certificate FILE' "and gives the reason"
is "$(registry_has)" "$before" "no successor was issued"
done_testing
