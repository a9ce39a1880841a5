/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon listens: sockets that it makes, or that systemd passes to it. */
#include "gateway/sealringd/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

enum { BACKLOG = 1024, ADDRESS_SIZE = 256 };

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

static bool is_local(const union address *address)
{
    if (address->any.sa_family == AF_INET)
        return (ntohl(address->in.sin_addr.s_addr) >> 24) == 127;
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
    return address->any.sa_family == AF_UNIX;
}

static const char *add(struct listeners *listeners, int descriptor, const char *path)
{
    if (listeners->count == LISTENERS_MAX)
        return "there are too many listeners";
    listeners->each[listeners->count].descriptor = descriptor;
    listeners->each[listeners->count].path = path;
    listeners->count++;
    return NULL;
}

static const char *bind_and_listen(const union address *address, socklen_t size, int *descriptor)
{
    int on = 1;
    *descriptor = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*descriptor >= 0 &&
        (address->any.sa_family == AF_UNIX || setsockopt(*descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0) &&
        bind(*descriptor, &address->any, size) == 0 && listen(*descriptor, BACKLOG) == 0)
        return NULL;
    const char *problem = strerror(errno);
    if (*descriptor >= 0)
        (void)close(*descriptor);
    *descriptor = -1;
    return problem;
}

/* A socket that a process left which was killed. */
static void remove_abandoned(const union address *address, socklen_t size)
{
    struct stat status;
    if (lstat(address->un.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return;
    if (connect(descriptor, &address->any, size) != 0 && errno == ECONNREFUSED)
        (void)unlink(address->un.sun_path);
    (void)close(descriptor);
}

static const char *make_unix(struct listeners *listeners, const char *path, mode_t mode)
{
    union address address = {.un = {.sun_family = AF_UNIX}};
    if (path[0] == '\0' || strlen(path) >= sizeof address.un.sun_path)
        return "the path is empty or too long";
    memcpy(address.un.sun_path, path, strlen(path) + 1);
    remove_abandoned(&address, sizeof address.un);
    mode_t before = umask(~mode & 0777); /* from the beginning: nobody else may connect first */
    int descriptor = -1;
    const char *problem = bind_and_listen(&address, sizeof address.un, &descriptor);
    (void)umask(before);
    return problem != NULL ? problem : add(listeners, descriptor, path);
}

static const char *make_inet(struct listeners *listeners, const char *text, bool remote)
{
    char host[ADDRESS_SIZE];
    const char *colon = strrchr(text, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    if (length == 0 || length >= sizeof host || colon[1] == '\0')
        return "an address is unix:PATH, ADDRESS:PORT or [ADDRESS]:PORT";
    memcpy(host, text, length);
    host[length] = '\0';
    char *begin = host;
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        begin++;
    }
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(begin, colon + 1, &hints, &found);
    if (code != 0)
        return gai_strerror(code);
    union address address;
    socklen_t size = found->ai_addrlen;
    memcpy(&address, found->ai_addr, size);
    freeaddrinfo(found);
    if (!remote && !is_local(&address))
        return "this is no loopback address: credentials would cross the network in clear text; see --allow-remote";
    int descriptor = -1;
    const char *problem = bind_and_listen(&address, size, &descriptor);
    return problem != NULL ? problem : add(listeners, descriptor, NULL);
}

const char *listener_make(struct listeners *listeners, const char *address, mode_t mode, bool remote)
{
    if (strncmp(address, "unix:", 5) == 0)
        return make_unix(listeners, address + 5, mode);
    return make_inet(listeners, address, remote);
}

const char *listener_inherit(struct listeners *listeners, bool remote)
{
    int count = sd_listen_fds(1);
    for (int i = 0; i < count; i++) {
        int descriptor = SD_LISTEN_FDS_START + i;
        union address address;
        socklen_t size = sizeof address;
        if (sd_is_socket(descriptor, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
            getsockname(descriptor, &address.any, &size) != 0)
            return "systemd passed a socket that is no listening stream socket: see ListenStream= in systemd.socket(5)";
        if (!remote && !is_local(&address))
            return "systemd passed a socket of no loopback address: credentials would cross the network in clear text; "
                   "see --allow-remote";
        const char *problem = add(listeners, descriptor, NULL);
        if (problem != NULL)
            return problem;
    }
    return count < 0 ? strerror(-count) : NULL;
}

void listener_describe(int descriptor, char *text, size_t size)
{
    union address address;
    socklen_t length = sizeof address;
    char host[ADDRESS_SIZE] = "", port[16] = "";
    memset(&address, 0, sizeof address);
    if (getsockname(descriptor, &address.any, &length) != 0)
        (void)snprintf(text, size, "an unknown address");
    else if (address.any.sa_family == AF_UNIX)
        (void)snprintf(text, size, "unix:%s", address.un.sun_path);
    else {
        (void)getnameinfo(&address.any, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        (void)snprintf(text, size, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
    }
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        (void)close(listeners->each[i].descriptor);
        if (listeners->each[i].path != NULL)
            (void)unlink(listeners->each[i].path);
    }
    listeners->count = 0;
}
