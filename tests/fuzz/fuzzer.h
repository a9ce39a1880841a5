/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzzer implements: libFuzzer's entry, which replay_export.c calls as well. */
#ifndef TESTS_FUZZER_H
#define TESTS_FUZZER_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0; a property that does not hold is named on stderr and ends the process by SIGABRT. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
