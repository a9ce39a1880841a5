/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of this process that can make a module refuse the right PIN. */
#include "token/pin/process_environment.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/error.h"
#include "base/sha256.h"

#define ENVIRONMENT_PIECE     4096
#define ENVIRONMENT_FILE_MOST (1 << 20) /* of the configuration file */

/* ---- Does OpenSSL work? ---- */

static bool environment_hashes(void)
{
    static const uint8_t wanted[4] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180-4, SHA-256 of "abc" */
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    return EVP_Digest("abc", 3, digest, &length, EVP_sha256(), NULL) == 1 && length == SHA256_SIZE &&
           memcmp(digest, wanted, sizeof wanted) == 0;
}

static bool environment_encrypts(void)
{
    static const uint8_t wanted[16] = {0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf,
                                       0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60, 0x89}; /* FIPS 197, appendix C.3 */
    uint8_t key[32], vector[16] = {0}, plain[16], output[32];
    int length = 0;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(0x11 * i);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = context != NULL && EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, vector) == 1 &&
                EVP_EncryptUpdate(context, output, &length, plain, sizeof plain) == 1 && length == sizeof wanted &&
                memcmp(output, wanted, sizeof wanted) == 0;
    EVP_CIPHER_CTX_free(context);
    return good;
}

static bool environment_makes_random(void)
{
    uint8_t bytes[16];
    return RAND_bytes(bytes, sizeof bytes) == 1;
}

sealring_status environment_check_openssl(const char *name, sealring_error *error)
{
    static const struct {
        bool (*works)(void);
        const char *what;
    } needs[] = {{environment_hashes, "SHA-256"},
                 {environment_encrypts, "AES-256-CBC"},
                 {environment_makes_random, "random numbers"}};
    sealring_status status = SEALRING_OK;
    ERR_set_mark(); /* the host program owns the error queue */
    for (size_t i = 0; i < sizeof needs / sizeof needs[0] && status == SEALRING_OK; i++) {
        if (!needs[i].works()) {
            char path[PATH_MAX];
            const char *reason = ERR_reason_error_string(ERR_peek_last_error());
            environment_openssl_file(path);
            status =
                error_set_token(error, 0,
                                "no PIN is sent to the PKCS#11 token %s: OpenSSL has no %s in this process (%s), and "
                                "a right PIN would be refused; correct its configuration (OPENSSL_CONF): %.150s",
                                name, needs[i].what, reason != NULL ? reason : "no reason given", path);
        }
    }
    ERR_pop_to_mark();
    return status;
}

void environment_openssl_file(char path[PATH_MAX])
{
    char *file = CONF_get1_default_config_file();
    (void)snprintf(path, PATH_MAX, "%s", file != NULL ? file : "");
    OPENSSL_free(file);
}

/* ---- Which environment is it? ---- */

static void environment_add_text(struct sha256 *hash, const char *text)
{
    sha256_add(hash, text != NULL ? text : "", (text != NULL ? strlen(text) : 0) + 1);
}

/* By content: a container may have another file of the same name, and a restart may have the same file under another name. */
static void environment_add_file(struct sha256 *hash, const char *path)
{
    uint8_t piece[ENVIRONMENT_PIECE];
    struct stat file;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return;
    if (fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode)) {
        ssize_t got = 1;
        for (size_t done = 0; got > 0 && done < ENVIRONMENT_FILE_MOST; done += (size_t)got) {
            got = read(descriptor, piece, sizeof piece);
            sha256_add(hash, piece, got > 0 ? (size_t)got : 0);
        }
    }
    close(descriptor);
}

void environment_mark(const void *function, uint8_t mark[PIN_MARK_SIZE])
{
    static const char *const variables[] = {"OPENSSL_MODULES", "OPENSSL_ENGINES", "OPENSSL_CONF_INCLUDE",
                                            "OPENSSL_ia32cap", "LD_PRELOAD",      "LD_LIBRARY_PATH",
                                            "SOFTHSM2_CONF",   "P11_KIT_STRICT",  "P11_KIT_SERVER_ADDRESS"};
    char path[PATH_MAX] = "";
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    Dl_info module;
    sha256_start(&hash);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        environment_add_text(&hash, getenv(variables[i]));
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    environment_add_text(&hash, path);
    environment_add_text(&hash, dladdr(function, &module) != 0 ? module.dli_fname : NULL);
    environment_openssl_file(path);
    environment_add_file(&hash, path);
    sha256_finish(&hash, digest);
    memcpy(mark, digest, PIN_MARK_SIZE);
}
