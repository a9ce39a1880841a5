/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever sealring.conf holds: it is refused by line, or read, and what was read is written and read as the same again. */
#include "fuzz/fuzzer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "fuzz/property.h"
#include "token/pin/pin_source.h"

static char directory[64];
static char path[80];

static void remove_files(void)
{
    (void)unlink(path);
    (void)rmdir(directory);
}

static void prepare(void)
{
    make_directory(directory);
    (void)snprintf(path, sizeof path, "%s/" CONFIG_FILE, directory);
    require(atexit(remove_files) == 0, "files are removed in the end");
}

/* A byte 1 stands for the vault's own directory, which no input can guess. */
static void write_file(const uint8_t *data, size_t size)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    require(descriptor >= 0, "the file is made");
    for (size_t at = 0; at < size;) {
        const uint8_t *next = memchr(data + at, 1, size - at);
        size_t length = next != NULL ? (size_t)(next - data) - at : size - at;
        require(write(descriptor, data + at, length) == (ssize_t)length, "the file is written");
        if (next != NULL)
            require(write(descriptor, directory, strlen(directory)) == (ssize_t)strlen(directory),
                    "the file is written");
        at += length + (next != NULL);
    }
    (void)close(descriptor);
}

static bool is_line(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL && strchr(text, '\n') == NULL;
}

static bool is_pin_source(const char *text)
{
    return text[0] == '/' || (pin_source_of(text) != PIN_SOURCE_FILE && pin_source_problem(text) == NULL);
}

static void check_config(const struct config *config)
{
    require(is_line(config->registry, PATH_MAX) && config->registry[0] == '/', "the registry has a path");
    require(is_line(config->module, PATH_MAX) && config->module[0] == '/', "the module has a path");
    require(is_line(config->pin_source, PATH_MAX) && is_pin_source(config->pin_source), "the PIN comes from somewhere");
    require(config->audit_pin_source[0] == '\0' || is_pin_source(config->audit_pin_source), "so does the audit PIN");
    require(is_line(config->token, CONFIG_TEXT_SIZE) && config->token[0] != '\0', "the token has a URI");
    require(is_line(config->audit_token, CONFIG_TEXT_SIZE) && is_line(config->module_init_args, CONFIG_TEXT_SIZE),
            "texts end");
    require(is_line(config->module_sessions, CONFIG_NUMBER_SIZE) && strtoul(config->module_sessions, NULL, 10) <= 4096,
            "sessions are bounded");
    require(config->environment_count <= CONFIG_ENVIRONMENT_MAX, "variables are bounded");
    for (size_t i = 0; i < config->environment_count; i++)
        require(is_line(config->environment[i].name, sizeof config->environment[i].name) &&
                    is_line(config->environment[i].value, sizeof config->environment[i].value) &&
                    config->environment[i].name[0] != '\0' && strchr(config->environment[i].name, '=') == NULL,
                "a variable has a name and a value");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL, *again = NULL;
    sealring_error error = {0};
    if (directory[0] == '\0')
        prepare();
    write_file(data, size);
    sealring_status status = config_load(directory, &config, &error);
    require((status == SEALRING_OK) == (config != NULL), "there is a configuration, or a reason");
    if (status != SEALRING_OK) {
        require(status == SEALRING_INVALID, "what is wrong is the file");
        require(is_clean(error.message) && error.message[0] != '\0', "which is said in one clean line");
        return 0;
    }
    check_config(config);
    require(unlink(path) == 0, "the file is replaced");
    require(config_write(config, &error) == SEALRING_OK, "what was read can be written");
    require(config_load(directory, &again, &error) == SEALRING_OK, "and read again");
    require(memcmp(config, again, sizeof *config) == 0, "as the same");
    config_free(config);
    config_free(again);
    return 0;
}
