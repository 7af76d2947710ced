/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-paths.h"

#define CHECKOUT "/var/lib/containers/syscont"

/* Without a slash at the end, so that it is "" for "/" and absolute paths can be appended. */
static char *
canonical_root (const char *root)
{
  if (root == NULL || root[0] == '\0')
    return g_strdup ("");

  /* Two slashes at the beginning are kept, as POSIX allows them a meaning of their own. */
  while (g_str_has_prefix (root, "//"))
    root++;

  char *path = g_canonicalize_filename (root, NULL);
  if (g_str_equal (path, "/"))
    path[0] = '\0';
  return path;
}

static char *
below (const ScPaths *self, const char *path)
{
  return g_strconcat (self->root, path, NULL);
}

static void
set_path (char **member, char *path)
{
  g_free (*member);
  *member = path;
}

void
sc_paths_set_storage (ScPaths *self, const char *checkout, const char *repository)
{
  g_return_if_fail (g_path_is_absolute (checkout) && g_path_is_absolute (repository));

  set_path (&self->checkout, below (self, checkout));
  set_path (&self->repository, below (self, repository));
  set_path (&self->spool, g_build_filename (self->checkout, ".spool", NULL));
}

ScPaths *
sc_paths_new (const char *root)
{
  ScPaths *self = g_new0 (ScPaths, 1);

  self->root = canonical_root (root);
  self->config_file = below (self, "/etc/syscont/syscont.conf");
  self->config_dropins = below (self, "/etc/syscont/syscont.conf.d");
  self->trust_policy = below (self, "/etc/containers/policy.json");
  self->auth_runtime = below (self, "/run/containers/0/auth.json");
  self->auth_system = below (self, "/etc/containers/auth.json");
  self->registries = below (self, "/etc/syscont/registries.d");
  self->certificates = g_new0 (char *, 3);
  self->certificates[0] = below (self, "/etc/containers/certs.d");
  self->certificates[1] = below (self, "/etc/docker/certs.d");
  self->state = below (self, "/var/lib/syscont");
  self->units = below (self, "/etc/systemd/system");
  self->tmpfiles = below (self, "/etc/tmpfiles.d");
  self->runtime = below (self, "/run/syscont");
  sc_paths_set_storage (self, CHECKOUT, CHECKOUT "/.repo");
  return self;
}

void
sc_paths_free (ScPaths *self)
{
  g_free (self->root);
  g_free (self->config_file);
  g_free (self->config_dropins);
  g_free (self->trust_policy);
  g_free (self->auth_runtime);
  g_free (self->auth_system);
  g_free (self->registries);
  g_strfreev (self->certificates);
  g_free (self->checkout);
  g_free (self->repository);
  g_free (self->spool);
  g_free (self->state);
  g_free (self->units);
  g_free (self->tmpfiles);
  g_free (self->runtime);
  g_free (self);
}
