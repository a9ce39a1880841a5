#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Certificates of clients: added, shown, replaced, forgotten; which are refused; edits by SQL.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
for name in openssl sqlite3; do
    command -v $name >/dev/null || bail_out "$name is missing: sh tools/packages.sh test"
done
database=$SEALRING_VAULT/registry/sealring.db

make_key() { # NAME ARGUMENT...: as openssl genpkey has them
    key=$work/$1.key
    shift
    openssl genpkey -quiet -out "$key" "$@" 2>"$work/err" || bail_out "no key: $(cat "$work/err")"
}

make_certificate() { # NAME KEY ARGUMENT...: as openssl req has them
    certificate=$work/$1.pem
    key=$work/$2.key
    shift 2
    openssl req -x509 -key "$key" -out "$certificate" "$@" 2>"$work/err" || bail_out "no certificate: $(cat "$work/err")"
}

make_dated() { # NAME BEGIN END: of the key p256
    : >"$work/index"
    printf '[ca]\ndefault_ca = own\n[own]\ndatabase = %s\nnew_certs_dir = %s\nrand_serial = yes\ndefault_md = sha256\npolicy = any\n[any]\n' \
        "$work/index" "$work" >"$work/ca.conf"
    openssl req -new -key "$work/p256.key" -subj "/CN=$1" -out "$work/request"
    openssl ca -batch -notext -config "$work/ca.conf" -selfsign -keyfile "$work/p256.key" -startdate "$2" -enddate "$3" -in "$work/request" \
        -out "$work/$1.pem" 2>"$work/err" || bail_out "no certificate: $(cat "$work/err")"
}

hex_of() { # FILE: of the certificate's DER
    openssl x509 -in "$1" -outform DER | od -An -v -tx1 | tr -d ' \n'
}

refused() { # NAME FILE REGEX: as a usage error, and nothing is changed
    before=$(sqlite3 "$database" "SELECT count(*), (SELECT count(*) FROM audit) FROM client")
    run client add refused --certificate "$2"
    status_is 2 "$1: refused"
    one_line_error "$1: in one line"
    err_like "$3" "$1: which states why"
    is "$(sqlite3 "$database" "SELECT count(*), (SELECT count(*) FROM audit) FROM client")" "$before" "$1: nothing is changed"
}

make_key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
make_key weak -algorithm RSA -pkeyopt rsa_keygen_bits:1024
make_key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
make_key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
make_key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
make_key ed25519 -algorithm ED25519
make_certificate rsa rsa -subj "/O=Müller, \"Söhne\"/CN=desk" -utf8 -days 30 -addext keyUsage=keyEncipherment
make_certificate p256 p256 -subj /CN=p256 -days 30 -addext keyUsage=digitalSignature,keyAgreement
make_certificate p384 p384 -subj /CN=p384 -days 30
make_certificate weak weak -subj /CN=weak -days 30
make_certificate p521 p521 -subj /CN=p521 -days 30
make_certificate ed25519 ed25519 -subj /CN=ed25519 -days 30
make_certificate rsa-signs rsa -subj /CN=signs -days 30 -addext keyUsage=digitalSignature
make_certificate ec-signs p256 -subj /CN=signs -days 30 -addext keyUsage=digitalSignature,keyEncipherment
make_certificate mallory p256 -subj /CN=mallory -days 30
openssl x509 -in "$work/p256.pem" -outform DER -out "$work/p256.der"
make_dated old 20200101000000Z 20210101000000Z
make_dated new 20900101000000Z 20910101000000Z

# ---- Which are accepted

must init
must ring create r
for name in rsa p256 p384; do
    run client add $name --certificate "$work/$name.pem"
    succeeds "client add with a certificate for $name"
done
run client show rsa
out_like '^certificate +CN=desk,O=M.*ller.*, RSA 2048$' "client show names subject and key"
out_like "^its SHA-256 +$(openssl x509 -in "$work/rsa.pem" -outform DER | sha256sum | cut -d ' ' -f 1)$" "its digest"
out_like '^it expires +20' "and its end"
run client show p384 --json
json_is '.client.certificate | [.state, .subject, .key, .sha256] | tostring' \
    "[\"confirmed\",\"CN=p384\",\"P-384\",\"$(openssl x509 -in "$work/p384.pem" -outform DER | sha256sum | cut -d ' ' -f 1)\"]" "also in JSON"
must client add shop --contact desk@shop.example
run client show shop --json
json_is .client.certificate null "a client has none at first"
run client set shop --certificate "$work/p256.der" --dry-run
out_like '^client shop would get its new certificate$' "a dry run reports what it would do"
run client show shop --json
json_is .client.certificate null "and changes nothing"
run client set shop --certificate "$work/p256.der"
succeeds "a certificate in DER"
out_like '^client shop has its new certificate$' "is reported"
run client show shop --json
json_is '.client | [.certificate.key, .contact, .contact_state] | tostring' '["P-256","desk@shop.example","confirmed"]' "the contact stays"
openssl x509 -in "$work/p384.pem" -text -out "$work/text.pem"
run client set shop --certificate "$work/text.pem"
succeeds "text before the PEM is no harm"
run client set shop --contact new@shop.example
succeeds "a new contact"
run client show shop --json
json_is '.client | [.certificate.key, .contact] | tostring' '["P-384","new@shop.example"]' "leaves the certificate"
run audit verify
succeeds "audit verify is content"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE detail LIKE '%$(hex_of "$work/p384.pem" | cut -c 1-40)%' OR detail LIKE '%CN=%'")" 0 \
    "the log contains no certificate"
