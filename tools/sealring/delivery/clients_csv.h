/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV file with the clients that get credentials, and their claims. */
#ifndef TOOL_CLIENTS_CSV_H
#define TOOL_CLIENTS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <sealring/manage.h>

#define CLIENTS_CSV_PROBLEM_SIZE 400

struct clients_csv {
    sealring_issue_request *requests; /* owned, with their texts */
    size_t count;
};

/* Reads the whole file: a header line with the columns client (required), contact, label, scopes, expires, not_before, from_addresses and,
 * for issuing, key_id, for importing, sha256 (required), in any order, then a line for each API key. Durations in expires are
 * counted from `now`. A byte order mark and CRLF are accepted. False after writing one line into problem, which names the line
 * of the file; clients is empty then. */
bool clients_csv_read(struct clients_csv *clients, FILE *stream, bool imports, int64_t now,
                      char problem[CLIENTS_CSV_PROBLEM_SIZE]);
void clients_csv_free(struct clients_csv *clients);

#endif
