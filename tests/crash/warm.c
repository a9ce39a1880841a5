/* SPDX-License-Identifier: Apache-2.0 */
/* What every process of every trial would do alike and without an effect of its own, done once before they are forked. */
#include "crash/warm.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/sha256.h"
#include "fault/ground.h"
#include "lib/test_token.h"
#include "log/signed_note.h"

#define KNOWN_MAX 128

struct known {
    _Atomic(uint32_t) learns;
    _Atomic(uint32_t) count;
    uint8_t digests[KNOWN_MAX][SHA256_SIZE];
};

static struct known *known;

void warm_share(void)
{
    known = ground_share(sizeof *known);
}

void warm_learn(bool learns)
{
    atomic_store(&known->learns, learns);
}

void warm_up(void)
{
    static const char *const digests[] = {"SHA256", "SHA512", "SHA1", "MD5"};
    static const char *const ciphers[] = {"AES-256-CBC", "AES-256-ECB"};
    unsigned char bytes[EVP_MAX_MD_SIZE];
    void *frame;
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++)
        EVP_MD_free(EVP_MD_fetch(NULL, digests[i], NULL));
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
        EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, ciphers[i], NULL));
    EVP_PKEY_free(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    EVP_PKEY_free(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
    (void)RAND_bytes(bytes, sizeof bytes);
    (void)RAND_priv_bytes(bytes, sizeof bytes);
    (void)backtrace(&frame, 1); /* loads a library */
    /* not initialised */
    (void)dlopen(test_token_module(), RTLD_NOW | RTLD_LOCAL);
}

/* ---- Signatures: the linker has the product ask this one first ---- */

static void add_sized(struct sha256 *hash, const void *bytes, size_t length)
{
    sha256_add(hash, &length, sizeof length);
    sha256_add(hash, bytes, length);
}

/* Of all that the verdict depends on. */
static void digest_of(const struct note *note, const struct note_key *key, uint8_t digest[SHA256_SIZE])
{
    struct sha256 hash;
    sha256_start(&hash);
    add_sized(&hash, note->text, note->text_length);
    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *signature = &note->signatures[i];
        add_sized(&hash, signature->name, signature->name_length);
        add_sized(&hash, signature->base64, signature->base64_length);
        add_sized(&hash, &signature->key_id, sizeof signature->key_id);
    }
    add_sized(&hash, key->name, strlen(key->name));
    add_sized(&hash, &key->type, sizeof key->type);
    add_sized(&hash, &key->id, sizeof key->id);
    add_sized(&hash, key->public_key, key->public_length);
    sha256_finish(&hash, digest);
}

static bool is_known(const uint8_t digest[SHA256_SIZE])
{
    uint32_t count = atomic_load(&known->count);
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(known->digests[i], digest, SHA256_SIZE) == 0)
            return true;
    return false;
}

enum note_verdict __real_note_verify(const struct note *note, const struct note_key *key);
enum note_verdict __wrap_note_verify(const struct note *note, const struct note_key *key);
enum note_verdict __wrap_note_verify(const struct note *note, const struct note_key *key)
{
    uint8_t digest[SHA256_SIZE];
    if (known == NULL)
        return __real_note_verify(note, key);
    digest_of(note, key, digest);
    if (is_known(digest))
        return NOTE_GOOD;
    enum note_verdict verdict = __real_note_verify(note, key);
    uint32_t count = atomic_load(&known->count);
    if (verdict == NOTE_GOOD && atomic_load(&known->learns) != 0 && count < KNOWN_MAX) {
        memcpy(known->digests[count], digest, sizeof digest); /* one process at a time learns */
        atomic_store(&known->count, count + 1);
    }
    return verdict;
}
