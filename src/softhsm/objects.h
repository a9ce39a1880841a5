/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a token's objects and their copies. Everything runs under the vault's lock, except objects_list. */
#ifndef SOFTHSM_OBJECTS_H
#define SOFTHSM_OBJECTS_H

#include "softhsm/store.h"

#include <stdint.h>

#define OBJECTS_ID_MAX   32
#define OBJECTS_NAME_MAX 64

/* SoftHSM2 encrypts CKA_ID and CKA_LABEL, so a file does not show which object it contains. The name of its copy does: "UUID.object"
 * or, once it is known, "key-ID-UUID.object" with CKA_ID in hexadecimal digits. */
struct object_file {
    char file[OBJECTS_NAME_MAX]; /* "UUID.object" */
    bool known;
    uint8_t object_id[OBJECTS_ID_MAX];
    size_t object_id_length;
    bool data; /* a data object, by its copy, or by the file itself */
    enum object_file_state {
        OBJECT_FILE_COPIED,   /* equal to its copy */
        OBJECT_FILE_CHANGED,  /* complete, and not equal to its copy */
        OBJECT_FILE_UNCOPIED, /* complete, and without a copy */
        OBJECT_FILE_DAMAGED,  /* incomplete, or without something that its copy has */
        OBJECT_FILE_MISSING,  /* there is only a copy */
        OBJECT_FILE_USELESS,  /* no copy, and no object in the file: the making was interrupted */
        OBJECT_FILE_LOST      /* incomplete, and without a copy */
    } state;
};

struct object_files {
    struct object_file *files;
    size_t count;
};

/* Reads all of them. Returns 0 or an errno. Free with objects_release, also after a failure. */
int objects_list(const struct store *store, const char *token, struct object_files *list);
void objects_release(struct object_files *list);
const struct object_file *objects_find(const struct object_files *list, const char *file);

/* Each returns 0 or an errno. */

/* Syncs the file and copies it, as that of the object `file->object_id` if it is known. Then removes any other copy of the file. */
int objects_keep(const struct store *store, const char *token, const struct object_file *file);

/* Restores the file from its copy, in place if it exists; `closed`: with CKA_SIGN false. If the file was missing, the token's
 * generation number announces it to all processes. */
int objects_restore(const struct store *store, const char *token, const struct object_file *file, bool closed);

/* Removes the file's copies and syncs their folder. */
int objects_drop(const struct store *store, const char *token, const struct object_file *file);

/* Syncs the token's folder, so that destroyed objects stay destroyed. */
int objects_sync(const struct store *store, const char *token);

/* Hides a file without a copy from SoftHSM2 if it contains no object (then it is removed) or is damaged (then it is renamed to
 * UUID.damaged). Does nothing if the file is complete meanwhile. */
int objects_clear_away(const struct store *store, const char *token, const struct object_file *file);

#endif
