/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The grammar of container names.
 */
#include "base/sc-error-util.h"
#include "base/sc-name.h"

#include <string.h>

#define X63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz12345678901"

typedef struct
{
  const char *name;
  const char *text;
  const char *fault; /* in the message; NULL for a valid name */
} Row;

#define BAD_CHARACTER "are allowed"
#define NUMBER        "\".\" and a number"

static const Row rows[] = {
  { "word", "etcd", NULL },
  { "one-letter", "a", NULL },
  { "digit-first", "3proxy", NULL },
  { "all-characters", "a_b.c-d", NULL },
  { "longest", X63, NULL },
  { "only-digits", "42", NULL },
  { "dot-and-word", "etcd.0a", NULL },
  { "dot-at-end", "etcd.", NULL },
  { "unit-word-without-dot", "service", NULL },
  { "suffix-in-the-middle", "a.service.b", NULL },
  { "empty", "", BAD_CHARACTER },
  { "too-long", X63 "a", BAD_CHARACTER },
  { "upper-case", "Etcd", BAD_CHARACTER },
  { "dot-first", ".etcd", BAD_CHARACTER },
  { "dash-first", "-etcd", BAD_CHARACTER },
  { "underscore-first", "_etcd", BAD_CHARACTER },
  { "parent", "..", BAD_CHARACTER },
  { "slash", "a/b", BAD_CHARACTER },
  { "instance", "a@b", BAD_CHARACTER },
  { "percent", "a%n", BAD_CHARACTER },
  { "space", "a b", BAD_CHARACTER },
  { "newline", "a\n", BAD_CHARACTER },
  { "letters-of-others", "\u00e9tcd", BAD_CHARACTER },
  { "deployment", "etcd.0", NUMBER },
  { "deployment-of-many-digits", "etcd.12345", NUMBER },
  { "deployment-after-dots", "a.b.7", NUMBER },
  { "service", "etcd.service", "\".service\"" },
  { "socket", "etcd.socket", "\".socket\"" },
  { "device", "etcd.device", "\".device\"" },
  { "mount", "etcd.mount", "\".mount\"" },
  { "automount", "etcd.automount", "\".automount\"" },
  { "swap", "etcd.swap", "\".swap\"" },
  { "target", "etcd.target", "\".target\"" },
  { "path", "etcd.path", "\".path\"" },
  { "timer", "etcd.timer", "\".timer\"" },
  { "slice", "etcd.slice", "\".slice\"" },
  { "scope", "etcd.scope", "\".scope\"" },
};

static void
test_check (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;

  gboolean is_valid = sc_name_check (row->text, &error);

  g_assert_cmpint (is_valid, ==, row->fault == NULL);
  if (row->fault == NULL)
    {
      g_assert_no_error (error);
      return;
    }

  g_autofree char *shown = sc_text_escape (row->text);
  g_autofree char *quoted = g_strdup_printf ("\"%s\" is no container name", shown);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_NAME);
  g_assert_true (g_str_has_prefix (error->message, quoted));
  g_assert_nonnull (strstr (error->message, row->fault));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/name/check/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_check);
    }

  return g_test_run ();
}
