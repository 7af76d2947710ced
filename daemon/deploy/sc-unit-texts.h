/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The texts for systemd that come with a deployment.
 */
#pragma once

#include <glib.h>

/** ScUnitTexts: those that it does not have are NULL */
typedef struct
{
  char *service;  /* (owned) (nullable) NAME.service; NULL with noContainerService */
  char *drop_in;  /* (owned) (nullable) NAME.service.d/50-syscont.conf */
  char *tmpfiles; /* (owned) (nullable) NAME.conf in tmpfiles.d */
  char *timer;    /* (owned) (nullable) of health checks; not a file of the deployment */
} ScUnitTexts;

/** sc_unit_texts_copy: of members that are NULL before */
void sc_unit_texts_copy (ScUnitTexts *self, const ScUnitTexts *from);
void sc_unit_texts_clear (ScUnitTexts *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScUnitTexts, sc_unit_texts_clear)
