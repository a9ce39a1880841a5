/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, each defined in the file of its noun. */
#ifndef TOOL_COMMANDS_H
#define TOOL_COMMANDS_H

#include "tools/sealring/command.h"

extern const struct command command_init, command_status, command_usage, command_run, command_doctor, command_help;
extern const struct command command_backup, command_restore, command_upgrade;
extern const struct command command_ring_create, command_ring_list, command_ring_show, command_ring_set;
extern const struct command command_client_add, command_client_list, command_client_show, command_client_set,
    command_client_forget;
extern const struct command command_issue, command_import, command_reissue, command_renew, command_revoke;
extern const struct command command_key_list, command_key_show, command_key_set, command_key_suspend,
    command_key_resume, command_key_rekey;
extern const struct command command_claim_list, command_claim_cancel;
extern const struct command command_handover_list, command_handover_send;
extern const struct command command_token_destroy_object;
extern const struct command command_verifier_list, command_verifier_forget;
extern const struct command command_notify_list, command_notify_retry, command_notify_send, command_notify_test,
    command_notify_secret;
extern const struct command command_verify, command_explain;
extern const struct command command_leaks_report, command_leaks_list, command_leaks_ack;
extern const struct command command_rotate, command_prepare, command_activate, command_rollback, command_retire,
    command_reinstate, command_compromise, command_destroy;
extern const struct command command_audit_show, command_audit_verify, command_audit_export, command_audit_key,
    command_audit_checkpoint, command_audit_archive, command_audit_rekey;

#endif
