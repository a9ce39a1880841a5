/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon listens: sockets that it makes, or that systemd passes to it. */
#include "gateway/daemon/listener.h"

#include <errno.h>
#include <fcntl.h>
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

static const char *add(struct listeners *listeners, enum listener_kind kind, int descriptor, const char *path)
{
    if (listeners->count == LISTENERS_MAX)
        return "there are too many listeners";
    listeners->each[listeners->count].descriptor = descriptor;
    listeners->each[listeners->count].kind = kind;
    listeners->each[listeners->count].path = path;
    listeners->count++;
    return NULL;
}

/* NULL, or why nobody may listen there. */
static const char *refuse_remote(const struct listeners *listeners, enum listener_kind kind,
                                 const union address *address)
{
    if (listeners->remote[kind] || is_local(address))
        return NULL;
    return kind != LISTENER_PLAIN
               ? "it is no loopback address: credentials would cross the network in clear text; see "
                 "--renew-tls-certificate"
               : "it is no loopback address: credentials would cross the network in clear text; see --allow-remote";
}

static const char *bind_and_listen(int type, const union address *address, socklen_t size, int *descriptor)
{
    int on = 1;
    *descriptor = socket(address->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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
static void remove_abandoned(int type, const union address *address, socklen_t size)
{
    struct stat status;
    if (lstat(address->un.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    int descriptor = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return;
    if (connect(descriptor, &address->any, size) != 0 && errno == ECONNREFUSED)
        (void)unlink(address->un.sun_path);
    (void)close(descriptor);
}

static const char *make_unix(struct listeners *listeners, enum listener_kind kind, const char *path)
{
    union address address = {.un = {.sun_family = AF_UNIX}};
    if (path[0] == '\0' || strlen(path) >= sizeof address.un.sun_path)
        return "the path is empty or too long";
    memcpy(address.un.sun_path, path, strlen(path) + 1);
    remove_abandoned(listeners->type, &address, sizeof address.un);
    mode_t before = umask(~listeners->mode & 0777); /* from the beginning: nobody else may connect first */
    int descriptor = -1;
    const char *problem = bind_and_listen(listeners->type, &address, sizeof address.un, &descriptor);
    (void)umask(before);
    return problem != NULL ? problem : add(listeners, kind, descriptor, path);
}

static const char *make_inet(struct listeners *listeners, enum listener_kind kind, const char *text)
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
    int descriptor = -1;
    const char *problem = refuse_remote(listeners, kind, &address);
    if (problem == NULL)
        problem = bind_and_listen(listeners->type, &address, size, &descriptor);
    return problem != NULL ? problem : add(listeners, kind, descriptor, NULL);
}

const char *listener_make(struct listeners *listeners, enum listener_kind kind, const char *address)
{
    if (strncmp(address, "unix:", 5) == 0)
        return make_unix(listeners, kind, address + 5);
    if (listeners->type != SOCK_STREAM)
        return "it is a Unix socket: unix:PATH";
    return make_inet(listeners, kind, address);
}

static const char *inherit_one(struct listeners *listeners, int descriptor, const char *name)
{
    enum listener_kind kind = name == NULL                 ? LISTENER_PLAIN
                              : strcmp(name, "renew") == 0 ? LISTENER_RENEW
                              : strcmp(name, "leaks") == 0 ? LISTENER_LEAKS
                                                           : LISTENER_PLAIN;
    union address address;
    socklen_t size = sizeof address;
    if (sd_is_socket(descriptor, listeners->type == SOCK_STREAM ? AF_UNSPEC : AF_UNIX, listeners->type, 1) <= 0 ||
        getsockname(descriptor, &address.any, &size) != 0)
        return listeners->type == SOCK_STREAM
                   ? "the socket is no listening stream socket: see ListenStream= in systemd.socket(5)"
                   : "the socket is no Unix socket for packets: see ListenSequentialPacket= in systemd.socket(5)";
    const char *problem = refuse_remote(listeners, kind, &address);
    if (problem == NULL && fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) != 0)
        problem = strerror(errno);
    return problem != NULL ? problem : add(listeners, kind, descriptor, NULL);
}

const char *listener_inherit(struct listeners *listeners)
{
    char **names = NULL;
    const char *problem = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; i++) {
        if (problem == NULL)
            problem = inherit_one(listeners, SD_LISTEN_FDS_START + i, names[i]);
        free(names[i]);
    }
    free(names);
    return count < 0 ? strerror(-count) : problem;
}

bool listener_is_unix(int descriptor)
{
    return sd_is_socket(descriptor, AF_UNIX, 0, -1) > 0;
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
