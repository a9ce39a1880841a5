/* SPDX-License-Identifier: Apache-2.0 */
/* Provisions a new SoftHSM2-like token with its PINs through libp11. */
#include "token/object/provision.h"

#include <libp11.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "token/module/module.h"

#define PROVISION_LABEL_MAX 32 /* CK_TOKEN_INFO.label */
#define PROVISION_SLOTS_MAX 256

/* One use of libp11: a second PKCS11_update_slots may crash, so each search of the slots has its own context. */
struct provision_context {
    PKCS11_CTX *context;
    PKCS11_SLOT *slots;
    unsigned slot_count;
    bool loaded;
};

static sealring_status provision_fail(sealring_error *error, const char *module, const char *what)
{
    unsigned long queued = ERR_peek_last_error();
    const char *reason = queued != 0 ? ERR_reason_error_string(queued) : NULL;
    CK_RV code = queued != 0 ? (CK_RV)ERR_GET_REASON(queued) : CKR_OK;
    error_set_token(error, code, "the PKCS#11 module %s did not %s: %s", module, what,
                    reason != NULL ? reason : "no reason given; check module-environment and module-init-args");
    ERR_clear_error();
    return SEALRING_TOKEN;
}

/* If PKCS11_init_token or PKCS11_init_pin cannot read the token's information afterwards (its file could not be written, the disk is
 * full), libp11 0.4.12 has freed parts of its token already, and crashes when it frees it again. Not to free it leaks some 100 bytes. */
static void provision_forget_emptied(struct provision_context *provision)
{
    for (unsigned i = 0; i < provision->slot_count; i++)
        if (provision->slots[i].token != NULL && provision->slots[i].token->slot == NULL)
            provision->slots[i].token = NULL;
}

static void provision_close(struct provision_context *provision)
{
    provision_forget_emptied(provision);
    if (provision->slots != NULL)
        PKCS11_release_all_slots(provision->context, provision->slots, provision->slot_count);
    if (provision->loaded)
        PKCS11_CTX_unload(provision->context);
    if (provision->context != NULL)
        PKCS11_CTX_free(provision->context);
    memset(provision, 0, sizeof(*provision));
}

static sealring_status provision_open(struct provision_context *provision, const char *module, const char *init_args,
                                      sealring_error *error)
{
    memset(provision, 0, sizeof(*provision));
    ERR_clear_error();
    provision->context = PKCS11_CTX_new();
    if (provision->context == NULL)
        return error_no_memory(error);
    if (init_args != NULL)
        PKCS11_CTX_init_args(provision->context, init_args);
    sealring_status status = SEALRING_OK;
    provision->loaded = PKCS11_CTX_load(provision->context, module) == 0;
    if (!provision->loaded)
        status = provision_fail(error, module, "start");
    else if (PKCS11_enumerate_slots(provision->context, &provision->slots, &provision->slot_count) != 0)
        status = provision_fail(error, module, "list its slots");
    if (status != SEALRING_OK)
        provision_close(provision);
    return status;
}

/* Serial numbers of the tokens that existed before, to distinguish the new one from an older one with the same label. */
struct provision_serials {
    char serials[PROVISION_SLOTS_MAX][PROVISION_SERIAL_SIZE];
    unsigned count;
};

static bool provision_knows(const struct provision_serials *known, const char *serial)
{
    for (unsigned i = 0; i < known->count; i++)
        if (strcmp(known->serials[i], serial) == 0)
            return true;
    return false;
}

