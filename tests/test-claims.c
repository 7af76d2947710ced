/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-op.h"

static const char *const web[] = { "web", NULL };
static const char *const db[] = { "db", NULL };
static const char *const both[] = { "web", "db", NULL };
static const char *const search[] = { "a.example.com", "b.example.com", NULL };

static ScOp *
make_pull (const char *name)
{
  g_autoptr (ScReference) reference = sc_reference_parse (name, NULL);

  g_assert_nonnull (reference);
  g_autoptr (GPtrArray) candidates = sc_reference_list_candidates (reference, NULL, search, NULL);
  g_assert_nonnull (candidates);
  return sc_op_new_pull (reference, candidates, NULL, FALSE);
}

static void
check (ScOp *a, ScOp *b, gboolean conflict)
{
  g_autoptr (ScOp) own_a G_GNUC_UNUSED = a;
  g_autoptr (ScOp) own_b G_GNUC_UNUSED = b;

  g_assert_true (sc_claims_conflict (a->claims, b->claims) == conflict);
  g_assert_true (sc_claims_conflict (b->claims, a->claims) == conflict);
}

static void
test_same_container (void)
{
  check (sc_op_new_unit (SC_UNIT_START, web), sc_op_new_unit (SC_UNIT_STOP, both), TRUE);
}

static void
test_other_container (void)
{
  check (sc_op_new_unit (SC_UNIT_START, web), sc_op_new_unit (SC_UNIT_STOP, db), FALSE);
}

static void
test_prune_is_alone_with_the_repository (void)
{
  check (sc_op_new_prune (FALSE), make_pull ("registry.example.com/a"), TRUE);
  check (sc_op_new_prune (FALSE), sc_op_new_remove_image ("a"), TRUE);
  check (sc_op_new_prune (FALSE), sc_op_new_uninstall (web, TRUE), TRUE);
  check (sc_op_new_prune (FALSE), sc_op_new_unit (SC_UNIT_START, web), FALSE);
}

static void
test_pulls (void)
{
  check (make_pull ("registry.example.com/a"), make_pull ("registry.example.com/b"), FALSE);
  check (make_pull ("registry.example.com/a"), make_pull ("registry.example.com/a:latest"), TRUE);
}

static void
test_uninstall_that_prunes (void)
{
  check (sc_op_new_uninstall (web, FALSE), make_pull ("registry.example.com/a"), TRUE);
  check (sc_op_new_uninstall (web, TRUE), make_pull ("registry.example.com/a"), FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/claims/conflict/same-container", test_same_container);
  g_test_add_func ("/claims/conflict/other-container", test_other_container);
  g_test_add_func ("/claims/conflict/prune-is-alone-with-the-repository",
                   test_prune_is_alone_with_the_repository);
  g_test_add_func ("/claims/conflict/pulls", test_pulls);
  g_test_add_func ("/claims/conflict/uninstall-that-prunes", test_uninstall_that_prunes);
  return g_test_run ();
}
