/* SPDX-License-Identifier: Apache-2.0 */
/* The one small parser for every command line: long options from tables, values checked by their kind. */
#include "tools/sealring/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/manage.h>

#include "tools/sealring/suggest.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/pasted.h"

static const struct option version_option = {"version", NULL, "print the version", OPTION_FLAG};

/* A word is repeated in a message only if it looks like a command or an option: anything else could be a credential. */
static bool harmless(const char *word, size_t length)
{
    if (length == 0 || length > 20)
        return false;
    return strspn(word, "abcdefghijklmnopqrstuvwxyz-") >= length;
}

static const struct option *find_option(const struct command *command, const char *name, size_t length)
{
    bool version = length == strlen(version_option.name) && memcmp(name, version_option.name, length) == 0;
    return command == NULL && version ? &version_option : command_find_option(command, name, length);
}

static bool read_number(const char *text, int64_t *number)
{
    size_t length = strlen(text);
    if (length == 0 || length > 10 || strspn(text, "0123456789") != length || text[0] == '0')
        return false;
    *number = strtoll(text, NULL, 10);
    return *number <= (int64_t)UINT32_MAX;
}

static bool read_moment(const char *text, int64_t *moment)
{
    if (strcmp(text, "never") == 0) {
        *moment = 0;
        return true;
    }
    int64_t duration = 0;
    if (sealring_duration_parse(text, &duration, NULL) != SEALRING_OK)
        return sealring_time_parse(text, moment, NULL) == SEALRING_OK;
    /* Whole seconds: nobody who asks for 90 days wants milliseconds in every listing. */
    *moment = moment_now() / 1000 * 1000 + duration;
    return true;
}

static const char *value_problem(struct option_given *given)
{
    switch (given->option->kind) {
    case OPTION_NUMBER:
        return read_number(given->text, &given->number) ? NULL : "a number from 1 to 4294967295";
    case OPTION_DURATION:
        return sealring_duration_parse(given->text, &given->number, NULL) == SEALRING_OK
                   ? NULL
                   : "a duration such as 90d, 12h, 30m, 10s or 1d12h";
    case OPTION_MOMENT:
        return read_moment(given->text, &given->number)
                   ? NULL
                   : "a time such as 2027-01-31T12:00:00Z, a duration from now on such as 90d, or never";
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_LIST:
        break;
    }
    return NULL;
}

/* Reads argv[*at], which begins with two dashes, and its value. */
static bool read_option(struct options *options, int argc, char **argv, int *at, char *problem)
{
    const char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct option *option = find_option(options->command, name, length);
    if (option == NULL) {
        const char *close = suggest_option(options->command, name, length);
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "unknown option%s%.*s%s%s", harmless(name, length) ? " --" : "",
                 harmless(name, length) ? (int)length : 0, name, close != NULL ? "; did you mean --" : "",
                 close != NULL ? close : "");
        return false;
    }
    if (option->kind == OPTION_FLAG && value != NULL) {
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "--%s takes no value", option->name);
        return false;
    }
    if (option->kind != OPTION_FLAG && value == NULL) {
        if (*at + 1 >= argc) {
            snprintf(problem, OPTIONS_PROBLEM_SIZE, "--%s wants a value: --%s %s", option->name, option->name,
                     option->value);
            return false;
        }
        value = argv[++*at];
    }
    if (option->kind != OPTION_LIST && option->kind != OPTION_FLAG && option_given(options, option->name)) {
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "--%s was given twice", option->name);
        return false;
    }
    /* Most likely a variable that is not set: no scope at all is seldom what was meant. */
    if (option->kind == OPTION_LIST && value[strspn(value, " ")] == '\0') {
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "--%s wants %s, not an empty text", option->name, option->value);
        return false;
    }
    options->given = memory_room(options->given, options->count, &options->capacity, sizeof *options->given);
    struct option_given *given = &options->given[options->count++];
    *given = (struct option_given){.option = option, .text = value};
    const char *wanted = value_problem(given);
    if (wanted != NULL)
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "--%s wants %s", option->name, wanted);
    return wanted == NULL;
}

/* What goes into messages is an API key's ID and nothing else. */
bool options_key_id(const char *text, const char *name, char problem[OPTIONS_PROBLEM_SIZE])
{
    static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = strlen(text);
    if (length == SEALRING_KEY_ID_LENGTH && strspn(text, base62) == length)
        return true;
    snprintf(problem, OPTIONS_PROBLEM_SIZE, "%s wants %d letters and digits, as `sealring key list` shows them", name,
             SEALRING_KEY_ID_LENGTH);
    return false;
}

static bool check_arguments(struct options *options, char *problem)
{
    const struct argument *expected = options->command->arguments;
    size_t i = 0;
    for (; expected != NULL && expected[i].name != NULL; i++) {
        if (i >= options->argument_count) {
            if (expected[i].optional)
                continue;
            snprintf(problem, OPTIONS_PROBLEM_SIZE, "%s wants %s: %s", options->command->words, expected[i].name,
                     expected[i].help);
            return false;
        }
        const char *text = options->arguments[i];
        int64_t number = 0;
        if (expected[i].kind == ARGUMENT_VERSION) {
            if (!read_number(text, &number)) {
                snprintf(problem, OPTIONS_PROBLEM_SIZE, "%s wants a number from 1 to 4294967295", expected[i].name);
                return false;
            }
            options->version = (uint32_t)number;
        }
        if (expected[i].kind == ARGUMENT_KEY_ID && !options_key_id(text, expected[i].name, problem))
            return false;
    }
    if (options->argument_count <= i)
        return true;
    if ((options->command->flags & COMMAND_READS_SECRET) != 0)
        snprintf(problem, OPTIONS_PROBLEM_SIZE,
                 "%s takes no argument: feed the credential to standard input, where neither process lists nor shell "
                 "histories keep it",
                 options->command->words);
    else
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "%s takes %s", options->command->words,
                 i == 0   ? "no argument"
                 : i == 1 ? "one argument only"
                          : "two arguments only");
    return false;
}

