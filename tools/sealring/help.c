/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts, made from the tables. */
#include "tools/sealring/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/page.h"
#include "tools/sealring/terminal/terminal.h"

#define WIDTH  96
#define COLUMN 28

/* Prints a text from column `column` on, wrapped; lines after the first are indented to it. */
static void wrap(size_t column, const char *text)
{
    const struct page page = {.out = {.stream = stdout, .utf8 = true}, .width = WIDTH};
    page_paragraph(&page, column, text);
}

static void heading(const struct style *style, const char *text)
{
    terminal_print(style, "\n" BOLD "%s" PLAIN "\n", text);
}

static void entry(const char *name, const char *text)
{
    int used = printf("  %s", name);
    if (used + 2 > COLUMN) {
        putchar('\n');
        used = 0;
    }
    printf("%*s", COLUMN - used, "");
    wrap(COLUMN, text);
}

/* The command's own options, then the common ones. */
static void options(const struct command *command, const struct style *style)
{
    const struct option *option = NULL;
    size_t own = 0;
    while (command != NULL && command->options[own].name != NULL)
        own++;
    if (own > 0)
        heading(style, "Options");
    for (size_t i = 0; (option = command_option(command, i)) != NULL; i++) {
        char name[64];
        if (i == own)
            heading(style, "Options of every command");
        snprintf(name, sizeof name, "--%s%s%s", option->name, option->value != NULL ? " " : "",
                 option->value != NULL ? option->value : "");
        entry(name, option->help);
    }
}

static void exit_statuses(const struct style *style)
{
    heading(style, "Exit status");
    entry("0", "done, or the credential is accepted");
    entry("1", "refused, rejected, or not found");
    entry("2", "the command line or the configuration is wrong");
    entry("3", "the PKCS#11 token is missing or failed");
    entry("4", "the registry is missing, damaged or locked");
    entry("5", "a barrier or gate is not satisfied yet");
    entry("6", "committed, but not effective yet");
}

static void entry_of(const struct command *command)
{
    char name[96];
    size_t used = (size_t)snprintf(name, sizeof name, "%s", command->words);
    for (const struct argument *a = command->arguments; a->name != NULL && used < sizeof name; a++)
        used += (size_t)snprintf(name + used, sizeof name - used, a->optional ? " [%s]" : " %s", a->name);
    entry(name, command->purpose);
}

void help_overview(const struct style *style)
{
    printf("sealring issues API keys, and rotates the secrets behind them without rejecting a valid key.\n"
           "The secrets never leave a PKCS#11 token.\n\n"
           "Usage: sealring COMMAND [ARGUMENT]... [--OPTION VALUE]...\n");
    const char *group = "";
    for (size_t i = 0; command_table[i] != NULL; i++) {
        if (strcmp(group, command_group(command_table[i])) != 0)
            heading(style, command_group(command_table[i]));
        group = command_group(command_table[i]);
        entry_of(command_table[i]);
    }
    options(NULL, style);
    entry("--version", "print the version");
    exit_statuses(style);
    printf("\nHelp for one command: sealring help COMMAND, or sealring COMMAND --help\n");
}

void help_noun(const char *noun, const struct style *style)
{
    printf("Usage: sealring %s COMMAND [ARGUMENT]... [--OPTION VALUE]...\n", noun);
    heading(style, "Commands");
    for (size_t i = 0; command_table[i] != NULL; i++)
        if (command_has_noun(command_table[i], noun))
            entry_of(command_table[i]);
    printf("\nHelp for one of them: sealring help %s COMMAND\n", noun);
}

/* Paragraph by paragraph. */
static void print_notes(const char *notes)
{
    for (size_t length = 0; *notes != '\0'; notes += length + (notes[length] == '\n')) {
        length = strcspn(notes, "\n");
        char *paragraph = memory_text("%.*s", (int)length, notes);
        wrap(0, paragraph);
        free(paragraph);
    }
}

void help_command(const struct command *command, const struct style *style)
{
    printf("Usage: sealring %s", command->words);
    for (const struct argument *a = command->arguments; a->name != NULL; a++)
        printf(a->optional ? " [%s]" : " %s", a->name);
    printf(" [--OPTION VALUE]...%s\n\n", (command->flags & COMMAND_READS_SECRET) != 0 ? " < FILE" : "");
    printf("%c", command->purpose[0] >= 'a' && command->purpose[0] <= 'z' ? command->purpose[0] - 'a' + 'A'
                                                                          : command->purpose[0]);
    printf("%s.\n", command->purpose + 1);
    if (command->notes != NULL) {
        putchar('\n');
        print_notes(command->notes);
    }
    if (command->arguments[0].name != NULL)
        heading(style, "Arguments");
    for (const struct argument *a = command->arguments; a->name != NULL; a++)
        entry(a->name, a->help);
    options(command, style);
    if (command->examples[0] != NULL)
        heading(style, "Examples");
    for (size_t i = 0; command->examples[i] != NULL; i++)
        printf("  %s\n", command->examples[i]);
    exit_statuses(style);
}

static json_t *options_json(const struct command *command)
{
    static const char *const kinds[] = {"flag",     "text",     "text", "text", "list", "number",
                                        "duration", "duration", "time", "text", "text"};
    json_t *array = json_array();
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i)) != NULL; i++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:s?, s:s}", "name", option->name, "kind",
                                               kinds[option->kind], "value", option->value, "help", option->help));
    return array;
}

static json_t *command_json(const struct command *command)
{
    json_t *arguments = json_array();
    for (const struct argument *a = command->arguments; a->name != NULL; a++)
        json_array_append_new(arguments,
                              json_pack("{s:s, s:b, s:s}", "name", a->name, "optional", a->optional, "help", a->help));
    return json_pack("{s:s, s:s, s:s, s:s?, s:b, s:o, s:o}", "command", command->words, "group", command_group(command),
                     "purpose", command->purpose, "notes", command->notes, "changes_state",
                     (command->flags & COMMAND_CHANGES) != 0, "arguments", arguments, "options", options_json(command));
}

bool help_json(const char *first, const char *second)
{
    json_t *array = json_array();
    const struct command *only = first != NULL ? command_find(first, second) : NULL;
    for (size_t i = 0; command_table[i] != NULL; i++)
        if (first == NULL || command_table[i] == only || (second == NULL && command_has_noun(command_table[i], first)))
            json_array_append_new(array, command_json(command_table[i]));
    bool found = json_array_size(array) > 0;
    if (found)
        jsontext_print_as("commands", array);
    else
        json_decref(array);
    return found;
}
