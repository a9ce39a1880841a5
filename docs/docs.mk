# SPDX-License-Identifier: Apache-2.0
# Documentation and examples that are part of the distribution.
