/* SPDX-License-Identifier: Apache-2.0 */
/* What a program that was compiled against <sealring/verify.h> has in it: numbers, layouts and prototypes, kept. */
#include <sealring/verify.h>

/* tests/cli/abi.sh compiles this file. Where it does not compile any more, programs that exist would break without a word:
 * change the header back, or give the new meaning a new name. What is new in the header is added here. */

#define KEPT(name, value) _Static_assert((int)(name) == (value), #name " has another value")
KEPT(SEALRING_OK, 0);
KEPT(SEALRING_REFUSED, 1);
KEPT(SEALRING_NOT_FOUND, 2);
KEPT(SEALRING_INVALID, 3);
KEPT(SEALRING_TOKEN, 4);
KEPT(SEALRING_REGISTRY, 5);
KEPT(SEALRING_WAITING, 6);
KEPT(SEALRING_SYSTEM, 7);

KEPT(SEALRING_UNDECIDED, 0);
KEPT(SEALRING_ACCEPTED, 1);
KEPT(SEALRING_REJECTED_MALFORMED, 2);
KEPT(SEALRING_REJECTED_UNKNOWN, 3);
KEPT(SEALRING_REJECTED_BAD_SECRET, 4);
KEPT(SEALRING_REJECTED_NOT_YET_VALID, 5);
KEPT(SEALRING_REJECTED_EXPIRED, 6);
KEPT(SEALRING_REJECTED_SUSPENDED, 7);
KEPT(SEALRING_REJECTED_REVOKED, 8);
KEPT(SEALRING_REJECTED_VERSION_RETIRED, 9);
KEPT(SEALRING_REJECTED_VERSION_COMPROMISED, 10);
KEPT(SEALRING_REJECTED_SCOPE, 11);
KEPT(SEALRING_UNAVAILABLE, 12);
KEPT(SEALRING_REJECTED_ADDRESS, 13);
KEPT(SEALRING_WOULD_BLOCK, 64);
KEPT(SEALRING_NONBLOCK, 1);

KEPT(SEALRING_VERSION_NONE, 0);
KEPT(SEALRING_VERSION_PENDING, 1);
KEPT(SEALRING_VERSION_ACTIVE, 2);
KEPT(SEALRING_VERSION_RETIRING, 3);
KEPT(SEALRING_VERSION_RETIRED, 4);
KEPT(SEALRING_VERSION_COMPROMISED, 5);
KEPT(SEALRING_VERSION_DESTROYED, 6);

KEPT(SEALRING_MESSAGE_SIZE, 512);
KEPT(SEALRING_KEY_ID_LENGTH, 16);
KEPT(SEALRING_NAME_LENGTH_MAX, 64);
KEPT(SEALRING_SCOPES_LENGTH_MAX, 1023);
KEPT(SEALRING_PREFIX_LENGTH_MAX, 24);
KEPT(SEALRING_CREDENTIAL_LENGTH_MAX, 102);

/* Enumerations are passed by value. */
KEPT(sizeof(sealring_status), 4);
KEPT(sizeof(sealring_verdict), 4);
KEPT(sizeof(sealring_version_state), 4);