static sealring_status provision_init_token(const char *module, const char *init_args, const char *label,
                                            const char *so_pin, struct provision_serials *before, sealring_error *error)
{
    struct provision_context provision;
    PKCS11_TOKEN *blank = NULL;
    /* C_InitToken reads 32 bytes, blank-padded (PKCS #11 v2.40, section 5.5), and libp11 passes its argument on: after a shorter
     * string, the token would read whatever follows in memory. */
    char padded[PROVISION_LABEL_MAX + 1];
    snprintf(padded, sizeof(padded), "%-*s", PROVISION_LABEL_MAX, label);
    sealring_status status = provision_open(&provision, module, init_args, error);
    if (status != SEALRING_OK)
        return status;
    for (unsigned i = 0; i < provision.slot_count; i++) {
        PKCS11_TOKEN *token = provision.slots[i].token;
        if (token != NULL && !token->initialized && blank == NULL)
            blank = token;
        else if (token != NULL && token->initialized && token->serialnr != NULL && before->count < PROVISION_SLOTS_MAX)
            strncpy(before->serials[before->count++], token->serialnr, PROVISION_SERIAL_SIZE - 1);
    }
    if (blank == NULL)
        status = error_set_token(error, 0, "the PKCS#11 module %s has no slot with an uninitialised token", module);
    else if (PKCS11_init_token(blank, so_pin, padded) != 0)
        status = provision_fail(error, module, "initialise a token");
    provision_close(&provision);
    return status;
}

/* SoftHSM2 moves the token to another slot when it is initialised, so a new context searches for it. */
static sealring_status provision_init_pin(const char *module, const char *init_args, const char *label,
                                          const char *so_pin, const char *user_pin,
                                          const struct provision_serials *before, char serial[PROVISION_SERIAL_SIZE],
                                          sealring_error *error)
{
    struct provision_context provision;
    PKCS11_SLOT *slot = NULL;
    sealring_status status = provision_open(&provision, module, init_args, error);
    if (status != SEALRING_OK)
        return status;
    for (unsigned i = 0; i < provision.slot_count; i++) {
        const PKCS11_TOKEN *token = provision.slots[i].token;
        if (token != NULL && token->initialized && token->label != NULL && token->serialnr != NULL &&
            strcmp(token->label, label) == 0 && !provision_knows(before, token->serialnr))
            slot = &provision.slots[i];
    }
    if (slot == NULL) {
        status = error_set_token(error, 0, "the PKCS#11 module %s does not show the token %s that it just initialised",
                                 module, label);
    } else if (PKCS11_open_session(slot, 1) != 0) {
        status = provision_fail(error, module, "open a session with the new token");
    } else if (PKCS11_login(slot, 1, so_pin) != 0) {
        status = provision_fail(error, module, "log the security officer in");
    } else if (PKCS11_init_pin(slot->token, user_pin) != 0) {
        status = provision_fail(error, module, "set the user PIN");
    } else {
        strncpy(serial, slot->token->serialnr, PROVISION_SERIAL_SIZE - 1);
        serial[PROVISION_SERIAL_SIZE - 1] = '\0';
    }
    provision_close(&provision);
    return status;
}

sealring_status provision_token(const char *module, const char *init_args, const char *label, const char *so_pin,
                                const char *user_pin, char serial[PROVISION_SERIAL_SIZE], sealring_error *error)
{
    if (label[0] == '\0' || strlen(label) > PROVISION_LABEL_MAX || label[strlen(label) - 1] == ' ') {
        return error_set(error, SEALRING_INVALID, "a PKCS#11 token's label has 1 to %d bytes and ends in no space",
                         PROVISION_LABEL_MAX);
    }
    if (so_pin[0] == '\0' || user_pin[0] == '\0')
        return error_set(error, SEALRING_INVALID, "a PKCS#11 token's PINs must not be empty");
    if (module_any_in_use() || module_is_initialised(module)) {
        return error_set(error, SEALRING_REFUSED,
                         "a PKCS#11 module is in use in this process: make the token in a process of its own");
    }
    sealring_status status = module_check(module, error); /* otherwise libp11 would print an error on stderr */
    if (status != SEALRING_OK)
        return status;
    struct provision_serials before = {.count = 0};
    serial[0] = '\0';
    status = provision_init_token(module, init_args, label, so_pin, &before, error);
    if (status == SEALRING_OK)
        status = provision_init_pin(module, init_args, label, so_pin, user_pin, &before, serial, error);
    return status;
}
