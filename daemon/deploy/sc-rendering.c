/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-rendering.h"

#include "base/sc-problems.h"
#include "deploy/sc-builtin-values.h"
#include "deploy/sc-convert-config.h"
#include "deploy/sc-host-path.h"
#include "deploy/sc-info.h"
#include "deploy/sc-runtime-config.h"
#include "deploy/sc-runtime-mounts.h"
#include "deploy/sc-secrets.h"
#include "deploy/sc-tmpfiles-text.h"
#include "deploy/sc-unit-text.h"

#include <string.h>

typedef struct
{
  const ScRenderRequest *request;
  ScRendering *out;
  GPtrArray *notes;       /* (owned) */
  GString *own_lines;     /* (owned) tmpfiles lines of ours */
  ScConcealed *concealed; /* (owned) */
  ScUnitFacts facts;
} Rendering;

static void
rendering_clear (Rendering *self)
{
  g_ptr_array_unref (self->notes);
  g_string_free (self->own_lines, TRUE);
  g_clear_pointer (&self->concealed, sc_concealed_free);
  sc_unit_facts_clear (&self->facts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rendering, rendering_clear)

static gboolean
render_service (Rendering *self, GError **error)
{
  const ScRenderRequest *request = self->request;
  self->facts.slice = g_strdup ("system.slice");
  self->facts.uses_runtime = request->once_unit != NULL;
  if (request->exports->no_container_service || request->once_unit != NULL)
    return TRUE;

  GBytes *given = request->exports->service_template;
  g_autoptr (GBytes) template = given != NULL
                                    ? g_bytes_ref (given)
                                    : sc_unit_text_default (request->image_config, self->notes);
  self->out->texts.service = sc_template_expand ("service.template", template, SC_TEMPLATE_UNIT,
                                                 self->out->values, error);
  if (self->out->texts.service == NULL)
    return FALSE;

  g_autofree char *destdir = sc_builtin_destdir (request->paths, request->name);
  const ScUnitRules rules
      = { .name = request->name, .destdir = destdir, .runtime = request->runtime };
  return sc_unit_text_check ("service.template", self->out->texts.service, &rules, &self->facts,
                             error);
}

/* An image names no unit of others: it is started for every check. */
static gboolean
check_image_unit (const Rendering *self, GError **error)
{
  const ScHealth *health = self->request->exports->health;
  g_autofree char *prefix = g_strconcat (self->request->name, "-", NULL);

  return health == NULL || health->unit == NULL || g_str_has_prefix (health->unit, prefix)
         || sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                          "/exports/manifest.json: health: the unit \"%s\" is not one of the "
                          "container's own, which begin with \"%s\"",
                          health->unit, prefix);
}

static gboolean
render_health (Rendering *self, GError **error)
{
  const ScRenderRequest *request = self->request;
  g_autoptr (ScHealth) own = sc_health_from_image (request->image_config);
  const ScHealth *image = request->exports->health != NULL ? request->exports->health : own;

  if (!check_image_unit (self, error))
    return FALSE;
  g_autoptr (ScHealth) health = sc_health_resolve (image, request->health);
  if (self->out->texts.service == NULL || health == NULL)
    return TRUE;
  if (health->command != NULL && !self->facts.uses_runtime)
    {
      g_ptr_array_add (self->notes, g_strdup ("the health check is ignored: the service does not "
                                              "run in a container"));
      return TRUE;
    }
  self->out->texts.timer = sc_health_timer_text (health, request->name);
  self->out->health = g_steal_pointer (&health);
  return TRUE;
}

static void
render_drop_in (Rendering *self)
{
  const ScRenderRequest *request = self->request;
  g_autofree char *destdir = sc_builtin_destdir (request->paths, request->name);
  const ScUnitRules rules
      = { .name = request->name, .destdir = destdir, .runtime = request->runtime };
  ScWritable writable = !self->out->is_writable ? SC_WRITABLE_NOT
                        : request->is_volatile  ? SC_WRITABLE_VOLATILE
                                                : SC_WRITABLE_PERSISTENT;

  if (self->out->texts.service != NULL)
    self->out->texts.drop_in
        = sc_unit_text_drop_in (request->paths, &rules, writable, self->out->health != NULL);
}

