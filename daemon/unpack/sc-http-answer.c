/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-http-answer.h"

#include "base/sc-error-util.h"
#include "base/sc-json.h"

#include <string.h>

typedef enum
{
  STATE_STATUS,
  STATE_HEADER,
  STATE_LENGTH, /* a body whose length the header says */
  STATE_CHUNK_SIZE,
  STATE_CHUNK,
  STATE_CHUNK_END,
  STATE_TRAILER,
  STATE_REST, /* a body that ends with the connection: of a status other than 200 */
  STATE_COMPLETE,
} State;

struct _ScHttpAnswer
{
  State state;
  GString *line; /* (owned) as far as it has come */
  gsize head_bytes;
  guint status;
  gboolean has_length;
  gboolean is_chunked;
  guint64 left_bytes; /* of the body, or of the chunk */
  GString *reason;    /* (owned) body of a status other than 200 */
};

ScHttpAnswer *
sc_http_answer_new (void)
{
  ScHttpAnswer *self = g_new0 (ScHttpAnswer, 1);

  self->line = g_string_new (NULL);
  self->reason = g_string_new (NULL);
  return self;
}

void
sc_http_answer_free (ScHttpAnswer *self)
{
  g_string_free (self->line, TRUE);
  g_string_free (self->reason, TRUE);
  g_free (self);
}

static gboolean
refuse (GError **error, const char *why)
{
  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the engine's answer is malformed: %s",
                       why);
}

/* Moves a line to self->line, without its end. *complete is FALSE when more is needed. */
static gboolean
take_line (ScHttpAnswer *self, ScHttpInput *input, gboolean *complete, GError **error)
{
  const guint8 *end = memchr (input->data, '\n', input->size_bytes);
  gsize n = end != NULL ? (gsize)(end - input->data) + 1 : input->size_bytes;

  self->head_bytes += n;
  if (self->line->len + n > SC_HTTP_MAX_LINE_BYTES || self->head_bytes > SC_HTTP_MAX_HEAD_BYTES)
    return refuse (error, "its header is too long");
  g_string_append_len (self->line, (const char *)input->data, (gssize)n);
  input->data += n;
  input->size_bytes -= n;
  *complete = end != NULL;
  if (!*complete)
    return TRUE;

  if (self->line->len < 2 || self->line->str[self->line->len - 2] != '\r')
    return refuse (error, "a line ends without CR");
  g_string_truncate (self->line, self->line->len - 2);
  for (gsize i = 0; i < self->line->len; i++)
    if (g_ascii_iscntrl (self->line->str[i]) && self->line->str[i] != '\t')
      return refuse (error, "a line has a control character");
  return TRUE;
}

static gboolean
take_status (ScHttpAnswer *self, GError **error)
{
  const char *line = self->line->str;
  gboolean is_http = g_str_has_prefix (line, "HTTP/1.1 ") || g_str_has_prefix (line, "HTTP/1.0 ");
  const char *digits = line + strlen ("HTTP/1.1 ");

  if (!is_http || strspn (digits, "0123456789") != 3 || (digits[3] != ' ' && digits[3] != '\0')
      || digits[0] < '2')
    return refuse (error, "it does not begin with a status");
  self->status = (guint)g_ascii_strtoull (digits, NULL, 10);
  self->state = STATE_HEADER;
  return TRUE;
}

static gboolean
take_length (ScHttpAnswer *self, const char *value, GError **error)
{
  gsize n = strspn (value, "0123456789");

  if (self->has_length || n == 0 || n > 18 || value[n] != '\0')
    return refuse (error, "its length is no number");
  self->has_length = TRUE;
  self->left_bytes = g_ascii_strtoull (value, NULL, 10);
  return TRUE;
}

static gboolean
take_header (ScHttpAnswer *self, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (self->line->str, ":", 2);

  if (parts[0] == NULL || parts[1] == NULL || *parts[0] == '\0'
      || strpbrk (parts[0], " \t") != NULL)
    return refuse (error, "a line of its header is none");

  const char *value = g_strstrip (parts[1]);
  if (g_ascii_strcasecmp (parts[0], "Content-Length") == 0)
    return take_length (self, value, error);
  if (g_ascii_strcasecmp (parts[0], "Transfer-Encoding") == 0)
    {
      if (self->is_chunked || g_ascii_strcasecmp (value, "chunked") != 0)
        return refuse (error, "its transfer encoding is not known");
      self->is_chunked = TRUE;
    }
  if (g_ascii_strcasecmp (parts[0], "Content-Encoding") == 0
      && g_ascii_strcasecmp (value, "identity") != 0)
    return refuse (error, "it is compressed without having been asked for that");
  return TRUE;
}

