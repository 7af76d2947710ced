/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who "USER[:GROUP]" of an image config is, by the passwd and group files of the image itself. The
 * host's users are never asked.
 */
#pragma once

#include <glib.h>

typedef struct
{
  guint32 uid;
  guint32 gid;
  GArray *groups; /* (owned) of guint32: supplementary groups, none when a group was given */
} ScUser;

/**
 * sc_user_lookup:
 * @text: (nullable): user, user:group or nothing for root; names or numbers up to 2^31-1
 * @passwd: (nullable): content of /etc/passwd
 * @group: (nullable): content of /etc/group
 *
 * A number needs no entry. Its group is that of its entry, otherwise 0. Errors: IMAGE_INVALID
 */
ScUser *sc_user_lookup (const char *text, GBytes *passwd, GBytes *group, GError **error);
void sc_user_free (ScUser *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScUser, sc_user_free)
