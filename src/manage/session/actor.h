/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts: user, host and process, for the audit log. */
#ifndef MANAGE_SESSION_ACTOR_H
#define MANAGE_SESSION_ACTOR_H

/* Fills actor: "alice@host 4711", of which the last @ and the last blank part user, host and process: clean UTF-8 (name_contact_problem), as
 * names of users and hosts may hold any byte. */
void actor_describe(char actor[256]);

#endif
