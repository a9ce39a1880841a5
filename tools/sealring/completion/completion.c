/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates for the last word of a command line, from the tables and the vault. */
#include "tools/sealring/completion/completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/terminal.h"

#define WORDS_MOST 100

/* A command line, read as far as the word that is to be completed. */
struct completion {
    struct session *session;
    char *words[WORDS_MOST]; /* owned */
    size_t count;
    const char *noun;              /* the first of two words of a command */
    const struct command *command; /* NULL: not given yet */
    const struct option *option;   /* whose value comes next; NULL: none */
    const char *vault;             /* NULL: the default one */
    const char *last;              /* the argument before */
    size_t place;                  /* the number of arguments */
};

/* ---- What is offered for a value ---------------------------------------------------------------------------------------- */

static void offer_directories(struct completion *completion)
{
    (void)completion;
    puts(":directory");
}

static void offer_files(struct completion *completion)
{
    (void)completion;
    puts(":file");
}

static void offer_shells(struct completion *completion)
{
    (void)completion;
    puts("bash\nfish\nzsh");
}

static int offer_ring(const sealring_ring_info *ring, void *context)
{
    terminal_print(context, "%s\n", ring->name);
    return 0;
}

static int offer_client(const sealring_client_info *client, void *context)
{
    terminal_print(context, "%s\n", client->name);
    return 0;
}

/* Opens the vault, without a PKCS#11 token; what fails is nothing to complete. */
static bool connect_vault(struct completion *completion)
{
    struct session *session = completion->session;
    session->vault = session_vault(completion->vault);
    return session->vault != NULL && session_connect(session, true) == SEALRING_OK;
}

static void offer_rings(struct completion *completion)
{
    struct session *session = completion->session;
    if (connect_vault(completion))
        (void)sealring_ring_list(session->manager, NULL, offer_ring, &session->out, NULL);
}

static void offer_clients(struct completion *completion)
{
    struct session *session = completion->session;
    if (connect_vault(completion))
        (void)sealring_client_list(session->manager, NULL, offer_client, &session->out, NULL);
}

static void offer_first_words(struct completion *completion)
{
    const char *before = ""; /* the commands of a noun follow each other */
    (void)completion;
    for (size_t i = 0; command_table[i] != NULL; i++) {
        const char *words = command_table[i]->words;
        size_t length = strcspn(words, " ");
        if (words[length] == '\0')
            printf("%s\t%s\n", words, command_table[i]->purpose);
        else if (strncmp(words, before, length + 1) != 0)
            printf("%.*s\n", (int)length, words);
        before = words;
    }
}

static void offer_verbs(const char *noun)
{
    size_t length = strlen(noun);
    for (size_t i = 0; command_table[i] != NULL; i++)
        if (command_has_noun(command_table[i], noun))
            printf("%s\t%s\n", command_table[i]->words + length + 1, command_table[i]->purpose);
}

static void offer_second_words(struct completion *completion)
{
    if (completion->last != NULL)
        offer_verbs(completion->last);
}

/* By the name that the help gives to an option's value or to an argument. The first row that fits decides. A row without a command fits
 * every one. */
static const struct {
    const char *command;
    const char *value;
    void (*offer)(struct completion *completion);
} values[] = {
    {NULL, "DIR", offer_directories},
    {NULL, "FILE", offer_files},
    {NULL, "PATH", offer_files},
    {NULL, "SO", offer_files},
    {NULL, "SHELL", offer_shells},
    {NULL, "RING", offer_rings},
    {NULL, "KEYID|RING", offer_rings},
    {"ring show", "NAME", offer_rings},
    {"ring set", "NAME", offer_rings},
    {"client show", "NAME", offer_clients},
    {"client set", "NAME", offer_clients},
    {"client forget", "NAME", offer_clients},
    {"issue", "NAME", offer_clients},
    {"key list", "NAME", offer_clients},
    {"help", "COMMAND", offer_first_words},
    {"help", "WORD", offer_second_words},
};

static void offer_value(struct completion *completion, const char *value)
{
    const struct command *command = completion->command;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bool fits = values[i].command == NULL || (command != NULL && strcmp(command->words, values[i].command) == 0);
        if (fits && strcmp(values[i].value, value) == 0) {
            values[i].offer(completion);
            return;
        }
    }
    printf(":%s\n", value);
}

/* ---- Options ------------------------------------------------------------------------------------------------------------ */

static bool is_given(const struct completion *completion, const struct option *option)
{
    size_t length = strlen(option->name);
    for (size_t i = 0; i + 1 < completion->count; i++) {
        const char *word = completion->words[i];
        if (strncmp(word, "--", 2) == 0 && strcspn(word + 2, "=") == length &&
            strncmp(word + 2, option->name, length) == 0)
            return true;
    }
    return false;
}

/* All that may still be given. */
static void offer_options(const struct completion *completion)
{
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(completion->command, i)) != NULL; i++)
        if (option->kind == OPTION_LIST || !is_given(completion, option))
            printf("--%s\t%s\n", option->name, option->help);
    if (completion->command == NULL)
        puts("--version\tprint the version");
}

/* ---- The command line --------------------------------------------------------------------------------------------------- */

static void read_value(struct completion *completion, const char *value)
{
    if (strcmp(completion->option->name, "vault") == 0)
        completion->vault = value;
    completion->option = NULL;
}

static void read_option(struct completion *completion, const char *word)
{
    size_t length = strcspn(word, "=");
    const struct option *option = command_find_option(completion->command, word + 2, length - 2);
    if (option == NULL || option->kind == OPTION_FLAG)
        return;
    completion->option = option;
    if (word[length] == '=')
        read_value(completion, word + length + 1);
}

/* Takes in a word before the last one; false if nothing is known about what may follow. */
static bool read_word(struct completion *completion, const char *word)
{
    if (strcmp(word, "=") == 0) /* bash makes a word of it in --option=value */
        return true;
    if (completion->option != NULL) {
        read_value(completion, word);
    } else if (strncmp(word, "--", 2) == 0) {
        read_option(completion, word);
    } else if (completion->command != NULL) {
        completion->last = word;
        completion->place++;
    } else if (completion->noun == NULL && command_is_noun(word)) {
        completion->noun = word;
    } else {
        const char *noun = completion->noun;
        completion->command = command_find(noun != NULL ? noun : word, noun != NULL ? word : NULL);
        return completion->command != NULL;
    }
    return true;
}

static void offer(struct completion *completion)
{
    const struct command *command = completion->command;
    const struct argument *argument = command != NULL ? command->arguments : NULL;
    for (size_t i = 0; i < completion->place && argument->name != NULL; i++)
        argument++;
    if (completion->option != NULL)
        offer_value(completion, completion->option->value);
    else if (completion->words[completion->count - 1][0] == '-')
        offer_options(completion);
    else if (command == NULL && completion->noun != NULL)
        offer_verbs(completion->noun);
    else if (command == NULL)
        offer_first_words(completion);
    else if (argument->name != NULL)
        offer_value(completion, argument->name);
}

void completion_candidates(struct session *session)
{
    struct completion completion = {.session = session};
    size_t size = 0;
    bool known = true;
    while (completion.count < WORDS_MOST && getline(&completion.words[completion.count], &size, stdin) > 0) {
        char *word = completion.words[completion.count++];
        word[strcspn(word, "\n")] = '\0';
        size = 0;
    }
    for (size_t i = 0; i + 1 < completion.count && known; i++)
        known = read_word(&completion, completion.words[i]);
    if (known && completion.count > 0)
        offer(&completion);
    for (size_t i = 0; i < WORDS_MOST; i++)
        free(completion.words[i]);
}
