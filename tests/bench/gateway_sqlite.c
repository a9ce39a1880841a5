/* SPDX-License-Identifier: Apache-2.0 */
/* For the comparison: the small service that many write. It looks SHA-256 of the key up in SQLite: gateway_sqlite SOCKET DATABASE. */
#include <microhttpd.h>
#include <openssl/sha.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static sqlite3_stmt *lookup;

static int is_known(const char *key)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hex[2 * sizeof digest + 1];
    SHA256((const unsigned char *)key, strlen(key), digest);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    (void)sqlite3_bind_text(lookup, 1, hex, -1, SQLITE_TRANSIENT);
    int known = sqlite3_step(lookup) == SQLITE_ROW;
    (void)sqlite3_reset(lookup);
    return known;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    (void)context, (void)url, (void)method, (void)version, (void)data, (void)size, (void)state;
    unsigned status = header != NULL && strncmp(header, "Bearer ", 7) == 0 && is_known(header + 7) ? 204 : 401;
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

int main(int count, char **arguments)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    sqlite3 *database;
    if (count != 3 || strlen(arguments[1]) >= sizeof address.sun_path ||
        sqlite3_open_v2(arguments[2], &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, "SELECT client FROM key WHERE hash = ?1", -1, &lookup, NULL) != SQLITE_OK)
        return 1;
    memcpy(address.sun_path, arguments[1], strlen(arguments[1]));
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0 ||
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_LISTEN_SOCKET, listener,
                         MHD_OPTION_END) == NULL)
        return 1;
    for (;;)
        (void)pause();
}
