/* SPDX-License-Identifier: Apache-2.0 */
/* sealring ring: named lines of versions under one policy. */
#include <inttypes.h>
#include <string.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/rings/policy_options.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/views/listing.h"
#include "tools/sealring/rings/scanner_rule.h"
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

static const char *const deliver_texts[] = {
    [SEALRING_DELIVER_NONE] = "handed over by operators",
    [SEALRING_DELIVER_NOTIFY] = "the client is notified by sealring run",
    [SEALRING_DELIVER_SEALED] = "encrypted to the client's certificate, and delivered by sealring run",
    [SEALRING_DELIVER_HOOK] = "handed to hooks by sealring run",
};

static const char *const leaks_texts[] = {
    [SEALRING_LEAKS_ALARM] = "raise an alarm",
    [SEALRING_LEAKS_SUSPEND] = "suspend the API key",
    [SEALRING_LEAKS_REKEY] = "end the API key's credentials, and issue a new one",
};

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
    table_fact(style, "successors", "%s", deliver_texts[ring->policy.deliver]);
    table_fact(style, "leaks", "%s", leaks_texts[ring->policy.leaks]);
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

static int print_rule(const sealring_ring_info *ring, void *context)
{
    const struct session *session = context;
    scanner_print_rule(session, option_text(&session->options, "scanner-rule"), ring->name, ring->prefix);
    return 0;
}

static int check_show(struct session *session)
{
    const char *scanner = option_text(&session->options, "scanner-rule");
    if (scanner != NULL && !scanner_is_known(scanner))
        return session_refuse(session, STATUS_USAGE, "--scanner-rule takes " SCANNERS);
    return STATUS_DONE;
}

static int run_show(struct session *session)
{
    if (!option_given(&session->options, "scanner-rule"))
        return print_ring(session);
    sealring_status status =
        sealring_ring_list(session->manager, session->options.arguments[0], print_rule, session, &session->error);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
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
    sealring_policy policy = policy_options_read(&session->options, &fields);
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
    int result = policy_options_check(session);
    if (result != STATUS_DONE)
        return result;
    (void)policy_options_read(&session->options, &fields);
    if (fields == 0)
        return session_refuse(session, STATUS_USAGE,
                              "ring set wants at least one member of the policy, such as --overlap: see `sealring ring "
                              "set --help`");
    return STATUS_DONE;
}

static int run_set(struct session *session)
{
    unsigned fields = 0;
    sealring_policy policy = policy_options_read(&session->options, &fields);
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
    .check = policy_options_check,
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
    .options = {{"scanner-rule", "SCANNER",
                 "print instead how a scanner finds its credentials in other people's files: " SCANNERS, OPTION_TEXT}},
    .examples = {"sealring ring show payments --scanner-rule gitleaks >>.gitleaks.toml"},
    .check = check_show,
    .run = run_show,
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
