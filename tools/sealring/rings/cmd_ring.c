/* SPDX-License-Identifier: Apache-2.0 */
/* sealring ring: named lines of versions under one policy. */
#include <inttypes.h>
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"
#include "tools/sealring/views/waitline.h"

static const struct table_column columns[] = {
    {"RING", 0},    {"PREFIX", 0},  {"ACTIVE", 1},  {"VERSIONS", 1}, {"API KEYS", 1},
    {"OVERLAP", 0}, {"ROTATES", 0}, {"CREATED", 0}, {NULL, 0},
};

static int list_ring(const sealring_ring_info *ring, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, jsontext_ring(ring));
    table_add(table, TONE_BOLD, "%s", ring->name);
    table_add(table, TONE_PLAIN, "%s", ring->prefix);
    if (ring->active_version != 0)
        table_add(table, TONE_GOOD, "%" PRIu32, ring->active_version);
    else
        table_add(table, TONE_BAD, "none");
    table_add(table, TONE_PLAIN, "%" PRIu32, ring->versions);
    table_add_number(table, ring->keys);
    table_add(table, TONE_PLAIN, "%s", moment_duration(ring->policy.overlap).text);
    table_add(table, TONE_PLAIN, "%s",
              ring->policy.rotate_every != 0 ? moment_duration(ring->policy.rotate_every).text : "by hand");
    table_add_time(table, ring->created, "");
    return 0;
}

static int run_list(struct session *session)
{
    struct shown_rows listing;
    listing_start(&listing, session, columns);
    sealring_status status = sealring_ring_list(session->manager, NULL, list_ring, &listing, &session->error);
    return listing_finish(&listing, status, NULL, "rings",
                          "no rings yet: sealring ring create NAME --prefix acme_live");
}

static void show_renewal(const struct style *style, const sealring_policy *policy)
{
    const bool sealed = policy->renew == SEALRING_RENEW_SEALED;
    table_fact(style, "renewal", "by the holder of a valid credential%s",
               sealed ? ", encrypted to the client's certificate" : "");
    if (policy->renew_life != 0)
        table_fact(style, "", "for %s each", moment_duration(policy->renew_life).text);
    if (policy->renew_age != SEALRING_RENEW_AGE_OFF)
        table_fact(style, "", "at most %s after the operator's issue", moment_duration(policy->renew_age).text);
}

static int show_ring(const sealring_ring_info *ring, void *context)
{
    struct shown_rows *listing = context;
    const struct style *style = &listing->session->out;
    if (listing->session->json) {
        listing->object = jsontext_ring(ring);
        return 0;
    }
    table_fact(style, "ring", BOLD "%s" PLAIN, ring->name);
    table_fact(style, "ring ID", "%s", ring->ring_id);
    table_fact(style, "prefix", "%s", ring->prefix);
    table_fact(style, "API keys", "%s", moment_number(ring->keys).text);
    table_fact(style, "overlap", "%s after a rotation", moment_duration(ring->policy.overlap).text);
    table_fact(style, "purge delay", "%s after a version was closed", moment_duration(ring->policy.purge_delay).text);
    table_fact(style, "quiet period", "%s without a use before a version retires",
               moment_duration(ring->policy.quiet_period).text);
    table_fact(style, "keep", "%" PRIu32 " retiring at most", ring->policy.keep);
    if (ring->policy.rotate_every != 0)
        table_fact(style, "rotates", "every %s, by sealring run", moment_duration(ring->policy.rotate_every).text);
    else
        table_fact(style, "rotates", "by hand only");
    table_fact(style, "standby", "%s", ring->policy.standby ? "kept ready by sealring run" : "none");
    if (ring->policy.succession == SEALRING_SUCCESSION_OFF)
        table_fact(style, "succession", "off: a version retires also where API keys in use have no successor");
    else
        table_fact(style, "succession", "API keys used within %s need a successor before a version retires",
                   moment_duration(ring->policy.succession).text);
    if (ring->policy.renew == SEALRING_RENEW_OFF)
        table_fact(style, "renewal", "off: operators issue");
    else
        show_renewal(style, &ring->policy);
    table_fact(style, "idle keys", "%s a retirement", ring->policy.idle_blocks ? "block" : "do not block");
    table_fact(style, "usage", "by the hour for %s", moment_duration(ring->policy.usage_hourly).text);
    table_fact(style, "", "by the day for %s", moment_duration(ring->policy.usage_daily).text);
    table_fact(style, "created", "%s", moment_format(ring->created, listing->session->now).text);
    if (ring->rotation_held)
        table_fact(style, "rotation", WARN "held since the rollback" PLAIN ", until an operator rotates or activates");
    return 0;
}