/* Takes the words of the command from the front; *at is left behind them. */
static bool read_command(struct options *options, int argc, char **argv, int *at, char *problem)
{
    const char *first = argv[*at];
    const char *second = *at + 1 < argc ? argv[*at + 1] : NULL;
    if (command_is_noun(first)) {
        options->command = second != NULL ? command_find(first, second) : NULL;
        if (options->command == NULL && second != NULL &&
            (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0)) {
            options->command = command_find("help", NULL);
            options->arguments[options->argument_count++] = first;
            *at += 2;
            return true;
        }
        *at += 2;
        if (options->command == NULL) {
            char list[200];
            suggest_verbs(first, list, sizeof list);
            snprintf(problem, OPTIONS_PROBLEM_SIZE, "%s wants one of %s", first, list);
        }
        return options->command != NULL;
    }
    options->command = command_find(first, NULL);
    *at += 1;
    if (options->command == NULL) {
        const char *close = suggest_command(first);
        bool shown = harmless(first, strlen(first));
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "unknown command%s%s%s%s", shown ? " " : "", shown ? first : "",
                 close != NULL ? "; did you mean " : "", close != NULL ? close : "");
    }
    return options->command != NULL;
}

/* A common option may precede a command that does not have it. */
static bool check_offered(const struct options *options, char *problem)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = options->given[i].option;
        if (find_option(options->command, option->name, strlen(option->name)) == option)
            continue;
        snprintf(problem, OPTIONS_PROBLEM_SIZE, "%s has no option --%s", options->command->words, option->name);
        return false;
    }
    return true;
}

/* No word may be a credential, or have one as its value: of a name, a reason, a scope, a file. */
static bool check_pasted(int argc, char **argv, char *problem)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    for (int at = 1; at < argc; at++) {
        const char *equals = strchr(argv[at], '=');
        const char *word = argv[at] + strspn(argv[at], "-");
        if (!pasted_credential(word, key_id) && (equals == NULL || !pasted_credential(equals + 1, key_id)))
            continue;
        snprintf(problem, OPTIONS_PROBLEM_SIZE,
                 "that is a credential, which never belongs on a command line, where process lists and shell histories "
                 "keep it: verify and explain read it from standard input; the ID of its API key is %s",
                 key_id);
        return false;
    }
    return true;
}

bool options_read(struct options *options, int argc, char **argv, char problem[OPTIONS_PROBLEM_SIZE])
{
    bool only_arguments = false;
    if (!check_pasted(argc, argv, problem))
        return false;
    for (int at = 1; at < argc;) {
        const char *word = argv[at];
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
            at++;
        } else if (!only_arguments && strcmp(word, "-h") == 0) {
            char *help[] = {argv[0], (char[]){"--help"}};
            int index = 1;
            if (!read_option(options, 2, help, &index, problem))
                return false;
            at++;
        } else if (!only_arguments && strncmp(word, "--", 2) == 0) {
            if (!read_option(options, argc, argv, &at, problem))
                return false;
            at++;
        } else if (options->command == NULL) {
            if (!read_command(options, argc, argv, &at, problem))
                return false;
        } else if (!only_arguments && word[0] == '-' && word[1] != '\0') {
            snprintf(problem, OPTIONS_PROBLEM_SIZE, "unknown option: options are long ones, such as --help");
            return false;
        } else {
            if (options->argument_count < OPTIONS_ARGUMENTS_MAX)
                options->arguments[options->argument_count] = word;
            options->argument_count++;
            at++;
        }
    }
    if (options->command == NULL || option_given(options, "help"))
        return true;
    if (!check_offered(options, problem))
        return false;
    return check_arguments(options, problem);
}

void options_free(struct options *options)
{
    free(options->given);
    *options = (struct options){0};
}

static const struct option_given *find_given(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->given[i].option->name, name) == 0)
            return &options->given[i];
    return NULL;
}

bool option_given(const struct options *options, const char *name)
{
    return find_given(options, name) != NULL;
}

const char *option_text(const struct options *options, const char *name)
{
    const struct option_given *given = find_given(options, name);
    return given != NULL ? given->text : NULL;
}

int64_t option_number(const struct options *options, const char *name)
{
    const struct option_given *given = find_given(options, name);
    return given != NULL ? given->number : 0;
}

const char **option_list(const struct options *options, const char *name)
{
    const char **list = memory_grow(NULL, options->count + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->given[i].option->name, name) == 0)
            list[count++] = options->given[i].text;
    list[count] = NULL;
    return list;
}

char *option_joined(const struct options *options, const char *name)
{
    char *joined = NULL;
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->given[i].option->name, name) != 0)
            continue;
        char *longer = joined == NULL ? memory_text("%s", options->given[i].text)
                                      : memory_text("%s %s", joined, options->given[i].text);
        free(joined);
        joined = longer;
    }
    return joined;
}
