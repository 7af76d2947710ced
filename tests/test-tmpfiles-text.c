/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-tmpfiles-text.h"

#include "base/sc-error-util.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *text;
  gboolean is_allowed;
} Row;

/* TH12; the allowed ones are what images are known to ship */
static const Row rows[] = {
  { "empty", "", TRUE },
  { "comment", "# R /\n\n", TRUE },
  { "state", "d    /var/lib/etcd   0700 0 0 - -\n", TRUE },
  { "recursive-mode", "Z /var/lib/etcd/etcd.etcd 0700 0 0 - -", TRUE },
  { "log", "d    /var/log/ovirt-guest-agent - - - - -", TRUE },
  { "run", "D /run/flannel   - - - - -", TRUE },
  { "legacy-run", "d /var/run/docker - - - - -", TRUE },
  { "run-itself", "d /var/run         - - - - -", TRUE },
  { "drop-in-directory", "d /etc/systemd/system/docker.service.d - - - - -", TRUE },
  { "drop-in-own-file", "r /etc/systemd/system/docker.service.d/etcd.conf - - - - -", TRUE },
  { "boot-only", "d! /run/x 0755 root root", TRUE },
  { "ignore-errors", "f- /run/x", TRUE },
  { "overwrite-own", "L+ /run/etcd/x - - - - /y", TRUE },
  { "doubled-percent", "d /run/a%%b", TRUE },
  { "pattern-below-own", "r /run/etcd/*.sock", TRUE },
  { "type-R", "R /run/x", FALSE },
  { "type-C", "C /etc/x - - - - /etc/shadow", FALSE },
  { "type-w", "w /proc/sys/kernel/core_pattern - - - - x", FALSE },
  { "type-x", "x /run/*", FALSE },
  { "type-b", "b /run/x 0600 - - - 8:0", FALSE },
  { "type-a", "a /run/x - - - - u:x:rw", FALSE },
  { "remove-root", "r /", FALSE },
  { "var", "D /var", FALSE },
  { "home", "d /home/x", FALSE },
  { "dev-shm", "d /dev/shm/x", FALSE },
  { "relative", "d run/x", FALSE },
  { "parent", "d /run/../etc/cron.d/x", FALSE },
  { "passwd", "L+ /etc/passwd", FALSE },
  { "shadow", "z /etc/shadow 0666", FALSE },
  { "overwrite", "f+ /etc/x", FALSE },
  { "replace", "d= /run/x", FALSE },
  { "credential", "f^ /etc/x - - - - y", FALSE },
  { "ld-so-preload", "f /etc/ld.so.preload - - - - /x.so", FALSE },
  { "cron", "f /etc/cron.d/x", FALSE },
  { "sudoers", "f /etc/sudoers.d/x", FALSE },
  { "polkit", "d /etc/polkit-1/rules.d/x", FALSE },
  { "units", "f /etc/systemd/system/x.service", FALSE },
  { "drop-in-foreign-file", "r /etc/systemd/system/docker.service.d/x.conf", FALSE },
  { "drop-in-content", "f /etc/systemd/system/docker.service.d/etcd.conf", FALSE },
  { "drop-in-mode", "d /etc/systemd/system/docker.service.d 0777", FALSE },
  { "our-state", "d /var/lib/syscont/x", FALSE },
  { "our-deployments", "Z /var/lib/containers/syscont/x 0777", FALSE },
  { "above-ours", "Z /var/lib/containers 0777", FALSE },
  { "above-ours-mode", "d /var/lib/containers 0777", FALSE },
  { "etc-mode", "d /etc 0777", FALSE },
  { "etc-owner", "d /etc - nobody", FALSE },
  { "etc-recursive", "Z /etc", FALSE },
  { "empty-run", "D /run", FALSE },
  { "systemd-run", "d /run/systemd/system/x.service.d", FALSE },
  { "pattern-over-critical", "z /etc/shad* 0666", FALSE },
  { "pattern-braces", "z /etc/{shadow,x} 0666", FALSE },
  { "quoted", "d \"/run/x\"", FALSE },
  { "escaped", "d /run/\\x2e\\x2e/etc/x", FALSE },
  { "specifier", "d /run/%h", FALSE },
  { "type-alone", "d", FALSE },
  { "control-in-argument", "f /run/x - - - - a\033b", FALSE },
  { "carriage-return", "d /run/x\r\n", FALSE },
};

static void
test_check (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScPaths) paths = sc_paths_new (NULL);
  static const char *const prefixes[] = { "/etc", "/usr/local", "/opt", "/var/lib", NULL };
  const ScHostPathPolicy policy = { .paths = paths, .prefixes = prefixes };
  g_autofree char *text = g_strconcat ("# first line\n", row->text, NULL);

  gboolean result = sc_tmpfiles_text_check ("file", text, &policy, "etcd", &error);

  if (row->is_allowed)
    {
      g_assert_no_error (error);
      g_assert_true (result);
      return;
    }
  g_assert_false (result);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
  g_assert_true (g_str_has_prefix (error->message, "file: line 2: "));
}

static void
test_append_directory_escapes (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  sc_tmpfiles_text_append_directory (text, "/run/a b%c\"d", 0700, 5, 6);

  g_assert_cmpstr (text->str, ==, "d /run/a\\x20b%%c\\x22d 0700 5 6 - -\n");
}

static void
test_list_directories (void)
{
  g_auto (GStrv) paths = sc_tmpfiles_text_list_directories (
      "# d /etc/comment\nd /etc/a//b 0755\nf /etc/file\nD /run/own\n  Q\t/var/lib/x\nd /etc/a%%b\n"
      "d /etc/a\\x20b\ne /etc/there\nv /var/run/own\nd");
  g_autofree char *joined = g_strjoinv (" ", paths);

  g_assert_cmpstr (joined, ==, "/etc/a/b /var/lib/x");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/tmpfiles-text/check/%s", rows[i].name);
      g_test_add_data_func (path, &rows[i], test_check);
    }
  g_test_add_func ("/tmpfiles-text/append-directory/escapes", test_append_directory_escapes);
  g_test_add_func ("/tmpfiles-text/list-directories/outside-of-run", test_list_directories);
  return g_test_run ();
}