/* The config of the image, by the first of: config.json as it is, its template, a conversion. */
static JsonObject *
make_config (Rendering *self, const char **file, GError **error)
{
  const ScExports *exports = self->request->exports;
  if (exports->config != NULL)
    {
      gsize size = 0;
      const char *text = g_bytes_get_data (exports->config, &size);
      *file = "config.json";
      return sc_runtime_config_parse (*file, text, size, error);
    }
  if (exports->config_template != NULL)
    {
      *file = "config.json.template";
      g_autofree char *text = sc_template_expand (*file, exports->config_template, SC_TEMPLATE_JSON,
                                                  self->out->values, error);
      return text != NULL ? sc_runtime_config_parse (*file, text, strlen (text), error) : NULL;
    }
  *file = "config.json";
  return sc_convert_config (self->request, self->out->values, self->facts.uses_runtime,
                            self->own_lines, error);
}

static JsonObject *
render_config (Rendering *self, GError **error)
{
  const char *file = NULL;
  g_autoptr (JsonObject) config = make_config (self, &file, error);
  if (config == NULL)
    return NULL;

  const char *unit
      = self->request->once_unit != NULL ? self->request->once_unit : self->request->name;
  g_autofree char *cgroups_path = sc_unit_text_cgroups_path (self->facts.slice, unit);
  const ScRuntimeConfigRules rules = { .file = file,
                                       .paths = self->request->paths,
                                       .cgroups_path = cgroups_path,
                                       .is_used = self->facts.uses_runtime,
                                       .process = self->request->once_process };
  if (!sc_runtime_config_complete (config, &rules, self->notes, error))
    return NULL;

  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, config);
  g_autofree char *text = sc_json_to_text (node, TRUE);
  self->out->config_json = sc_concealed_reveal (self->concealed, text);
  self->out->is_writable = sc_runtime_config_is_writable (config);
  self->out->mount_points
      = sc_runtime_mounts_list_points (config, self->request->paths, self->facts.is_notify);
  return g_steal_pointer (&config);
}

static gboolean
has_line_for (const char *lines, const char *path)
{
  g_autofree char *start = g_strdup_printf ("d %s ", path);
  return strstr (lines, start) != NULL;
}

/* Sources of bind mounts that are not there: created where an image may create something, otherwise
 * only told. */
static void
add_missing_sources (Rendering *self, JsonObject *config)
{
  const ScRenderRequest *request = self->request;
  g_auto (GStrv) missing = sc_runtime_mounts_list_missing (config, request->paths);
  for (char **path = missing; *path != NULL; path++)
    {
      gboolean can_make
          = request->exports->tmpfiles_template == NULL
            && sc_host_path_classify (request->host_paths, *path) == SC_HOST_PATH_ALLOWED;
      if (has_line_for (self->own_lines->str, *path))
        continue;
      if (can_make)
        sc_tmpfiles_text_append_directory (self->own_lines, *path, 0700, 0, 0);
      else if (request->exports->tmpfiles_template == NULL)
        {
          g_autofree char *shown = sc_text_escape (*path);
          g_ptr_array_add (
              self->notes,
              g_strdup_printf ("config.json: \"%s\" does not exist on this host", shown));
        }
    }
}

static gboolean
render_tmpfiles (Rendering *self, JsonObject *config, GError **error)
{
  const ScRenderRequest *request = self->request;
  g_autoptr (GString) text = g_string_new (NULL);
  if (request->exports->tmpfiles_template != NULL)
    {
      g_autofree char *given
          = sc_template_expand ("tmpfiles.template", request->exports->tmpfiles_template,
                                SC_TEMPLATE_TMPFILES, self->out->values, error);
      if (given == NULL
          || !sc_tmpfiles_text_check ("tmpfiles.template", given, request->host_paths,
                                      request->name, error))
        return FALSE;
      g_string_append (text, given);
      if (text->len > 0 && text->str[text->len - 1] != '\n')
        g_string_append_c (text, '\n');
    }
  if (config != NULL && (self->out->texts.service != NULL || request->once_unit != NULL))
    add_missing_sources (self, config);
  g_string_append (text, self->own_lines->str);
  if (text->len > 0)
    self->out->texts.tmpfiles = g_string_free (g_steal_pointer (&text), FALSE);
  return TRUE;
}

