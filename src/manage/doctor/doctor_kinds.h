/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of finding: name, severity, its repair, why it matters, what to do. sealring-doctor(1) has the same list. */
#ifndef MANAGE_DOCTOR_DOCTOR_KINDS_H
#define MANAGE_DOCTOR_DOCTOR_KINDS_H

#define DOCTOR_REACH "make its module, its PIN file and the token itself reachable, then: sealring doctor"
#define DOCTOR_LIST  "pkcs11-tool --login --list-objects --type secrkey"
/* Replaces an unusable registry by a good one. */
#define DOCTOR_RESTORE "sealring restore BACKUP --log EXPORT"
/* Makes the key of a version sign again. */
#define DOCTOR_REOPEN "sealring retire {ring} {version} --overrule REASON, sealring reinstate {ring} {version}"

/* Calls the macro KIND for each, in the order of the report: with the members of struct doctor_kind_row (doctor_parts.h) after its enumerator. The
 * repairs are functions of doctor_repairs.c. */
/* clang-format off */
#define DOCTOR_EACH_KIND(KIND) \
    /* files and permissions */ \
    KIND(DOCTOR_VAULT_WRITABLE, "vault-writable", ALARM, NULL, \
         "whoever can write there can put another configuration, and with it another module, in the vault's place", \
         "look at what is in it, then: chmod go-w {object}") \
    KIND(DOCTOR_CONFIG_WRITABLE, "config-writable", ALARM, NULL, \
         "it names the module that is loaded: whoever can write it can run code as whoever reads it, so nobody reads it", \
         "read it, then: chmod go-w {object}") \
    KIND(DOCTOR_CONFIG_UNUSABLE, "config-unusable", ALARM, NULL, \
         "no command and no server can open the vault", \
         "put the configuration right: see sealring.conf(5)") \
    KIND(DOCTOR_PLACE_MISSING, "place-missing", NOTICE, mend_place, \
         "what is done in a copy of the vault's directory would change this vault's keys, as both use one token", \
         "sealring doctor --repair") \
    KIND(DOCTOR_MODULE_WRITABLE, "module-writable", ALARM, NULL, \
         "whoever can write it can run code in every process that is logged in to the token", \
         "chmod go-w {object}") \
    KIND(DOCTOR_DIRECTORY_WRITABLE, "directory-writable", ALARM, mend_mode, \
         "whoever can write there can remove or replace what is in it", \
         "chmod go-w {object}") \
    KIND(DOCTOR_DIRECTORY_MISSING, "directory-missing", WARNING, mend_directory, \
         "without it nobody can log in to the token, or report", \
         "mkdir -m {mode} {object}") \
    KIND(DOCTOR_TOKENS_OPEN, "tokens-open", ALARM, mend_mode, \
         "a software token is its files: with them, only the PIN stands between anybody and the secrets", \
         "chmod go-rwx {object}") \
    KIND(DOCTOR_TOKEN_FILE_DAMAGED, "token-file-damaged", ALARM, mend_owed, \
         "SoftHSM2 was killed while it wrote the file, or the disk failed: without it the token, or the key, does not exist", \
         "sealring doctor --repair, or any command that uses the token") \
    KIND(DOCTOR_TOKEN_FILE_LOST, "token-file-lost", ALARM, NULL, \
         "without it the token, or the key, does not exist any more", \
         "stop everything that uses the vault, and bring the token's folder back from a backup") \
    KIND(DOCTOR_TOKEN_COPY_BEHIND, "token-copy-behind", WARNING, mend_owed, \
         "a process that is killed while it writes the file would lose what was changed since, or the token", \
         "sealring doctor --repair, or any command that uses the token") \
    KIND(DOCTOR_TOKEN_COPY_UNREADABLE, "token-copy-unreadable", ALARM, NULL, \
         "while it is not known whether there is a valid copy, none is replaced, and nothing is restored from it", \
         "find out what it is, and make it readable; if the token works without it, move it away, and any command makes a new copy: ls -ld " \
         "{object}") \
    KIND(DOCTOR_TOKEN_FILE_ASIDE, "token-file-aside", NOTICE, NULL, \
         "SoftHSM2 does not read it; it may be the remains of a key, so an operator decides whether it goes", \
         "if no version lacks its object: rm {object}") \
    KIND(DOCTOR_PIN_OPEN, "pin-file-open", ALARM, mend_mode, \
         "others could read the PIN: change it as well; until the mode is right nobody logs in with it", \
         "chmod go-rwx {object}") \
    KIND(DOCTOR_PIN_MISSING, "pin-file-missing", WARNING, NULL, \
         "without the PIN nobody can log in: no credential is issued, none is verified that is not in a cache", \
         "put the PIN into it again: install -m 600 /dev/stdin {object}") \
    KIND(DOCTOR_PIN_UNUSABLE, "pin-file-unusable", WARNING, NULL, \
         "without the PIN nobody can log in: no credential is issued, none is verified that is not in a cache", \
         "write the PIN, and nothing else, into its first line: {object}") \
    KIND(DOCTOR_LOGIN_RECORD_OPEN, "login-record-open", WARNING, mend_mode, \
         "it remembers a PIN that was refused: whoever can write it can have it tried until the token is locked", \
         "chmod go-rwx {object}") \
    KIND(DOCTOR_REGISTRY_WRITABLE, "registry-writable", ALARM, mend_mode, \
         "who writes the registry cannot make credentials, but can take them away, and revive revoked keys until it is noticed", \
         "chmod go-w {object}") \
    KIND(DOCTOR_REGISTRY_READABLE, "registry-readable", WARNING, mend_mode, \
         "it shows everybody on this host who the clients are, with their contacts", \
         "chmod o-rwx {object}") \
    KIND(DOCTOR_LOCK_OPEN, "lock-open", ALARM, mend_mode, \
         "whoever can open a lock file can hold it, and so keep every revocation from being committed", \
         "chmod go-rwx {object}") \
    KIND(DOCTOR_REGISTRY_ON_NETWORK, "registry-on-network", ALARM, NULL, \
         "SQLite's locks do not hold there: two hosts that write at the same time destroy it", \
         "stop everything that uses the vault, move it (or the registry's directory, and name that in " CONFIG_FILE ") to a local disk") \
    KIND(DOCTOR_DISK_FULL, "disk-full", ALARM, NULL, \
         "nothing can be committed there, no revocation either, and a server that starts cannot write its report", \
         "make room: df {object}") \
    KIND(DOCTOR_WRONG_OWNER, "wrong-owner", WARNING, mend_owner, \
         "the vault's own user cannot write it any more: some commands and servers will fail", \
         "as root: chown -h {owner}:{group} {object}") \
    KIND(DOCTOR_VERIFIER_GROUP, "verifier-group", WARNING, mend_group, \
         "servers of that group's users cannot verify, or they may do more than that", \
         "as root: sealring doctor --repair") \
    KIND(DOCTOR_LEFTOVER_FILE, "leftover-file", WARNING, mend_leftover, \
         "something was interrupted; the file is of no use", \
         "rm {object}") \
    KIND(DOCTOR_CHANNEL_UNUSABLE, "channel-unusable", WARNING, NULL, \
         "clients get no notices that way", \
         "correct {object}, see sealring.conf(5), or what it names") \
    /* registry */ \
    KIND(DOCTOR_REGISTRY_UNUSABLE, "registry-unusable", ALARM, NULL, \
         "nothing can be managed, and servers answer *unavailable* when their lease has ended", \
         "if it is damaged or lost: " DOCTOR_RESTORE) \
    KIND(DOCTOR_REGISTRY_NEWER, "registry-newer", WARNING, NULL, \
         "nothing can be managed with this program", \
         "install the newer sealring") \
    KIND(DOCTOR_UPGRADE_UNFINISHED, "upgrade-unfinished", NOTICE, NULL, \
         "until then nothing but the log vouches for suspensions, narrowings and labels", \
         "restart servers of the older program, then run: sealring upgrade") \
    KIND(DOCTOR_REGISTRY_DAMAGED, "registry-damaged", ALARM, NULL, \
         "what is lost is lost: keys may be unknown, and revoked ones be good again", \
         DOCTOR_RESTORE) \
    KIND(DOCTOR_SCHEMA_LACKING, "schema-lacking", ALARM, mend_row, \
         "the database itself keeps what is final from being undone; somebody took that away", \
         "sealring doctor --repair") \
    KIND(DOCTOR_SCHEMA_STRANGE, "schema-strange", ALARM, NULL, \
         "somebody changed what the database does by itself when rows are written", \
         NULL) \
    KIND(DOCTOR_RING_BROKEN, "ring-broken", ALARM, NULL, \
         "no command leaves a ring like that: somebody edited the registry", \
         "compare `sealring ring show {object}` with `sealring audit show --ring {object}`; then: " DOCTOR_RESTORE) \
    KIND(DOCTOR_CLOCKS_DISAGREE, "clocks-disagree", WARNING, NULL, \
         "while the wall clock is in doubt, sealring run retires, destroys and rotates nothing", \
         "set the clock right; sealring run goes on by itself when it has been steady") \
    KIND(DOCTOR_CLOCK_LATE, "clock-late", ALARM, NULL, \
         "servers that start on this host answer *unavailable* for credentials that can expire; commands that set times are refused", \
         "set the clock, and check the host's time service") \
    KIND(DOCTOR_KEY_CONTESTED, "key-contested", ALARM, NULL, \
         "somebody has a copy of a credential that one process should have: both go on, no version of the ring retires", \
         "find out who of the two it is, then: sealring key rekey {id}") \
    KIND(DOCTOR_KEY_LEAKED, "key-leaked", ALARM, NULL, \
         "whoever found the credential can use it, unless the report ended it", \
         "sealring leaks list; then act on the API key, or: sealring leaks ack {id}") \
    /* audit log */ \
    KIND(DOCTOR_AUDIT_LOG, "audit-log", ALARM, NULL, \
         "entries, checkpoints or facts were changed, or are missing", \
         "sealring audit verify --key KEY --checkpoint FILE, with what was kept elsewhere; then: " DOCTOR_RESTORE) \
    KIND(DOCTOR_ROW_ALTERED, "row-altered", ALARM, mend_altered, \
         "somebody edited the registry; nothing is decided by this row, but lists of other programs may show it", \
         "sealring doctor --repair, which writes what the facts contain; find out who did it: sealring audit verify") \
    KIND(DOCTOR_FOREIGN_ENTRIES, "foreign-entries", ALARM, NULL, \
         "somebody wrote to the registry and not to vault.unsigned, or removed what is in both; acts are refused, except restrictions", \
         "sealring audit show; if it is right: any command with --take-over REASON; otherwise: " DOCTOR_RESTORE) \
    KIND(DOCTOR_AUDIT_UNSIGNED, "audit-unsigned", NOTICE, NULL, \
         "whoever can write the registry can replace its whole log, and nobody notices a registry that was rolled back", \
         "a new vault can have it: sealring init --audit-token URI --audit-pin-source FILE") \
    KIND(DOCTOR_AUDIT_TOKEN_UNCONFIGURED, "audit-token-unconfigured", ALARM, NULL, \
         "the log is not signed any more, and a registry that was rolled back is not noticed", \
         "put audit-token and audit-pin-source back into sealring.conf") \
    KIND(DOCTOR_AUDIT_TOKEN_UNREACHABLE, "audit-token-unreachable", WARNING, NULL, \
         "nothing new is signed, and it is not known whether the registry was rolled back", \
         DOCTOR_REACH) \
    KIND(DOCTOR_AUDIT_KEY_DIFFERS, "audit-key-differs", ALARM, NULL, \
         "no checkpoint can be signed that anybody would believe", \
         "name the vault's own audit token in sealring.conf, or bring its backup back") \
    KIND(DOCTOR_AUDIT_KEY_REPLACED, "audit-key-replaced", ALARM, mend_row, \
         "somebody altered the registry; the key of sealring.conf counts, but a program whose sealring.conf has none would believe that one", \
         "sealring doctor --repair; find out who did it: sealring audit verify") \
    KIND(DOCTOR_AUDIT_KEY_UNCONFIGURED, "audit-key-unconfigured", WARNING, NULL, \
         "whoever can write the registry can name a key of his own in it, and is believed by what starts afterwards", \
         "sealring upgrade") \
    KIND(DOCTOR_AUDIT_KEY_BEHIND, "audit-key-behind", WARNING, NULL, \
         "a change of the audit key was interrupted: until it is complete, servers that start learn of the new key from the registry alone", \
         "sealring audit rekey, with the options that it was given") \
    KIND(DOCTOR_AUDIT_KEY_RANGE, "audit-key-range", ALARM, NULL, \
         "what the old key signs after its end would count", \
         "put the `until` of the signed change into sealring.conf: sealring audit show --act audit.key") \
    KIND(DOCTOR_AUDIT_KEY_UNNAMED, "audit-key-unnamed", WARNING, NULL, \
         "a change of the audit key was interrupted, or sealring.conf lacks a line", \
         "if sealring.conf was replaced by an older one, bring the newest back; otherwise: sealring audit rekey") \
    KIND(DOCTOR_CHECKPOINT_BEHIND, "checkpoint-behind", WARNING, mend_settling, \
         "nobody vouches for what came after it", \
         "sealring run --once") \
    KIND(DOCTOR_ANCHOR_BEHIND, "anchor-behind", WARNING, mend_settling, \
         "a command was interrupted; a copy of the registry from in between would not be noticed", \
         "sealring run --once") \
    KIND(DOCTOR_ANCHOR_MISSING, "anchor-missing", ALARM, mend_settling, \
         "somebody removed it from the token; a registry that was rolled back before is not noticed", \
         "sealring audit verify with a checkpoint kept elsewhere; then: sealring run --once") \
    KIND(DOCTOR_REGISTRY_PUT_BACK, "registry-put-back", ALARM, NULL, \
         "what was revoked since may be good again; every change is refused until somebody answers for it", \
         "bring the newest registry back; or, if what is missing is lost: sealring run --once --take-over REASON") \
    /* steps that are owed to the token */ \
    KIND(DOCTOR_INTENTION_UNFINISHED, "intention-unfinished", WARNING, mend_owed, \
         "a command was interrupted; the object is half made, or has not its final label", \
         "sealring doctor --repair") \
    KIND(DOCTOR_CLOSING_OWED, "closing-owed", WARNING, mend_owed, \
         "until then only the registry keeps the version closed: an edited one could revive it", \
         "sealring run --once") \
    KIND(DOCTOR_DESTRUCTION_OWED, "destruction-owed", WARNING, NULL, \
         "a key that should be gone is there; an object is destroyed on an operator's word only", \
         "sealring destroy {ring} {version}") \
    /* token objects */ \
    KIND(DOCTOR_TOKEN_UNREACHABLE, "token-unreachable", WARNING, NULL, \
         "no credential is issued; servers verify only what they have seen before", \
         DOCTOR_REACH) \
    KIND(DOCTOR_TOKEN_CANNOT_CLOSE, "token-cannot-close", NOTICE, NULL, \
         "only the registry keeps closed versions closed", \
         "nothing; destroy closed versions early") \
    KIND(DOCTOR_OBJECT_MISSING, "object-missing", ALARM, NULL, \
         "no credential under this version can be verified unless it is in a cache, and none can be issued", \
         "bring the token's backup back; if there is none: sealring rotate {ring}, hand out new credentials, then sealring compromise {ring} " \
         "{version} --reason REASON") \
    KIND(DOCTOR_OBJECT_GONE, "object-gone", WARNING, NULL, \
         "the version can never be reinstated; somebody destroyed its key without a word to the registry", \
         "sealring destroy {ring} {version} --overrule REASON") \
    KIND(DOCTOR_OBJECT_TWICE, "object-twice", ALARM, NULL, \
         "nobody can say which is the key: sealring uses neither", \
         "find out which of them is the vault's, and who made the other: " DOCTOR_LIST) \
    KIND(DOCTOR_OBJECT_RELABELLED, "object-relabelled", ALARM, NULL, \
         "an object's label shows whose key it is; sealring neither closes nor destroys one with another label", \
         "find out who relabelled it, or edited the registry: sealring audit verify; sealring audit show --ring {ring}; if the token keeps no " \
         "labels: token-labels = lost in sealring.conf") \
    KIND(DOCTOR_OBJECT_ATTRIBUTES, "object-attributes", ALARM, NULL, \
         "the secret may have left the token, or was never made in it: sealring does not use such a key", \
         "sealring rotate {ring}, then sealring compromise {ring} {version} --reason REASON") \
    KIND(DOCTOR_OBJECT_USAGES, "object-usages", ALARM, mend_usages, \
         "with these rights something can be made from the secret, or a copy that goes on signing: sealring does not use such a key", \
         "sealring doctor --repair; and if you do not know who did it: sealring rotate {ring}, then sealring compromise {ring} {version} " \
         "--reason REASON") \
    KIND(DOCTOR_CHECK_VALUE_DIFFERS, "check-value-differs", ALARM, NULL, \
         "it is another secret than the one that credentials were derived from: sealring does not use it", \
         "bring the token's backup back; or: sealring rotate {ring}, then sealring compromise {ring} {version} --reason REASON") \
    KIND(DOCTOR_PRF_UNKNOWN, "prf-unknown", ALARM, NULL, \
         "this program cannot derive with the version's key, so nobody can verify or issue its credentials here", \
         "install the newer sealring that made the version; if there is none, somebody edited the registry: sealring audit verify") \
    KIND(DOCTOR_CLOSED_VERSION_SIGNS, "closed-version-signs", ALARM, mend_row, \
         "somebody opened the key again, or closed the version by editing the registry; an edited registry could revive it", \
         "sealring doctor --repair; find out who did it: sealring audit show --ring {ring}") \
    KIND(DOCTOR_ACCEPTED_VERSION_CLOSED, "accepted-version-closed", ALARM, NULL, \
         "its credentials cannot be verified unless they are in a cache; it may be a closed version that somebody revives by editing the registry, so " \
         "its key signs again by an operator's act only", \
         "sealring audit show --ring {ring}; if the key is to sign again: " DOCTOR_REOPEN) \
    KIND(DOCTOR_OBJECT_FOREIGN, "object-foreign", WARNING, NULL, \
         "it has the label of one of this vault's rings; it is of another vault, of a registry that was rolled back, or somebody else made it", \
         "nothing, if another vault uses this token; else find out who made it: " DOCTOR_LIST) \
    KIND(DOCTOR_OBJECT_HALF_MADE, "object-half-made", WARNING, NULL, \
         "a key whose making was begun under a registry that was rolled back since, or that another vault is making just now", \
         "nothing, if another vault uses this token; else find out who made it: " DOCTOR_LIST) \
    KIND(DOCTOR_OBJECT_UNKNOWN, "object-unknown", NOTICE, NULL, \
         "usually another vault's on the same token", \
         "nothing, if another vault uses this token; else " DOCTOR_LIST) \
    /* verifiers and their reports */ \
    KIND(DOCTOR_REPORT_WRITABLE, "report-writable", WARNING, mend_mode, \
         "whoever can write it can hide uses of a version, or make some up", \
         "chmod go-w {object}") \
    KIND(DOCTOR_REPORT_OWNER, "report-owner", WARNING, NULL, \
         "its uses are not counted, and no version retires, as a client that seems to be idle may call", \
         "chown {owner} {object}") \
    KIND(DOCTOR_REPORT_UNREADABLE, "report-unreadable", NOTICE, NULL, \
         "its contents are missing in what this user sees", \
         "run sealring doctor as the vault's owner") \
    KIND(DOCTOR_REPORT_DAMAGED, "report-damaged", WARNING, mend_strange_report, \
         "what its verifier reported last is lost, which counts as a use; no verifier can take the file over", \
         "mv {object} /somewhere/else") \
    KIND(DOCTOR_REPORT_UNKNOWN_FORMAT, "report-unknown-format", WARNING, mend_strange_report, \
         "another version of sealring wrote it: this one cannot read it", \
         "mv {object} /somewhere/else") \
    KIND(DOCTOR_REPORT_FOREIGN, "report-foreign", WARNING, mend_strange_report, \
         "it contains nothing about this vault, and is in the directory of its reports", \
         "mv {object} /somewhere/else") \
    KIND(DOCTOR_REPORT_MISPLACED, "report-misplaced", WARNING, mend_strange_report, \
         "nobody writes to it, and nobody counts what it holds", \
         "mv {object} /somewhere/else") \
    KIND(DOCTOR_REPORT_STALE, "report-stale", WARNING, mend_stale_report, \
         "no verifier has needed it for long; it takes space, and time at every poll", \
         "sealring doctor --repair") \
    KIND(DOCTOR_VERIFIER_ROW_DAMAGED, "verifier-row-damaged", ALARM, mend_row, \
         "sealring wrote no such row; until it is removed it counts as a verifier that was lost, and each command waits for a lease", \
         "sealring doctor --repair") \
    KIND(DOCTOR_VERIFIER_LOST, "verifier-lost", WARNING, NULL, \
         "what it did not report counts as a use, and delays retirements for a quiet period", \
         "sealring verifier forget {id} --reason REASON") \
    KIND(DOCTOR_VERIFIER_SILENT, "verifier-silent", WARNING, NULL, \
         "it answers *unavailable* to whatever it is asked", \
         "end the process, or let it go on: see sealring verifier list")
/* clang-format on */

#endif
