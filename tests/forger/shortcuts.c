/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a trial cheaper without a difference to what it tries. Both functions take the place of a library's. */
#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/sha256.h"
#include "forger/shortcuts.h"

/* Pauses are for another process's work. There is none: a trial is alone with its vault, and its verifiers have no threads. */
int nanosleep(const struct timespec *pause, struct timespec *rest)
{
    (void)pause;
    (void)rest;
    return 0;
}

/* ---- Signatures ---- */

#define SLOTS 65536 /* more than there are checkpoints; a full table costs time only */

/* Whether a signature is good depends on key, text and signature alone: all trials together verify each once. */
struct verified {
    bool used, good;
    uint8_t digest[32]; /* of key, signature and text */
};
static struct verified *table;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void shortcuts_begin(void)
{
    void *memory = mmap(NULL, SLOTS * sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    table = memory == MAP_FAILED ? NULL : memory;
}

static bool digest_of(EVP_MD_CTX *context, const unsigned char *signature, size_t length, const unsigned char *text,
                      size_t size, uint8_t digest[32])
{
    uint8_t parts[3][32], key[256];
    size_t key_length = 0;
    EVP_PKEY *public_key = EVP_PKEY_CTX_get0_pkey(EVP_MD_CTX_get_pkey_ctx(context));
    if (EVP_PKEY_get_octet_string_param(public_key, OSSL_PKEY_PARAM_PUB_KEY, key, sizeof key, &key_length) != 1)
        return false;
    sha256(key, key_length, parts[0]);
    sha256(signature, length, parts[1]);
    sha256(text, size, parts[2]);
    sha256(parts[0], sizeof parts, digest);
    return true;
}

/* The digest's slot, or the free one that it gets; NULL: the table is full. */
static struct verified *find(const uint8_t digest[32])
{
    uint16_t first;
    memcpy(&first, digest, sizeof first);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct verified *slot = &table[(first + i) % SLOTS];
        if (!slot->used || memcmp(slot->digest, digest, 32) == 0)
            return slot;
    }
    return NULL;
}

int EVP_DigestVerify(EVP_MD_CTX *context, const unsigned char *signature, size_t length, const unsigned char *text,
                     size_t size)
{
    static int (*verify)(EVP_MD_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
    uint8_t digest[32];
    pthread_mutex_lock(&mutex);
    if (verify == NULL)
        *(void **)&verify = dlsym(RTLD_NEXT, "EVP_DigestVerify");
    bool known = table != NULL && digest_of(context, signature, length, text, size, digest);
    struct verified *slot = known ? find(digest) : NULL;
    int result = slot != NULL && slot->used ? slot->good : verify(context, signature, length, text, size);
    if (slot != NULL && !slot->used && (result == 1 || result == 0)) {
        memcpy(slot->digest, digest, sizeof digest);
        slot->good = result == 1;
        slot->used = true;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}
