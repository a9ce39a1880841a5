/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials where a name or a number belongs: they would end up in messages, in the registry, in the audit log. */
#include "tools/sealring/terminal/pasted.h"

#include <string.h>

#include <sealring/manage.h>

bool pasted_credential(const char *text, char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    for (size_t length = 0; *text != '\0'; text += length) {
        text += strspn(text, " \t\r\n");
        length = strcspn(text, " \t\r\n");
        sealring_explanation explanation;
        sealring_explain(text, length, &explanation);
        /* A wrong check digit or prefix makes the secret no less secret. */
        if (explanation.well_formed || (explanation.key_id[0] != '\0' && explanation.version != 0)) {
            memcpy(key_id, explanation.key_id, sizeof explanation.key_id);
            return true;
        }
    }
    return false;
}
