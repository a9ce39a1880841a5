/* SPDX-License-Identifier: Apache-2.0 */
/* What `nginx -t` finds: variables of the environment that are missing, a vault that the workers may not use, scopes that cannot exist. */

#include "sealring_nginx.h"

#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PIN_LENGTH_MAX = 255 };

/* RFC 6749, section 3.3. */
char *ngx_sealring_check_scopes(ngx_conf_t *cf, const ngx_str_t *scopes)
{
    if (scopes->len > SEALRING_SCOPES_LENGTH_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sealring\" has scopes of more than %d bytes; no credential has them",
                           SEALRING_SCOPES_LENGTH_MAX);
        return NGX_CONF_ERROR;
    }
    for (size_t i = 0; i < scopes->len; i++) {
        u_char c = scopes->data[i];
        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"sealring\" has the scope \"%V\", which cannot exist", scopes);
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}

static void pin_cleanup(void *data)
{
    explicit_bzero(data, PIN_LENGTH_MAX + 1);
    (void)munmap(data, PIN_LENGTH_MAX + 1);
}

/* The master process reads the file, which the workers need not be able to read. */
char *ngx_sealring_read_pin(ngx_conf_t *cf, ngx_sealring_main_conf_t *conf)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    u_char *text = mmap(NULL, PIN_LENGTH_MAX + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (cleanup == NULL || text == MAP_FAILED)
        return NGX_CONF_ERROR;
    cleanup->handler = pin_cleanup;
    cleanup->data = text;
    (void)mlock(text, PIN_LENGTH_MAX + 1);
    (void)madvise(text, PIN_LENGTH_MAX + 1, MADV_DONTDUMP);
    ngx_fd_t file = ngx_open_file(conf->pin_file.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    ssize_t length = file == NGX_INVALID_FILE ? -1 : ngx_read_fd(file, text, PIN_LENGTH_MAX + 1);
    ngx_err_t problem = ngx_errno;
    if (file != NGX_INVALID_FILE)
        (void)ngx_close_file(file);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    if (length < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, problem, "sealring_pin_file \"%V\" cannot be read", &conf->pin_file);
        return NGX_CONF_ERROR;
    }
    if (length == 0 || length > PIN_LENGTH_MAX || ngx_strlchr(text, text + length, '\n') != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "sealring_pin_file \"%V\" must contain one line of 1 to %d bytes",
                           &conf->pin_file, PIN_LENGTH_MAX);
        return NGX_CONF_ERROR;
    }
    text[length] = '\0';
    conf->pin.data = text;
    conf->pin.len = (size_t)length;
    return NGX_CONF_OK;
}

/* ---- Environment ---- */

typedef struct {
    ngx_conf_t *cf;
    ngx_core_conf_t *core;
    ngx_uint_t missing;
} environment_check_t;

static int environment_each(const char *name, const char *value, void *context)
{
    environment_check_t *check = context;
    ngx_str_t *entry = check->core->env.elts;
    size_t length = ngx_strlen(name);
    const char *inherited = getenv(name);
    for (ngx_uint_t i = 0; i < check->core->env.nelts; i++) {
        if (entry[i].len != length || ngx_strncmp(entry[i].data, name, length) != 0)
            continue;
        /* nginx stores NAME=VALUE, too, with the length of the name. */
        const char *set = entry[i].data[length] == '=' ? (const char *)entry[i].data + length + 1 : inherited;
        if (set != NULL && strcmp(set, value) == 0)
            return 0;
    }
    ngx_conf_log_error(NGX_LOG_EMERG, check->cf, 0,
                       "the token's module needs the line \"env %s=%s;\" before the block \"http\"", name, value);
    check->missing++;
    return 0;
}

/* ---- Permissions ---- */

/* What the workers' user needs: exit statuses of the child that tries it, from 1 on. */
static const struct {
    const char *name;
    int mode;
    const char *need;
} needed[] = {{"sealring.conf", R_OK, "read"}, {"verifiers", W_OK | X_OK, "write to"}};

static int try_as_worker(const ngx_str_t *vault, const char *user, uid_t uid, gid_t gid)
{
    char path[NGX_MAX_PATH + 32];
    if (geteuid() == 0 && (setgid(gid) != 0 || initgroups(user, gid) != 0 || setuid(uid) != 0))
        return 0;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", (const char *)vault->data, needed[i].name);
        if (access(path, needed[i].mode) != 0)
            return (int)i + 1;
    }
    return 0;
}

static ngx_int_t check_permissions(ngx_conf_t *cf, const ngx_sealring_main_conf_t *conf, const ngx_core_conf_t *core)
{
    const char *user = core->username != NULL ? core->username : NGX_USER;
    const struct passwd *account = getpwnam(user);
    if (account == NULL)
        return NGX_OK; /* nginx itself reports that */
    uid_t uid = core->username != NULL ? (uid_t)core->user : account->pw_uid;
    gid_t gid = core->username != NULL ? (gid_t)core->group : account->pw_gid;
    if (strcmp(user, "www-data") == 0 || strcmp(user, "nobody") == 0)
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "workers run as \"%s\"; whatever else runs as that user may read their memory: give nginx a "
                           "user of its own",
                           user);
    pid_t child = fork();
    if (child == 0)
        _exit(try_as_worker(&conf->vault, user, uid, gid));
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return NGX_OK;
    size_t failed = (size_t)WEXITSTATUS(status);
    if (failed == 0)
        return NGX_OK;
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "sealring_vault \"%V\": user \"%s\" of the workers may not %s \"%V/%s\"; see verifier-group in "
                       "sealring-init(1)",
                       &conf->vault, user, needed[failed - 1].need, &conf->vault, needed[failed - 1].name);
    return NGX_ERROR;
}

ngx_int_t ngx_sealring_check_vault(ngx_conf_t *cf, ngx_sealring_main_conf_t *conf)
{
    sealring_error error;
    environment_check_t check = {.cf = cf,
                                 .core = (ngx_core_conf_t *)ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module)};
    if (sealring_environment((const char *)conf->vault.data, environment_each, &check, &error) != SEALRING_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "sealring_vault \"%V\": %s", &conf->vault, error.message);
        return NGX_ERROR;
    }
    if (check.missing > 0)
        return NGX_ERROR;
    return check_permissions(cf, conf, check.core);
}
