/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside: what reaches a terminal, JSON and a shell, for given texts and for random bytes, read back by those who read it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <sealring/outside.h>

#include "base/foreign_text.h"
#include "base/utf8.h"
#include "lib/runner.h"
#include "seeded.h"

#define WORDS    400
#define WORD_MAX 40
#define ROOM     1024

static uint64_t seed;

/* Bytes of every kind, those that matter more often. Without NUL, so that it can be a word of a command line. */
static void random_text(uint64_t *state, char text[WORD_MAX + 1])
{
    static const char *const pieces[] = {"'",
                                         "\\",
                                         "!",
                                         "$",
                                         "`",
                                         "\"",
                                         "\033[31m",
                                         "\xc2\x9b",
                                         "\xe2\x80\xa8",
                                         "\xe2\x80\xae",
                                         "\xff",
                                         "\xc3",
                                         "\xc3\xa9",
                                         "\xe6\xbc\xa2",
                                         "\n",
                                         " ",
                                         "; exit 3",
                                         "a",
                                         "\x7f",
                                         "%s",
                                         "\xf3\xa0\x80\x81",
                                         "~",
                                         "#",
                                         "=",
                                         "\xf0\x9f\x94\x91"};
    size_t length = 0;
    text[0] = '\0';
    for (size_t count = seeded_next(state) % 9; count > 0; count--) {
        char byte[2] = {(char)(1 + seeded_next(state) % 255), '\0'};
        uint64_t choice = seeded_next(state) % (2 * sizeof pieces / sizeof *pieces);
        const char *piece = choice < sizeof pieces / sizeof *pieces ? pieces[choice] : byte;
        if (length + strlen(piece) > WORD_MAX)
            return;
        length += (size_t)sprintf(text + length, "%s", piece);
    }
}

static void assert_safe(const char *text, bool ascii)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t code_point = 0;
        size_t taken = utf8_character(text + at, length - at, &code_point);
        ck_assert_msg(taken > 0 && !outside_is_unsafe(code_point) && (!ascii || code_point < 0x80),
                      "byte %zu of \"%s\" is unsafe", at, text);
        at += taken;
    }
}

static const struct {
    const char *text;
    const char *terminal;
    const char *ascii;
} cases[] = {
    {"", "", ""},
    {"plain \\ text", "plain \\ text", "plain \\ text"},
    {"a\nb\rc\td\033[31m\a\x7f", "a\\x0ab\\x0dc\\x09d\\x1b[31m\\x07\\x7f", "a\\x0ab\\x0dc\\x09d\\x1b[31m\\x07\\x7f"},
    {"C1 \xc2\x9b and 8 bit \x9b", "C1 \\u009b and 8 bit \\x9b", "C1 \\u009b and 8 bit \\x9b"},
    {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029", "\\u2028\\u2029"},
    {"\xe2\x80\xae"
     "txt.exe\xe2\x81\xa6",
     "\\u202etxt.exe\\u2066", "\\u202etxt.exe\\u2066"},
    {"\xef\xbb\xbfx\xe2\x80\x8by\xf3\xa0\x80\x81", "\\ufeffx\\u200by\\U000e0001", "\\ufeffx\\u200by\\U000e0001"},
    {"b\xfcro", "b\\xfcro", "b\\xfcro"},
    {"b\xc3\xbcro \xe6\xbc\xa2 \xf0\x9f\x94\x91", "b\xc3\xbcro \xe6\xbc\xa2 \xf0\x9f\x94\x91",
     "b\\u00fcro \\u6f22 \\U0001f511"},
    {"cut \xe2\x82", "cut \\xe2\\x82", "cut \\xe2\\x82"},
};

START_TEST(text_is_escaped_for_a_terminal)
{
    char escaped[ROOM];
    const char *text = cases[_i].text;
    size_t length = sealring_text_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, escaped, sizeof escaped);
    ck_assert_str_eq(escaped, cases[_i].terminal);
    ck_assert_uint_eq(length, strlen(escaped));
    sealring_text_escape(text, strlen(text), SEALRING_ESCAPE_ASCII, escaped, sizeof escaped);
    ck_assert_str_eq(escaped, cases[_i].ascii);
}
END_TEST

START_TEST(every_unsafe_code_point_is_escaped_and_no_other)
{
    /* UnicodeData 15: Cc, Zl, Zp, and of Cf what is invisible or changes direction */
    static const uint32_t samples[] = {0x00,   0x1f,   0x7f,   0x80,    0x9f,    0xad,   0x61c,  0x180e,
                                       0x200b, 0x200f, 0x2028, 0x202e,  0x2060,  0x2066, 0x2069, 0x206f,
                                       0xfeff, 0xfff9, 0xfffb, 0x1d173, 0xe0000, 0xe007f};
    static const uint32_t good[] = {0x20,   0x7e,   0xa0,   0xac,   0xae,   0x200a, 0x2010,  0x2027,
                                    0x202f, 0x205f, 0x2070, 0xfefe, 0xfffc, 0xfffd, 0x1f511, 0xe0080};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        ck_assert_msg(outside_is_unsafe(samples[i]), "U+%04X", samples[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(!outside_is_unsafe(good[i]), "U+%04X", good[i]);
}
END_TEST

START_TEST(random_bytes_reach_no_terminal)
{
    uint64_t state = seed;
    for (int i = 0; i < 20000; i++) {
        char text[WORD_MAX + 1], escaped[ROOM], quoted[ROOM], again[ROOM];
        random_text(&state, text);
        sealring_text_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, escaped, sizeof escaped);
        assert_safe(escaped, false);
        sealring_text_escape(escaped, strlen(escaped), SEALRING_ESCAPE_TERMINAL, again, sizeof again);
        ck_assert_str_eq(escaped, again);
        sealring_text_escape(text, strlen(text), SEALRING_ESCAPE_ASCII, escaped, sizeof escaped);
        assert_safe(escaped, true);
        sealring_shell_quote(text, quoted, sizeof quoted);
        assert_safe(quoted, false);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_left_out_at_a_character)
{
    static const char text[] = "ab\033\xc3\xa9\xfftail";
    char whole[ROOM], part[ROOM];
    size_t length = sealring_text_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, whole, sizeof whole);
    ck_assert_uint_eq(sealring_text_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, NULL, 0), length);
    for (size_t size = 1; size <= length + 1; size++) {
        memset(part, '#', sizeof part);
        ck_assert_uint_eq(sealring_text_escape(text, strlen(text), SEALRING_ESCAPE_TERMINAL, part, size), length);
        ck_assert_uint_lt(strlen(part), size);
        ck_assert_mem_eq(part, whole, strlen(part));
        ck_assert_int_eq(part[size], '#');
        assert_safe(part, false);
    }
    ck_assert_str_eq(part, whole);
}
END_TEST

