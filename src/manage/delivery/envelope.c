/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption to one certificate: CMS. */
#include "manage/delivery/envelope.h"

#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* OpenSSL's defaults are PKCS #1 v1.5, and SHA-1 for the key derivation. */
static bool add_recipient(CMS_ContentInfo *cms, X509 *recipient)
{
    CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, recipient, CMS_KEY_PARAM);
    EVP_PKEY_CTX *context = info != NULL ? CMS_RecipientInfo_get0_pkey_ctx(info) : NULL;
    if (context == NULL)
        return false;
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(recipient)) == EVP_PKEY_RSA)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
    return EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0;
}

/* Not by CMS_final, which copies the text through buffers that it does not wipe. */
static bool encrypt(CMS_ContentInfo *cms, const void *text, size_t length)
{
    BIO *chain = CMS_dataInit(cms, NULL);
    bool done = chain != NULL && BIO_write(chain, text, (int)length) == (int)length && BIO_flush(chain) > 0 &&
                CMS_dataFinal(cms, chain) == 1;
    BIO_free_all(chain);
    return done;
}

bool envelope_make(X509 *recipient, const void *text, size_t length, unsigned char **der, size_t *der_length)
{
    int written = -1;
    *der = NULL;
    ERR_set_mark();
    CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
    if (cms != NULL && add_recipient(cms, recipient) && encrypt(cms, text, length))
        written = i2d_CMS_ContentInfo(cms, der);
    CMS_ContentInfo_free(cms);
    ERR_pop_to_mark();
    *der_length = written > 0 ? (size_t)written : 0;
    return written > 0;
}

char *envelope_pem(const unsigned char *der, size_t length)
{
    char *data = NULL, *pem = NULL;
    BIO *text = BIO_new(BIO_s_mem());
    if (text != NULL && PEM_write_bio(text, PEM_STRING_CMS, "", der, (long)length) > 0) {
        long size = BIO_get_mem_data(text, &data);
        pem = OPENSSL_malloc((size_t)size + 1);
        if (pem != NULL) {
            memcpy(pem, data, (size_t)size);
            pem[size] = '\0';
        }
    }
    BIO_free(text);
    return pem;
}
