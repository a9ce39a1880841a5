/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of sealring.conf, for the files that read and write it. */
#ifndef CONFIG_CONFIG_KEYS_H
#define CONFIG_CONFIG_KEYS_H

#include "config/config.h"

enum value_kind {
    VALUE_TEXT,
    VALUE_PATH,
    VALUE_VARIABLE,
    VALUE_NUMBER /* kept as text; 1 to 4096 */,
    VALUE_PIN /* a path, unless it has another form of pin-source */,
    VALUE_LABELS /* one of label_words */,
    VALUE_YES /* yes or no */,
    VALUE_VKEY /* a verifier key, NAME+ID+BASE64, and its end; a line for each key */
};

/* One row per key; sealring.conf(5) documents them in this order. */
struct config_key {
    const char *name;
    enum value_kind kind;
    size_t offset;
    size_t size;
    bool required;
};
#define CONFIG_KEYS 25
extern const struct config_key config_keys[CONFIG_KEYS];

/* Replaces the existing file atomically by its present contents with the lines added. Owner and mode stay. without: the keys whose present lines are left out, NULL at
 * the end; NULL: none. */
sealring_status config_append(const struct config *config, const char *lines, const char *const *without,
                              sealring_error *error);

/* The lines about audit keys, each with its line end. */
#define CONFIG_AUDIT_LINES_SIZE (AUDIT_KEYS_TEXT_SIZE + 16 * AUDIT_KEYS_MAX)
void config_audit_lines(const struct config *config, char lines[CONFIG_AUDIT_LINES_SIZE]);

/* Omits the vault's directory from a path inside it, unless the rest would be read as something else. */
const char *config_written(const struct config *config, const struct config_key *key);
/* The reader takes one line, and removes blanks around a value. */
bool config_can_be_read(const char *value);

#endif