/* What comes next for it, and when. */
static struct moment until(const sealring_version_info *version, int64_t now)
{
    struct moment then = {""};
    if (version->state == SEALRING_VERSION_RETIRING && version->retire_at != 0)
        snprintf(then.text, MOMENT_SIZE, "valid until %.60s", moment_format(version->retire_at, now).text);
    else if (version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED)
        snprintf(then.text, MOMENT_SIZE, "object kept until %.60s", moment_format(version->purge_at, now).text);
    else if (version->state == SEALRING_VERSION_DESTROYED)
        snprintf(then.text, MOMENT_SIZE, "destroyed %.60s", moment_format(version->destroyed, now).text);
    return then;
}

static const struct table_column version_columns[] = {
    {"VERSION", 1},     {"STATE", 0},   {"API KEYS", 1}, {"CREDENTIALS", 1},
    {"CHECK VALUE", 0}, {"CREATED", 0}, {"THEN", 0},     {NULL, 0},
};

static int list_version(const sealring_version_info *version, void *context)
{
    struct shown_rows *listing = context;
    struct table *table = &listing->table;
    bool compromised = version->state == SEALRING_VERSION_DESTROYED && version->was_compromised;
    if (listing->array != NULL)
        return json_array_append_new(listing->array, jsontext_version(version));
    table_add(table, TONE_PLAIN, "%" PRIu32, version->version);
    table_add(table, style_version_tone(version->state), "%s%s", sealring_version_state_name(version->state),
              compromised ? " (compromised)" : "");
    table_add_number(table, version->current);
    table_add_number(table, version->credentials);
    table_add(table, TONE_PLAIN, "%s", version->check_value);
    table_add_time(table, version->created, "");
    table_add(table, TONE_PLAIN, "%s", until(version, table->now).text);
    return 0;
}

/* Prints the ring and its versions. */
static int print_ring(struct session *session)
{
    const char *name = session->options.arguments[0];
    struct shown_rows versions;
    listing_start(&versions, session, version_columns);
    sealring_status status = sealring_ring_list(session->manager, name, show_ring, &versions, &session->error);
    if (status == SEALRING_OK)
        status = sealring_version_list(session->manager, name, 0, list_version, &versions, &session->error);
    return listing_finish(&versions, status, "ring", "version_list", NULL);
}

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

static bool read_mode(const char *text, sealring_renew_mode *mode)
{
    for (*mode = SEALRING_RENEW_OFF; *mode <= SEALRING_RENEW_SEALED; ++*mode)
        if (strcmp(text, sealring_renew_mode_name(*mode)) == 0)
            return true;
    return false;
}

/* The texts that are more than a number or a duration. */
static int check_policy(struct session *session)
{
    const char *succession = option_text(&session->options, "succession");
    const char *age = option_text(&session->options, "renew-age"), *mode = option_text(&session->options, "renew");
    sealring_policy read;
    if (succession != NULL && !read_limit(succession, SEALRING_SUCCESSION_OFF, &read.succession))
        return session_refuse(session, STATUS_USAGE, "--succession takes a duration of 1d to 3650d, or off");
    if (age != NULL && !read_limit(age, SEALRING_RENEW_AGE_OFF, &read.renew_age))
        return session_refuse(session, STATUS_USAGE, "--renew-age takes a duration of 1m to 3650d, or off");
    if (mode != NULL && !read_mode(mode, &read.renew))
        return session_refuse(session, STATUS_USAGE, "--renew takes off, bearer or sealed");
    return STATUS_DONE;
}

