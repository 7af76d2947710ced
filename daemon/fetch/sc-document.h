/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gets one manifest or index, whole, from the first of an image's places that has it. What is in it
 * is not looked at.
 */
#pragma once

#include "fetch/sc-mirrors.h"

/** sc_document_get_async: @request: of a manifest, checked; lent until the end */
void sc_document_get_async (ScMirrors *mirrors,
                            const ScRegistryRequest *request,
                            gsize max_bytes,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);

/**
 * sc_document_get_finish:
 * @content_type: (out): (transfer full): media type without parameters, "" when none was sent
 * @endpoint: (out): number of the endpoint that sent it
 */
GBytes *
sc_document_get_finish (GAsyncResult *result, char **content_type, guint *endpoint, GError **error);
