/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the password of the mail server from its file. */
#ifndef NOTIFY_PASSWORD_FILE_H
#define NOTIFY_PASSWORD_FILE_H

#include <sealring/verify.h>

#define PASSWORD_SIZE 256

/* Reads the first line, without its end, into secret memory. SEALRING_INVALID: others may read the file, or its first line is empty, too long or no text. */
sealring_status password_file_read(const char *path, char password[PASSWORD_SIZE], sealring_error *error);

#endif
