/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one check suite and prints TAP, so that the harness counts every case. */
#ifndef TESTS_RUNNER_H
#define TESTS_RUNNER_H

#include <check.h>

/* In the environment of a suite: the path of a directory of its own, which is removed at its end. Each test is a process of its own, so what one
 * makes for the others is there. The path has the same length as that of a test's vault's parent. */
#define RUNNER_DIRECTORY "SEALRING_TEST_SUITE"

/* For main: `return run_suite(suite);` */
int run_suite(Suite *suite);

#endif
