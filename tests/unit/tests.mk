# SPDX-License-Identifier: Apache-2.0
# Pure parts, one program per unit.
c_tests =
