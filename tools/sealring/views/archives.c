/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries of the audit log are in archives, for a command that reads only the log. */
#include "tools/sealring/views/archives.h"

#include <inttypes.h>

#include <sealring/backup.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/moment.h"

struct telling {
    struct session *session;
    const struct archives_wanted *wanted;
    uint64_t earliest; /* entry that an archive in the list has; 0: none yet */
};

static int tell(const sealring_archive_info *archive, void *context)
{
    struct telling *telling = context;
    const struct archives_wanted *wanted = telling->wanted;
    if (!archive->cut)
        return 0;
    if (telling->earliest == 0)
        telling->earliest = archive->first;
    if (archive->until < wanted->since || archive->last < wanted->first ||
        (wanted->last > 0 && archive->first > wanted->last))
        return 0;
    session_warn(telling->session,
                 "the entries %" PRIu64 " to %" PRIu64 ", until %s, were not read: they are in the archive %s",
                 archive->first, archive->last, moment_absolute(archive->until).text, archive->file);
    return 0;
}

void archives_tell(struct session *session, const struct archives_wanted *wanted)
{
    struct telling telling = {session, wanted, 0};
    if (sealring_audit_archives(session->manager, tell, &telling, &session->error) != SEALRING_OK)
        session_warn(session, "whether entries are in archives is not known: %s", session->error.message);
    else if (telling.earliest > 1 && telling.earliest > wanted->first)
        session_warn(session,
                     "the entries 1 to %" PRIu64
                     " were not read: they are in earlier archives, which entries of the archives above name",
                     telling.earliest - 1);
}
