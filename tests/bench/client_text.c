/* SPDX-License-Identifier: Apache-2.0 */
/* What a client's program pays for each request: the credential from the library, against getenv. */
#include <stdlib.h>
#include <string.h>

#include <sealring/client.h>

#include "bench/parts.h"
#include "bench/slice.h"

#define VARIABLE "SEALRING_BENCH_CREDENTIAL"

enum { CALLS = 1000 };

static const char *volatile taken; /* so that no call is left out */

static size_t take_credential(void *client)
{
    for (int i = 0; i < CALLS; i++)
        taken = sealring_client_credential(client);
    return CALLS;
}

static size_t take_variable(void *client)
{
    (void)client;
    for (int i = 0; i < CALLS; i++)
        taken = getenv(VARIABLE);
    return CALLS;
}

void client_text_round(struct scene *scene)
{
    sealring_client *client = NULL;
    sealring_error error;
    sealring_client_options options = {.size = sizeof options, .environment = VARIABLE, .manual = 1};
    (void)setenv(VARIABLE, "acme_live_AAAABBBBCCCCDDDD_1_1111111111111111111111111111111111111111111", 1);
    if (sealring_client_open(&options, &client, &error) != SEALRING_OK)
        scene_fail("a client cannot be opened: %s", error.message);
    double library = slice_run(take_credential, client, scene->slice),
           variable = slice_run(take_variable, NULL, scene->slice);
    table_add(ROW_CLIENT_TEXT, library, library > variable ? library - variable : 0.01);
    table_note(ROW_CLIENT_TEXT, "getenv: %.1f ns", variable);
    sealring_client_close(&client);
}
