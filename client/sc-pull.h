/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bringing an image into the store, for the verbs pull and install.
 */
#pragma once

#include "sc-client.h"

typedef struct
{
  const char *image;    /* the argument */
  const char *name_as;  /* (nullable) --name-as */
  const char *platform; /* (nullable) --platform */
  const char *authfile; /* (nullable) --authfile */
  gboolean if_newer;    /* --if-newer */
  gboolean is_unnamed;  /* only to be looked at; of local content */
} ScPullRequest;

/**
 * sc_pull_add_auth:
 * @authfile: (nullable): --authfile; "-" for standard input
 * @fds: (out) (transfer full) (nullable): what goes with the call
 *
 * Adds the option "auth" to @builder.
 */
gboolean sc_pull_add_auth (const char *authfile,
                           GVariantBuilder *builder,
                           GUnixFDList **fds,
                           GError **error);

/** sc_pull_is_local: whether the argument is content of this machine, which has to be brought into
 * the store before it can be installed */
gboolean sc_pull_is_local (const char *image);

/** sc_pull_run: makes the job and follows it; exit status. @result: as of sc_follow() */
int sc_pull_run (ScClient *client, const ScPullRequest *request, GVariant **result);

/**
 * sc_pull_first:
 * @reference: (out) (transfer full): how the service knows the image then
 *
 * Brings local content into the store; what is no local content is a name already. Returns an exit
 * status.
 */
int sc_pull_first (ScClient *client, const ScPullRequest *request, char **reference);
