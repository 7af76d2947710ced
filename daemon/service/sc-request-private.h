/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parsers of the method groups share. Nobody else includes this.
 */
#pragma once

#include "service/sc-request.h"

/** ScRequestParser: @request has its options already; the parser fills in the rest */
typedef gboolean (*ScRequestParser) (const ScCall *call, ScRequest *request, GError **error);

typedef struct
{
  const char *method;
  const ScOptionSpec *options;
  ScRequestParser parse; /* (nullable): no more than options */
} ScMethod;

/* The method groups; each table ends with an empty row. */
extern const ScMethod sc_request_image_methods[];
extern const ScMethod sc_request_storage_methods[];
extern const ScMethod sc_request_container_methods[];
extern const ScMethod sc_request_exec_methods[];
extern const ScMethod sc_request_login_methods[];
extern const ScMethod sc_request_update_methods[];
extern const ScMethod sc_request_plan_methods[];
extern const ScMethod sc_request_query_methods[];

extern const ScOptionSpec sc_request_no_options[];

/** sc_request_find_method: (transfer none) (nullable): its row in the tables */
const ScMethod *sc_request_find_method (const char *method);

/**
 * sc_request_check_image:
 *
 * a name that could be one of an image, or 12 to 64 hex digits with or without "sha256:"
 */
gboolean sc_request_check_image (const char *image, GError **error);

/**
 * sc_request_check_names:
 *
 * (transfer full): each once; INVALID_ARGUMENT for none or too many, INVALID_NAME
 */
char **sc_request_check_names (const char *method, const char *const *names, GError **error);

/** sc_request_take_fd: a copy of the descriptor that @handle means; -1 with INVALID_ARGUMENT */
int sc_request_take_fd (const ScCall *call, gint32 handle, GError **error);

/**
 * sc_request_take_stdio:
 * @stdio: (out): three descriptors, to be freed by sc_request_clear_stdio(), also after an error
 *
 * INVALID_ARGUMENT unless @handles mean three descriptors, which may be of any kind.
 */
gboolean sc_request_take_stdio (const ScCall *call,
                                const gint32 *handles,
                                gsize n_handles,
                                int stdio[SC_PROGRAM_N_STDIO],
                                GError **error);
void sc_request_clear_stdio (int stdio[SC_PROGRAM_N_STDIO]);

/** sc_request_set_container: INVALID_NAME */
gboolean sc_request_set_container (ScRequest *request, const char *name, GError **error);

/** sc_request_take_secret: (transfer full) (nullable): the one that @handle means; INVALID_ARGUMENT */
ScSecret *sc_request_take_secret (const ScCall *call, gint32 handle, GError **error);

/** sc_request_take_auth: gives @request's operation the login of the option "auth", if there is one */
gboolean sc_request_take_auth (const ScCall *call, ScRequest *request, GError **error);

/**
 * sc_request_take_secrets:
 * @values: (nullable): what is set beside them; no name may be both
 *
 * Gives @request's operation the template values of the option "secrets", if there are any.
 */
gboolean sc_request_take_secrets (const ScCall *call,
                                  ScRequest *request,
                                  GHashTable *values,
                                  GError **error);

/** sc_request_accepts_privileges: whether "accept-privileges" has any */
gboolean sc_request_accepts_privileges (const ScRequest *request);

/** sc_request_take_plan_id: @plan_id: (nullable): becomes a part of @request's subject;
 * INVALID_ARGUMENT */
gboolean sc_request_take_plan_id (ScRequest *request, const char *plan_id, GError **error);

/** sc_request_parse_health: @out: (transfer full): stays NULL when nothing was said */
gboolean sc_request_parse_health (const ScOptions *options, ScHealth **out, GError **error);

/**
 * sc_request_parse_platform:
 * @platform: (out) (transfer full): NULL when the option was not given
 */
gboolean
sc_request_parse_platform (const ScOptions *options, ScPlatform **platform, GError **error);

/**
 * sc_request_check_text:
 *
 * INVALID_ARGUMENT when an option is empty, too long or has control characters
 */
gboolean
sc_request_check_text (const char *what, const char *text, gsize max_bytes, GError **error);