static gboolean
end_header (ScHttpAnswer *self, GError **error)
{
  if (self->is_chunked && self->has_length)
    return refuse (error, "it has both a length and chunks");
  if (self->is_chunked)
    self->state = STATE_CHUNK_SIZE;
  else if (self->has_length)
    self->state = self->left_bytes > 0 ? STATE_LENGTH : STATE_COMPLETE;
  else if (self->status != 200)
    self->state = STATE_REST;
  else
    return refuse (error, "it says neither its length nor that it comes in chunks");
  return TRUE;
}

/* chunk-size [ chunk-ext ] */
static gboolean
take_chunk_size (ScHttpAnswer *self, GError **error)
{
  const char *line = self->line->str;
  gsize n = strspn (line, "0123456789abcdefABCDEF");

  if (n == 0 || n > 15 || (line[n] != '\0' && line[n] != ';' && line[n] != ' '))
    return refuse (error, "the size of a chunk is no number");
  self->left_bytes = g_ascii_strtoull (line, NULL, 16);
  self->state = self->left_bytes > 0 ? STATE_CHUNK : STATE_TRAILER;
  return TRUE;
}

static gboolean
take_whole_line (ScHttpAnswer *self, GError **error)
{
  gboolean is_empty = self->line->len == 0;

  switch (self->state)
    {
    case STATE_STATUS:
      return take_status (self, error);
    case STATE_HEADER:
      return is_empty ? end_header (self, error) : take_header (self, error);
    case STATE_CHUNK_SIZE:
      /* The head is over: only a line is limited from here on, a body has many chunks. */
      self->head_bytes = 0;
      return take_chunk_size (self, error);
    case STATE_CHUNK_END:
      self->state = STATE_CHUNK_SIZE;
      return is_empty || refuse (error, "a chunk is longer than its size");
    case STATE_TRAILER:
    default:
      if (is_empty)
        self->state = STATE_COMPLETE;
      return TRUE;
    }
}

static void
take_content (ScHttpAnswer *self, ScHttpInput *input, const guint8 **body, gsize *body_bytes)
{
  gboolean is_rest = self->state == STATE_REST;
  gsize n = is_rest ? input->size_bytes : (gsize)MIN (self->left_bytes, input->size_bytes);

  if (self->status == 200)
    {
      *body = input->data;
      *body_bytes = n;
    }
  else
    {
      gsize room = SC_HTTP_MAX_REASON_BYTES - self->reason->len;
      g_string_append_len (self->reason, (const char *)input->data, (gssize)MIN (n, room));
    }
  input->data += n;
  input->size_bytes -= n;
  if (is_rest)
    return;
  self->left_bytes -= n;
  if (self->left_bytes == 0)
    self->state = self->state == STATE_CHUNK ? STATE_CHUNK_END : STATE_COMPLETE;
}

/* What the engine says went wrong: {"message": "…"} (Docker Engine API, "Errors"). */
static gboolean
fail_status (const ScHttpAnswer *self, GError **error)
{
  g_autoptr (JsonObject) object
      = sc_json_parse_object (self->reason->str, self->reason->len, NULL, NULL);
  const char *message = NULL;
  SyscontError code = self->status == 404 ? SYSCONT_ERROR_MANIFEST_UNKNOWN : SYSCONT_ERROR_FAILED;

  if (object != NULL)
    (void)sc_json_get_string (object, "message", &message, NULL);
  g_autofree char *shown = sc_text_escape (message != NULL ? message : "");
  return sc_error_set (error, code, "the engine answers with status %u%s%s", self->status,
                       *shown != '\0' ? ": " : "", shown);
}

gboolean
sc_http_answer_take (
    ScHttpAnswer *self, ScHttpInput *input, const guint8 **body, gsize *body_bytes, GError **error)
{
  *body = NULL;
  *body_bytes = 0;
  while (input->size_bytes > 0 && *body == NULL)
    {
      gboolean complete = FALSE;

      if (self->state == STATE_COMPLETE)
        return refuse (error, "something follows it");
      if (self->state == STATE_LENGTH || self->state == STATE_CHUNK || self->state == STATE_REST)
        {
          take_content (self, input, body, body_bytes);
          continue;
        }
      if (!take_line (self, input, &complete, error)
          || (complete && !take_whole_line (self, error)))
        return FALSE;
      if (complete)
        g_string_truncate (self->line, 0);
    }
  return !sc_http_answer_is_complete (self) || self->status == 200 || fail_status (self, error);
}

gboolean
sc_http_answer_is_complete (const ScHttpAnswer *self)
{
  return self->state == STATE_COMPLETE;
}

gboolean
sc_http_answer_finish (ScHttpAnswer *self, GError **error)
{
  if (self->state > STATE_HEADER && self->status != 200)
    return fail_status (self, error);
  return self->state == STATE_COMPLETE ? TRUE
                                       : sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                                                       "the engine ended its answer too early");
}
