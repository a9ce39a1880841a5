/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one check suite and prints TAP, so that the harness counts every case. */
#ifndef TESTS_RUNNER_H
#define TESTS_RUNNER_H

#include <check.h>

#include "lib/suite.h"

/* For main: `return run_suite(suite);` */
int run_suite(Suite *suite);

#endif
