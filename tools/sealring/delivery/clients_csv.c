/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV file of clients (RFC 4180), parsed strictly by libcsv. */
#include "tools/sealring/delivery/clients_csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/pasted.h"

#define ROW_MAX 65536 /* bytes; what is longer is no list of clients, or has a quotation mark too many */

enum column {
    COLUMN_CLIENT,
    COLUMN_CONTACT,
    COLUMN_LABEL,
    COLUMN_SCOPES,
    COLUMN_EXPIRES,
    COLUMN_NOT_BEFORE,
    COLUMN_FROM_ADDRESSES,
    COLUMN_KEY_ID,
    COLUMN_SHA256,
    COLUMNS
};

static const char *const column_names[COLUMNS] = {"client",     "contact",        "label",  "scopes", "expires",
                                                  "not_before", "from_addresses", "key_id", "sha256"};

/* What a complaint lists; the last column is another one for issuing and for importing. */
#define COLUMNS_OF_ISSUE  "client, contact, label, scopes, expires, not_before, from_addresses, key_id"
#define COLUMNS_OF_IMPORT "client, contact, label, scopes, expires, not_before, from_addresses, sha256"
#define SHA256_SIZE       32

struct csv_reading {
    struct clients_csv *clients;
    size_t line;     /* which one is being fed to the parser */
    size_t row_line; /* in which the present row began; 0: at the end of the file, of which all is known */
    size_t row_size; /* bytes of it so far */
    bool quoted;     /* the end of the last line stands inside a quoted field */
    bool in_header;
    bool imports;
    enum column order[COLUMNS]; /* which column stands where */
    size_t columns;
    size_t field; /* how many fields of the present row were seen */
    char *values[COLUMNS];
    int64_t now; /* whole seconds */
    bool failed;
    char *problem;
};

__attribute__((format(printf, 2, 3))) static void fail(struct csv_reading *reading, const char *format, ...)
{
    if (reading->failed)
        return; /* the first one counts */
    reading->failed = true;
    int used = reading->row_line == 0
                   ? 0
                   : snprintf(reading->problem, CLIENTS_CSV_PROBLEM_SIZE, "line %zu: ", reading->row_line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->problem + used, CLIENTS_CSV_PROBLEM_SIZE - (size_t)used, format, arguments);
    va_end(arguments);
}

static void take_header(struct csv_reading *reading, const char *name)
{
    enum column foreign = reading->imports ? COLUMN_KEY_ID : COLUMN_SHA256;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (strcmp(column_names[i], name) != 0 || i == (size_t)foreign)
            continue;
        for (size_t j = 0; j < reading->columns; j++)
            if (reading->order[j] == (enum column)i)
                fail(reading, "the header names the column %s twice", column_names[i]);
        if (!reading->failed)
            reading->order[reading->columns++] = (enum column)i;
        return;
    }
    fail(reading, "column %zu of the header is none of %s", reading->field + 1,
         reading->imports ? COLUMNS_OF_IMPORT : COLUMNS_OF_ISSUE);
}

static void take_field(void *text, size_t length, void *context)
{
    struct csv_reading *reading = context;
    const char *value = text != NULL ? text : "";
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    if (reading->failed)
        return;
    if (memchr(value, '\0', length) != NULL)
        fail(reading, "field %zu holds a NUL byte", reading->field + 1);
    else if (pasted_credential(value, key_id))
        fail(reading, "field %zu is a credential, which has no place here; the ID of its API key is %s",
             reading->field + 1, key_id);
    else if (reading->in_header)
        take_header(reading, value);
    else if (reading->field >= reading->columns)
        fail(reading, "there are more fields than the header's %zu", reading->columns);
    else
        reading->values[reading->order[reading->field]] = length > 0 ? memory_copy(value) : NULL;
    reading->field++;
}