/* Which members of the policy the command line sets. */
static sealring_policy read_policy(const struct options *given, unsigned *fields)
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
        .renew_life = option_number(given, "renew-life"),
    };
    if (option_given(given, "succession"))
        (void)read_limit(option_text(given, "succession"), SEALRING_SUCCESSION_OFF, &policy.succession);
    if (option_given(given, "renew-age"))
        (void)read_limit(option_text(given, "renew-age"), SEALRING_RENEW_AGE_OFF, &policy.renew_age);
    if (option_given(given, "renew"))
        (void)read_mode(option_text(given, "renew"), &policy.renew);
    *fields = 0;
    for (size_t i = 0; i < sizeof policy_options / sizeof policy_options[0]; i++)
        if (option_given(given, policy_options[i].option))
            *fields |= policy_options[i].field;
    return policy;
}

/* Where verifiers serve already, the first version issues once they have proved it. */
static sealring_status activate_first(struct session *session, const char *name)
{
    sealring_status status = waitline_barrier(session, name, 1);
    if (status != SEALRING_OK)
        return status;
    status = sealring_version_change(session->manager, name, SEALRING_EVENT_ACTIVATE, 1, NULL, NULL, &session->error);
    /* somebody else did it meanwhile */
    return status == SEALRING_REFUSED ? SEALRING_OK : status;
}

static int remember_active(const sealring_ring_info *ring, void *context)
{
    *(uint32_t *)context = ring->active_version;
    return 0;
}

static int run_create(struct session *session)
{
    unsigned fields = 0;
    sealring_policy policy = read_policy(&session->options, &fields);
    const char *name = session->options.arguments[0];
    const char *prefix = option_text(&session->options, "prefix");
    sealring_status status = sealring_ring_create(session->manager, name, prefix, &policy, fields, &session->error);
    uint32_t active = 0;
    if (status == SEALRING_OK && !session->dry_run)
        status = sealring_ring_list(session->manager, name, remember_active, &active, &session->error);
    if (status == SEALRING_OK && !session->dry_run && active == 0)
        status = activate_first(session, name);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (prefix == NULL)
        prefix = "sr";
    if (session->json && !session->dry_run)
        return print_ring(session);
    if (session->json)
        jsontext_print_as("ring", json_pack("{s:s, s:s, s:b}", "name", name, "prefix", prefix, "dry_run", 1));
    else
        terminal_print(&session->out, "ring %s %s: prefix %s, version 1 %s\n", name,
                       session->dry_run ? "would be created" : "is ready", prefix,
                       session->dry_run ? "would be active" : "is active");
    if (!session->dry_run)
        session_say(session, "next: sealring client add NAME, then sealring issue %s --client NAME", name);
    return STATUS_DONE;
}

static int check_set(struct session *session)
{
    unsigned fields = 0;
    int result = check_policy(session);
    if (result != STATUS_DONE)
        return result;
    (void)read_policy(&session->options, &fields);
    if (fields == 0)
        return session_refuse(session, STATUS_USAGE,
                              "ring set wants at least one member of the policy, such as --overlap: see `sealring ring "
                              "set --help`");
    return STATUS_DONE;
}

