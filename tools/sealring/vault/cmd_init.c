/* SPDX-License-Identifier: Apache-2.0 */
/* sealring init: a new vault. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/sealring/commands.h"
#include "tools/sealring/crash.h"
#include "tools/sealring/pins.h"
#include "tools/sealring/session.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/table.h"
#include "tools/sealring/terminal/terminal.h"

/* ~/.local/share need not exist yet; the directories of a path that was asked for must. */
static void make_default_parents(const struct session *session)
{
    if (option_given(&session->options, "vault") || getenv("SEALRING_VAULT") != NULL)
        return;
    char *path = memory_copy(session->vault);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, S_IRWXU); /* if it fails, sealring_init reports what is missing */
        *slash = '/';
    }
    free(path);
}

static bool is_free(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno == ENOENT;
    size_t entries = 0;
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    return entries <= 2;
}

static int dry_run(struct session *session, const sealring_init_options *init)
{
    if (!is_free(session->vault))
        return session_refuse(session, STATUS_REFUSED, "%s is not an empty directory: a vault needs one of its own",
                              session->vault);
    if (init->module != NULL && access(init->module, R_OK) != 0)
        return session_refuse(session, STATUS_TOKEN, "module %s cannot be read: %s", init->module, strerror(errno));
    if (init->pin_source != NULL && pins_is_file(init->pin_source) && access(init->pin_source, R_OK) != 0)
        return session_refuse(session, STATUS_REFUSED, "PIN file %s cannot be read: %s", init->pin_source,
                              strerror(errno));
    if (session->json)
        jsontext_print_as("vault", json_pack("{s:o, s:b, s:b}", "path", jsontext_text(session->vault), "software_token",
                                             init->module == NULL, "dry_run", 1));
    else
        terminal_print(&session->out, "would create a vault in %s, %s\n", session->vault,
                       init->module == NULL ? "with two SoftHSM2 tokens inside"
                                            : "after a test of the token (not done now)");
    return STATUS_DONE;
}

static void print_result(const struct session *session, const sealring_init_result *result)
{
    if (session->json) {
        jsontext_print_as("vault",
                          json_pack("{s:o, s:s, s:b, s:o, s:s}", "path", jsontext_text(session->vault), "vault_id",
                                    result->vault_id, "software_token", (int)result->software_token, "warning",
                                    jsontext_text(result->warning), "audit_key", result->audit_key));
    } else {
        table_fact(&session->out, "vault", "%s", session->vault);
        table_fact(&session->out, "vault ID", "%s", result->vault_id);
        if (result->audit_key[0] != '\0')
            table_fact(&session->out, "audit key", "%s", result->audit_key);
        table_fact(&session->out, "PKCS#11 token", "%s",
                   result->software_token ? "two SoftHSM2 tokens (keys, audit) inside the vault"
                                          : "probed; it can do what sealring needs");
    }
    if (result->warning[0] != '\0')
        session_warn(session, "%s", result->warning);
    session_say(session, "next: sealring ring create NAME --prefix acme_live");
}

