# SPDX-License-Identifier: Apache-2.0
# Renewing credentials.
renew_stage = tests/renew/renew_stage.c tests/renew/renew_stage.h
c_tests += test_renew
test_renew_SOURCES = tests/renew/test_renew.c $(renew_stage)
test_renew_CPPFLAGS = $(TEST_CPPFLAGS)
test_renew_LDADD = $(TEST_LIBS)
c_tests += test_renew_edited
test_renew_edited_SOURCES = tests/renew/test_renew_edited.c $(renew_stage)
test_renew_edited_CPPFLAGS = $(TEST_CPPFLAGS)
test_renew_edited_LDADD = $(TEST_LIBS)
c_tests += test_renew_contested
test_renew_contested_SOURCES = tests/renew/test_renew_contested.c $(renew_stage)
test_renew_contested_CPPFLAGS = $(TEST_CPPFLAGS)
test_renew_contested_LDADD = $(TEST_LIBS)
c_tests += test_renew_sealed
test_renew_sealed_SOURCES = tests/renew/test_renew_sealed.c client/unseal/unseal.c client/unseal/unseal.h $(renew_stage)
test_renew_sealed_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)
test_renew_sealed_LDADD = $(TEST_LIBS) $(CRYPTO_LIBS)
c_tests += test_take_claim
test_take_claim_SOURCES = tests/renew/test_take_claim.c client/unseal/unseal.c client/unseal/unseal.h $(renew_stage)
test_take_claim_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)
test_take_claim_LDADD = $(TEST_LIBS) $(CRYPTO_LIBS)
