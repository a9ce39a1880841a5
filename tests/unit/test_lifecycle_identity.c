/* SPDX-License-Identifier: Apache-2.0 */
/* Who is alive (DESIGN 6): every combination of file, lock, boot, row and memory over three looks, against an oracle of the test's own. */
#include <stdio.h>

#include "lib/runner.h"
#include "lifecycle/verifier_liveness.h"

#define LEASE   60000
#define SILENCE 61600 /* lease x 1.01 + 1 s */
#define BOOT    INT64_C(5000000)
#define NOW     INT64_C(1795292100000)
#define LOOKS   3

/* What one look finds. No time of another process is among it: boot ID and row are all that could mislead. */
enum file { NO_FILE, UNREADABLE, READABLE, FILES };
struct finding {
    enum file file;
    bool held;
    bool taken_over; /* another verifier's instance is in the file */
    bool left;
    bool other_boot;
    bool concluded; /* the row's columns `ended` and `state` */
    bool forgotten;
    uint64_t number;
};

/* Lock, boot, row and report of each look; a combination that cannot be is none: nobody holds a file that is not there, a file that is gone
 * or cannot be read shows neither number nor that its verifier left, and one that was taken over is not its own. */
static bool is_possible(const struct finding *finding)
{
    bool readable = finding->file == READABLE;
    if (finding->held && finding->file == NO_FILE)
        return false;
    if (!readable && (finding->left || finding->number != 1))
        return false;
    return !finding->taken_over || (finding->file == NO_FILE && !finding->held);
}

static unsigned list_findings(struct finding findings[512])
{
    unsigned count = 0;
    for (unsigned bits = 0; bits < FILES << 7; bits++) {
        struct finding finding = {
            .file = (enum file)(bits >> 7),
            .held = (bits & 1) != 0,
            .taken_over = (bits & 2) != 0,
            .left = (bits & 4) != 0,
            .other_boot = (bits & 8) != 0,
            .concluded = (bits & 16) != 0,
            .forgotten = (bits & 32) != 0,
            .number = (bits & 64) != 0 ? 2 : 1,
        };
        if (is_possible(&finding))
            findings[count++] = finding;
    }
    return count;
}

/* ---- the oracle: it keeps all looks, and asks what is known of the verifier in sentences of DESIGN 6 ---- */

struct look {
    struct finding finding;
    int64_t boot_ms;
};

/* From when on this process knows that the verifier reported nothing more: the first of the looks, up to the last one, that all found the
 * same. Of a file that is held and cannot be read nobody knows. */
static int64_t quiet_since(const struct look *looks, unsigned last)
{
    const struct finding *now = &looks[last].finding;
    unsigned first = last;
    if (now->held && now->file != READABLE)
        return looks[last].boot_ms;
    while (first > 0) {
        const struct finding *before = &looks[first - 1].finding;
        bool same = (before->file == READABLE) == (now->file == READABLE);
        if (now->file == READABLE)
            same = same && before->number == now->number;
        else
            same = same && !before->held;
        if (!same)
            break;
        first--;
    }
    return looks[first].boot_ms;
}

static bool was_held(const struct look *looks, unsigned last)
{
    for (unsigned i = 0; i <= last; i++)
        if (looks[i].finding.held)
            return true;
    return false;
}

/* By what this process itself found, the row aside. */
static bool is_found_over(const struct look *looks, unsigned last)
{
    const struct finding *now = &looks[last].finding;
    bool silent = looks[last].boot_ms - quiet_since(looks, last) >= SILENCE;
    if (now->held)
        return silent; /* alive, whatever anything says */
    if (now->file == READABLE || now->taken_over)
        return true; /* nobody holds it any more */
    /* a verifier without a file cannot come back without one: what was found of it before is true still */
    bool found = last > 0 && !looks[last - 1].finding.held && is_found_over(looks, last - 1);
    return silent || found;
}

static bool oracle_over(const struct look *looks, unsigned last)
{
    const struct finding *now = &looks[last].finding;
    /* only of a verifier without a file that this process never saw alive may the row say that it ended */
    bool excused = now->concluded && !now->held && now->file != READABLE && !was_held(looks, last);
    return excused || is_found_over(looks, last);
}