/* Nobody knows yet what the module does to a process: find out in one that nothing depends on. */
static int try_given_module(struct session *session, const sealring_init_options *init)
{
    sealring_status status =
        sealring_init_environment(session->vault, init, session_set_variable, NULL, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    return init->module != NULL ? crash_try_module(session, init->module) : STATUS_DONE;
}

static int make_vault(struct session *session, const sealring_init_options *init)
{
    sealring_init_result result = {.size = sizeof result};
    make_default_parents(session);
    sealring_status status = sealring_init(session->vault, init, &result, &session->error);
    if (status != SEALRING_OK)
        return session_fail(session, status);
    print_result(session, &result);
    return STATUS_DONE;
}

/* What is wrong with the command line; NULL: nothing. */
static const char *objection(const struct options *given, const sealring_init_options *init)
{
    int parts = (init->module != NULL) + (init->token_uri != NULL) + (init->pin_source != NULL);
    if (parts != 0 && parts != 3)
        return "--module, --token and --pin-source belong together: give all or none";
    if ((init->audit_token_uri == NULL) != (init->audit_pin_source == NULL) ||
        (parts == 0 && init->audit_token_uri != NULL))
        return "--audit-token and --audit-pin-source belong together, and to --module";
    if (parts == 0 && (init->module_init_args != NULL || init->module_environment != NULL))
        return "--module-environment and --module-init-args belong to --module, --token, --pin-source";
    if (parts == 0 && init->verifier_group != NULL)
        return "--verifier-group belongs to --module, --token, --pin-source: software tokens in the vault are their "
               "owner's alone";
    if (option_given(given, "lease") && init->lease == 0)
        return "a lease of 0 is not possible: --lease wants 1s to 1h";
    if (option_given(given, "refresh") && init->refresh == 0)
        return "a refresh interval of 0 is not possible: --refresh wants 10ms or more";
    return NULL;
}

static int run(struct session *session)
{
    const struct options *given = &session->options;
    const char **environment = option_list(given, "module-environment");
    sealring_init_options init = {
        .size = sizeof init,
        .module = option_text(given, "module"),
        .token_uri = option_text(given, "token"),
        .pin_source = pins_source(session),
        .module_init_args = option_text(given, "module-init-args"),
        .audit_token_uri = option_text(given, "audit-token"),
        .audit_pin_source = pins_words(option_text(given, "audit-pin-source")),
        .ask_pin = pins_ask,
        .ask_context = session,
        .module_environment = environment[0] != NULL ? environment : NULL,
        .lease = option_number(given, "lease"),
        .refresh = option_number(given, "refresh"),
        .verifier_group = option_text(given, "verifier-group"),
    };
    const char *problem = objection(given, &init);
    int exit_status =
        problem != NULL ? session_refuse(session, STATUS_USAGE, "%s", problem) : try_given_module(session, &init);
    if (exit_status == STATUS_DONE)
        exit_status = session->dry_run ? dry_run(session, &init) : make_vault(session, &init);
    free(environment);
    return exit_status;
}

const struct command command_init = {
    .words = "init",
    .purpose = "create a vault",
    .options = {{"module", "SO", "path of the PKCS#11 module; default: SoftHSM2, with two new tokens in the vault",
                 OPTION_TEXT},
                {"token", "URI", "the token's RFC 7512 URI, such as pkcs11:token=production", OPTION_TEXT},
                {"pin-source", "SOURCE",
                 "a file with the user PIN, readable by its owner only; credential:NAME; or - to type it", OPTION_TEXT},
                {"audit-token", "URI",
                 "another token on that module, which signs the audit log; servers do not have its PIN", OPTION_TEXT},
                {"audit-pin-source", "SOURCE", "the same for the audit token", OPTION_TEXT},
                {"module-environment", "NAME=VALUE", "an environment variable that the module needs; may be repeated",
                 OPTION_LIST},
                {"module-init-args", "TEXT", "text that the module needs for C_Initialize", OPTION_TEXT},
                {"lease", "DURATION",
                 "how long a verifier may answer after its last poll of the registry; default: 60s", OPTION_DURATION},
                {"refresh", "DURATION", "how often a verifier polls the registry; default: 200ms", OPTION_DURATION},
                {"verifier-group", "GROUP", "a group whose users may verify with this vault, which is root's",
                 OPTION_TEXT}},
    .notes =
        "The command never initialises a token of your own. It tests the token with a key that it destroys again, "
        "and names what the token cannot do. Without a token, it creates SoftHSM2 tokens in the vault. They are for "
        "trials, not for production, because a software token keeps its keys in every process that loads it.",
    .examples =
        {"sealring init --vault /tmp/trying",
         "sealring init --module /usr/lib/vendor/libpkcs11.so --token 'pkcs11:token=production' --pin-source /etc/sealring/pin"},
    .run = run,
    .flags = COMMAND_CHANGES | COMMAND_OPENS_ITSELF,
};
