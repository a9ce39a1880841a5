/* SPDX-License-Identifier: Apache-2.0 */
/* Object handles as the caller of module_fault sees them: after each reconnect their numbers belong to other objects. */
#ifndef TESTS_FAULT_HANDLES_H
#define TESTS_FAULT_HANDLES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

/* wanted: as long as it is 0, handles are handed on as they are. */
void handles_init(CK_FUNCTION_LIST *functions, _Atomic(uint32_t) *wanted);

/* From now on the number of each object is its neighbour's. afresh: the module was initialised, and forgot its own numbers. */
void handles_reconnect(bool afresh);

/* What the caller is shown for the real module's handle, and what it means by it. A number of before the reconnect means the
 * object that has it now. */
CK_OBJECT_HANDLE handles_shown(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object);
CK_OBJECT_HANDLE handles_real(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE shown);

#endif