static int64_t take_not_before(struct csv_reading *reading)
{
    int64_t time = 0;
    const char *text = reading->values[COLUMN_NOT_BEFORE];
    /* No durations: the file would mean another time when it is run again after an interruption. */
    if (text != NULL && sealring_time_parse(text, &time, NULL) != SEALRING_OK)
        fail(reading, "not_before wants a time such as 2027-01-31T12:00:00Z, or nothing");
    return time;
}

static int64_t take_expires(struct csv_reading *reading, bool *relative)
{
    int64_t time = 0;
    const char *text = reading->values[COLUMN_EXPIRES];
    *relative = false;
    if (text == NULL || sealring_time_parse(text, &time, NULL) == SEALRING_OK)
        return time;
    if (sealring_duration_parse(text, &time, NULL) != SEALRING_OK) {
        fail(reading,
             "expires wants a time such as 2027-01-31T12:00:00Z, a duration from now on such as 90d, or nothing");
        return 0;
    }
    *relative = true;
    return reading->now + time;
}

static int hexadecimal(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);
    return found == NULL ? -1 : (int)(found - digits) % 16;
}

/* The SHA-256 as bytes; it is no secret, but what follows from a short key is. */
static const uint8_t *take_sha256(struct csv_reading *reading)
{
    const char *text = reading->values[COLUMN_SHA256];
    if (!reading->imports)
        return NULL;
    if (text == NULL || strlen(text) != 2 * SHA256_SIZE) {
        fail(reading, "sha256 wants the 64 hexadecimal digits of the key's SHA-256");
        return NULL;
    }
    uint8_t *digest = memory_grow(NULL, SHA256_SIZE, 1);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        int high = hexadecimal(text[2 * i]);
        int low = hexadecimal(text[2 * i + 1]);
        if (high < 0 || low < 0)
            fail(reading, "sha256 has a character that is no hexadecimal digit");
        digest[i] = (uint8_t)(high * 16 + low);
    }
    return digest;
}

static bool has_column(const struct csv_reading *reading, enum column column)
{
    for (size_t i = 0; i < reading->columns; i++)
        if (reading->order[i] == column)
            return true;
    return false;
}

static void finish_header(struct csv_reading *reading)
{
    const char *may_have = reading->imports ? COLUMNS_OF_IMPORT : COLUMNS_OF_ISSUE;
    if (!has_column(reading, COLUMN_CLIENT))
        fail(reading, "the header names no column client; it may have: %s", may_have);
    if (reading->imports && !has_column(reading, COLUMN_SHA256))
        fail(reading, "the header names no column sha256; it may have: %s", may_have);
    reading->in_header = false;
}

static void forget_values(struct csv_reading *reading)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        free(reading->values[i]);
        reading->values[i] = NULL;
    }
}

static void finish_row(struct csv_reading *reading)
{
    struct clients_csv *clients = reading->clients;
    if (reading->field < reading->columns)
        fail(reading, "there are %zu fields where the header has %zu", reading->field, reading->columns);
    if (reading->values[COLUMN_CLIENT] == NULL)
        fail(reading, "the client is missing");
    bool relative = false;
    int64_t expires = take_expires(reading, &relative);
    sealring_issue_request request = {
        .client = reading->values[COLUMN_CLIENT],
        .contact = reading->values[COLUMN_CONTACT],
        .label = reading->values[COLUMN_LABEL],
        .scopes = reading->values[COLUMN_SCOPES],
        .key_id = reading->values[COLUMN_KEY_ID],
        .from_addresses = reading->values[COLUMN_FROM_ADDRESSES],
        .sha256 = take_sha256(reading),
        .not_before = take_not_before(reading),
        .expires = expires,
        .expires_is_relative = relative,
        .line = reading->row_line,
    };
    if (reading->failed) {
        free((void *)request.sha256);
        return;
    }
    clients->requests = memory_room(clients->requests, clients->count, sizeof *clients->requests);
    clients->requests[clients->count++] = request;
    free(reading->values[COLUMN_EXPIRES]);
    free(reading->values[COLUMN_NOT_BEFORE]);
    free(reading->values[COLUMN_SHA256]);
    memset(reading->values, 0, sizeof reading->values); /* the texts are the request's now */
}

