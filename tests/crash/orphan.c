/* SPDX-License-Identifier: Apache-2.0 */
/* A key in a vault's token that no version has. */
#include "crash/orphan.h"

#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vault/copies.h"
#include "vault/manager.h"

#define PATIENCE 60 /* seconds */

static sealring_status make(sealring_manager *manager, sealring_error *error)
{
    struct token_key_reference reference = {
        .object_id = {0x5e, 0xed, 0x01}, .object_id_length = 3, .check_input = "lost", .check_input_length = 4};
    struct object_files before;
    sealring_status status = copies_before(manager, &before, error);
    if (status == SEALRING_OK)
        status = token_key_generate(manager->token, "sealring/lost/1", &reference, error);
    if (status == SEALRING_OK)
        status = copies_add(manager, &before, reference.object_id, reference.object_id_length, error);
    if (status == SEALRING_OK)
        status = copies_sync(manager, error);
    objects_release(&before);
    return status;
}

static _Noreturn void make_and_exit(const struct test_vault *vault)
{
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    alarm(PATIENCE);
    sealring_status status = sealring_manager_open(vault->path, NULL, &manager, &error);
    if (status == SEALRING_OK)
        status = manager_begin(manager, "orphan", true, &error);
    if (status == SEALRING_OK) {
        status = make(manager, &error);
        manager_end(manager);
    }
    sealring_manager_close(&manager);
    if (status != SEALRING_OK)
        fprintf(stderr, "# the key that no version has: %s\n", error.message);
    _exit(status == SEALRING_OK ? 0 : 1);
}

bool orphan_make(const struct test_vault *vault)
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        make_and_exit(vault);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}
