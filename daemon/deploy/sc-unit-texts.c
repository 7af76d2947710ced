/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-unit-texts.h"

void
sc_unit_texts_copy (ScUnitTexts *self, const ScUnitTexts *from)
{
  self->service = g_strdup (from->service);
  self->drop_in = g_strdup (from->drop_in);
  self->tmpfiles = g_strdup (from->tmpfiles);
  self->timer = g_strdup (from->timer);
}

void
sc_unit_texts_clear (ScUnitTexts *self)
{
  g_clear_pointer (&self->service, g_free);
  g_clear_pointer (&self->drop_in, g_free);
  g_clear_pointer (&self->tmpfiles, g_free);
  g_clear_pointer (&self->timer, g_free);
}
