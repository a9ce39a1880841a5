/* SPDX-License-Identifier: Apache-2.0 */
/* The one small parser for every command line: long options from tables, values checked by their kind. */
#include "tools/sealring/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/manage.h>

#include "tools/sealring/suggest.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/pasted.h"

static const struct option version_option = {"version", NULL, "print the version", OPTION_FLAG};

#define INTERVAL_LEAST 100
#define INTERVAL_MOST  3600000
#define NUMBER_FORM    "a number from 1 to 4294967295"

/* Writes what is wrong; returns false. */
__attribute__((format(printf, 2, 3))) static bool object(struct options *options, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(options->problem, sizeof options->problem, format, arguments);
    va_end(arguments);
    return false;
}

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

static bool read_past(const char *text, int64_t *moment)
{
    int64_t duration = 0;
    if (sealring_duration_parse(text, &duration, NULL) != SEALRING_OK)
        return sealring_time_parse(text, moment, NULL) == SEALRING_OK;
    *moment = duration < moment_now() ? moment_now() - duration : 0;
    return true;
}

_Static_assert(SEALRING_KEY_ID_LENGTH == 16, "as OPTIONS_KEY_ID_FORM has it");

bool options_is_key_id(const char *text)
{
    static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = strlen(text);
    return length == SEALRING_KEY_ID_LENGTH && strspn(text, base62) == length;
}

/* Reads the value; what it should have been if it is wrong, else NULL. */
static const char *read_value(struct option_given *given)
{
    const char *text = given->text;
    switch (given->option->kind) {
    case OPTION_REASON:
        return text[0] != '\0' ? NULL : "a reason, which is recorded in the audit log";
    case OPTION_KEY_ID:
        return options_is_key_id(text) ? NULL : OPTIONS_KEY_ID_FORM;
    case OPTION_NUMBER:
        return read_number(text, &given->number) ? NULL : NUMBER_FORM;
    case OPTION_DURATION:
        return sealring_duration_parse(text, &given->number, NULL) == SEALRING_OK
                   ? NULL
                   : "a duration such as 90d, 12h, 30m, 10s or 1d12h";
    case OPTION_INTERVAL:
        return sealring_duration_parse(text, &given->number, NULL) == SEALRING_OK && given->number >= INTERVAL_LEAST &&
                       given->number <= INTERVAL_MOST
                   ? NULL
                   : "100ms to 1h";
    case OPTION_MOMENT:
        return read_moment(text, &given->number)
                   ? NULL
                   : "a time such as 2027-01-31T12:00:00Z, a duration from now on such as 90d, or never";
    case OPTION_PAST:
        return read_past(text, &given->number) ? NULL : "a duration (24h, 30d) or an RFC 3339 time";
    case OPTION_POINT:
        return read_number(text, &given->number) || read_past(text, &given->number)
                   ? NULL
                   : "an entry's number, a duration (24h, 30d) or an RFC 3339 time";
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_LIST:
        break;
    }
    return NULL;
}

/* Reads the option `name`, or NAME=VALUE, at argv[*at], and the value that follows it. */
static bool read_option(struct options *options, const char *name, int argc, char **argv, int *at)
{
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct option *option = find_option(options->command, name, length);
    if (option == NULL) {
        const char *close = suggest_option(options->command, name, length);
        return object(options, "unknown option%s%.*s%s%s", harmless(name, length) ? " --" : "",
                      harmless(name, length) ? (int)length : 0, name, close != NULL ? "; did you mean --" : "",
                      close != NULL ? close : "");
    }
    if (option->kind == OPTION_FLAG && value != NULL)
        return object(options, "--%s takes no value", option->name);
    if (option->kind != OPTION_FLAG && value == NULL) {
        if (*at + 1 >= argc)
            return object(options, "--%s wants a value: --%s %s", option->name, option->name, option->value);
        value = argv[++*at];
    }
    if (option->kind != OPTION_LIST && option->kind != OPTION_FLAG && option_given(options, option->name))
        return object(options, "--%s was given twice", option->name);
    /* Most likely a variable that is not set: no scope at all is seldom what was meant. */
    if (option->kind == OPTION_LIST && value[strspn(value, " ")] == '\0')
        return object(options, "--%s wants %s, not an empty text", option->name, option->value);
    options->given = memory_room(options->given, options->count, sizeof *options->given);
    struct option_given *given = &options->given[options->count++];
    *given = (struct option_given){.option = option, .text = value};
    const char *wanted = read_value(given);
    return wanted == NULL || object(options, "--%s wants %s", option->name, wanted);
}

