/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-http-answer.h"

#include "base/sc-error-util.h"

#include <string.h>

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define FIVE    OK_HEAD "Content-Length: 5\r\n\r\n"
#define NO_IMAGE                                                                                   \
  "HTTP/1.1 404 Not Found\r\nContent-Length: 36\r\n\r\n"                                           \
  "{\"message\":\"No such image: a\\u001b\"}"

/* Takes an answer in pieces of @step bytes; the body, or NULL with @error. */
static char *
take_all (const char *text, gsize step, GError **error)
{
  g_autoptr (ScHttpAnswer) answer = sc_http_answer_new ();
  g_autoptr (GString) all = g_string_new (NULL);
  gsize size_bytes = strlen (text);

  for (gsize offset = 0; offset < size_bytes; offset += step)
    {
      ScHttpInput input = { (const guint8 *)text + offset, MIN (step, size_bytes - offset) };
      while (input.size_bytes > 0)
        {
          const guint8 *body;
          gsize body_bytes;
          if (!sc_http_answer_take (answer, &input, &body, &body_bytes, error))
            return NULL;
          g_string_append_len (all, (const char *)body, (gssize)body_bytes);
        }
    }
  return sc_http_answer_finish (answer, error) ? g_string_free (g_steal_pointer (&all), FALSE)
                                               : NULL;
}

typedef struct
{
  const char *name;
  const char *text;
  const char *body; /* NULL: refused */
  int code;
  const char *needle;
} Row;

#define REFUSED(needle_) NULL, SYSCONT_ERROR_IMAGE_INVALID, needle_

static const Row rows[] = {
  { "length", FIVE "hello", "hello" },
  { "no-byte", OK_HEAD "content-length: 0\r\n\r\n", "" },
  { "chunks", CHUNKED "5\r\nhello\r\n1;x=y\r\n \r\n00A\r\n0123456789\r\n0\r\n\r\n",
    "hello 0123456789" },
  { "trailer", CHUNKED "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n", "a" },
  { "old-version", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x" },

  /* RP24 */
  { "cut-in-status", "HTTP/1.1 20", REFUSED ("too early") },
  { "cut-in-header", OK_HEAD "Content-Len", REFUSED ("too early") },
  { "cut-in-length", FIVE "hell", REFUSED ("too early") },
  { "cut-in-chunk", CHUNKED "5\r\nhel", REFUSED ("too early") },
  { "cut-before-last-chunk", CHUNKED "5\r\nhello\r\n", REFUSED ("too early") },
  { "cut-in-trailer", CHUNKED "0\r\n", REFUSED ("too early") },
  { "nothing", "", REFUSED ("too early") },
  { "no-http", "SSH-2.0-OpenSSH\r\n", REFUSED ("status") },
  { "status-of-two-digits", "HTTP/1.1 20 OK\r\n\r\n", REFUSED ("status") },
  { "status-100", "HTTP/1.1 100 Continue\r\n\r\n", REFUSED ("status") },
  { "bare-newline", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", REFUSED ("CR") },
  { "folded", OK_HEAD " more\r\n\r\n", REFUSED ("header") },
  { "control-character", OK_HEAD "X: \x1b\r\n\r\n", REFUSED ("control") },
  { "both-lengths", OK_HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
    REFUSED ("both") },
  { "two-lengths", OK_HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    REFUSED ("no number") },
  { "negative-length", OK_HEAD "Content-Length: -1\r\n\r\n", REFUSED ("no number") },
  { "huge-length", OK_HEAD "Content-Length: 99999999999999999999\r\n\r\n", REFUSED ("no number") },
  { "no-length", OK_HEAD "\r\nhello", REFUSED ("neither") },
  { "gzip", OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", REFUSED ("compressed") },
  { "other-transfer-encoding", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n",
    REFUSED ("transfer encoding") },
  { "chunk-size-negative", CHUNKED "-1\r\n", REFUSED ("chunk") },
  { "chunk-size-huge", CHUNKED "fffffffffffffffff\r\n", REFUSED ("chunk") },
  { "chunk-too-long", CHUNKED "1\r\nab\r\n", REFUSED ("chunk") },
  { "second-answer", FIVE "helloHTTP/1.1 200 OK\r\n", REFUSED ("follows") },
  { "unknown-image", NO_IMAGE, NULL, SYSCONT_ERROR_MANIFEST_UNKNOWN, "No such image: a\\x1b" },
  { "podman",
    "HTTP/1.1 404 Not Found\r\n\r\n{\"cause\":\"x\",\"message\":\"gone\",\"response\":404}", NULL,
    SYSCONT_ERROR_MANIFEST_UNKNOWN, "404: gone" },
  { "server-error", "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n",
    NULL, SYSCONT_ERROR_FAILED, "status 500" },
  { "redirect", "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://a/\r\n\r\n", NULL,
    SYSCONT_ERROR_FAILED, "status 301" },
};

static void
test_row (gconstpointer data)
{
  static const gsize steps[] = { 1, 2, 7, 100000 };
  const Row *row = data;

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *body = take_all (row->text, steps[i], &error);

      g_assert_cmpstr (body, ==, row->body);
      if (row->body != NULL)
        continue;
      g_assert_error (error, SYSCONT_ERROR, row->code);
      g_assert_nonnull (strstr (error->message, row->needle));
    }
}

static void
test_endless_header (void)
{
  g_autoptr (GString) text = g_string_new (OK_HEAD);
  for (guint i = 0; i < 5000; i++)
    g_string_append (text, "X-Filler: 0123456789\r\n");
  g_autoptr (GError) error = NULL;

  g_assert_null (take_all (text->str, 1000, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_assert_nonnull (strstr (error->message, "too long"));
}

static void
test_many_chunks (void)
{
  g_autoptr (GString) text = g_string_new (CHUNKED);
  for (guint i = 0; i < 50000; i++)
    g_string_append (text, "1\r\nx\r\n");
  g_string_append (text, "0\r\n\r\n");
  g_autoptr (GError) error = NULL;

  g_autofree char *body = take_all (text->str, 4096, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (strlen (body), ==, 50000);
}

static void
test_endless_reason (void)
{
  g_autoptr (GString) text = g_string_new ("HTTP/1.1 500 Oops\r\n\r\n");
  for (guint i = 0; i < 10000; i++)
    g_string_append (text, "0123456789");
  g_autoptr (GError) error = NULL;

  g_assert_null (take_all (text->str, 999, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/http-answer/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/http-answer/endless-header", test_endless_header);
  g_test_add_func ("/http-answer/many-chunks", test_many_chunks);
  g_test_add_func ("/http-answer/endless-reason", test_endless_reason);
  return g_test_run ();
}
