/* SPDX-License-Identifier: Apache-2.0 */
/* The table of subcommands. */
#include "tools/sealring/commands.h"

#include <string.h>

/* One to a line, in the order of the overview. */
/* clang-format off */
const struct command *const command_table[] = {
    &command_init,
    &command_status,
    &command_usage,
    &command_run,
    &command_doctor,
    &command_token_destroy_object,
    &command_backup,
    &command_restore,
    &command_upgrade,
    &command_ring_create,
    &command_ring_list,
    &command_ring_show,
    &command_ring_set,
    &command_client_add,
    &command_client_list,
    &command_client_show,
    &command_client_set,
    &command_client_forget,
    &command_issue,
    &command_import,
    &command_reissue,
    &command_renew,
    &command_revoke,
    &command_key_list,
    &command_key_show,
    &command_key_set,
    &command_key_suspend,
    &command_key_resume,
    &command_key_rekey,
    &command_claim_list,
    &command_claim_cancel,
    &command_handover_list,
    &command_handover_send,
    &command_verify,
    &command_explain,
    &command_leaks_report,
    &command_leaks_list,
    &command_leaks_ack,
    &command_rotate,
    &command_prepare,
    &command_activate,
    &command_rollback,
    &command_retire,
    &command_reinstate,
    &command_compromise,
    &command_destroy,
    &command_notify_list,
    &command_notify_send,
    &command_notify_retry,
    &command_notify_test,
    &command_notify_secret,
    &command_verifier_list,
    &command_verifier_forget,
    &command_audit_show,
    &command_audit_verify,
    &command_audit_export,
    &command_audit_archive,
    &command_audit_key,
    &command_audit_checkpoint,
    &command_audit_rekey,
    &command_help,
    NULL,
};
/* clang-format on */

static const struct option common_options[] = {
    {"vault", "DIR",
     "the vault's directory; default: $SEALRING_VAULT, or /var/lib/sealring for root, or "
     "$XDG_DATA_HOME/sealring or ~/.local/share/sealring",
     OPTION_TEXT},
    {"json", NULL, "print JSON with stable field names", OPTION_FLAG},
    {"dry-run", NULL, "check everything, print what would happen, change nothing", OPTION_FLAG},
    {"take-over", "REASON",
     "accept a registry that is older than the audit token's record, or another one; recorded in the audit log",
     OPTION_TEXT},
    {"trust-clock", "REASON",
     "use this host's wall clock although the latest checkpoint was signed later; recorded in the audit log",
     OPTION_TEXT},
    {"pin-source", "SOURCE", "where this command gets the token's PIN: a file, credential:NAME, or - to type it",
     OPTION_TEXT},
    {"help", NULL, "print this help (also -h)", OPTION_FLAG},
    {NULL, NULL, NULL, OPTION_FLAG},
};

/* Whether this common option applies to the command. */
static bool offers(const struct command *command, const struct option *common)
{
    if (strcmp(common->name, "take-over") == 0 || strcmp(common->name, "trust-clock") == 0)
        return (command->flags & COMMAND_CHANGES) != 0 && (command->flags & COMMAND_WITHOUT_VAULT) == 0 &&
               strcmp(command->words, "init") != 0 && strcmp(command->words, "restore") != 0 &&
               strcmp(command->words, "upgrade") != 0;
    if (strcmp(common->name, "pin-source") == 0)
        return (command->flags & (COMMAND_TOKEN | COMMAND_CHANGES)) != 0 &&
               (command->flags & COMMAND_WITHOUT_VAULT) == 0 && strcmp(command->words, "init") != 0 &&
               strcmp(command->words, "backup") != 0 && strcmp(command->words, "audit archive") != 0 &&
               strcmp(command->words, "audit rekey") != 0 &&
               strcmp(command->words, "upgrade") != 0; /* the audit token only */
    if (strcmp(common->name, "dry-run") == 0)
        return (command->flags & COMMAND_CHANGES) != 0;
    if (strcmp(common->name, "vault") == 0)
        return (command->flags & COMMAND_WITHOUT_VAULT) == 0;
    return true;
}

const struct option *command_option(const struct command *command, size_t index)
{
    const struct option *option = command != NULL ? command->options : common_options;
    for (; option->name != NULL; option++)
        if (index-- == 0)
            return option;
    for (option = common_options; command != NULL && option->name != NULL; option++)
        if (offers(command, option) && index-- == 0)
            return option;
    return NULL;
}

const struct option *command_find_option(const struct command *command, const char *name, size_t length)
{
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i)) != NULL; i++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            break;
    return option;
}

const char *command_group(const struct command *command)
{
    static const struct {
        const struct command *first;
        const char *name;
    } groups[] = {
        {&command_init, "Vault"},          {&command_ring_create, "Rings"},       {&command_client_add, "Clients"},
        {&command_issue, "API keys"},      {&command_verify, "Credentials"},      {&command_rotate, "Versions"},
        {&command_notify_list, "Notices"}, {&command_verifier_list, "Verifiers"}, {&command_audit_show, "Audit log"},
        {&command_help, "Help"},
    };
    const char *name = "";
    for (size_t i = 0; i == 0 || command_table[i - 1] != command; i++)
        for (size_t j = 0; j < sizeof groups / sizeof *groups; j++)
            if (command_table[i] == groups[j].first)
                name = groups[j].name;
    return name;
}

const struct command *command_find(const char *first, const char *second)
{
    char words[64];
    size_t length = strlen(first) + (second != NULL ? strlen(second) + 1 : 0);
    if (length >= sizeof words || strchr(first, ' ') != NULL || (second != NULL && strchr(second, ' ') != NULL))
        return NULL;
    strcpy(words, first);
    if (second != NULL) {
        strcat(words, " ");
        strcat(words, second);
    }
    for (size_t i = 0; command_table[i] != NULL; i++)
        if (strcmp(command_table[i]->words, words) == 0)
            return command_table[i];
    return NULL;
}

bool command_has_noun(const struct command *command, const char *noun)
{
    size_t length = strlen(noun);
    return length > 0 && strncmp(command->words, noun, length) == 0 && command->words[length] == ' ';
}

bool command_is_noun(const char *word)
{
    for (size_t i = 0; command_table[i] != NULL; i++)
        if (command_has_noun(command_table[i], word))
            return true;
    return false;
}
