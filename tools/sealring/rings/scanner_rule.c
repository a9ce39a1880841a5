/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern of a ring's credentials, in the formats of programs that search for leaked ones. */
#include "tools/sealring/rings/scanner_rule.h"

#include <stdlib.h>
#include <string.h>

#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/terminal.h"

/* Key ID, version, secret, check digits. A secret is below 2^256, so its first digit is at most `y`; check digits are below 2^32, so that theirs is at
 * most 4. No lookahead, which RE2 does not have. The check digits themselves are no regular language: `sealring leaks report` verifies them. */
#define PARTS "_[0-9A-Za-z]{16}_[1-9][0-9]{0,9}_[0-9A-Za-y][0-9A-Za-z]{42}[0-4][0-9A-Za-z]{5}"

/* A random key ID and secret have 5 bits a character and more; a text of repeated placeholders stays below this. */
#define ENTROPY "4"

/* Each takes the ring once and the prefix as often as it occurs; a prefix means itself in a regular expression, in TOML and in YAML. */
struct scanner {
    const char *name;
    char *(*rule)(const char *ring, const char *prefix);
};

/* https://github.com/gitleaks/gitleaks#configuration */
static char *gitleaks(const char *ring, const char *prefix)
{
    return memory_text("[[rules]]\n"
                       "id = \"sealring-%s\"\n"
                       "description = \"API key of ring %s\"\n"
                       "regex = '''\\b(%s" PARTS ")\\b'''\n"
                       "secretGroup = 1\n"
                       "entropy = " ENTROPY "\n"
                       "keywords = [\"%s_\"]\n",
                       prefix, ring, prefix, prefix);
}

/* https://github.com/trufflesecurity/trufflehog/blob/main/pkg/custom_detectors/CUSTOM_DETECTORS.md */
static char *trufflehog(const char *ring, const char *prefix)
{
    return memory_text("# API keys of ring %s\n"
                       "detectors:\n"
                       "  - name: sealring-%s\n"
                       "    keywords:\n"
                       "      - '%s_'\n"
                       "    regex:\n"
                       "      credential: '\\b(%s" PARTS ")\\b'\n"
                       "    entropy: " ENTROPY "\n",
                       ring, prefix, prefix, prefix);
}

/* The fields of a custom pattern; the partner program asks for name and expression. Hyperscan reports no overlapping context, hence Before and After
 * instead of a word boundary. */
static char *github(const char *ring, const char *prefix)
{
    return memory_text("Pattern name:  API key of ring %s\n"
                       "Secret format: %s" PARTS "\n"
                       "Before secret: \\A|[^0-9A-Za-z_]\n"
                       "After secret:  \\z|[^0-9A-Za-z_]\n",
                       ring, prefix);
}

static const struct scanner scanners[] = {{"gitleaks", gitleaks}, {"trufflehog", trufflehog}, {"github", github}};

static const struct scanner *find(const char *name)
{
    for (size_t i = 0; i < sizeof scanners / sizeof *scanners; i++)
        if (strcmp(scanners[i].name, name) == 0)
            return &scanners[i];
    return NULL;
}

bool scanner_is_known(const char *scanner)
{
    return find(scanner) != NULL;
}

void scanner_print_rule(const struct session *session, const char *scanner, const char *ring, const char *prefix)
{
    char *rule = find(scanner)->rule(ring, prefix);
    if (session->json)
        jsontext_print_as("scanner_rule", json_pack("{s:s, s:s, s:s, s:s}", "scanner", scanner, "ring", ring, "prefix",
                                                    prefix, "rule", rule));
    else
        for (char *rest = rule, *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;)
            terminal_print(&session->out, "%s\n", line);
    free(rule);
}
