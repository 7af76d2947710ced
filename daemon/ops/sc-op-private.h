/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files that define an operation share. Nobody outside ops/ includes this.
 */
#pragma once

#include "ops/sc-history.h"
#include "ops/sc-op.h"

/** sc_op_init: fills the common part of a new operation, without any claim */
void sc_op_init (ScOp *self, const ScOpClass *op_class, const char *const *targets);

/** sc_op_claim: "KIND:NAME", or "KIND" when @name is NULL */
void sc_op_claim (ScOp *self, const char *kind, const char *name, gboolean exclusive);

/** sc_op_set_changed: the "changed" of the result */
static inline void
sc_op_set_changed (ScOpContext *context, gboolean changed)
{
  g_variant_dict_insert (context->result, "changed", "b", changed);
}

/**
 * sc_op_record:
 * @event: what it is about; job, caller, result and reason are added
 * @failure: (nullable): how it ended
 *
 * An entry of the history; one that cannot be written is a warning, for the deed is done.
 */
void sc_op_record (const ScOpContext *context, const ScHistoryEvent *event, const GError *failure);

/* (transfer full): copies for an operation to keep; NULL for NULL */
ScReference *sc_op_copy_reference (const ScReference *reference);
ScPlatform *sc_op_copy_platform (const ScPlatform *platform);
