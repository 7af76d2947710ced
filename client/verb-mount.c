/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-verb.h"

#include <errno.h>
#include <stdlib.h>

/* (transfer full) (nullable): a mount unit wants a path without symbolic links */
static char *
resolve (const char *directory)
{
  g_autofree char *message = NULL;
  char *path = realpath (directory, NULL);

  if (path != NULL)
    return path;
  message = g_strdup_printf ("\"%s\": %s", directory, g_strerror (errno));
  sc_client_print_error (message);
  return NULL;
}

static int
run_mount (ScClient *client, char **arguments)
{
  g_autofree char *where = resolve (arguments[1]);
  if (where == NULL)
    return 1;
  g_autofree char *done = g_strdup_printf ("mounted %s at %s", arguments[0], where);
  const ScJobCall call = { .method = "Mount",
                           .arguments = g_variant_new ("(ss@a{sv})", arguments[0], where,
                                                       sc_client_options (client, NULL)) };

  return sc_follow_and_report (client, &call, done, "nothing to do");
}

static int
run_unmount (ScClient *client, char **arguments)
{
  g_autofree char *where = resolve (arguments[0]);
  if (where == NULL)
    return 1;
  g_autofree char *done = g_strdup_printf ("unmounted %s", where);
  const ScJobCall call
      = { .method = "Unmount",
          .arguments = g_variant_new ("(s@a{sv})", where, sc_client_options (client, NULL)) };

  return sc_follow_and_report (client, &call, done, "nothing to do");
}

const ScVerb sc_verb_mount = {
  .name = "mount",
  .arguments = "IMAGE|NAME DIRECTORY",
  .summary = "Show the files of an image or container, read-only",
  .description = "DIRECTORY must be empty. A name of both a container and an image means the "
                 "container; an image's name can be given with its tag.",
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_mount,
};

const ScVerb sc_verb_unmount = {
  .name = "unmount",
  .arguments = "DIRECTORY",
  .summary = "Take away what \"mount\" shows there",
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_unmount,
};
