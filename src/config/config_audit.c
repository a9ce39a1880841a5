/* SPDX-License-Identifier: Apache-2.0 */
/* The audit keys in sealring.conf, and the token that signs: read and replaced. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config_keys.h"

uint32_t config_key_number(const struct config *config)
{
    struct audit_keys keys;
    return audit_keys_parse(config->audit_key, &keys, NULL) && keys.count > 0 ? (uint32_t)keys.count - 1 : 0;
}

static bool print_lines(const struct config *config, FILE *file)
{
    bool good = true;
    char lines[CONFIG_AUDIT_LINES_SIZE];
    config_audit_lines(config, lines);
    for (size_t i = 0; good && i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        bool of_token = strcmp(key->name, "audit-token") == 0 || strcmp(key->name, "audit-pin-source") == 0;
        if (of_token)
            good = config_can_be_read(config_written(config, key)) &&
                   fprintf(file, "%s = %s\n", key->name, config_written(config, key)) > 0;
    }
    return good && fputs(lines, file) >= 0;
}

/* All three are written, in their order, even if only the keys are others. */
sealring_status config_set_audit(struct config *config, const struct audit_keys *keys, const char *audit_token,
                                 const char *pin_source, sealring_error *error)
{
    static const char *const names[] = {"audit-key", "audit-token", "audit-pin-source", NULL};
    char *lines = NULL;
    size_t size = 0;
    struct config *wanted = malloc(sizeof *wanted);
    FILE *file = wanted != NULL ? open_memstream(&lines, &size) : NULL;
    if (file == NULL) {
        free(wanted);
        return error_no_memory(error);
    }
    *wanted = *config;
    audit_keys_format(keys, wanted->audit_key);
    if (audit_token != NULL)
        snprintf(wanted->audit_token, sizeof wanted->audit_token, "%s", audit_token);
    if (pin_source != NULL)
        snprintf(wanted->audit_pin_source, sizeof wanted->audit_pin_source, "%s", pin_source);
    bool good = print_lines(wanted, file);
    good = fclose(file) == 0 && good;
    sealring_status status =
        good ? config_append(config, lines, names, error)
             : error_set(error, SEALRING_INVALID, "%s/" CONFIG_FILE " cannot hold the audit token or its PIN source",
                         config->directory);
    if (status == SEALRING_OK)
        *config = *wanted;
    free(lines);
    free(wanted);
    return status;
}
