/* SPDX-License-Identifier: Apache-2.0 */
/* A host of API clients with libsealring-client, of which a test asks one thing after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/client.h>

enum { CLIENTS_MOST = 1024, IDLE_MS = 86400000, SPREAD_MS = 100 };

static sealring_client *clients[CLIENTS_MOST];
static const char *sent[CLIENTS_MOST]; /* with the latest request */

static void print_event(sealring_client_event event, const char *message, void *context)
{
    (void)context;
    (void)fprintf(stderr, "%d %s\n", (int)event, message);
}

static void open_client(unsigned number, const char *file, const char *url)
{
    sealring_error error;
    sealring_client_options options = {.size = sizeof options,
                                       .file = file,
                                       .url = url,
                                       .interval_ms = IDLE_MS,
                                       .spread_ms = SPREAD_MS,
                                       .callback = print_event};
    if (sealring_client_open(&options, &clients[number], &error) == SEALRING_OK)
        (void)printf("open\n");
    else
        (void)printf("failed %s\n", error.message);
}

/* Lines: `open NUMBER FILE URL`; `send NUMBER`, answered with the credential; `got NUMBER STATUS [SUNSET]`, the answer to what was sent. */
int main(void)
{
    char line[2048], file[1024], url[512], text[128];
    unsigned number = 0;
    int status = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        text[0] = '\0';
        if (sscanf(line, "open %u %1023s %511s", &number, file, url) == 3 && number < CLIENTS_MOST)
            open_client(number, file, url);
        else if (sscanf(line, "send %u", &number) == 1 && number < CLIENTS_MOST && clients[number] != NULL) {
            sent[number] = sealring_client_credential(clients[number]);
            (void)printf("%s\n", sent[number]);
        } else if (sscanf(line, "got %u %d %127[^\n]", &number, &status, text) >= 2 && number < CLIENTS_MOST &&
                   clients[number] != NULL) {
            if (sent[number] != NULL) /* else the process was killed that has sent it */
                sealring_client_response(clients[number], sent[number], status, text[0] != '\0' ? text : NULL);
            (void)printf("noted\n");
        } else
            return 2;
        (void)fflush(stdout);
    }
    for (number = 0; number < CLIENTS_MOST; number++)
        sealring_client_close(&clients[number]);
    return 0;
}
