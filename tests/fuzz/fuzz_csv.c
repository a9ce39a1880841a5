/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a list of clients holds: it is read whole, or a line is named, and no credential gets through. */
#include "fuzz/fuzzer.h"

#include "fuzz/property.h"
#include "tools/sealring/delivery/clients_csv.h"
#include "tools/sealring/terminal/pasted.h"

#define NOW INT64_C(1800000000123)

/* fmemopen would not have a file of no bytes. */
static FILE *stream_of(const uint8_t *data, size_t size)
{
    FILE *stream = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : fopen("/dev/null", "r");
    require(stream != NULL, "there is a stream");
    return stream;
}

static bool is_harmless(const char *text)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    return text == NULL || (text[0] != '\0' && !pasted_credential(text, key_id));
}

static void check_list(const struct clients_csv *clients, bool imports)
{
    require(clients->count > 0, "a list that is read has clients");
    for (size_t i = 0; i < clients->count; i++) {
        const sealring_issue_request *request = &clients->requests[i];
        require(request->line >= (i == 0 ? 2 : clients->requests[i - 1].line),
                "each has a line of its own, below the header");
        require(request->client != NULL, "each has a client");
        require(is_harmless(request->client) && is_harmless(request->contact) && is_harmless(request->label) &&
                    is_harmless(request->scopes) && is_harmless(request->key_id),
                "no text is empty, or a credential");
        require((request->sha256 != NULL) == imports, "a digest is there for imports, and for nothing else");
        require(!imports || request->key_id == NULL, "an import names no key");
        require(request->not_before >= 0 && request->expires >= 0, "times are no earlier than 1970");
        require(!request->expires_is_relative || request->expires >= NOW / 1000 * 1000, "a duration ends after now");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[CLIENTS_CSV_PROBLEM_SIZE] = "";
    struct clients_csv clients;
    if (size == 0)
        return 0;
    bool imports = data[0] % 2 != 0;
    FILE *stream = stream_of(data + 1, size - 1);
    bool good = clients_csv_read(&clients, stream, imports, NOW, problem);
    (void)fclose(stream);
    require(good == (problem[0] == '\0'), "what cannot be read has a problem, and what can has none");
    require(strchr(problem, '\n') == NULL, "a problem is one line");
    if (good)
        check_list(&clients, imports);
    else
        require(clients.count == 0 && clients.requests == NULL, "then there is no list");
    clients_csv_free(&clients);
    return 0;
}