/* ---- the product ---- */

static struct watched see(const struct finding *finding, const struct watch_memory *own)
{
    return (struct watched){
        .file_there = finding->file == READABLE,
        .held = finding->held,
        .taken_over = finding->taken_over,
        .left = finding->left,
        .other_boot = finding->other_boot,
        .epoch = 7,
        .number = finding->number,
        .concluded = finding->concluded,
        .forgotten = finding->forgotten,
        .own = *own,
    };
}

/* The looks up to the last one, in one line. */
static void explain(const struct look *looks, unsigned last, char text[1024])
{
    static const char *const files[] = {"none", "unreadable", "readable"};
    size_t length = 0;
    for (unsigned i = 0; i <= last; i++) {
        const struct finding *finding = &looks[i].finding;
        length +=
            (size_t)snprintf(text + length, 1024 - length, "; %lld ms: file %s%s%s%s%s%s%s, number %llu",
                             (long long)(looks[i].boot_ms - BOOT), files[finding->file], finding->held ? ", held" : "",
                             finding->taken_over ? ", taken over" : "", finding->left ? ", left" : "",
                             finding->other_boot ? ", other boot" : "", finding->concluded ? ", row: ended" : "",
                             finding->forgotten ? ", row: forgotten" : "", (unsigned long long)finding->number);
    }
}

static bool is_end_right(const struct look *look, const struct watched *watched, bool over, const struct watch_end *end)
{
    bool silent = look->finding.held && over; /* it may come back */
    if (!over || silent)
        return end->ended == 0 && end->hole == 0;
    if (look->finding.file == READABLE && !look->finding.concluded && watched->own.alive && end->hole != 0)
        return false; /* this process saw it alive: its file is whole */
    return end->ended != 0 && (end->hole == 0 || end->hole == end->ended || look->finding.concluded);
}

/* The verifier's state follows from who is over, and from nothing in the row but that an operator forgot it. */
static bool is_state_right(const struct look *look, bool over, sealring_verifier_state state)
{
    if (look->finding.held && look->finding.file == READABLE)
        return state == (over ? SEALRING_VERIFIER_SILENT : SEALRING_VERIFIER_SERVING);
    if (look->finding.held || !over)
        return state == SEALRING_VERIFIER_LOST;
    return state == SEALRING_VERIFIER_DEAD || state == SEALRING_VERIFIER_LEFT || state == SEALRING_VERIFIER_LOST ||
           (state == SEALRING_VERIFIER_FORGOTTEN && look->finding.forgotten);
}

/* Asserts of the library cost a system call each, and there are tens of millions of looks: so the first that is wrong is asserted. */
static void follow(const struct look *looks, unsigned count)
{
    struct watch_memory own = {.seen = false};
    for (unsigned i = 0; i < count; i++) {
        const struct finding *finding = &looks[i].finding;
        struct watched watched = see(finding, &own);
        struct watch_end end = {.ended = finding->concluded ? NOW - 9000 : 0};
        sealring_verifier_state state = watch_look(&watched, looks[i].boot_ms, NOW, LEASE, &end);
        bool over = watch_is_over(&watched, looks[i].boot_ms, LEASE);
        bool expected = oracle_over(looks, i);
        bool right = over == expected &&
                     (watch_serves_until(&watched, looks[i].boot_ms, LEASE) <= looks[i].boot_ms) == over &&
                     is_state_right(&looks[i], over, state) && is_end_right(&looks[i], &watched, over, &end);
        /* whom this process saw alive at the look before ended now, and not when the row says */
        if (over && i > 0 && looks[i - 1].finding.held && !finding->held && !finding->forgotten)
            right = right && end.ended == NOW;
        if (!right) {
            char history[1024];
            explain(looks, i, history);
            ck_abort_msg("over %d (expected %d), state %d, ended %lld, hole %lld%s", over, expected, (int)state,
                         (long long)end.ended, (long long)end.hole, history);
        }
        own = watched.own;
    }
}