run client set shop --certificate ''
succeeds "an empty text deletes it"
run client show shop --json
json_is '.client | [.certificate, .contact_state] | tostring' '[null,"confirmed"]' "and nothing else"

# ---- Which are refused

refused "an RSA key of 1024 bits" "$work/weak.pem" 'the certificate for client refused has an RSA key of 1024 bits: 2048 to 8192'
refused "a key on P-521" "$work/p521.pem" 'has a key that nothing is encrypted to here: RSA, or EC on P-256 or P-384'
refused "a key for signatures" "$work/ed25519.pem" 'has a key that nothing is encrypted to here'
refused "an RSA key for signatures only" "$work/rsa-signs.pem" 'its key usage lacks keyEncipherment'
refused "an EC key without keyAgreement" "$work/ec-signs.pem" 'its key usage lacks keyAgreement'
refused "one that has expired" "$work/old.pem" 'has expired: 20'
refused "one that is not valid yet" "$work/new.pem" 'is not valid before 20'
cat "$work/p256.pem" "$work/rsa.pem" >"$work/two.pem"
refused "two certificates" "$work/two.pem" "comes with others: give the client's certificate alone"
cat "$work/p256.pem" "$work/p256.key" >"$work/with-key.pem"
refused "a certificate with its private key" "$work/with-key.pem" 'comes with a private key'
nowhere "$(sed -n 2p "$work/p256.key")" "the message does not repeat it"
refused "a private key alone" "$work/p256.key" 'comes with a private key'
head -c 300 "$work/p256.der" >"$work/half.der"
refused "half a certificate" "$work/half.der" 'is not X.509 in PEM or DER'
{ cat "$work/p256.der"; echo x; } >"$work/more.der"
refused "a certificate and more" "$work/more.der" 'is not X.509 in PEM or DER'
sed 's/^MII/AAA/' "$work/rsa.pem" >"$work/damaged.pem"
refused "a damaged one" "$work/damaged.pem" 'is not X.509 in PEM or DER'
head -c 16385 /dev/zero >"$work/long.pem"
refused "one that is too long" "$work/long.pem" 'is longer than 16 KiB'
: >"$work/empty.pem"
refused "an empty file" "$work/empty.pem" 'is an empty file'
refused "no file" "$work/nosuch.pem" 'cannot be opened: No such file'
refused "a directory" "$work" 'cannot be read: Is a directory'
run client set nosuch --certificate "$work/p256.pem"
status_is 1 "an unknown client is not found"

# ---- Edits by SQL: the client's last fact vouches for its certificate

alters() { # SQL NAME
    unguarded "$database" "$1"
    run client show shop --json
    json_is '.client.certificate | [.state, .subject, .key] | tostring' '["altered","",""]' "$2: it is not shown"
    run client show shop
    out_like '^certificate +\(altered: see sealring audit verify\)$' "$2: but reported"
    run audit verify
    status_is 1 "$2: audit verify is not content"
    out_like '^client shop: its row has a certificate that its last fact does not have: it was altered$' "$2: and names row and column"
    run client set shop --contact other@shop.example
    status_is 1 "$2: no act confirms it"
    err_like 'ALARM: the registry was altered: the certificate of client shop is not the one that was set' "$2: with an alarm"
}
must client set shop --certificate "$work/p256.pem"
sqlite3 "$database" "SELECT 'certificate = ' || quote(certificate) || ', certificate_hash = ' || quote(certificate_hash) FROM client WHERE name = 'shop'" >"$work/older"
must client set shop --certificate "$work/p384.pem"
alters "UPDATE client SET certificate = X'$(hex_of "$work/mallory.pem")' WHERE name = 'shop'" "an exchanged certificate"
run client set shop --certificate "$work/p384.pem"
succeeds "setting it again ends that"
err_like 'ALARM: the registry was altered: the facts corrected the row of client shop' "with an alarm"
alters "UPDATE client SET $(cat "$work/older") WHERE name = 'shop'" "an older certificate"
must client set shop --certificate "$work/p384.pem"
alters "UPDATE client SET (certificate, certificate_hash) = (SELECT certificate, certificate_hash FROM client WHERE name = 'p256') WHERE name = 'shop'" "another client's certificate"
must client set shop --certificate "$work/p384.pem"
alters "UPDATE client SET certificate = NULL, certificate_hash = NULL WHERE name = 'shop'" "a deleted certificate"
must client set shop --certificate "$work/p384.pem"
alters "UPDATE client SET salt = randomblob(32) WHERE name = 'shop'" "another salt"
run client set shop --certificate "$work/p384.pem"
status_is 1 "the contact has lost its salt, too: setting the certificate alone would confirm any contact"
run client set shop --certificate "$work/p384.pem" --contact desk@shop.example
succeeds "setting both ends that"
run audit verify
succeeds "audit verify is content again"
unguarded "$database" "UPDATE client SET salt = randomblob(32), certificate = X'$(hex_of "$work/mallory.pem")', certificate_hash = randomblob(32) WHERE name = 'rsa'"
run client set rsa --contact x
status_is 1 "a certificate for a client that had no fact about a contact is not confirmed either"
must client set rsa --certificate "$work/rsa.pem" --contact ''

# ---- Forgetting

must client set shop --contact ''
must client forget shop
is "$(sqlite3 "$database" "SELECT quote(certificate), quote(certificate_hash), quote(salt) FROM client WHERE name = 'shop'")" 'NULL|NULL|NULL' \
    "client forget erases certificate, hash and salt"
run client set shop --certificate "$work/p256.pem"
status_is 1 "a forgotten client gets no certificate"
run audit verify
succeeds "audit verify is content"
done_testing
