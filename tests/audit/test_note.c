/* SPDX-License-Identifier: Apache-2.0 */
/* audit/note, audit/checkpoint, base/base64: the examples of C2SP's specifications, both key types, and everything that is refused. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "lib/runner.h"
#include "log/checkpoint.h"
#include "log/signed_note.h"

#define DASH "\xe2\x80\x94 "

/* C2SP/C2SP, signed-note.md, "Example"; and the note at its beginning; tlog-checkpoint.md (commit 5ba5ee83 of 2026-07-22). */
static const char example_key[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example_note[] =
    "This is an example message.\n\n" DASH
    "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
static const char poem_note[] =
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \xc3\xa8 subito sera.\n\n" DASH
    "quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
static const char sofa_note[] =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" DASH
    "example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

static struct note parsed(const char *text)
{
    struct note note;
    const char *problem = "";
    ck_assert_msg(note_parse(text, strlen(text), &note, &problem), "%s", problem);
    return note;
}

START_TEST(specification_examples)
{
    struct note_key key;
    char text[NOTE_KEY_TEXT_SIZE];
    ck_assert(note_key_parse(example_key, &key));
    ck_assert_str_eq(key.name, "example.com/foo");
    ck_assert_uint_eq(key.id, 0x530d903a);
    ck_assert_uint_eq(key.type, NOTE_ED25519);
    note_key_format(&key, text);
    ck_assert_str_eq(text, example_key);
    struct note note = parsed(example_note);
    ck_assert_uint_eq(note.text_length, strlen("This is an example message.\n"));
    ck_assert_int_eq(note_verify(&note, &key), NOTE_GOOD);
    note = parsed(poem_note);
    ck_assert_uint_eq(note.count, 1);
    ck_assert_uint_eq(note.signatures[0].key_id, 0x367ba04b);
    ck_assert_mem_eq(note.text + note.text_length - 6, "sera.\n", 6);
    ck_assert_int_eq(note_verify(&note, &key), NOTE_NOT_SIGNED);
    note = parsed(sofa_note);
    ck_assert_mem_eq(note.text, "example.com/behind-the-sofa\n20852163\n", 37);
}
END_TEST

START_TEST(any_changed_byte_of_a_text_or_signature_is_noticed)
{
    struct note_key key;
    char text[sizeof example_note];
    ck_assert(note_key_parse(example_key, &key));
    for (size_t i = 0; i < sizeof example_note - 1; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct note note;
            memcpy(text, example_note, sizeof text);
            text[i] = (char)(text[i] ^ (1 << bit));
            if (note_parse(text, sizeof text - 1, &note, NULL))
                ck_assert_int_ne(note_verify(&note, &key), NOTE_GOOD);
        }
    }
    for (size_t length = 0; length < sizeof example_note - 1; length++) {
        struct note note;
        ck_assert(!note_parse(example_note, length, &note, NULL));
    }
}
END_TEST

/* A fresh key pair: its vkey, and what signs with it. */
static EVP_PKEY *pair(enum note_type type, const char *name, struct note_key *key)
{
    uint8_t public_key[NOTE_PUBLIC_MAX];
    uint8_t *at = public_key;
    size_t length = sizeof public_key;
    EVP_PKEY *made = type == NOTE_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen("P-256");
    ck_assert_ptr_nonnull(made);
    if (type == NOTE_ED25519)
        ck_assert_int_eq(EVP_PKEY_get_raw_public_key(made, public_key, &length), 1);
    else
        length = (size_t)i2d_PUBKEY(made, &at);
    ck_assert(note_key_make(name, type, public_key, length, key));
    return made;
}

