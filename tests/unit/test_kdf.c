/* SPDX-License-Identifier: Apache-2.0 */
/* kdf/kdf: against NIST's figures (CAVP) and against OpenSSL's KBKDF. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "kdf/kdf.h"
#include "lib/runner.h"
#include "unit/hexadecimal.h"
#include "unit/seeded.h"
#include "vectors/kdf_counter_hmac_sha256.h"

#define VECTOR_COUNT ((int)(sizeof kdf_vectors / sizeof kdf_vectors[0]))
#define ORACLE_RUNS  2500

static uint64_t seed;

static void hmac_sha256(const uint8_t *key, size_t key_length, const struct writer *input, uint8_t output[32])
{
    unsigned length = 0;
    ck_assert(!input->overflow);
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key, (int)key_length, input->data, input->length, output, &length));
    ck_assert_uint_eq(length, 32);
}

/* Several blocks for L above 256. */
START_TEST(blocks_give_nists_figures)
{
    const struct kdf_vector *vector = &kdf_vectors[_i];
    uint8_t key[64], fixed[128], expected[64], output[96], input[256];
    size_t key_length = hexadecimal_read(vector->key, key, sizeof key);
    size_t fixed_length = hexadecimal_read(vector->fixed, fixed, sizeof fixed);
    size_t length = hexadecimal_read(vector->output, expected, sizeof expected);
    ck_assert_uint_eq(length * 8, vector->output_bits);
    for (uint32_t block = 0; block * KDF_OUTPUT_SIZE < length; block++) {
        struct writer writer;
        writer_init(&writer, input, sizeof input);
        kdf_write_block(&writer, block + 1, fixed, fixed_length);
        hmac_sha256(key, key_length, &writer, output + (size_t)block * KDF_OUTPUT_SIZE);
    }
    ck_assert_mem_eq(output, expected, length);
}
END_TEST

START_TEST(the_table_is_nists_whole_section)
{
    ck_assert_int_eq(VECTOR_COUNT, 40);
    size_t above_one_block = 0;
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_uint_eq(kdf_vectors[i].count, i);
        above_one_block += kdf_vectors[i].output_bits > 256;
    }
    ck_assert_uint_eq(above_one_block, 10);
}
END_TEST

START_TEST(input_is_laid_out_as_written)
{
    static const uint8_t expected[] = {0, 0, 0, 1, 'L', 'a', 'b', 0, 0xc0, 0x00, 0xc2, 0, 0, 1, 0};
    static const uint8_t context[] = {0xc0, 0x00, 0xc2};
    uint8_t input[64];
    struct writer writer;
    writer_init(&writer, input, sizeof input);
    kdf_write_input(&writer, "Lab", context, sizeof context);
    ck_assert(!writer.overflow);
    ck_assert_uint_eq(writer.length, sizeof expected);
    ck_assert_mem_eq(input, expected, sizeof expected);
}
END_TEST

START_TEST(input_that_does_not_fit_is_told)
{
    static const uint8_t context[] = {1, 2, 3};
    uint8_t input[14]; /* one byte short */
    struct writer writer;
    writer_init(&writer, input, sizeof input);
    kdf_write_input(&writer, "Lab", context, sizeof context);
    ck_assert(writer.overflow);
}
END_TEST

static void derive_with_openssl(EVP_KDF *kdf, uint8_t *key, size_t key_length, char *label, uint8_t *context,
                                size_t context_length, uint8_t output[32])
{
    EVP_KDF_CTX *derivation = EVP_KDF_CTX_new(kdf);
    ck_assert_ptr_nonnull(derivation);
    char mode[] = "counter", mac[] = "HMAC", digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, key_length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, context, context_length),
        OSSL_PARAM_construct_end(),
    };
    ck_assert_int_eq(EVP_KDF_derive(derivation, output, 32, parameters), 1);
    EVP_KDF_CTX_free(derivation);
}

START_TEST(random_inputs_agree_with_openssls_kbkdf)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    ck_assert_ptr_nonnull(kdf);
    uint64_t state = seed;
    for (int run = 0; run < ORACLE_RUNS; run++) {
        uint8_t key[80], context[1280], input[1500], ours[32], theirs[32];
        char label[64] = {0};
        size_t key_length = 1 + seeded_next(&state) % sizeof key;
        size_t label_length = 1 + seeded_next(&state) % (sizeof label - 1);
        size_t context_length = 1 + seeded_next(&state) % sizeof context;
        seeded_fill(&state, key, key_length);
        seeded_fill(&state, context, context_length);
        for (size_t i = 0; i < label_length; i++)
            label[i] = (char)(' ' + seeded_next(&state) % 95);
        struct writer writer;
        writer_init(&writer, input, sizeof input);
        kdf_write_input(&writer, label, context, context_length);
        hmac_sha256(key, key_length, &writer, ours);
        derive_with_openssl(kdf, key, key_length, label, context, context_length, theirs);
        if (memcmp(ours, theirs, sizeof ours) != 0)
            ck_abort_msg("run %d: label of %zu, context of %zu bytes", run, label_length, context_length);
    }
    EVP_KDF_free(kdf);
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("kdf");
    TCase *cases = tcase_create("kdf");
    tcase_add_loop_test(cases, blocks_give_nists_figures, 0, VECTOR_COUNT);
    tcase_add_test(cases, the_table_is_nists_whole_section);
    tcase_add_test(cases, input_is_laid_out_as_written);
    tcase_add_test(cases, input_that_does_not_fit_is_told);
    tcase_add_test(cases, random_inputs_agree_with_openssls_kbkdf);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
