/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The answer of an engine to one request of HTTP/1.1 (RFC 9112), piece by piece: header, status,
 * and the body by its length or in chunks. Small and strict: what is not one whole answer with
 * status 200 is an error. Reads no fd.
 */
#pragma once

#include <glib.h>

#define SC_HTTP_MAX_LINE_BYTES   (8 * 1024)
#define SC_HTTP_MAX_HEAD_BYTES   (64 * 1024)
#define SC_HTTP_MAX_REASON_BYTES (4 * 1024) /* of the body of an answer with another status */

typedef struct _ScHttpAnswer ScHttpAnswer;

/** ScHttpInput: moved on by what was used of it */
typedef struct
{
  const guint8 *data;
  gsize size_bytes;
} ScHttpInput;

ScHttpAnswer *sc_http_answer_new (void);
void sc_http_answer_free (ScHttpAnswer *self);

/**
 * sc_http_answer_take:
 * @body: (out): the next piece of the body, lent by @input's data; NULL when more is needed
 *
 * MANIFEST_UNKNOWN for status 404, FAILED for any other but 200, both with what the engine says;
 * IMAGE_INVALID for what is no such answer.
 */
gboolean sc_http_answer_take (
    ScHttpAnswer *self, ScHttpInput *input, const guint8 **body, gsize *body_bytes, GError **error);

/** sc_http_answer_is_complete: all of the body was given */
gboolean sc_http_answer_is_complete (const ScHttpAnswer *self);

/** sc_http_answer_finish: to be called at the end of the connection: IMAGE_INVALID when the answer
 * was cut off */
gboolean sc_http_answer_finish (ScHttpAnswer *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHttpAnswer, sc_http_answer_free)
