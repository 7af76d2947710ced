/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dbus/sc-bus-path.h"

#include "dbus/sc-bus-names.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

char *
sc_bus_path_container (const char *name)
{
  char *path = NULL;

  if (sd_bus_path_encode (SYSCONT_CONTAINERS_PATH, name, &path) < 0)
    g_error ("out of memory");

  char *copy = g_strdup (path);
  free (path);
  return copy;
}

char *
sc_bus_path_to_container (const char *path)
{
  char *name = NULL;

  if (sd_bus_path_decode (path, SYSCONT_CONTAINERS_PATH, &name) <= 0)
    return g_strdup (path);

  char *copy = g_strdup (name);
  free (name);
  return copy;
}

char *
sc_bus_path_image (const char *digest)
{
  const char *hex = strchr (digest, ':');

  return g_strdup_printf (SYSCONT_IMAGES_PATH "/%.32s", hex != NULL ? hex + 1 : digest);
}

char *
sc_bus_path_job (guint64 id)
{
  return g_strdup_printf (SYSCONT_JOBS_PATH "/%" G_GUINT64_FORMAT, id);
}
