/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick: C_SignInit + C_Sign on a token's key with nothing of sealring in between. */
#include "bench/bare.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

enum { SLOTS_MAX = 64 };

struct bare {
    void *library;
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
};

static bool load(struct bare *bare, const char *module)
{
    bare->library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (bare->library == NULL) {
        fprintf(stderr, "bench: %s\n", dlerror());
        return false;
    }
    CK_C_GetFunctionList get_list = NULL;
    void *symbol = dlsym(bare->library, "C_GetFunctionList");
    memcpy(&get_list, &symbol, sizeof(get_list)); /* ISO C has no cast from an object to a function pointer */
    CK_RV code = get_list == NULL ? CKR_FUNCTION_FAILED : get_list(&bare->functions);
    if (code != CKR_OK) {
        fprintf(stderr, "bench: %s gives no function list (0x%lx)\n", module, code);
        return false;
    }
    return true;
}

/* Opens a session on the token that the URI names. */
static bool find_token(struct bare *bare, const char *text)
{
    bool found = false;
    P11KitUri *uri = p11_kit_uri_new();
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_TOKEN, uri) != P11_KIT_URI_OK)
        goto cleanup;
    if (bare->functions->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        goto cleanup;
    for (CK_ULONG i = 0; i < count && !found; i++) {
        CK_TOKEN_INFO info;
        found = bare->functions->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
                p11_kit_uri_match_token_info(uri, &info) == 1 &&
                bare->functions->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &bare->session) == CKR_OK;
    }
cleanup:
    p11_kit_uri_free(uri);
    if (!found)
        fprintf(stderr, "bench: no session on the token %s\n", text);
    return found;
}

static bool find_key(struct bare *bare, const char *label)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    char name[128];
    snprintf(name, sizeof(name), "%s", label);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_LABEL, name, strlen(name)}};
    CK_ULONG count = 0;
    CK_OBJECT_HANDLE found[2];
    bool good = bare->functions->C_FindObjectsInit(bare->session, template, 2) == CKR_OK &&
                bare->functions->C_FindObjects(bare->session, found, 2, &count) == CKR_OK &&
                bare->functions->C_FindObjectsFinal(bare->session) == CKR_OK && count == 1;
    if (!good) {
        fprintf(stderr, "bench: %lu keys are labelled %s where there should be one\n", count, label);
        return false;
    }
    bare->key = found[0];
    return true;
}

struct bare *bare_open(const char *module, const char *uri, const char *label)
{
    struct bare *bare = calloc(1, sizeof(*bare));
    if (bare != NULL && load(bare, module) && find_token(bare, uri) && find_key(bare, label))
        return bare;
    bare_close(bare);
    return NULL;
}

void bare_close(struct bare *bare)
{
    if (bare == NULL)
        return;
    if (bare->session != 0)
        bare->functions->C_CloseSession(bare->session);
    if (bare->library != NULL)
        dlclose(bare->library);
    free(bare);
}

bool bare_sign(struct bare *bare, const uint8_t *data, size_t length)
{
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    uint8_t mac[64];
    CK_ULONG mac_length = sizeof(mac);
    /* PKCS #11 v2.40, section 5.11: C_Sign takes CK_BYTE_PTR without const and leaves the data alone. */
    return bare->functions->C_SignInit(bare->session, &mechanism, bare->key) == CKR_OK &&
           bare->functions->C_Sign(bare->session, (CK_BYTE *)(uintptr_t)data, (CK_ULONG)length, mac, &mac_length) ==
               CKR_OK &&
           mac_length == 32;
}
