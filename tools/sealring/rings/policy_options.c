/* SPDX-License-Identifier: Apache-2.0 */
/* The options of ring create and ring set that are a ring's policy. */
#include "tools/sealring/rings/policy_options.h"

#include <string.h>

/* The members of a policy, by the options that set them. */
static const struct {
    const char *option;
    unsigned field;
} policy_options[] = {
    {"overlap", SEALRING_POLICY_OVERLAP},
    {"purge-delay", SEALRING_POLICY_PURGE_DELAY},
    {"keep", SEALRING_POLICY_KEEP},
    {"rotate-every", SEALRING_POLICY_ROTATE_EVERY},
    {"quiet-period", SEALRING_POLICY_QUIET_PERIOD},
    {"usage-hourly", SEALRING_POLICY_USAGE_HOURLY},
    {"usage-daily", SEALRING_POLICY_USAGE_DAILY},
    {"succession", SEALRING_POLICY_SUCCESSION},
    {"renew", SEALRING_POLICY_RENEW},
    {"renew-life", SEALRING_POLICY_RENEW_LIFE},
    {"renew-age", SEALRING_POLICY_RENEW_AGE},
    {"deliver", SEALRING_POLICY_DELIVER},
    {"leaks", SEALRING_POLICY_LEAKS},
    {"standby", SEALRING_POLICY_STANDBY},
    {"no-standby", SEALRING_POLICY_STANDBY},
    {"idle-blocks", SEALRING_POLICY_IDLE_BLOCKS},
    {"no-idle-blocks", SEALRING_POLICY_IDLE_BLOCKS},
};

/* "400d", or "off". */
static bool read_limit(const char *text, int64_t off, int64_t *limit)
{
    *limit = off;
    return strcmp(text, "off") == 0 || (sealring_duration_parse(text, limit, NULL) == SEALRING_OK && *limit > off);
}

static const char *renew_word(unsigned value)
{
    return sealring_renew_mode_name((sealring_renew_mode)value);
}

static const char *deliver_word(unsigned value)
{
    return sealring_deliver_mode_name((sealring_deliver_mode)value);
}

static const char *leaks_word(unsigned value)
{
    return sealring_leaks_mode_name((sealring_leaks_mode)value);
}

/* The members that are one of a few words. */
enum choice { CHOICE_RENEW, CHOICE_DELIVER, CHOICE_LEAKS, CHOICES };
static const struct {
    const char *option;
    const char *(*word)(unsigned value);
    unsigned last;
    const char *wrong;
} choices[CHOICES] = {
    [CHOICE_RENEW] = {"renew", renew_word, SEALRING_RENEW_SEALED, "--renew takes off, bearer or sealed"},
    [CHOICE_DELIVER] = {"deliver", deliver_word, SEALRING_DELIVER_HOOK, "--deliver takes none, notify, sealed or hook"},
    [CHOICE_LEAKS] = {"leaks", leaks_word, SEALRING_LEAKS_REKEY, "--leaks takes alarm, suspend or rekey"},
};

/* 0 if the option was not given; more than the last one if it is no word of these. */
static unsigned read_choice(const struct options *given, enum choice choice)
{
    const char *text = option_text(given, choices[choice].option);
    unsigned value = 0;
    while (text != NULL && value <= choices[choice].last && strcmp(text, choices[choice].word(value)) != 0)
        value++;
    return value;
}

int policy_options_check(struct session *session)
{
    const char *succession = option_text(&session->options, "succession");
    const char *age = option_text(&session->options, "renew-age");
    sealring_policy read;
    if (succession != NULL && !read_limit(succession, SEALRING_SUCCESSION_OFF, &read.succession))
        return session_refuse(session, STATUS_USAGE, "--succession takes a duration of 1d to 3650d, or off");
    if (age != NULL && !read_limit(age, SEALRING_RENEW_AGE_OFF, &read.renew_age))
        return session_refuse(session, STATUS_USAGE, "--renew-age takes a duration of 1m to 3650d, or off");
    for (enum choice i = CHOICE_RENEW; i < CHOICES; i++)
        if (read_choice(&session->options, i) > choices[i].last)
            return session_refuse(session, STATUS_USAGE, "%s", choices[i].wrong);
    return STATUS_DONE;
}

sealring_policy policy_options_read(const struct options *given, unsigned *fields)
{
    sealring_policy policy = {
        .overlap = option_number(given, "overlap"),
        .purge_delay = option_number(given, "purge-delay"),
        .keep = (uint32_t)option_number(given, "keep"),
        .rotate_every = option_number(given, "rotate-every"),
        .quiet_period = option_number(given, "quiet-period"),
        .standby = option_given(given, "standby"),
        .idle_blocks = option_given(given, "idle-blocks"),
        .usage_hourly = option_number(given, "usage-hourly"),
        .usage_daily = option_number(given, "usage-daily"),
        .renew = (sealring_renew_mode)read_choice(given, CHOICE_RENEW),
        .renew_life = option_number(given, "renew-life"),
        .deliver = (sealring_deliver_mode)read_choice(given, CHOICE_DELIVER),
        .leaks = (sealring_leaks_mode)read_choice(given, CHOICE_LEAKS),
    };
    if (option_given(given, "succession"))
        (void)read_limit(option_text(given, "succession"), SEALRING_SUCCESSION_OFF, &policy.succession);
    if (option_given(given, "renew-age"))
        (void)read_limit(option_text(given, "renew-age"), SEALRING_RENEW_AGE_OFF, &policy.renew_age);
    *fields = 0;
    for (size_t i = 0; i < sizeof policy_options / sizeof policy_options[0]; i++)
        if (option_given(given, policy_options[i].option))
            *fields |= policy_options[i].field;
    return policy;
}
