/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a token's objects and their copies. All of it under the vault's lock, but for objects_list. */
#ifndef SOFTHSM_OBJECTS_H
#define SOFTHSM_OBJECTS_H

#include "softhsm/store.h"

#include <stdint.h>

#define OBJECTS_ID_MAX   32
#define OBJECTS_NAME_MAX 64

/* SoftHSM2 encrypts CKA_ID and CKA_LABEL, so a file does not tell which object it holds. The name of its copy does: "UUID.object", or, once it is
 * known, "key-ID-UUID.object" with CKA_ID in hexadecimal digits. */
struct object_file {
    char file[OBJECTS_NAME_MAX]; /* "UUID.object" */
    bool known;
    uint8_t object_id[OBJECTS_ID_MAX];
    size_t object_id_length;
    bool data; /* a data object, by its copy, or by the file itself */
    enum object_file_state {
        OBJECT_FILE_COPIED,   /* as its copy */
        OBJECT_FILE_CHANGED,  /* whole, and not as its copy */
        OBJECT_FILE_UNCOPIED, /* whole, and there is no copy */
        OBJECT_FILE_DAMAGED,  /* it is not whole, or lacks something that its copy has */
        OBJECT_FILE_MISSING,  /* there is a copy only */
        OBJECT_FILE_USELESS,  /* there is no copy, and no object in the file: a making was interrupted */
        OBJECT_FILE_LOST      /* it is not whole, and there is no copy */
    } state;
};

struct object_files {
    struct object_file *files;
    size_t count;
};

/* Reads all of them. 0, or an errno; freed with objects_release, also after a failure. */
int objects_list(const struct store *store, const char *token, struct object_files *list);
void objects_release(struct object_files *list);
const struct object_file *objects_find(const struct object_files *list, const char *file);

/* Each returns 0 or an errno. */

/* Writes the file to disk and copies it, as that of the object `file->object_id` if it is known. Another copy of the file is removed after that. */
int objects_keep(const struct store *store, const char *token, const struct object_file *file);

/* Makes the file again from its copy: in place if it is there; `closed`: with CKA_SIGN false. A file that was missing is announced to all
 * processes by the token's generation number. */
int objects_restore(const struct store *store, const char *token, const struct object_file *file, bool closed);

/* Removes the file's copies and writes that to disk. */
int objects_drop(const struct store *store, const char *token, const char *file);

/* Writes the token's folder to disk, so that what was destroyed stays so. */
int objects_sync(const struct store *store, const char *token);

/* Takes a file without a copy, in which no object is or a damaged one, out of SoftHSM2's sight: it is removed, or, if something is in it, renamed
 * to UUID.damaged. Not if it is whole meanwhile. */
int objects_clear_away(const struct store *store, const char *token, const char *file);

#endif
