/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-user-lookup.h"

#include "base/sc-error-util.h"

#include <string.h>

static const char passwd_text[] = "root:x:0:0:root:/root:/bin/sh\n"
                                  "# comment\n"
                                  "broken:x\n"
                                  "huge:x:4294967296:0::/:\n"
                                  "minus:x:-1:0::/:\n"
                                  "badgroup:x:70:wheel::/:\n"
                                  "web:x:33:34:web:/srv:/bin/false\n"
                                  "12:x:500:501::/:\n";

static const char group_text[] = "root:x:0:\n"
                                 "adm:x:4:web,root\n"
                                 "broken\n"
                                 "web:x:34:\n"
                                 "log:x:40:web\n"
                                 "huge:x:9999999999:web\n";

typedef struct
{
  const char *name;
  const char *user;
  const char *expected; /* "uid:gid:groups", or part of the message */
  gboolean fails;
} Row;

static const Row rows[] = {
  { "nothing", NULL, "0:0:4,", FALSE },
  { "empty", "", "0:0:4,", FALSE },
  { "name", "web", "33:34:4,40,", FALSE },
  { "number-with-entry", "33", "33:34:4,40,", FALSE },
  { "number-without-entry", "1000", "1000:0:", FALSE },
  { "name-of-digits", "12", "500:501:", FALSE },
  { "name-and-group", "web:log", "33:40:", FALSE },
  { "name-and-number", "web:77", "33:77:", FALSE },
  { "numbers", "1000:1000", "1000:1000:", FALSE },
  { "group-alone", ":log", "0:40:", FALSE },
  { "no-group-after-colon", "web:", "33:34:4,40,", FALSE },
  { "largest", "2147483647", "2147483647:0:", FALSE },
  /* MJ12 */
  { "too-large", "4294967296", "\"4294967296\"", TRUE },
  { "above-signed", "2147483648", "\"2147483648\"", TRUE },
  { "negative", "-1", "\"-1\"", TRUE },
  { "junk-group", "0:0;", "\"0;\"", TRUE },
  { "unknown-user", "nobody", "user \"nobody\"", TRUE },
  { "unknown-group", "web:nobody", "group \"nobody\"", TRUE },
  { "entry-with-huge-id", "huge", "\"huge\"", TRUE },
  { "entry-with-negative-id", "minus", "\"minus\"", TRUE },
  { "entry-with-bad-group", "badgroup", "\"badgroup\"", TRUE },
  { "group-with-huge-id", "web:huge", "\"huge\"", TRUE },
};

static void
test_lookup (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) passwd = g_bytes_new_static (passwd_text, strlen (passwd_text));
  g_autoptr (GBytes) group = g_bytes_new_static (group_text, strlen (group_text));

  g_autoptr (ScUser) user = sc_user_lookup (row->user, passwd, group, &error);

  if (row->fails)
    {
      g_assert_null (user);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
      g_assert_nonnull (strstr (error->message, row->expected));
      return;
    }
  g_assert_no_error (error);
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_printf (text, "%u:%u:", user->uid, user->gid);
  for (guint i = 0; i < user->groups->len; i++)
    g_string_append_printf (text, "%u,", g_array_index (user->groups, guint32, i));
  g_assert_cmpstr (text->str, ==, row->expected);
}

static void
test_lookup_without_files (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScUser) user = sc_user_lookup ("5:6", NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (user->uid, ==, 5);
  g_assert_cmpuint (user->gid, ==, 6);
  g_assert_null (sc_user_lookup ("web", NULL, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/user-lookup/lookup/%s", rows[i].name);
      g_test_add_data_func (path, &rows[i], test_lookup);
    }
  g_test_add_func ("/user-lookup/lookup/without-files", test_lookup_without_files);
  return g_test_run ();
}