static int run_set(struct session *session)
{
    unsigned fields = 0;
    sealring_policy policy = read_policy(&session->options, &fields);
    const char *name = session->options.arguments[0];
    sealring_status status = sealring_ring_set(session->manager, name, &policy, fields, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    if (session->json)
        return print_ring(session);
    terminal_print(&session->out, "ring %s %s its policy; the end of an overlap that has begun does not change\n", name,
                   session->dry_run ? "would change" : "has changed");
    return STATUS_DONE;
}

#define NAME_ARGUMENT "NAME", "the ring's name", ARGUMENT_TEXT, 0

#define POLICY_OPTIONS                                                                                                \
    {"overlap", "DURATION", "how long a predecessor stays accepted after a rotation; in a new ring 7d",               \
     OPTION_DURATION},                                                                                                \
        {"quiet-period", "DURATION",                                                                                  \
         "a version retires when the verifiers' reports show no use for this long; in a new ring 1d",                 \
         OPTION_DURATION},                                                                                            \
        {"rotate-every", "DURATION",                                                                                  \
         "the interval at which sealring run rotates; 0s, as in a new ring: only operators rotate", OPTION_DURATION}, \
        {"keep", "NUMBER", "how many retiring predecessors there may be; in a new ring 3", OPTION_NUMBER},            \
        {"purge-delay", "DURATION", "how long the object of a closed version is kept; in a new ring 30d",             \
         OPTION_DURATION},                                                                                            \
        {"standby", NULL, "sealring run keeps a pending version ready", OPTION_FLAG},                                 \
        {"no-standby", NULL, "keep no standby: the default", OPTION_FLAG},                                            \
        {"idle-blocks", NULL, "API keys that never called block the retirement of their version", OPTION_FLAG},       \
        {"no-idle-blocks", NULL, "they do not block it: the default", OPTION_FLAG},                                   \
        {"usage-hourly", "DURATION", "how long usage is stored by the hour; in a new ring 7d", OPTION_DURATION},      \
        {"usage-daily", "DURATION", "how long usage is stored by the day; in a new ring 400d", OPTION_DURATION},      \
        {"succession", "DURATION",                                                                                    \
         "API keys used within this time need a successor before their version retires, or off; in a new ring 400d",  \
         OPTION_TEXT},                                                                                                \
        {"renew", "MODE",                                                                                             \
         "whether the holder of a valid credential gets the next one: off, as in a new ring, bearer, or sealed (to "  \
         "the client's certificate)",                                                                                 \
         OPTION_TEXT},                                                                                                \
        {"renew-life", "DURATION",                                                                                    \
         "how long a renewed credential lives; 0s, as in a new ring: until its predecessor would have expired",       \
         OPTION_DURATION},                                                                                            \
    {                                                                                                                 \
        "renew-age", "DURATION",                                                                                      \
            "no renewed credential lives longer than this after the operator's issue, or off; in a new ring 400d",    \
            OPTION_TEXT                                                                                               \
    }

const struct command command_ring_create = {
    .words = "ring create",
    .purpose = "create a ring and its first version",
    .arguments = {{NAME_ARGUMENT}},
    .options = {{"prefix", "PREFIX",
                 "the beginning of its credentials, such as acme_live; cannot be changed later; default: sr",
                 OPTION_TEXT},
                POLICY_OPTIONS,
                {WAIT_OPTION},
                {NO_WAIT_OPTION}},
    .notes = "A ring is a line of versions under one policy: one service, environment or tenant.",
    .examples = {"sealring ring create payments --prefix acme_live --overlap 30d"},
    .check = check_policy,
    .run = run_create,
    .flags = COMMAND_CHANGES | COMMAND_TOKEN,
};

const struct command command_ring_list = {
    .words = "ring list",
    .purpose = "list the rings",
    .run = run_list,
};

const struct command command_ring_show = {
    .words = "ring show",
    .purpose = "show a ring's policy and versions",
    .arguments = {{NAME_ARGUMENT}},
    .run = print_ring,
};

const struct command command_ring_set = {
    .words = "ring set",
    .purpose = "change a ring's policy",
    .arguments = {{NAME_ARGUMENT}},
    .options = {POLICY_OPTIONS},
    .notes = "The end of an overlap that has begun does not change.",
    .check = check_set,
    .run = run_set,
    .flags = COMMAND_CHANGES,
};
