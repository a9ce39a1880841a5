/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes of a run: this program in another role, and memory that they share. */
#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/scene.h"

pid_t child_start(const char *role, const char *vault, const char *shared_path)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        scene_fail("fork: %s", strerror(errno));
    if (child > 0)
        return child;
    /* The program itself, not libtool's wrapper. Only what may be called after a fork among threads. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(126);
    execl("/proc/self/exe", "bench", "--as", role, vault, shared_path, (char *)NULL);
    _exit(127);
}

static void judge(int status, const char *role)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        scene_fail("the process for %s failed (status 0x%x)", role, (unsigned)status);
}

void child_finish(pid_t child, const char *role)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        scene_heed_signals();
        if (errno != EINTR)
            scene_fail("waiting for %s: %s", role, strerror(errno));
    }
    judge(status, role);
}

void child_check(pid_t child, const char *role)
{
    int status = 0;
    scene_heed_signals();
    if (waitpid(child, &status, WNOHANG) == child)
        scene_fail("the process for %s ended too early (status 0x%x)", role, (unsigned)status);
}

void *child_share(const char *path, size_t size)
{
    struct stat there;
    int file = open(path, O_RDWR | O_CLOEXEC | (size != 0 ? O_CREAT | O_EXCL : 0), 0600);
    if (file < 0 || (size != 0 && ftruncate(file, (off_t)size) != 0) || fstat(file, &there) != 0)
        scene_fail("%s: %s", path, strerror(errno));
    void *memory = mmap(NULL, (size_t)there.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED)
        scene_fail("%s: %s", path, strerror(errno));
    return memory;
}
