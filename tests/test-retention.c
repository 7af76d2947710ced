/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-retention.h"

static ScContainer *
make_container (guint n, guint64 current, gint64 previous)
{
  ScContainer *container = sc_container_new ("web");

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (container->deployments, sc_deployment_record_new (i));
  container->current = current;
  container->previous = previous;
  return container;
}

static char *
list (const ScContainer *container)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < container->deployments->len; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? " " : "",
                            ((ScDeploymentRecord *)container->deployments->pdata[i])->id);
  return g_string_free (text, FALSE);
}

static void
test_counts_the_current_one (void)
{
  g_autoptr (ScContainer) container = make_container (4, 3, 2);

  g_assert_true (sc_retention_trim (container, 2));

  g_autofree char *left = list (container);
  g_assert_cmpstr (left, ==, "2 3");
  g_assert_false (sc_retention_trim (container, 2));
}

static void
test_keeps_the_way_back_after_a_rollback (void)
{
  g_autoptr (ScContainer) container = make_container (4, 1, 3);

  sc_retention_trim (container, 2);

  g_autofree char *left = list (container);
  g_assert_cmpstr (left, ==, "1 3");
}

static void
test_keeps_pinned_and_staged (void)
{
  g_autoptr (ScContainer) container = make_container (6, 4, 3);

  sc_container_find (container, 0)->pinned = TRUE;
  container->staged = 5;
  sc_retention_trim (container, 2);

  g_autofree char *left = list (container);
  g_assert_cmpstr (left, ==, "0 3 4 5");
}

static void
test_keeps_the_newest_others (void)
{
  g_autoptr (ScContainer) container = make_container (5, 4, 3);

  sc_retention_trim (container, 3);

  g_autofree char *left = list (container);
  g_assert_cmpstr (left, ==, "2 3 4");
}

static void
test_of_one_has_no_way_back (void)
{
  g_autoptr (ScContainer) container = make_container (2, 1, 0);

  sc_retention_trim (container, 1);

  g_autofree char *left = list (container);
  g_assert_cmpstr (left, ==, "1");
  g_assert_cmpint (container->previous, ==, SC_NO_DEPLOYMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/retention/trim/counts-the-current-one", test_counts_the_current_one);
  g_test_add_func ("/retention/trim/keeps-the-way-back-after-a-rollback",
                   test_keeps_the_way_back_after_a_rollback);
  g_test_add_func ("/retention/trim/keeps-pinned-and-staged", test_keeps_pinned_and_staged);
  g_test_add_func ("/retention/trim/keeps-the-newest-others", test_keeps_the_newest_others);
  g_test_add_func ("/retention/trim/of-one-has-no-way-back", test_of_one_has_no_way_back);
  return g_test_run ();
}