static gboolean
template_uses (GBytes *template, const char *name)
{
  if (template == NULL)
    return FALSE;
  g_auto (GStrv) names = sc_template_variables ("", template, NULL);
  return names != NULL && g_strv_contains ((const char *const *)names, name);
}

static gboolean
is_used (const ScExports *exports, const char *name)
{
  return template_uses (exports->config == NULL ? exports->config_template : NULL, name)
         || template_uses (exports->service_template, name)
         || template_uses (exports->tmpfiles_template, name) || sc_builtin_is_overridable (name)
         || sc_exports_host_files_use (exports, name);
}

/* What is made of the config on the host, or told of it, may not depend on a secret. */
static gboolean
check_concealed (const Rendering *self, GError **error)
{
  const GPtrArray *points = self->out->mount_points;

  for (guint i = 0; i < self->notes->len; i++)
    if (!sc_concealed_check (self->concealed, "a note", self->notes->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < points->len; i++)
    {
      const ScMountPoint *point = points->pdata[i];
      if (!sc_concealed_check (self->concealed, "a mount point", point->path, error))
        return FALSE;
    }
  return sc_concealed_check (self->concealed, "a line of tmpfiles.d", self->out->texts.tmpfiles,
                             error);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
note_unused_values (Rendering *self, GHashTable *values)
{
  if (values == NULL)
    return;
  guint length = 0;
  g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array (values, &length);
  qsort (names, length, sizeof *names, compare_texts);
  for (guint i = 0; i < length; i++)
    {
      if (!is_used (self->request->exports, names[i]))
        g_ptr_array_add (self->notes,
                         g_strdup_printf ("value %s: no template of the image uses it", names[i]));
    }
}

static char **
steal_notes (GPtrArray *notes)
{
  g_ptr_array_add (notes, NULL);
  return (char **)g_ptr_array_steal (notes, NULL);
}

/* The unit decides how the config is completed, and the config what lines are added to those of the
 * image; each can be looked at without. */
static gboolean
render_parts (Rendering *self, GError **error)
{
  GPtrArray *problems = self->request->problems;
  guint n_before = problems != NULL ? problems->len : 0;
  GError *cause = NULL;

  if (!render_service (self, &cause)
      && !sc_problems_add (problems, g_steal_pointer (&cause), error))
    return FALSE;
  g_autoptr (JsonObject) config = render_config (self, &cause);
  if (config == NULL && !sc_problems_add (problems, g_steal_pointer (&cause), error))
    return FALSE;
  if (!render_tmpfiles (self, config, &cause)
      && !sc_problems_add (problems, g_steal_pointer (&cause), error))
    return FALSE;
  if (!render_health (self, &cause) && !sc_problems_add (problems, g_steal_pointer (&cause), error))
    return FALSE;
  if (problems != NULL && problems->len > n_before)
    {
      g_autofree char *last = g_ptr_array_steal_index (problems, problems->len - 1);
      return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s", last);
    }
  return check_concealed (self, error);
}

ScRendering *
sc_render (const ScRenderRequest *request, GError **error)
{
  g_autoptr (ScRendering) out = g_new0 (ScRendering, 1);
  g_auto (Rendering) self = { .request = request,
                              .out = out,
                              .notes = g_ptr_array_new_with_free_func (g_free),
                              .own_lines = g_string_new (NULL) };
  out->values = sc_builtin_values_new (request, self.notes, error);
  if (out->values == NULL)
    return NULL;
  self.concealed = sc_conceal (out->values, request->secrets);
  if (!render_parts (&self, error))
    return NULL;
  render_drop_in (&self);
  note_unused_values (&self, request->set_values);
  note_unused_values (&self, request->secrets);
  out->info = sc_info_build (request, out->values, out->texts.service != NULL, &(ScInfoFiles){ 0 });
  out->notes = steal_notes (self.notes);
  return g_steal_pointer (&out);
}

void
sc_rendering_free (ScRendering *self)
{
  if (self == NULL)
    return;
  g_free (self->config_json);
  sc_unit_texts_clear (&self->texts);
  g_clear_pointer (&self->health, sc_health_free);
  g_free (self->info);
  g_clear_pointer (&self->image_config, g_bytes_unref);
  sc_values_free (self->values);
  g_clear_pointer (&self->mount_points, g_ptr_array_unref);
  g_strfreev (self->notes);
  g_free (self);
}