static void take_row_end(int terminator, void *context)
{
    struct csv_reading *reading = context;
    (void)terminator;
    if (!reading->failed && reading->in_header)
        finish_header(reading);
    else if (!reading->failed)
        finish_row(reading);
    reading->field = 0;
    reading->row_line = reading->line + 1;
    reading->row_size = 0;
}

/* Reads up to ROW_MAX bytes of a line, its end included, and puts a NUL behind them; 0 at the end of the file. */
static size_t read_line(char line[ROW_MAX + 1], FILE *stream)
{
    size_t length = 0;
    for (int byte = 0; byte != '\n' && length < ROW_MAX && (byte = getc(stream)) != EOF;)
        line[length++] = (char)byte;
    line[length] = '\0';
    return length;
}

/* Counts the line, to the row that it belongs to. */
static void count_line(struct csv_reading *reading, const char *line, size_t length)
{
    reading->line++;
    reading->row_size += length;
    if (reading->field == 0 && !reading->quoted && strspn(line, " \t\r\n") == length) {
        reading->row_line = reading->line + 1; /* an empty line is no row */
        reading->row_size = 0;
    }
    /* Strictly read, marks come in pairs except where a field goes on in the next line. */
    for (size_t i = 0; i < length; i++)
        reading->quoted = reading->quoted != (line[i] == '"');
    if (reading->row_size >= ROW_MAX)
        fail(reading, "longer than %d bytes: this is no list of clients, or a quoted field does not end", ROW_MAX);
}

/* Feeds the stream to the parser line by line, so that every complaint can name its line. */
static void feed(struct csv_reading *reading, struct csv_parser *parser, FILE *stream)
{
    char *line = memory_grow(NULL, ROW_MAX + 1, 1);
    size_t length = 0;
    while (!reading->failed && (length = read_line(line, stream)) > 0) {
        const char *text = line;
        size_t left = length;
        count_line(reading, line, length);
        if (reading->line == 1 && left >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
            text += 3;
            left -= 3;
        }
        if (csv_parse(parser, text, left, take_field, take_row_end, reading) != left)
            fail(reading,
                 "this is no CSV: a field with a quotation mark in it must be in quotation marks, and the mark "
                 "doubled");
    }
    if (ferror(stream) != 0)
        fail(reading, "cannot be read: %s", strerror(errno));
    free(line);
    if (csv_fini(parser, take_field, take_row_end, reading) != 0)
        fail(reading, "a quoted field does not end");
}

bool clients_csv_read(struct clients_csv *clients, FILE *stream, bool imports, int64_t now,
                      char problem[CLIENTS_CSV_PROBLEM_SIZE])
{
    *clients = (struct clients_csv){0};
    struct csv_reading reading = {.now = now / 1000 * 1000,
                                  .clients = clients,
                                  .row_line = 1,
                                  .in_header = true,
                                  .imports = imports,
                                  .problem = problem};
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        snprintf(problem, CLIENTS_CSV_PROBLEM_SIZE, "out of memory");
        return false;
    }
    feed(&reading, &parser, stream);
    csv_free(&parser);
    forget_values(&reading);
    reading.row_line = 0;
    if (reading.in_header)
        fail(&reading, "it is empty: the first line names the columns, at least client");
    else if (clients->count == 0)
        fail(&reading, "it has a header, but no clients below it");
    if (reading.failed)
        clients_csv_free(clients);
    return !reading.failed;
}

void clients_csv_free(struct clients_csv *clients)
{
    for (size_t i = 0; i < clients->count; i++) {
        free((char *)clients->requests[i].client);
        free((char *)clients->requests[i].contact);
        free((char *)clients->requests[i].label);
        free((char *)clients->requests[i].scopes);
        free((char *)clients->requests[i].key_id);
        free((char *)clients->requests[i].from_addresses);
        free((void *)clients->requests[i].sha256);
    }
    free(clients->requests);
    *clients = (struct clients_csv){0};
}