/* JSON that is escaped is the same JSON, for jansson. */
START_TEST(json_stays_what_it_was)
{
    uint64_t state = seed + 1;
    for (int i = 0; i < 5000; i++) {
        char text[WORD_MAX + 1], escaped[ROOM];
        random_text(&state, text);
        json_t *value = json_pack("{s:s}", "text", text);
        if (value == NULL)
            continue; /* not UTF-8 */
        char *dumped = json_dumps(value, JSON_INDENT(2));
        sealring_text_escape(dumped, strlen(dumped), SEALRING_ESCAPE_JSON, escaped, sizeof escaped);
        json_t *read = json_loads(escaped, 0, NULL);
        ck_assert_ptr_nonnull(read);
        ck_assert(json_equal(read, value));
        for (const char *at = escaped; *at != '\0'; at++)
            ck_assert(*at == '\n' || ((unsigned char)*at >= 0x20 && *at != 0x7f));
        ck_assert_ptr_null(strstr(escaped, "\xc2\x9b"));
        ck_assert_ptr_null(strstr(escaped, "\xe2\x80\xae"));
        json_decref(read);
        json_decref(value);
        free(dumped);
    }
}
END_TEST

/* A shell reads the quoted words, each printed with a NUL behind it. Returns what it printed in `out`, its exit status as result. */
static int read_by_shell(const char *shell, char words[][WORD_MAX + 1], size_t count, char *out, size_t size,
                         size_t *length)
{
    char script[] = "/tmp/sealring-quote-XXXXXX", command[128], quoted[ROOM];
    FILE *file = fdopen(mkstemp(script), "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < count; i++) {
        sealring_shell_quote(words[i], quoted, sizeof quoted);
        fprintf(file, "printf '%%s\\0' %s\n", quoted);
    }
    ck_assert_int_eq(fclose(file), 0);
    snprintf(command, sizeof command, "exec %s %s 2>&1", shell, script);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    *length = fread(out, 1, size, pipe);
    int status = pclose(pipe);
    unlink(script);
    return status;
}

static void make_words(char words[WORDS][WORD_MAX + 1])
{
    static const char *const given[] = {"",
                                        "-n",
                                        "a b",
                                        "a'; touch pasted; echo '",
                                        "it's",
                                        "'",
                                        "''",
                                        "\\",
                                        "$(id)",
                                        "`id`",
                                        "!x",
                                        "a\nb",
                                        "x\033[31m'y\\",
                                        "\xff'; exit 3 #",
                                        "*",
                                        "~",
                                        "%s",
                                        "a=b",
                                        "\xe6\xbc\xa2\xe5\xad\x97"};
    uint64_t state = seed + 2;
    for (size_t i = 0; i < WORDS; i++)
        if (i < sizeof given / sizeof *given)
            snprintf(words[i], WORD_MAX + 1, "%s", given[i]);
        else
            random_text(&state, words[i]);
}

START_TEST(bash_reads_each_word_as_it_was)
{
    static char words[WORDS][WORD_MAX + 1], out[WORDS * (WORD_MAX + 2)];
    size_t length = 0, at = 0;
    make_words(words);
    ck_assert_int_eq(read_by_shell("bash", words, WORDS, out, sizeof out, &length), 0);
    for (size_t i = 0; i < WORDS; i++) {
        ck_assert_uint_lt(at, length);
        ck_assert_str_eq(out + at, words[i]);
        at += strlen(words[i]) + 1;
    }
    ck_assert_uint_eq(at, length);
}
END_TEST

/* A shell that does not know $'…' gets another word, but one, and nothing of it is a command. */
START_TEST(no_shell_runs_what_is_quoted)
{
    static char words[WORDS][WORD_MAX + 1], out[WORDS * 8 * WORD_MAX];
    size_t length = 0, count = 0;
    make_words(words);
    ck_assert_int_eq(read_by_shell("sh", words, WORDS, out, sizeof out, &length), 0);
    for (size_t at = 0; at < length; at += strlen(out + at) + 1)
        count++;
    ck_assert_uint_eq(count, WORDS);
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("outside");
    TCase *tests = tcase_create("outside");
    tcase_add_loop_test(tests, text_is_escaped_for_a_terminal, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tests, every_unsafe_code_point_is_escaped_and_no_other);
    tcase_add_test(tests, random_bytes_reach_no_terminal);
    tcase_add_test(tests, what_does_not_fit_is_left_out_at_a_character);
    tcase_add_test(tests, json_stays_what_it_was);
    tcase_add_test(tests, bash_reads_each_word_as_it_was);
    tcase_add_test(tests, no_shell_runs_what_is_quoted);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
