/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON that an outsider wrote. A pre-scan of our own accepts strict RFC 8259 only, within limits
 * and without duplicate keys, and only then does json-glib see it; typed getters fail on another
 * type instead of converting. What json-glib alone would accept is listed in tests/test-json.c.
 */
#pragma once

#include "base/sc-error-util.h"

#include <json-glib/json-glib.h>

typedef struct
{
  gsize max_bytes;
  guint max_depth;  /* nesting of arrays and objects */
  guint max_values; /* all values together */
  gsize max_string_bytes;
} ScJsonLimits;

/** sc_json_limits_default: depth 16, 20 000 values, strings of 64 KiB, 4 MiB in all */
extern const ScJsonLimits sc_json_limits_default;

/**
 * sc_json_check:
 * @data: bytes, need not be NUL-terminated
 * @limits: (nullable): NULL for sc_json_limits_default
 *
 * The pre-scan. IMAGE_INVALID with the line of the fault, LIMIT_EXCEEDED when a limit is hit.
 * Refused: invalid UTF-8, a byte order mark, unpaired surrogates, \u0000, duplicate keys (after
 * unescaping), numbers that are no JSON numbers, comments, anything after the document, an empty
 * document; and what json-glib cannot hold: integers beyond int64, "-0", numbers beyond double.
 * Whatever @limits says, depth ends at 256, a number at 64 bytes, and at 64 keys of one object that
 * have the same hash.
 */
gboolean
sc_json_check (const char *data, gsize size_bytes, const ScJsonLimits *limits, GError **error);

/**
 * sc_json_parse:
 *
 * sc_json_check() and then json-glib.
 *
 * Returns: (transfer full) (nullable): the root node, never NULL without @error
 */
JsonNode *
sc_json_parse (const char *data, gsize size_bytes, const ScJsonLimits *limits, GError **error);

/** sc_json_parse_object: like sc_json_parse(), and the root must be an object: (transfer full) */
JsonObject *sc_json_parse_object (const char *data,
                                  gsize size_bytes,
                                  const ScJsonLimits *limits,
                                  GError **error);

/* Getters: a missing or null member gives TRUE with *out = NULL, 0 or the given fallback; one of
 * another type is IMAGE_INVALID and names the member. What they return is lent by the object. */
gboolean
sc_json_get_string (JsonObject *object, const char *member, const char **out, GError **error);
gboolean
sc_json_get_object (JsonObject *object, const char *member, JsonObject **out, GError **error);
gboolean
sc_json_get_array (JsonObject *object, const char *member, JsonArray **out, GError **error);
gboolean sc_json_get_bool (
    JsonObject *object, const char *member, gboolean fallback, gboolean *out, GError **error);
/** sc_json_get_uint: digits only: no sign, fraction or exponent, at most 2^63-1 */
gboolean sc_json_get_uint (
    JsonObject *object, const char *member, guint64 fallback, guint64 *out, GError **error);
/** sc_json_get_strv: (transfer full) *out: an array of strings; NULL when missing */
gboolean sc_json_get_strv (JsonObject *object, const char *member, char ***out, GError **error);

/** sc_json_to_text: (transfer full): @pretty: indented by 4 spaces, with a trailing newline */
char *sc_json_to_text (JsonNode *node, gboolean pretty);
