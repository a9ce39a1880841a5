# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh: what a vault holds, written down to be compared; secrets that must not show; numbers from a seed.
#
#   snapshot FILE                 every row and every object's file in the token, of $SEALRING_VAULT; but not what is merely learned
#                                 from the verifiers' reports, which a refused command may write down as well, nor that it was refused
#   token_objects                 the token's objects: label, ID, usage
#   check_vault NAME              one case: rows, invariants and token objects agree with each other
#   canaries FILE                 what must never be printed: PINs, and the secret parts of credentials on standard input
#   random_seed, numbers          repeatable chance: the seed is printed, SEED=N repeats it
# shellcheck shell=sh disable=SC2154

command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
command -v pkcs11-tool >/dev/null || bail_out "pkcs11-tool is missing (Debian: opensc)"

configured() { # KEY: its value in sealring.conf
    sed -n "s/^$1 = //p" "$SEALRING_VAULT/sealring.conf"
}

rows() { # SQL: on the registry, as somebody else who only reads
    sqlite3 -readonly "$SEALRING_VAULT/registry/sealring.db" "$1"
}

# The token asked by a program that is not ours.
token_objects() {
    label=$(configured token | sed 's/.*token=\([^;]*\).*/\1/')
    pin=$(configured pin-source)
    case $pin in /*) ;; *) pin=$SEALRING_VAULT/$pin ;; esac
    # shellcheck disable=SC2046 # a word for each variable
    env $(configured module-environment) pkcs11-tool --module "$(configured module)" --token-label "$label" --login \
        --pin "$(cat "$pin")" --list-objects 2>/dev/null |
        awk '
        # SoftHSM2, killed while it makes an object, leaves one without any attribute: it is none, and nobody can find it.
        function end() { if (label id != "") print "label " label " ID " id " Usage " usage; label = id = usage = "" }
        /^[^ ]/ { end() }
        $1 == "label:" && $2 != "<empty>" { label = $2 }
        $1 == "ID:" { id = $2 }
        $1 == "Usage:" { sub(/^ *Usage: */, ""); usage = $0 }
        END { end() }' | sort
}

# What the registry's files contain, as SQL. While no byte of them has changed it is what it was.
dump_rows() {
    find "$SEALRING_VAULT/registry" -type f ! -name '*-shm' -exec cksum {} + >"$work/registry.now"
    if ! cmp -s "$work/registry.now" "$work/registry.dumped"; then
        rm -f "$work/dump.db" "$work/registry.dumped"
        sqlite3 -readonly "$SEALRING_VAULT/registry/sealring.db" "VACUUM INTO '$work/dump.db'" &&
            sqlite3 "$work/dump.db" "DROP TABLE verifier; DROP TABLE version_use; DROP TABLE usage_hour; DROP TABLE usage_day;
                DROP TABLE usage_traffic; DROP TABLE usage_seat; DROP TABLE clock; DROP TABLE renewal_error; UPDATE api_key SET used = 0;
                DROP TRIGGER audit_stays; DELETE FROM audit WHERE act = 'refused';
                DROP TABLE audit_node; DROP TABLE checkpoint" .dump >"$work/dump.sql" && mv "$work/registry.now" "$work/registry.dumped"
    fi
    cat "$work/dump.sql"
}

snapshot() { # FILE [DIRECTORY of SoftHSM2's tokens]
    {
        dump_rows
        # Not token.object: a login writes its PIN counter. Nor what is in the audit token, where refusals are vouched for, too.
        grep -L sealring-audit "${2-$SEALRING_VAULT/tokens/softhsm2}"/*/token.object | sed 's|/token.object$||' |
            xargs -I@ find @ -name '*-*.object' -exec cksum {} +
    } >"$1"
}

# Prints what is wrong, nothing if all is well.
inconsistencies() {
    rows "PRAGMA integrity_check; PRAGMA foreign_key_check" | grep -v '^ok$'
    rows "SELECT 'ring ' || ring || ' has several active versions' FROM version WHERE state = 2 GROUP BY ring HAVING count(*) > 1;
        SELECT 'ring ' || name || ' counts its versions wrong' FROM ring WHERE last_version <>
            (SELECT coalesce(max(number), 0) FROM version WHERE version.ring = ring.id);
        SELECT 'API key ' || key_id || ' has no credential' FROM api_key WHERE last_serial <>
            (SELECT coalesce(max(serial), 0) FROM credential WHERE api_key = api_key.id);
        SELECT 'client ' || client || ' has several API keys with one label' FROM api_key WHERE state <> 3
            GROUP BY client, ring, label HAVING count(*) > 1;
        SELECT 'the record has a gap' WHERE (SELECT count(*) FROM audit) <> (SELECT max(sequence) FROM audit);
        SELECT 'an intention is left: ' || hex(object_id) FROM intention"
    rows "SELECT 'label sealring/' || r.name || '/' || v.number || ' ID ' || lower(hex(v.object_id))
        FROM version v JOIN ring r ON r.id = v.ring WHERE v.state <> 6" | sort >"$work/objects.wanted"
    token_objects | sed 's/ Usage.*//' | sort >"$work/objects.found"
    diff "$work/objects.wanted" "$work/objects.found" |
        sed -n 's/^</no object in the token:/p; s/^>/an object that no version has:/p'
}

check_vault() { # NAME
    inconsistencies >"$work/inconsistent" 2>&1
    [ ! -s "$work/inconsistent" ]
    report $? "$1" "$(head -n 5 "$work/inconsistent" | tr '\n' ';')"
}

canaries() { # FILE; credentials on standard input
    {
        cat "$SEALRING_VAULT"/pins/*
        sed -n 's/.*_\([0-9A-Za-z]\{43\}\)[0-9A-Za-z]\{6\}$/\1/p'
    } >"$1"
}

leaks() { # CANARIES FILE...: whether any of them stands in one of the files
    grep -qaFf "$@"
}

random_seed() {
    seed=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
    echo "# SEED=$seed"
}

numbers() { # COUNT BELOW: one a line
    awk -v seed="$seed" -v count="$1" -v below="$2" 'BEGIN { srand(seed); for (; count > 0; count--) print int(rand() * below) }'
}
