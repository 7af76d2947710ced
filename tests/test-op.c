/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-op-private.h"

static const char *const no_targets[] = { NULL };

/* As a recipe does whose worker is gone: somebody cancelled. */
static gboolean
run_and_lose_worker (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  if (op->targets[0] == NULL)
    g_cancellable_cancel (cancellable);
  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "a record ends too early");
}

static void
free_op (ScOp *op)
{
  g_free (op);
}

static const ScOpClass op_class = { "test", run_and_lose_worker, free_op };

static void
check_error (const char *const *targets, int code)
{
  g_autoptr (ScOp) op = g_new0 (ScOp, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ScOpContext context = { 0 };
  g_autoptr (GError) error = NULL;

  sc_op_init (op, &op_class, targets);
  g_assert_false (sc_op_run (op, &context, cancellable, &error));

  g_assert_error (error, SYSCONT_ERROR, code);
  g_assert_nonnull (strstr (error->message, "a record ends too early"));
}

static void
test_cancelled (void)
{
  check_error (no_targets, SYSCONT_ERROR_CANCELLED);
}

static void
test_failed (void)
{
  static const char *const targets[] = { "web", NULL };

  check_error (targets, SYSCONT_ERROR_IMAGE_INVALID);
}

/* As a recipe does that was refused after it had left out a file with logins. */
static gboolean
run_and_be_refused (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  g_ptr_array_add (context->hints, g_strdup ("\"/etc/x\": say chmod"));
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED, "nobody may");
}

static const ScOpClass refused_class = { "test", run_and_be_refused, free_op };

static void
test_hints (void)
{
  g_autoptr (ScOp) op = g_new0 (ScOp, 1);
  ScOpContext context = { 0 };
  g_autoptr (GError) error = NULL;

  sc_op_init (op, &refused_class, no_targets);
  g_assert_false (sc_op_run (op, &context, NULL, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  g_assert_cmpstr (error->message, ==, "nobody may; \"/etc/x\": say chmod");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/op/run/cancelled-whatever-is-seen-of-it", test_cancelled);
  g_test_add_func ("/op/run/failed-without-being-cancelled", test_failed);
  g_test_add_func ("/op/run/refused-with-hints", test_hints);
  return g_test_run ();
}
