/* SPDX-License-Identifier: Apache-2.0 */
/* A program with libsealring-client: reads commands from standard input, and prints the credential after each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/client.h>

static void print_event(sealring_client_event event, const char *message, void *context)
{
    (void)context;
    (void)fprintf(stderr, "%d %s\n", (int)event, message);
}

/* program FILE URL CA INTERVAL-MS SPREAD-MS; commands: "" or "STATUS [SUNSET]", an answer to the present credential. */
int main(int argc, char **argv)
{
    char line[128];
    sealring_client *client = NULL;
    sealring_error error;
    sealring_client_options options = {.size = sizeof options, .callback = print_event};
    if (argc != 6)
        return 2;
    options.file = argv[1];
    options.url = argv[2];
    options.ca_file = argv[3][0] != '\0' ? argv[3] : NULL;
    options.interval_ms = strtol(argv[4], NULL, 10);
    options.spread_ms = strtol(argv[5], NULL, 10);
    if (sealring_client_open(&options, &client, &error) != SEALRING_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *sunset = NULL;
        long status = strtol(line, &sunset, 10);
        line[strcspn(line, "\n")] = '\0';
        if (status != 0)
            sealring_client_response(client, sealring_client_credential(client), (int)status,
                                     *sunset == ' ' ? sunset : NULL);
        (void)printf("%s\n", sealring_client_credential(client));
        (void)fflush(stdout);
    }
    sealring_client_close(&client);
    return 0;
}
