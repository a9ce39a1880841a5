/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for fish: one `complete` line for each word, option and argument. */
#include "tools/sealring/completion.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
    "# Completion of sealring(1) for fish, printed by `sealring help --completion fish`.\n"
    "\n"
    "# Names of the vault's rings or clients; the command asks no PKCS#11 token for them.\n"
    "function __sealring_names # ring|client\n"
    "    sealring $argv[1] list --json 2>/dev/null </dev/null | string replace -rf '^ *\"name\": \"([^\"]*)\".*' '$1'\n"
    "end\n"
    "\n"
    "# What stands on the command line before the cursor, without options and their values.\n"
    "function __sealring_words\n"
    "    set -l value no\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        if test $value = yes\n"
    "            set value no\n"
    "        else if string match -q -- '--*' $word\n"
    "            if contains -- $word $__sealring_valued\n"
    "                set value yes\n"
    "            end\n"
    "        else\n"
    "            echo $word\n"
    "        end\n"
    "    end\n"
    "end\n"
    "\n"
    "function __sealring_nothing_yet\n"
    "    test (count (__sealring_words)) -eq 0\n"
    "end\n"
    "\n"
    "function __sealring_in # WORD...: whether the command line begins with them\n"
    "    set -l words (__sealring_words)\n"
    "    test (count $words) -ge (count $argv); and test \"$words[1..(count $argv)]\" = \"$argv\"\n"
    "end\n"
    "\n"
    "function __sealring_at # PLACE WORD...: whether so many arguments follow the words\n"
    "    __sealring_in $argv[2..-1]; and test (count (__sealring_words)) -eq (math (count $argv) - 1 + $argv[1])\n"
    "end\n"
    "\n"
    "complete -c sealring -f\n";

/* In single quotes fish knows two escapes: \\ and \'. */
static void quote(const char *text)
{
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static const char *candidates(enum completion_kind kind)
{
    switch (kind) {
    case COMPLETION_DIRECTORY:
        return " -x -a '(__fish_complete_directories)'";
    case COMPLETION_FILE:
        return " -r -F";
    case COMPLETION_SHELL:
        return " -x -a 'bash fish zsh'";
    case COMPLETION_RING:
        return " -x -a '(__sealring_names ring)'";
    case COMPLETION_CLIENT:
        return " -x -a '(__sealring_names client)'";
    case COMPLETION_NOTHING:
    case COMPLETION_COMMAND:
    case COMPLETION_VERB:
        break;
    }
    return " -x";
}

/* Every option that takes a value. A name never is a flag for one command and something else for another. */
static void print_valued(void)
{
    printf("\nset -g __sealring_valued");
    for (size_t i = 0; command_table[i] != NULL; i++)
        for (const struct option *o = command_table[i]->options; o != NULL && o->name != NULL; o++)
            if (o->value != NULL)
                printf(" --%s", o->name);
    for (const struct option *o = command_common_options; o->name != NULL; o++)
        if (o->value != NULL)
            printf(" --%s", o->name);
    printf("\n");
}

struct place {
    const char *condition; /* with %s for `first` */
    const char *first;
};

static void print_word(const char *word, const struct command *command, void *context)
{
    const struct place *place = context;
    printf("complete -c sealring -n '");
    if (place->first != NULL)
        printf("%s %s", place->condition, place->first);
    else
        printf("%s", place->condition);
    printf("' -a %s", word);
    if (command != NULL) {
        printf(" -d ");
        quote(command->purpose);
    }
    printf("\n");
}

static void print_second_words(const char *word, const struct command *command, void *context)
{
    struct place place = {.condition = "__sealring_at 0", .first = word};
    struct place help = {.condition = "__sealring_at 1 help; and __sealring_in help", .first = word};
    (void)context;
    if (command != NULL)
        return;
    completion_second_words(word, print_word, &place);
    completion_second_words(word, print_word, &help);
}

static void print_options(const struct command *command, const struct option *table)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (table->name[0] == '\0' || (command != NULL && table == command_common_options))
            continue;
        printf("complete -c sealring -n '__sealring_in %s' -l %s%s -d ", command->words, table->name,
               table->value != NULL ? candidates(completion_kind(command, table->value)) : "");
        quote(table->help);
        printf("\n");
    }
}

static void print_command(const struct command *command)
{
    printf("\n");
    print_options(command, command->options);
    for (const struct option *o = command_common_options; o->name != NULL; o++)
        if (command_offers(command, o)) {
            struct option one[] = {*o, {NULL, NULL, NULL, OPTION_FLAG}};
            print_options(command, one);
        }
    int place = 0;
    for (const struct argument *a = command->arguments; a != NULL && a->name != NULL; a++, place++) {
        enum completion_kind kind = completion_kind(command, a->name);
        if (kind == COMPLETION_RING || kind == COMPLETION_CLIENT)
            printf("complete -c sealring -n '__sealring_at %d %s'%s\n", place, command->words, candidates(kind) + 3);
    }
}

void completion_fish(void)
{
    struct place beginning = {.condition = "__sealring_nothing_yet"};
    struct place help = {.condition = "__sealring_at 0 help"};
    fputs(head, stdout);
    print_valued();
    printf("\n");
    completion_first_words(print_word, &beginning);
    completion_first_words(print_word, &help);
    completion_first_words(print_second_words, NULL);
    for (const struct option *o = command_common_options; o->name != NULL; o++) {
        printf("complete -c sealring -n __sealring_nothing_yet -l %s%s -d ", o->name,
               o->value != NULL ? candidates(completion_kind(NULL, o->value)) : "");
        quote(o->help);
        printf("\n");
    }
    printf("complete -c sealring -n __sealring_nothing_yet -l version -d 'print the version'\n");
    for (size_t i = 0; command_table[i] != NULL; i++)
        print_command(command_table[i]);
}
