# SPDX-License-Identifier: Apache-2.0
# Sourced by tamper.sh: attempts that are about what the operator's side waits for, with servers that are frozen, sleep long, or have left.
# shellcheck shell=sh disable=SC2034,SC2154

begin() { # NAME: on the vault as it was made, with a server that has seen all credentials
    mode=live
    attempt=$work/special
    rm -rf "$attempt"
    mkdir "$attempt"
    echo "$1" >"$attempt/name"
    put_back
    serve live "$SEALRING_VAULT" write
    verdicts live "$work/warm"
    : >"$work/live.log"
}

end() { # NOTICED
    leave live
    rm -f "$work"/live.*
    tally "$1"
}

freeze_live() {
    kill -STOP "$(process_of live)"
    until_true grep -q '^State:.*T' "/proc/$(process_of live)/status"
}

thaw_live() {
    kill -CONT "$(process_of live)"
}

audit_says() { # REGEX
    run audit verify --key "$vkey"
    [ "$status" -eq 1 ] && grep -Eq "$1" "$work/out"
    result $? "audit verify says what" "$(head -n 3 "$work/out" | tr '\n' ';')"
}

key_id_of() { # LABEL
    cat "$work/keys/$1"
}

# Who adopted a long lease and a long refresh interval polls all the same when the bell rings; the short lease is back before anybody asks.
lend_a_long_lease() {
    begin "raise the lease until servers go by it, then put it back and wait for a revocation"
    sql "UPDATE vault SET lease_ms = 1000, refresh_ms = 100"
    await_look live
    sql "UPDATE vault SET lease_ms = 3600000, refresh_ms = 3600000"
    until_true grep -q 'is 3600 s now' "$work/live.log"
    # told by the look that takes the long one in, which is the last for long
    sql "UPDATE vault SET lease_ms = 1000, refresh_ms = 100"
    run revoke "$(key_id_of full)" --wait 4s
    verdicts live "$work/now"
    compare 0 "$status" "the revocation is effective"
    grep -q '^full 401' "$work/now"
    result $? "and rightly: the server rejects it" "$(grep '^full' "$work/now")"
    end look
}

hide_verifiers() {
    begin "remove the rows of verifiers, so that the barrier passes"
    freeze_live
    run prepare payments
    sql "DELETE FROM verifier"
    run activate payments --no-wait
    compare 5 "$status" "the barrier waits for the server's file"
    thaw_live
    end without-effect
}

hide_uses() {
    begin "remove what is known of uses, so that the retire gate passes"
    unguarded "$database" "UPDATE version SET retire_at = 1 WHERE ring = (SELECT id FROM ring WHERE name = 'payments') AND number = 2"
    record_rows "$database"
    sql "DELETE FROM version_use; DELETE FROM usage_hour; DELETE FROM usage_day; DELETE FROM usage_traffic; DELETE FROM verifier"
    run retire payments 2
    compare 5 "$status" "the gate hears of the use from the server's file"
    leave live
    sql "DELETE FROM version_use; DELETE FROM usage_hour; DELETE FROM usage_day; DELETE FROM usage_traffic; DELETE FROM verifier"
    run retire payments 2
    compare 5 "$status" "also when the server has left"
    end act
}

open_the_gate() {
    begin "shorten window and quiet period and turn succession off, so that a version retires while it is used"
    unguarded "$database" "UPDATE version SET retire_at = 1 WHERE state = 3; UPDATE ring SET quiet_period = 0, succession = 1"
    audit_says 'ring payments: its row has quiet_period none, the log has 3600000'
    run retire payments 2 --no-wait
    compare 5 "$status" "the gate asks for the quiet period of the ring's last fact"
    verdicts live "$work/now"
    compare "" "$(more "$work/warm" "$work/now")" "what is accepted that was not"
    end audit-verify
}

keep_the_token_open() {
    begin "have a compromised version's object left open, then revive it"
    unguarded "$database" "UPDATE vault SET token_closes_keys = 0"
    audit_says 'whether the token can close keys'
    run compromise payments 2
    unguarded "$database" "UPDATE closed_fact SET version = 77 WHERE version = 2;
        UPDATE version SET state = 3, was_compromised = 0, closed = 0, purge_at = 0, retire_at = 4102444800000 WHERE state = 5 AND number = 2;
        UPDATE vault SET epoch = epoch + 1"
    leave live
    serve fresh "$SEALRING_VAULT" write
    verdicts fresh "$work/now"
    leave fresh
    rm -f "$work"/fresh.*
    not_accepted=$(grep -E '^(full|leakednew|imported) ' "$work/now" | grep -c ' 200 ')
    compare 0 "$not_accepted" "the object is closed all the same"
    end audit-verify
}

# Not the registry: the report file of a server that is frozen, so that it cannot write its own.
forge_a_report() {
    begin "write into a server's report file that it has applied a revocation"
    freeze_live
    run revoke "$(key_id_of full)" --no-wait
    compare 6 "$status" "before, it is not effective"
    # a new number, and the epoch of the act to come: as report_format.h has them
    perl -e '
        my ($file, $epoch) = @ARGV;
        open my $report, "+<", $file or die;
        binmode $report;
        seek $report, 296, 0; print $report pack("Q", 1 << 40);
        seek $report, 320, 0; print $report pack("Q", $epoch);
    ' "$SEALRING_VAULT"/verifiers/*.report "$(($(sql "SELECT epoch FROM vault") + 1))"
    run key suspend "$(key_id_of leaked)"
    compare 0 "$status" "the operator's side believes the file"
    thaw_live
    end unnoticed
}

waiting_attempts() {
    lend_a_long_lease
    hide_verifiers
    hide_uses
    open_the_gate
    keep_the_token_open
    forge_a_report
}