/* The text, a blank line, and a signature of it. */
static void sign(EVP_PKEY *pair_key, const struct note_key *key, const char *text, char *signed_text, size_t size)
{
    uint8_t signature[NOTE_SIGNATURE_MAX];
    size_t length = sizeof signature;
    char line[NOTE_LINE_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(context, NULL, key->type == NOTE_ECDSA ? EVP_sha256() : NULL, NULL, pair_key),
                     1);
    ck_assert_int_eq(EVP_DigestSign(context, signature, &length, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
    ck_assert(note_sign_line(key, signature, length, line));
    ck_assert_uint_lt((size_t)snprintf(signed_text, size, "%s\n%s", text, line), size);
}

START_TEST(both_types_sign_and_verify)
{
    static const enum note_type types[] = {NOTE_ED25519, NOTE_ECDSA};
    struct note_key key, other, again;
    char vkey[NOTE_KEY_TEXT_SIZE], text[1024];
    EVP_PKEY *one = pair(types[_i], "sealring/0123", &key);
    EVP_PKEY *two = pair(types[_i], "sealring/0123", &other);
    note_key_format(&key, vkey);
    ck_assert(note_key_parse(vkey, &again));
    ck_assert_mem_eq(&again, &key, sizeof key);
    sign(one, &key, "first\n\nsecond\n", text, sizeof text);
    struct note note = parsed(text);
    ck_assert_int_eq(note_verify(&note, &key), NOTE_GOOD);
    ck_assert_int_eq(note_verify(&note, &other), NOTE_NOT_SIGNED);
    other.id = key.id; /* as somebody could arrange who makes keys until four bytes agree */
    ck_assert_int_eq(note_verify(&note, &other), NOTE_BAD);
    again = key;
    again.name[0] = 'S';
    ck_assert_int_eq(note_verify(&note, &again), NOTE_NOT_SIGNED);
    EVP_PKEY_free(one);
    EVP_PKEY_free(two);
}
END_TEST

/* C2SP: signatures of unknown keys are ignored; one of the known key that is wrong spoils the note. */
START_TEST(several_signatures)
{
    struct note_key key, other;
    char one[1024], two[1024], both[3072];
    EVP_PKEY *first = pair(NOTE_ED25519, "a.example", &key);
    EVP_PKEY *second = pair(NOTE_ECDSA, "b.example", &other);
    sign(first, &key, "text\n", one, sizeof one);
    sign(second, &other, "text\n", two, sizeof two);
    snprintf(both, sizeof both, "%s%s", one, strstr(two, DASH));
    struct note note = parsed(both);
    ck_assert_uint_eq(note.count, 2);
    ck_assert_int_eq(note_verify(&note, &key), NOTE_GOOD);
    ck_assert_int_eq(note_verify(&note, &other), NOTE_GOOD);
    sign(first, &key, "other text\n", two, sizeof two);
    snprintf(both, sizeof both, "%s%s", one, strstr(two, DASH));
    note = parsed(both);
    ck_assert_int_eq(note_verify(&note, &key), NOTE_BAD);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
}
END_TEST

static void many(unsigned count, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "text\n\n");
    for (unsigned i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, size - length, DASH "k%u AAAAAAA=\n", i);
}

START_TEST(limits)
{
    static char text[NOTE_SIZE_MAX + 2];
    struct note note;
    many(NOTE_SIGNATURES_MAX, text, sizeof text);
    ck_assert_uint_eq(parsed(text).count, NOTE_SIGNATURES_MAX);
    many(NOTE_SIGNATURES_MAX + 1, text, sizeof text);
    ck_assert(!note_parse(text, strlen(text), &note, NULL));
    memset(text, 'a', sizeof text);
    memcpy(text + NOTE_SIZE_MAX - 17, "\n\n" DASH "k AAAAAAA=\n", 17);
    ck_assert(note_parse(text, NOTE_SIZE_MAX, &note, NULL));
    ck_assert(!note_parse(text, NOTE_SIZE_MAX + 1, &note, NULL));
    /* a post-quantum signature: long, of a type that we do not know, and no obstacle */
    size_t length = (size_t)snprintf(text, sizeof text, "text\n\n" DASH "pq ");
    memset(text + length, 'A', 6664);
    memcpy(text + length + 6664, "\n", 2);
    ck_assert_uint_eq(parsed(text).count, 1);
}
END_TEST

static const char *const no_notes[] = {
    "",
    "\n",
    "text\n",
    "text\n\n",
    "text\n" DASH "k AAAAAAA=\n",
    "text\n\n" DASH "k AAAAAAA=",
    "text\n\n" DASH "k AAAAAAA=\nrest\n",
    "text\n\n" DASH "k  AAAAAAA=\n",
    "text\n\n" DASH "k AAAAAAA= \n",
    "text\n\n" DASH " AAAAAAA=\n",
    "text\n\n" DASH "a+b AAAAAAA=\n",
    "text\n\n" DASH "a\xc2\xa0"
    "b AAAAAAA=\n",
    "text\n\n" DASH "k AAAAAA==\n", /* four bytes: an ID without a signature */
    "text\n\n" DASH "k AAAAAAA\n",
    "text\n\n" DASH "k AAAAAAB=\n", /* bits left over */
    "text\n\n" DASH "k AAAA====\n",
    "text\n\n" DASH "k\n",
    "text\n\n- k AAAAAAA=\n",
    "te\txt\n\n" DASH "k AAAAAAA=\n",
    "te\rxt\n\n" DASH "k AAAAAAA=\n",
    "te\xffxt\n\n" DASH "k AAAAAAA=\n",
    "text\n\n" DASH "k AAAAAAA=\n\n",
};

START_TEST(no_note)
{
    struct note note;
    const char *problem = NULL;
    ck_assert(!note_parse(no_notes[_i], strlen(no_notes[_i]), &note, &problem));
    ck_assert_ptr_nonnull(problem);
    ck_assert_uint_eq(note.count == 0 ? 0 : note.text_length, 0);
}
END_TEST

static const char *const no_keys[] = {
    "",
    "+",
    "example.com/foo",
    "example.com/foo+530d903a",
    "example.com/foo+530d903a+",
    "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
    "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
};

START_TEST(no_key)
{
    struct note_key key;
    ck_assert(!note_key_parse(no_keys[_i], &key));
    ck_assert_uint_eq(key.public_length, 0);
}
END_TEST

/* signed-note: "The ECDSA curve MUST be one of NIST P-256, …": sealring makes, and takes, P-256 only. */
START_TEST(other_curves_are_no_key)
{
    static const char *const curves[] = {"P-384", "secp256k1"};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t bytes[256];
        uint8_t *at = bytes;
        struct note_key key;
        EVP_PKEY *made = EVP_EC_gen(curves[i]);
        ck_assert_ptr_nonnull(made);
        int length = i2d_PUBKEY(made, &at);
        ck_assert(!note_key_make("k", NOTE_ECDSA, bytes, (size_t)length, &key));
        EVP_PKEY_free(made);
    }
}
END_TEST

