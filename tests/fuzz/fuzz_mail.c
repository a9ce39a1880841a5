/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come: mail and the URLs of webhooks. The first line is an address, the second a subject, the third a URL, the rest a text. */
#include "fuzz/fuzzer.h"

#include <strings.h>

#include "fuzz/property.h"
#include "notify/mail_message.h"
#include "notify/send_webhook.h"

#define HEADERS   9
#define LINE_MOST 998 /* RFC 5322, section 2.1.1 */
#define BODY_MOST 76

static const char from[] = "sealring@example.org";

static void check_lines(const char *message)
{
    size_t headers = 0;
    bool body = false;
    for (const char *line = message, *end; *line != '\0'; line = end + 2) {
        end = strstr(line, "\r\n");
        require(end != NULL, "each line has an end");
        size_t length = (size_t)(end - line);
        require(length <= (body ? BODY_MOST : LINE_MOST), "no line is long");
        for (size_t i = 0; i < length; i++)
            require((line[i] >= ' ' && line[i] <= '~') || (body && line[i] == '\t'), "a line is printable ASCII");
        headers += !body && length > 0 && line[0] != ' ';
        body = body || length == 0;
    }
    require(body && headers == HEADERS, "no header is added");
}

static void check_mail(const char *to, const char *subject, const char *text)
{
    const struct mail mail = {.id = "n_1", .to = to, .subject = subject, .text = text, .now = 1000};
    const char *problem = NULL;
    char *message = mail_message_make(&mail, from, &problem);
    require((message != NULL) == (problem == NULL), "a mail, or what is wrong");
    require(problem != NULL || mail_address_problem(to) == NULL, "to a valid address");
    require(problem == NULL || is_clean(problem), "what is wrong is clean");
    if (message != NULL)
        check_lines(message);
    free(message);
}

static void check_url(const char *url)
{
    if (webhook_url_problem(url, false) != NULL)
        return;
    require(strncasecmp(url, "https:", 6) == 0, "a public URL is https");
    require(webhook_url_problem(url, true) == NULL, "and valid also where private addresses are allowed");
    for (; *url != '\0'; url++)
        require(*url > ' ' && *url <= '~' && *url != '#', "printable, without a fragment");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *input = malloc(size + 1);
    require(input != NULL, "there is memory");
    if (size > 0)
        memcpy(input, data, size);
    input[size] = '\0';
    char *rest = input;
    const char *to = strsep(&rest, "\n"), *subject = rest != NULL ? strsep(&rest, "\n") : "";
    const char *url = rest != NULL ? strsep(&rest, "\n") : "";
    check_mail(to, subject, rest != NULL ? rest : "");
    check_url(url);
    free(input);
    return 0;
}
