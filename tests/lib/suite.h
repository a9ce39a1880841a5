/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of one suite share. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

/* In the environment of a suite: the path of a directory of its own, which is removed at its end. Each test is a process of its own, so what one
 * makes for the others is there. The path has the same length as that of a test's vault's parent. */
#define RUNNER_DIRECTORY "SEALRING_TEST_SUITE"

#endif
