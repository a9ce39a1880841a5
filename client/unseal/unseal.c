/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a credential that was delivered encrypted, and checks that the vault sent it. */
#include "client/unseal/unseal.h"

#include <stdio.h>
#include <string.h>

#include <openssl/pem.h> /* first: cms.h declares functions for PEM only then */

#include <openssl/cms.h>
#include <openssl/err.h>

#include "base/secret.h"
#include "base/sha256.h"
#include "credential/credential_text.h"
#include "log/signed_note.h"

#define PLAIN_MAX 16384 /* of a credential with its note */

static bool fail(char problem[UNSEAL_PROBLEM_SIZE], const char *text)
{
    (void)snprintf(problem, UNSEAL_PROBLEM_SIZE, "%s", text);
    return false;
}

/* ---- Decryption ---- */

static CMS_ContentInfo *parse(const struct unseal_request *request)
{
    CMS_ContentInfo *cms = NULL;
    if (request->length > UNSEAL_SIZE_MAX)
        return NULL;
    BIO *text = BIO_new_mem_buf(request->sealed, (int)request->length);
    if (text != NULL)
        cms = memmem(request->sealed, request->length, "-----BEGIN ", 11) != NULL
                  ? PEM_read_bio_CMS(text, NULL, NULL, NULL)
                  : d2i_CMS_bio(text, NULL);
    BIO_free(text);
    return cms;
}

/* Not by CMS_decrypt, which copies the text through buffers that it does not wipe. Nothing is used before the tag of AES-GCM was verified. */
static bool read_plain(CMS_ContentInfo *cms, char plain[PLAIN_MAX], size_t *length)
{
    BIO *chain = CMS_dataInit(cms, NULL);
    int got = chain != NULL ? 1 : -1;
    *length = 0;
    while (got > 0 && *length < PLAIN_MAX) {
        got = BIO_read(chain, plain + *length, (int)(PLAIN_MAX - *length));
        *length += got > 0 ? (size_t)got : 0;
    }
    bool good = got == 0 && BIO_method_type(chain) == BIO_TYPE_CIPHER && BIO_get_cipher_status(chain) > 0;
    BIO_free_all(chain);
    return good;
}

static bool decrypt(const struct unseal_request *request, char plain[PLAIN_MAX], size_t *length,
                    char problem[UNSEAL_PROBLEM_SIZE])
{
    ERR_set_mark();
    CMS_ContentInfo *cms = parse(request);
    bool good = cms != NULL && OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData;
    if (!good)
        (void)fail(problem, "this is not a sealed credential: CMS AuthEnvelopedData in PEM or DER");
    if (good && CMS_decrypt_set1_pkey(cms, request->key, request->certificate) != 1)
        good = fail(problem, "it is not encrypted to this certificate, or the private key is another one");
    if (good && !read_plain(cms, plain, length))
        good = fail(problem, "it was damaged or changed after it was encrypted");
    CMS_ContentInfo_free(cms);
    ERR_pop_to_mark();
    return good;
}

/* ---- Whose it is ---- */

/* One of the keys, which are the first words of the lines, has signed it. */
static bool is_signed(const struct note *note, const char *keys)
{
    char line[NOTE_KEY_TEXT_SIZE];
    struct note_key key;
    while (*keys != '\0') {
        size_t length = strcspn(keys, " \t\r\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)length, keys);
        if (length > 0 && length < sizeof line && note_key_parse(line, &key) && note_verify(note, &key) == NOTE_GOOD)
            return true;
        keys += strcspn(keys, "\n");
        keys += *keys == '\n';
    }
    return false;
}

static bool is_about(const struct delivery_note *about, X509 *certificate, const char *credential)
{
    uint8_t digest[SHA256_SIZE];
    unsigned length = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1 ||
        memcmp(digest, about->recipient, sizeof digest) != 0)
        return false;
    sha256(credential, strlen(credential), digest);
    return secret_equal(digest, about->credential, sizeof digest);
}

static bool agrees(const struct delivery_note *about, const char *credential)
{
    struct text_parts parts;
    bool good = text_parse(credential, strlen(credential), &parts, NULL) == TEXT_GOOD &&
                strcmp(parts.prefix, about->prefix) == 0 && strcmp(parts.key_id, about->key_id) == 0 &&
                parts.version == about->version;
    secret_wipe(&parts, sizeof parts);
    return good;
}

/* The credential is the first line; the text about it ends with an empty line; the signed note is all that follows. */
static bool check(const struct unseal_request *request, const char *plain, size_t length, struct unsealed *unsealed,
                  char problem[UNSEAL_PROBLEM_SIZE])
{
    struct delivery_note *about = &unsealed->about;
    struct note note;
    const char *end = memchr(plain, '\n', length);
    const char *empty = memmem(plain, length, "\n\n", 2);
    if (end == NULL || empty == NULL || end == empty || (size_t)(end - plain) >= sizeof unsealed->credential ||
        !note_parse(empty + 2, length - (size_t)(empty + 2 - plain), &note, NULL))
        return fail(problem, "what was encrypted is not a credential with a signed note");
    memcpy(unsealed->credential, plain, (size_t)(end - plain));
    size_t text = (size_t)(empty - end); /* with the newline at its end */
    if (request->vault_keys != NULL && !is_signed(&note, request->vault_keys))
        return fail(problem, "none of the vault's keys has signed it");
    if (!deliveries_list(note.text, note.text_length, end + 1, text) || !delivery_note_parse(end + 1, text, about))
        return fail(problem, "the note that the vault has signed is not about this delivery");
    if (!is_about(about, request->certificate, unsealed->credential) || !agrees(about, unsealed->credential))
        return fail(problem, "the vault has signed this delivery for another credential or recipient");
    if (request->prefix != NULL && strcmp(request->prefix, about->prefix) != 0)
        return fail(problem, "the credential has another prefix than the one that is expected");
    if (request->key_id != NULL && strcmp(request->key_id, about->key_id) != 0)
        return fail(problem, "the credential is of another API key than the one that is expected");
    return true;
}

bool unseal(const struct unseal_request *request, struct unsealed *unsealed, char problem[UNSEAL_PROBLEM_SIZE])
{
    char plain[PLAIN_MAX];
    size_t length = 0;
    memset(unsealed, 0, sizeof *unsealed);
    problem[0] = '\0';
    bool good = decrypt(request, plain, &length, problem) && check(request, plain, length, unsealed, problem);
    secret_wipe(plain, sizeof plain);
    if (!good)
        secret_wipe(unsealed, sizeof *unsealed);
    return good;
}
