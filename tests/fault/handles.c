/* SPDX-License-Identifier: Apache-2.0 */
/* Object handles as the caller of module_fault sees them: after each reconnect their numbers belong to other objects. */
#include "fault/handles.h"

#include <pthread.h>
#include <string.h>

#define HANDLES_MAX   256
#define HANDLES_FIRST 0x4000
#define ID_MAX        64

/* An object keeps its place as long as the process lives; which number that has depends on the turn. */
struct place {
    CK_OBJECT_HANDLE object; /* the real module's; CK_INVALID_HANDLE: not known since it was initialised */
    CK_BYTE id[ID_MAX];
    CK_ULONG id_length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CK_FUNCTION_LIST *real;
static _Atomic(uint32_t) *swaps;
static struct place places[HANDLES_MAX];
static CK_ULONG count;
static CK_ULONG turn;

void handles_init(CK_FUNCTION_LIST *functions, _Atomic(uint32_t) *wanted)
{
    real = functions;
    swaps = wanted;
}

void handles_reconnect(bool afresh)
{
    pthread_mutex_lock(&lock);
    turn++;
    for (CK_ULONG i = 0; afresh && i < count; i++)
        places[i].object = CK_INVALID_HANDLE;
    pthread_mutex_unlock(&lock);
}

/* Neighbours change places at every turn. */
static CK_ULONG number_of(CK_ULONG place)
{
    return place ^ (turn & 1);
}

static CK_ULONG find_place(CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *id)
{
    CK_ULONG forgotten = HANDLES_MAX;
    for (CK_ULONG i = 0; i < count; i++) {
        bool same = places[i].id_length == id->ulValueLen && memcmp(places[i].id, id->pValue, id->ulValueLen) == 0;
        if (same && places[i].object == object)
            return i;
        if (same && places[i].object == CK_INVALID_HANDLE && forgotten == HANDLES_MAX)
            forgotten = i;
    }
    return forgotten;
}

CK_OBJECT_HANDLE handles_shown(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_BYTE bytes[ID_MAX] = {0};
    CK_ATTRIBUTE id = {CKA_ID, bytes, sizeof bytes};
    if (atomic_load(swaps) == 0)
        return object;
    if (real->C_GetAttributeValue(session, object, &id, 1) != CKR_OK || id.ulValueLen > sizeof bytes)
        id.ulValueLen = 0;
    pthread_mutex_lock(&lock);
    CK_ULONG place = find_place(object, &id);
    if (place == HANDLES_MAX && count < HANDLES_MAX) {
        place = count++;
        memcpy(places[place].id, bytes, sizeof bytes);
        places[place].id_length = id.ulValueLen;
    }
    if (place < HANDLES_MAX) {
        places[place].object = object;
        object = HANDLES_FIRST + number_of(place);
    }
    pthread_mutex_unlock(&lock);
    return object;
}

/* The object of a place that the real module has to be asked for again. */
static CK_OBJECT_HANDLE search(CK_SESSION_HANDLE session, const struct place *place)
{
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    CK_ULONG found = 0;
    CK_ATTRIBUTE id = {CKA_ID, (void *)(uintptr_t)place->id, place->id_length};
    if (real->C_FindObjectsInit(session, &id, 1) == CKR_OK) {
        (void)real->C_FindObjects(session, &object, 1, &found);
        (void)real->C_FindObjectsFinal(session);
    }
    return found == 1 ? object : CK_INVALID_HANDLE;
}

CK_OBJECT_HANDLE handles_real(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE shown)
{
    CK_OBJECT_HANDLE object = shown;
    if (atomic_load(swaps) == 0)
        return shown;
    pthread_mutex_lock(&lock);
    CK_ULONG place = shown >= HANDLES_FIRST ? number_of(shown - HANDLES_FIRST) : HANDLES_MAX;
    if (place < count) {
        if (places[place].object == CK_INVALID_HANDLE)
            places[place].object = search(session, &places[place]);
        object = places[place].object;
    }
    pthread_mutex_unlock(&lock);
    return object;
}
