/* SPDX-License-Identifier: Apache-2.0 */
/* The library's structures as JSON with stable field names: snake_case, times as RFC 3339 text, null for none. */
#ifndef TOOL_JSONTEXT_H
#define TOOL_JSONTEXT_H

#include <stdio.h>

#include <jansson.h>

#include <sealring/claim.h>
#include <sealring/sealed.h>
#include <sealring/manage.h>

/* Each returns a new reference. */
json_t *jsontext_time(int64_t time);
/* What of an audit entry is not UTF-8, in hexadecimal digits by member; NULL: nothing. */
json_t *jsontext_raw(const sealring_audit_entry *entry);
json_t *jsontext_text(const char *text);     /* of unknown origin: bytes that are no UTF-8 as \\x9b; null for NULL */
json_t *jsontext_scopes(const char *scopes); /* an array, null for NULL */
json_t *jsontext_ring(const sealring_ring_info *ring);
json_t *jsontext_version(const sealring_version_info *version);
json_t *jsontext_effects(const sealring_change *change); /* NULL: no change */
json_t *jsontext_plan(const sealring_plan *plan);
json_t *jsontext_client(const sealring_client_info *client);
json_t *jsontext_certificate(const sealring_certificate_info *certificate);
json_t *jsontext_key(const sealring_key_info *key);
json_t *jsontext_claim(const sealring_claim_info *claim);
json_t *jsontext_credential(const sealring_credential_info *credential);

/* Writes the value and a newline; nothing in it can steer a terminal. 0, or -1. */
int jsontext_write(const json_t *value, FILE *stream, size_t flags);

/* Prints the value, an object, indented, and a newline on standard output; takes over the reference. The last one is printed by jsontext_finish,
 * with an array `notes` of the notes, if there are any. */
void jsontext_print(json_t *value);
void jsontext_note(const char *text);
void jsontext_finish(void);

/* Prints the value and a newline, on one line. */
void jsontext_print_line(json_t *value);

/* Prints {"NAME": value} and takes over the reference. */
void jsontext_print_as(const char *name, json_t *value);

/* Prints one issued credential as an object on one line. The secret itself is not copied to memory that nobody wipes. */
void jsontext_print_issued(FILE *stream, const sealring_issued *issued);

#endif
