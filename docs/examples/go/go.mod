// SPDX-License-Identifier: Apache-2.0
// Example: a program that verifies API keys; its only dependency is libsealring.
module example.org/verify

go 1.19
