/* SPDX-License-Identifier: Apache-2.0 */
/* base/utf8: every code point, and every text of up to three bytes against RFC 3629's grammar. */
#include <string.h>

#include "base/utf8.h"
#include "lib/runner.h"

static size_t encode(uint32_t code_point, char text[4])
{
    if (code_point < 0x80) {
        text[0] = (char)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const uint32_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    text[0] = (char)(marks[length] | code_point);
    return length;
}

START_TEST(every_code_point_is_read)
{
    for (uint32_t code_point = 0; code_point <= 0x110fff; code_point++) {
        char text[4];
        size_t length = encode(code_point, text);
        bool valid = code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff);
        uint32_t read = 0;
        size_t size = utf8_character(text, length, &read);
        if (size != (valid ? length : 0) || (valid && read != code_point))
            ck_abort_msg("U+%04X: %zu bytes, read as U+%04X", code_point, size, read);
        for (size_t shorter = 0; shorter < length; shorter++)
            if (utf8_character(text, shorter, NULL) != 0)
                ck_abort_msg("U+%04X cut to %zu bytes", code_point, shorter);
    }
}
END_TEST

static bool in(int byte, int low, int high)
{
    return byte >= low && byte <= high;
}

/* RFC 3629, section 4: UTF8-2 and UTF8-3. */
static size_t expected_length(int a, int b, int c)
{
    if (a < 0x80)
        return 1;
    if (in(a, 0xc2, 0xdf) && in(b, 0x80, 0xbf))
        return 2;
    bool three = (a == 0xe0 && in(b, 0xa0, 0xbf)) || (in(a, 0xe1, 0xec) && in(b, 0x80, 0xbf)) ||
                 (a == 0xed && in(b, 0x80, 0x9f)) || (in(a, 0xee, 0xef) && in(b, 0x80, 0xbf));
    return three && in(c, 0x80, 0xbf) ? 3 : 0;
}

START_TEST(every_three_bytes_are_judged_by_the_grammar)
{
    for (int number = 0; number < 1 << 24; number++) {
        int a = number >> 16, b = number >> 8 & 255, c = number & 255;
        char text[3] = {(char)a, (char)b, (char)c};
        if (utf8_character(text, 3, NULL) != expected_length(a, b, c))
            ck_abort_msg("%02x %02x %02x", (unsigned)a, (unsigned)b, (unsigned)c);
    }
}
END_TEST

START_TEST(controls_are_known)
{
    static const uint32_t controls[] = {0, 0x0a, 0x1f, 0x7f, 0x80, 0x9f, 0x2028, 0x2029};
    static const uint32_t others[] = {0x20, 0x7e, 0xa0, 0xe4, 0x2027, 0x202f, 0x1f511};
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
        ck_assert(utf8_is_control(controls[i]));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert(!utf8_is_control(others[i]));
}
END_TEST

START_TEST(controls_are_replaced_byte_by_byte)
{
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"", ""},
        {"plain \xc3\xa9", "plain \xc3\xa9"},
        {"a\nb\x1b[1m\x7f", "a?b?[1m?"},
        {"\xc2\x85|\xe2\x80\xa8|\xe2\x80\xa9", "??|???|???"},
        {"\xff\xc3", "??"},
        {"\xe2\x82", "??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        strcpy(text, cases[i].text);
        utf8_replace_controls(text);
        ck_assert_str_eq(text, cases[i].clean);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *cases = tcase_create("utf8");
    tcase_add_test(cases, controls_are_replaced_byte_by_byte);
    tcase_add_test(cases, every_code_point_is_read);
    tcase_add_test(cases, every_three_bytes_are_judged_by_the_grammar);
    tcase_add_test(cases, controls_are_known);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
