/* SPDX-License-Identifier: Apache-2.0 */
/* What numbers depend on: the machine, and the versions of the libraries that take part. */
#include <config.h>

#include "bench/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <sqlite3.h>

#include <sealring/verify.h>

#ifdef HAVE_HIREDIS
#include <hiredis.h>
#endif

/* The value of the first line "key : value" of a file of /proc. */
static void read_value(const char *path, const char *key, char value[MACHINE_FACT_SIZE])
{
    char line[256];
    FILE *file = fopen(path, "re");
    while (file != NULL && value[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL || strncmp(line, key, strlen(key)) != 0)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(value, MACHINE_FACT_SIZE, "%.*s", MACHINE_FACT_SIZE - 1, colon);
    }
    if (file != NULL)
        fclose(file);
}

/* What a command's first line contains after a mark. */
static void ask_command(const char *command, const char *mark, char value[MACHINE_FACT_SIZE])
{
    char line[256] = "";
    FILE *pipe = popen(command, "re");
    if (pipe == NULL)
        return;
    if (fgets(line, sizeof(line), pipe) != NULL && strstr(line, mark) != NULL) {
        const char *found = strstr(line, mark) + strlen(mark);
        snprintf(value, MACHINE_FACT_SIZE, "%.*s", (int)strcspn(found, " \n"), found);
    }
    pclose(pipe);
}

static __attribute__((format(printf, 3, 4))) void say(struct machine_fact *fact, const char *name, const char *format,
                                                      ...)
{
    va_list arguments;
    fact->name = name;
    va_start(arguments, format);
    vsnprintf(fact->value, sizeof(fact->value), format, arguments);
    va_end(arguments);
}

size_t machine_describe(struct machine_fact facts[MACHINE_FACTS])
{
    struct utsname system;
    size_t count = 0;
    memset(facts, 0, MACHINE_FACTS * sizeof(*facts));
    facts[count].name = "processor";
    read_value("/proc/cpuinfo", "model name", facts[count++].value);
    say(&facts[count++], "processors", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    if (uname(&system) == 0)
        say(&facts[count++], "kernel", "%s %s", system.sysname, system.release);
    say(&facts[count++], "compiler", "%s", __VERSION__);
    say(&facts[count++], "sealring", "%s", sealring_library_version());
    say(&facts[count++], "openssl", "%s", OpenSSL_version(OPENSSL_VERSION_STRING));
    say(&facts[count++], "sqlite", "%s", sqlite3_libversion());
    facts[count].name = "softhsm2";
    ask_command("softhsm2-util --version 2>/dev/null", "", facts[count++].value);
    facts[count].name = "redis";
    ask_command("redis-server --version 2>/dev/null", "v=", facts[count++].value);
#ifdef HAVE_HIREDIS
    say(&facts[count++], "hiredis", "%d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
#endif
    return count;
}