#define PLACED(structure, field, bits64, bits32)                                              \
    _Static_assert(offsetof(structure, field) == (sizeof(void *) == 8 ? (bits64) : (bits32)), \
                   #structure "." #field " has moved")

/* sealring_error has no size field: the library writes all of what the caller's compiler laid out. */
PLACED(sealring_error, status, 0, 0);
PLACED(sealring_error, token_code, 8, 4);
PLACED(sealring_error, registry_code, 16, 8);
PLACED(sealring_error, system_errno, 20, 12);
PLACED(sealring_error, message, 24, 16);
_Static_assert(sizeof(sealring_error) == (sizeof(void *) == 8 ? 536 : 528), "sealring_error has another size");

/* sealring_grant, sealring_request and sealring_options begin with their size and may grow at the end. What follows a 64-bit integer has its
 * place on 64-bit systems here; 32-bit ones differ in how they align it. */
PLACED(sealring_grant, size, 0, 0);
PLACED(sealring_grant, key_id, 8, 4);
PLACED(sealring_grant, ring, 25, 21);
PLACED(sealring_grant, client, 90, 86);
PLACED(sealring_grant, scopes, 155, 151);
PLACED(sealring_grant, version, 1180, 1176);
PLACED(sealring_grant, serial, 1184, 1180);
PLACED(sealring_grant, version_state, 1188, 1184);
#if defined __LP64__
_Static_assert(offsetof(sealring_grant, not_before) == 1192, "sealring_grant.not_before has moved");
_Static_assert(offsetof(sealring_grant, expires) == 1200, "sealring_grant.expires has moved");
_Static_assert(offsetof(sealring_grant, sunset) == 1208, "sealring_grant.sunset has moved");
_Static_assert(offsetof(sealring_grant, reason) == 1216, "sealring_grant.reason has moved");
_Static_assert(sizeof(sealring_grant) >= 1472, "sealring_grant has shrunk");
#endif
_Static_assert(sizeof((sealring_grant *)0)->key_id == 17, "sealring_grant.key_id has another size");
_Static_assert(sizeof((sealring_grant *)0)->ring == 65, "sealring_grant.ring has another size");
_Static_assert(sizeof((sealring_grant *)0)->client == 65, "sealring_grant.client has another size");
_Static_assert(sizeof((sealring_grant *)0)->scopes == 1024, "sealring_grant.scopes has another size");
_Static_assert(sizeof((sealring_grant *)0)->reason == 256, "sealring_grant.reason has another size");
PLACED(sealring_request, size, 0, 0);
PLACED(sealring_request, credential, 8, 4);
PLACED(sealring_request, length, 16, 8);
PLACED(sealring_request, scope, 24, 12);
PLACED(sealring_request, address, 32, 16);
PLACED(sealring_request, address_length, 40, 20);
PLACED(sealring_request, flags, 48, 24);
PLACED(sealring_options, size, 0, 0);
PLACED(sealring_options, manual_maintenance, 8, 4);
PLACED(sealring_options, no_warming, 12, 8);
PLACED(sealring_options, cache_max, 16, 12);
PLACED(sealring_options, waiting_max, 20, 16);
PLACED(sealring_options, pin, 24, 20);
PLACED(sealring_options, pin_length, 32, 24);

KEPT(SEALRING_LOG_INFORMATION, 1);
KEPT(SEALRING_LOG_WARNING, 2);
KEPT(SEALRING_LOG_ALARM, 3);
KEPT(SEALRING_VERDICTS, 14);
KEPT(sizeof(sealring_log_level), 4);

/* sealring_statistics begins with its size and may grow at the end. */
PLACED(sealring_statistics, size, 0, 0);
#if defined __LP64__
_Static_assert(offsetof(sealring_statistics, verdicts) == 8, "sealring_statistics.verdicts has moved");
_Static_assert(offsetof(sealring_statistics, cached) == 120, "sealring_statistics.cached has moved");
_Static_assert(offsetof(sealring_statistics, registry_lookups) == 128,
               "sealring_statistics.registry_lookups has moved");
_Static_assert(offsetof(sealring_statistics, token_operations) == 136,
               "sealring_statistics.token_operations has moved");
_Static_assert(offsetof(sealring_statistics, warmed) == 144, "sealring_statistics.warmed has moved");
_Static_assert(offsetof(sealring_statistics, looks) == 152, "sealring_statistics.looks has moved");
_Static_assert(offsetof(sealring_statistics, fenced) == 160, "sealring_statistics.fenced has moved");
_Static_assert(offsetof(sealring_statistics, epoch) == 168, "sealring_statistics.epoch has moved");
_Static_assert(offsetof(sealring_statistics, lease_left_ms) == 176, "sealring_statistics.lease_left_ms has moved");
_Static_assert(offsetof(sealring_statistics, credentials) == 184, "sealring_statistics.credentials has moved");
_Static_assert(offsetof(sealring_statistics, credential_bytes) == 192,
               "sealring_statistics.credential_bytes has moved");
_Static_assert(offsetof(sealring_statistics, versions_unproved) == 200,
               "sealring_statistics.versions_unproved has moved");
_Static_assert(sizeof(sealring_statistics) >= 208, "sealring_statistics has shrunk");
#endif

/* Prototypes: a pointer of another type is a diagnosis, which -Werror makes final. */
struct kept_prototypes {
    sealring_status (*open)(const char *, const sealring_options *, sealring_vault **, sealring_error *);
    sealring_verdict (*verify)(sealring_vault *, const char *, size_t, const char *, sealring_grant *);
    sealring_verdict (*verify_request)(sealring_vault *, const sealring_request *, sealring_grant *);
    sealring_verdict (*claim_known)(sealring_vault *, const char *, size_t);
    void (*close)(sealring_vault **);
    sealring_status (*maintain)(sealring_vault *, uint32_t *, sealring_error *);
    void (*set_log)(sealring_vault *, sealring_log_callback, void *);
    void (*stats)(sealring_vault *, sealring_statistics *);
    int (*verdict_accepted)(sealring_verdict);
    const char *(*verdict_name)(sealring_verdict);
    int (*verdict_http_status)(sealring_verdict);
    const char *(*version_state_name)(sealring_version_state);
    sealring_status (*environment)(const char *, sealring_environment_callback, void *, sealring_error *);
    const char *(*library_version)(void);
};
extern const struct kept_prototypes kept_prototypes;
const struct kept_prototypes kept_prototypes = {
    .open = sealring_open,
    .verify = sealring_verify,
    .verify_request = sealring_verify_request,
    .claim_known = sealring_claim_known,
    .close = sealring_close,
    .maintain = sealring_maintain,
    .set_log = sealring_set_log,
    .stats = sealring_stats,
    .verdict_accepted = sealring_verdict_accepted,
    .verdict_name = sealring_verdict_name,
    .verdict_http_status = sealring_verdict_http_status,
    .version_state_name = sealring_version_state_name,
    .environment = sealring_environment,
    .library_version = sealring_library_version,
};