/* The time between two looks: less than a lease, and just the silence. */
static const int64_t pauses[] = {20, SILENCE - 1, SILENCE};
#define PAUSES 3

/* One test for each first look; the two that come after it are all that there are. */
START_TEST(whoever_holds_its_file_is_alive)
{
    static struct finding findings[512];
    unsigned count = list_findings(findings);
    for (unsigned first = (unsigned)_i; first < count; first += 16)
        for (unsigned second = 0; second < count; second++)
            for (unsigned third = 0; third < count; third++)
                for (unsigned pause = 0; pause < PAUSES * PAUSES; pause++) {
                    struct look looks[LOOKS] = {{findings[first], BOOT}, {findings[second], 0}, {findings[third], 0}};
                    looks[1].boot_ms = BOOT + pauses[pause % PAUSES];
                    looks[2].boot_ms = looks[1].boot_ms + pauses[pause / PAUSES];
                    follow(looks, LOOKS);
                }
}
END_TEST

/* What a row remembers may lengthen a wait, and never shortens one that files, locks and this process's own memory ask for. */
START_TEST(a_row_shortens_nothing)
{
    static struct finding findings[512];
    unsigned count = list_findings(findings);
    for (unsigned first = 0; first < count; first++)
        for (unsigned second = 0; second < count; second++) {
            struct watch_memory with = {.seen = false}, without = {.seen = false};
            const struct finding *pair[] = {&findings[first], &findings[second]};
            for (unsigned i = 0; i < 2; i++) {
                struct finding plain = *pair[i];
                plain.concluded = plain.forgotten = plain.other_boot = false;
                bool known = plain.file != NO_FILE ||
                             without.seen; /* else nothing but the row knows that there is such a verifier */
                struct watched one = see(pair[i], &with), other = see(&plain, &without);
                struct watch_end end = {.ended = pair[i]->concluded ? 1 : 0}, none = {.ended = 0};
                watch_look(&one, BOOT + i * SILENCE, NOW, LEASE, &end);
                watch_look(&other, BOOT + i * SILENCE, NOW, LEASE, &none);
                bool alive = plain.held || without.alive;
                if (known && alive)
                    ck_assert_int_ge(watch_serves_until(&one, BOOT + i * SILENCE, LEASE),
                                     watch_serves_until(&other, BOOT + i * SILENCE, LEASE));
                with = one.own;
                without = other.own;
            }
        }
}
END_TEST

/* A boot ID bears on one thing: whether a file that nobody holds may lack what had not reached the disk. */
START_TEST(a_boot_id_bears_on_holes_alone)
{
    static struct finding findings[512];
    unsigned count = list_findings(findings);
    for (unsigned i = 0; i < count; i++)
        for (int alive = 0; alive < 2; alive++) {
            struct finding other = findings[i];
            struct watch_memory own = {.seen = alive != 0, .alive = alive != 0, .held = alive != 0, .number = 1};
            if (!other.other_boot || other.concluded)
                continue;
            struct watched one = see(&findings[i], &own);
            other.other_boot = false;
            struct watched two = see(&other, &own);
            struct watch_end first = {.ended = 0}, second = {.ended = 0};
            sealring_verifier_state state = watch_look(&one, BOOT, NOW, LEASE, &first);
            ck_assert_int_eq(state, watch_look(&two, BOOT, NOW, LEASE, &second));
            ck_assert_int_eq(watch_serves_until(&one, BOOT, LEASE), watch_serves_until(&two, BOOT, LEASE));
            ck_assert_int_eq(first.ended, second.ended);
            bool doubtful = !other.held && (other.file == READABLE || other.taken_over) && alive == 0;
            ck_assert_int_eq(first.hole, doubtful ? NOW : second.hole);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/identity");
    TCase *cases = tcase_create("identity");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, whoever_holds_its_file_is_alive, 0, 16);
    tcase_add_test(cases, a_row_shortens_nothing);
    tcase_add_test(cases, a_boot_id_bears_on_holes_alone);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