static void fill(struct checkpoint *checkpoint)
{
    uint8_t vault_id[16];
    memset(vault_id, 0xa5, sizeof vault_id);
    *checkpoint = (struct checkpoint){.size = 20852163, .closed_count = 12, .time = 1764144000123};
    checkpoint_origin(vault_id, checkpoint->origin);
    memset(checkpoint->root.bytes, 0x11, 32);
    memset(checkpoint->closed.bytes, 0x22, 32);
    memset(checkpoint->era, 0x3c, 16);
}

static const char checkpoint_text[] = "sealring/a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\n20852163\n"
                                      "ERERERERERERERERERERERERERERERERERERERERERE=\n"
                                      "era 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c\n"
                                      "closed 12 IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=\n"
                                      "time 1764144000123\n";

START_TEST(checkpoint_there_and_back)
{
    struct checkpoint checkpoint, again;
    char text[CHECKPOINT_TEXT_SIZE];
    fill(&checkpoint);
    checkpoint_format(&checkpoint, text);
    ck_assert_str_eq(text, checkpoint_text);
    ck_assert(checkpoint_parse(text, strlen(text), &again));
    ck_assert_mem_eq(&again, &checkpoint, sizeof again);
    checkpoint.size = UINT64_MAX;
    checkpoint.closed_count = UINT64_MAX;
    checkpoint.time = INT64_MAX;
    checkpoint_format(&checkpoint, text);
    ck_assert(checkpoint_parse(text, strlen(text), &again));
    ck_assert_mem_eq(&again, &checkpoint, sizeof again);
}
END_TEST

/* Every byte changed: either refused, or it states something else and formats to exactly that. */
START_TEST(checkpoint_has_one_text)
{
    char text[sizeof checkpoint_text];
    char again[CHECKPOINT_TEXT_SIZE];
    struct checkpoint checkpoint;
    for (size_t i = 0; i < sizeof checkpoint_text - 1; i++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, checkpoint_text, sizeof text);
            text[i] = (char)byte;
            if (!checkpoint_parse(text, sizeof text - 1, &checkpoint))
                continue;
            checkpoint_format(&checkpoint, again);
            ck_assert_str_eq(again, text);
        }
        ck_assert(!checkpoint_parse(checkpoint_text, i, &checkpoint));
    }
    ck_assert(!checkpoint_parse("a\n01\n", 5, &checkpoint));
}
END_TEST

START_TEST(base64_vectors)
{
    /* RFC 4648, section 10 */
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (unsigned i = 0; i < 7; i++) {
        char text[16];
        uint8_t bytes[8];
        size_t length = 99;
        base64_encode(vectors[i][0], strlen(vectors[i][0]), text);
        ck_assert_str_eq(text, vectors[i][1]);
        ck_assert(base64_decode(text, strlen(text), bytes, sizeof bytes, &length));
        ck_assert_uint_eq(length, strlen(vectors[i][0]));
        ck_assert_mem_eq(bytes, vectors[i][0], length);
        if (length > 0)
            ck_assert(!base64_decode(text, strlen(text), bytes, length - 1, &length));
    }
    static const char *const wrong[] = {"Zg",       "Zg=",  "Zg===", "Zh==", "Zm9=",   "Z===", "====",
                                        "Zg==Zg==", "Zm 9", "Zm-v",  "Zm_v", "Zm9v\n", "Z=9v", "=m9v"};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t bytes[16];
        size_t length;
        ck_assert_msg(!base64_decode(wrong[i], strlen(wrong[i]), bytes, sizeof bytes, &length), "%s", wrong[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("note");
    TCase *tests = tcase_create("note");
    tcase_add_test(tests, specification_examples);
    tcase_add_test(tests, any_changed_byte_of_a_text_or_signature_is_noticed);
    tcase_add_loop_test(tests, both_types_sign_and_verify, 0, 2);
    tcase_add_test(tests, several_signatures);
    tcase_add_test(tests, limits);
    tcase_add_loop_test(tests, no_note, 0, sizeof no_notes / sizeof *no_notes);
    tcase_add_loop_test(tests, no_key, 0, sizeof no_keys / sizeof *no_keys);
    tcase_add_test(tests, other_curves_are_no_key);
    tcase_add_test(tests, checkpoint_there_and_back);
    tcase_add_test(tests, checkpoint_has_one_text);
    tcase_add_test(tests, base64_vectors);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
