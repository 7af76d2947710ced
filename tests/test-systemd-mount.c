/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-systemd-mount.h"

typedef struct
{
  const char *path;
  const char *unit;
} Case;

/* as "systemd-escape --path --suffix=mount" says */
static const Case cases[] = {
  { "/mnt", "mnt.mount" },
  { "/mnt/a/b", "mnt-a-b.mount" },
  { "/mnt/a-b", "mnt-a\\x2db.mount" },
  { "/.hidden/x.y", "\\x2ehidden-x.y.mount" },
  { "/mnt/a:b_c", "mnt-a:b_c.mount" },
  { "/mnt/ü x", "mnt-\\xc3\\xbc\\x20x.mount" },
  { "/", "-.mount" },
};

static void
test_unit_escapes (gconstpointer data)
{
  const Case *row = data;
  g_autofree char *unit = sc_systemd_mount_unit (row->path);

  g_assert_cmpstr (unit, ==, row->unit);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/systemd-mount/unit/escapes-%" G_GSIZE_FORMAT, i);
      g_test_add_data_func (path, &cases[i], test_unit_escapes);
    }
  return g_test_run ();
}
