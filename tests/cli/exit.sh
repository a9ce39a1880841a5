#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Servers that close their vault as the process ends, behind the destructors of the PKCS#11 module, or never: they end as they would without.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
: "${top_builddir:=$PWD}"
library=$(cd "$top_builddir" && pwd)/.libs
sanitize=
! nm -D --undefined-only "$library/libsealring.so" | grep -q __asan_init || sanitize=-fsanitize=address,undefined

must init
must ring create r
must client add acme
must issue r --client acme
cp "$work/out" "$work/good"

# WAYS of the program: `c` close by atexit() registered first; `d` by a destructor of static storage; `n` not at all. Two letters: the vault's,
# the manager's. Then what the worker does that is forked before the end: `-` there is none; `e` it ends by exit(), `v` after a vault of its own.
cat >"$work/server.cc" <<'CC'
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sealring/manage.h>
#include <sealring/verify.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *ways;

struct Server {
    sealring_vault *vault = nullptr;
    sealring_manager *manager = nullptr;
    void close(char way)
    {
        if (ways != nullptr && ways[0] == way)
            sealring_close(&vault);
        if (ways != nullptr && ways[1] == way)
            sealring_manager_close(&manager);
    }
    ~Server() { close('d'); }
};
static Server server;

static void close_at_exit() { server.close('c'); }

static int ask(const char *text)
{
    puts(sealring_verdict_name(sealring_verify(server.vault, text, strcspn(text, "\n"), nullptr, nullptr)));
    return 7;
}

static void open_or_leave(const char *path)
{
    sealring_error error;
    if (sealring_open(path, nullptr, &server.vault, &error) == SEALRING_OK)
        return;
    puts(error.message);
    _exit(1);
}

int main(int, char **argv)
{
    char text[200], name[32];
    const char *path = getenv("SEALRING_VAULT");
    sealring_error error;
    ways = argv[1];
    snprintf(name, sizeof name, "late%d", (int)getpid());
    atexit(close_at_exit);
    sealring_environment(path, [](const char *name, const char *value, void *) { return setenv(name, value, 1); }, nullptr, &error);
    open_or_leave(path);
    if (ways[1] != 'n') {
        sealring_manage_options options = {};
        options.size = sizeof options;
        if (sealring_manager_open(path, &options, &server.manager, &error) != SEALRING_OK ||
            sealring_client_add(server.manager, name, nullptr, &error) != SEALRING_OK) {
            puts(error.message);
            return 2;
        }
    }
    if (fgets(text, sizeof text, stdin) == nullptr)
        return 3;
    if (ways[2] != '-') {
        int status;
        pid_t worker = fork();
        if (worker == 0) {
            if (ways[2] == 'v') {
                sealring_close(&server.vault);
                open_or_leave(path);
                return ask(text);
            }
            return 7;
        }
        if (waitpid(worker, &status, 0) != worker || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
            return 4;
    }
    return ask(text);
}
CC
# shellcheck disable=SC2086 # lists of words
${CXX:-c++} $sanitize -O1 -I"$top_srcdir/include" -o "$work/server" "$work/server.cc" -L"$library" -Wl,-rpath,"$library" -lsealring-manage -lsealring -pthread \
    >"$work/out" 2>&1 || {
    explain_output
    bail_out "the server cannot be built"
}
for ways in cn- dn- nn- cc- dd- cd- dc- cne dne cnv dnv nnv ddv; do
    SEALRING_VAULT=$SEALRING_VAULT "$work/server" $ways <"$work/good" >"$work/out" 2>"$work/err"
    status=$?
    is "$status $(tail -n 1 "$work/out")" "7 accepted" "it ends with its own status, and its output is there ($ways)"
done
run doctor
is "$status" 0 "and nothing is left behind"

done_testing
