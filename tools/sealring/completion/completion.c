/* SPDX-License-Identifier: Apache-2.0 */
/* What the completion scripts of all shells have in common. */
#include "tools/sealring/completion/completion.h"

#include <string.h>

/* The first row that fits decides. A row without a command fits every one. */
static const struct {
    const char *command;
    const char *value;
    enum completion_kind kind;
} kinds[] = {
    {NULL, "DIR", COMPLETION_DIRECTORY},       {NULL, "FILE", COMPLETION_FILE},
    {NULL, "PATH", COMPLETION_FILE},           {NULL, "SO", COMPLETION_FILE},
    {NULL, "SHELL", COMPLETION_SHELL},         {NULL, "RING", COMPLETION_RING},
    {NULL, "KEYID|RING", COMPLETION_RING},     {"ring show", "NAME", COMPLETION_RING},
    {"ring set", "NAME", COMPLETION_RING},     {"client show", "NAME", COMPLETION_CLIENT},
    {"client set", "NAME", COMPLETION_CLIENT}, {"client forget", "NAME", COMPLETION_CLIENT},
    {"issue", "NAME", COMPLETION_CLIENT},      {"key list", "NAME", COMPLETION_CLIENT},
    {"help", "COMMAND", COMPLETION_COMMAND},   {"help", "WORD", COMPLETION_VERB},
};

enum completion_kind completion_kind(const struct command *command, const char *value)
{
    for (size_t i = 0; value != NULL && i < sizeof kinds / sizeof *kinds; i++) {
        bool fits = kinds[i].command == NULL || (command != NULL && strcmp(command->words, kinds[i].command) == 0);
        if (fits && strcmp(kinds[i].value, value) == 0)
            return kinds[i].kind;
    }
    return COMPLETION_NOTHING;
}

void completion_first_words(completion_word each, void *context)
{
    for (size_t i = 0; command_table[i] != NULL; i++) {
        char word[64];
        size_t length = strcspn(command_table[i]->words, " ");
        bool noun = command_table[i]->words[length] == ' ';
        bool seen = false;
        for (size_t j = 0; noun && j < i; j++)
            seen = seen || strncmp(command_table[j]->words, command_table[i]->words, length + 1) == 0;
        if (seen || length >= sizeof word)
            continue;
        memcpy(word, command_table[i]->words, length);
        word[length] = '\0';
        each(word, noun ? NULL : command_table[i], context);
    }
}

void completion_second_words(const char *first, completion_word each, void *context)
{
    size_t length = strlen(first);
    for (size_t i = 0; command_table[i] != NULL; i++) {
        const char *words = command_table[i]->words;
        if (strncmp(words, first, length) == 0 && words[length] == ' ')
            each(words + length + 1, command_table[i], context);
    }
}

bool completion_print(const char *shell)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } scripts[] = {{"bash", completion_bash}, {"fish", completion_fish}, {"zsh", completion_zsh}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (strcmp(scripts[i].shell, shell) == 0) {
            scripts[i].print();
            return true;
        }
    return false;
}