static bool check_arguments(struct options *options)
{
    const struct command *command = options->command;
    const struct argument *expected = command->arguments;
    size_t i = 0;
    for (; expected[i].name != NULL; i++) {
        const char *text = options->arguments[i];
        int64_t number = 0;
        if (text == NULL && expected[i].optional)
            continue;
        if (text == NULL)
            return object(options, "%s wants %s: %s", command->words, expected[i].name, expected[i].help);
        if (expected[i].kind == ARGUMENT_KEY_ID && !options_is_key_id(text))
            return object(options, "%s wants " OPTIONS_KEY_ID_FORM, expected[i].name);
        if (expected[i].kind == ARGUMENT_VERSION && !read_number(text, &number))
            return object(options, "%s wants " NUMBER_FORM, expected[i].name);
        if (expected[i].kind == ARGUMENT_VERSION)
            options->version = (uint32_t)number;
    }
    if (options->argument_count > i && (command->flags & COMMAND_READS_SECRET) != 0)
        return object(options,
                      "%s takes no argument: feed the credential to standard input, where neither process lists nor "
                      "shell histories keep it",
                      command->words);
    if (options->argument_count > i)
        return object(options, "%s takes %s", command->words,
                      i == 0   ? "no argument"
                      : i == 1 ? "one argument only"
                               : "two arguments only");
    return true;
}

/* Takes the words of the command from the front; *at is left behind them. */
static bool read_command(struct options *options, int argc, char **argv, int *at)
{
    const char *first = argv[*at];
    const char *second = *at + 1 < argc ? argv[*at + 1] : NULL;
    bool noun = command_is_noun(first);
    *at += noun ? 2 : 1;
    options->command = noun && second == NULL ? NULL : command_find(first, noun ? second : NULL);
    if (options->command != NULL)
        return true;
    if (noun && second != NULL && (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0)) {
        options->command = command_find("help", NULL);
        options->arguments[options->argument_count++] = first;
        return true;
    }
    if (noun) {
        char list[200];
        suggest_verbs(first, list, sizeof list);
        return object(options, "%s wants one of %s", first, list);
    }
    const char *close = suggest_command(first);
    bool shown = harmless(first, strlen(first));
    return object(options, "unknown command%s%s%s%s", shown ? " " : "", shown ? first : "",
                  close != NULL ? "; did you mean " : "", close != NULL ? close : "");
}

/* A common option may precede a command that does not have it. */
static bool check_offered(struct options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = options->given[i].option;
        if (find_option(options->command, option->name, strlen(option->name)) != option)
            return object(options, "%s has no option --%s", options->command->words, option->name);
    }
    return true;
}

static bool check_required(struct options *options)
{
    const char *required = options->command->required;
    if (required == NULL || option_given(options, required))
        return true;
    const struct option *option = command_find_option(options->command, required, strlen(required));
    return object(options, "%s wants --%s %s: %s", options->command->words, required, option->value, option->help);
}

/* No word may be a credential, or have one as its value: of a name, a reason, a scope, a file. */
static bool check_pasted(struct options *options, int argc, char **argv)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    for (int at = 1; at < argc; at++) {
        const char *equals = strchr(argv[at], '=');
        const char *word = argv[at] + strspn(argv[at], "-");
        if (pasted_credential(word, key_id) || (equals != NULL && pasted_credential(equals + 1, key_id)))
            return object(options,
                          "that is a credential, which never belongs on a command line, where process lists and shell "
                          "histories keep it: verify and explain read it from standard input; the ID of its API key is "
                          "%s",
                          key_id);
    }
    return true;
}

/* Takes in argv[*at] and what belongs to it; *at is left at the next word. only_arguments: `--` was there. */
static bool read_word(struct options *options, int argc, char **argv, int *at, bool *only_arguments)
{
    const char *word = argv[*at];
    bool option = !*only_arguments && word[0] == '-' && word[1] != '\0';
    bool help = option && strcmp(word, "-h") == 0;
    if (option && strcmp(word, "--") == 0) {
        *only_arguments = true;
    } else if (help || (option && word[1] == '-')) {
        if (!read_option(options, help ? "help" : word + 2, argc, argv, at))
            return false;
    } else if (options->command == NULL) {
        return read_command(options, argc, argv, at);
    } else if (option) {
        return object(options, "unknown option: options are long ones, such as --help");
    } else {
        if (options->argument_count < OPTIONS_ARGUMENTS_MAX)
            options->arguments[options->argument_count] = word;
        options->argument_count++;
    }
    *at += 1;
    return true;
}

bool options_read(struct options *options, int argc, char **argv)
{
    bool only_arguments = false;
    if (!check_pasted(options, argc, argv))
        return false;
    for (int at = 1; at < argc;)
        if (!read_word(options, argc, argv, &at, &only_arguments))
            return false;
    if (options->command == NULL || option_given(options, "help"))
        return true;
    return check_offered(options) && check_arguments(options) && check_required(options);
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
