/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-host-path.h"

#include "base/sc-error-util.h"

#include <string.h>

/* Where services keep what they write; tmpfiles.d(5) is for these. */
static const char *const service_dirs[] = {
  "/run", "/srv", "/var/cache", "/var/log", "/var/spool",
};

/* Whoever writes here is root, another service, or ourselves. */
static const char *const critical[] = {
  "/etc/NetworkManager/dispatcher.d",
  "/etc/X11",
  "/etc/anacrontab",
  "/etc/apt",
  "/etc/at.allow",
  "/etc/at.deny",
  "/etc/bash.bashrc",
  "/etc/bashrc",
  "/etc/binfmt.d",
  "/etc/containers",
  "/etc/cron.allow",
  "/etc/cron.d",
  "/etc/cron.daily",
  "/etc/cron.deny",
  "/etc/cron.hourly",
  "/etc/cron.monthly",
  "/etc/cron.weekly",
  "/etc/cron.yearly",
  "/etc/crontab",
  "/etc/crypttab",
  "/etc/dbus-1",
  "/etc/dnf",
  "/etc/environment",
  "/etc/environment.d",
  "/etc/fstab",
  "/etc/group",
  "/etc/group-",
  "/etc/grub.d",
  "/etc/gshadow",
  "/etc/gshadow-",
  "/etc/hosts",
  "/etc/init.d",
  "/etc/initramfs-tools",
  "/etc/inittab",
  "/etc/kernel",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/ld.so.preload",
  "/etc/logrotate.d",
  "/etc/machine-id",
  "/etc/modprobe.d",
  "/etc/modules",
  "/etc/modules-load.d",
  "/etc/network",
  "/etc/nsswitch.conf",
  "/etc/pam.conf",
  "/etc/pam.d",
  "/etc/passwd",
  "/etc/passwd-",
  "/etc/polkit-1",
  "/etc/profile",
  "/etc/profile.d",
  "/etc/rc.local",
  "/etc/rc0.d",
  "/etc/rc1.d",
  "/etc/rc2.d",
  "/etc/rc3.d",
  "/etc/rc4.d",
  "/etc/rc5.d",
  "/etc/rc6.d",
  "/etc/rcS.d",
  "/etc/resolv.conf",
  "/etc/securetty",
  "/etc/security",
  "/etc/selinux",
  "/etc/shadow",
  "/etc/shadow-",
  "/etc/shells",
  "/etc/skel",
  "/etc/ssh",
  "/etc/subgid",
  "/etc/subuid",
  "/etc/sudo.conf",
  "/etc/sudoers",
  "/etc/sudoers.d",
  "/etc/sysctl.conf",
  "/etc/sysctl.d",
  "/etc/syscont",
  "/etc/systemd",
  "/etc/sysusers.d",
  "/etc/tmpfiles.d",
  "/etc/udev",
  "/etc/xdg/autostart",
  "/etc/xdg/systemd",
  "/etc/yum",
  "/etc/yum.repos.d",
  "/run/dbus",
  "/run/polkit-1",
  "/run/syscont",
  "/run/systemd",
  "/run/udev",
  "/run/user",
  "/usr/local/etc",
  "/usr/local/lib/systemd",
  "/usr/local/lib/tmpfiles.d",
  "/usr/local/share/dbus-1",
  "/usr/local/share/polkit-1",
  "/var/lib/AccountsService",
  "/var/lib/apt",
  "/var/lib/dbus",
  "/var/lib/dpkg",
  "/var/lib/pam",
  "/var/lib/polkit-1",
  "/var/lib/private",
  "/var/lib/rpm",
  "/var/lib/sudo",
  "/var/lib/systemd",
  "/var/log/audit",
  "/var/log/journal",
  "/var/spool/at",
  "/var/spool/cron",
};

/* The same of directories that no line of tmpfiles.d reaches, but that an administrator might allow
 * for files by mistake. */
static const char *const never[] = {
  "/boot",
  "/dev",
  "/efi",
  "/lib/modules",
  "/lib/systemd",
  "/lib/udev",
  "/ostree",
  "/proc",
  "/run",
  "/sys",
  "/sysroot",
  "/usr/lib/binfmt.d",
  "/usr/lib/environment.d",
  "/usr/lib/kernel",
  "/usr/lib/modprobe.d",
  "/usr/lib/modules",
  "/usr/lib/modules-load.d",
  "/usr/lib/polkit-1",
  "/usr/lib/sysctl.d",
  "/usr/lib/systemd",
  "/usr/lib/sysusers.d",
  "/usr/lib/tmpfiles.d",
  "/usr/lib/udev",
  "/usr/share/dbus-1",
  "/usr/share/polkit-1",
  "/var/lock",
  "/var/run",
};

gboolean
sc_text_has_control (const char *text, const char *except)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      gboolean is_control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
      gboolean is_excepted = c < 0x80 && except != NULL && strchr (except, (int)c) != NULL;
      if (is_control && !is_excepted)
        return TRUE;
    }
  return FALSE;
}

char *
sc_host_path_clean (const char *path)
{
  if (path[0] != '/' || !g_utf8_validate (path, -1, NULL) || sc_text_has_control (path, NULL))
    return NULL;

  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  g_autoptr (GString) clean = g_string_new (NULL);
  for (char **part = parts; *part != NULL; part++)
    {
      if (g_str_equal (*part, "..") || strlen (*part) > 255)
        return NULL;
      if (**part != '\0' && !g_str_equal (*part, "."))
        g_string_append_printf (clean, "/%s", *part);
    }
  if (clean->len == 0)
    g_string_append_c (clean, '/');
  if (clean->len >= 4096)
    return NULL;
  return g_string_free (g_steal_pointer (&clean), FALSE);
}

gboolean
sc_host_path_is_below (const char *path, const char *parent)
{
  gsize length = strlen (parent);
  if (g_str_equal (parent, "/"))
    return TRUE;
  return strncmp (path, parent, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

const char *
sc_host_path_strip_root (const ScPaths *paths, const char *path)
{
  gsize length = strlen (paths->root);
  if (length == 0 || strncmp (path, paths->root, length) != 0 || path[length] != '/')
    return path;
  return path + length;
}

char *
sc_host_path_resolve_legacy (const char *path)
{
  if (sc_host_path_is_below (path, "/var/run"))
    return g_strconcat ("/run", path + strlen ("/var/run"), NULL);
  if (sc_host_path_is_below (path, "/var/lock"))
    return g_strconcat ("/run/lock", path + strlen ("/var/lock"), NULL);
  return g_strdup (path);
}

static ScHostPathClass
classify_against (const char *path, const char *fixed, ScHostPathClass so_far)
{
  if (sc_host_path_is_below (path, fixed))
    return SC_HOST_PATH_REFUSED;
  if (sc_host_path_is_below (fixed, path))
    return MIN (so_far, SC_HOST_PATH_SHARED);
  return so_far;
}

static ScHostPathClass
classify_critical (const ScPaths *paths, const char *path, ScHostPathClass result)
{
  const char *own[] = { paths->checkout, paths->repository, paths->state, paths->runtime };

  for (guint i = 0; i < G_N_ELEMENTS (own); i++)
    result = classify_against (path, sc_host_path_strip_root (paths, own[i]), result);
  for (guint i = 0; i < G_N_ELEMENTS (critical); i++)
    result = classify_against (path, critical[i], result);
  return result;
}

static ScHostPathClass
classify_prefix (const char *path, const char *prefix, ScHostPathClass so_far)
{
  if (g_str_equal (path, prefix))
    return MAX (so_far, SC_HOST_PATH_SHARED);
  return sc_host_path_is_below (path, prefix) ? SC_HOST_PATH_ALLOWED : so_far;
}

ScHostPathClass
sc_host_path_classify (const ScHostPathPolicy *policy, const char *path)
{
  ScHostPathClass result = SC_HOST_PATH_REFUSED;

  for (guint i = 0; i < G_N_ELEMENTS (service_dirs); i++)
    result = classify_prefix (path, service_dirs[i], result);
  for (guint i = 0; policy->prefixes[i] != NULL; i++)
    result = classify_prefix (path, policy->prefixes[i], result);
  return classify_critical (policy->paths, path, result);
}

static ScHostPathClass
classify_file (const ScPaths *paths, const char *path)
{
  ScHostPathClass result = classify_critical (paths, path, SC_HOST_PATH_ALLOWED);

  for (guint i = 0; i < G_N_ELEMENTS (never); i++)
    result = classify_against (path, never[i], result);
  return result;
}

gboolean
sc_host_path_is_critical (const ScPaths *paths, const char *path)
{
  return classify_file (paths, path) == SC_HOST_PATH_REFUSED;
}

static gboolean
is_extra (const ScHostPathPolicy *policy, const char *path)
{
  for (guint i = 0; policy->extra != NULL && policy->extra[i] != NULL; i++)
    if (sc_host_path_is_below (path, policy->extra[i]))
      return TRUE;
  return FALSE;
}

gboolean
sc_host_path_check_file (const ScHostPathPolicy *policy,
                         const char *path,
                         gboolean is_directory,
                         GError **error)
{
  ScHostPathClass class = classify_file (policy->paths, path);
  g_autofree char *shown = sc_text_escape (path);

  if (class == SC_HOST_PATH_REFUSED || (class == SC_HOST_PATH_SHARED && !is_directory))
    return sc_error_set (error, SYSCONT_ERROR_HOST_PATH_REFUSED,
                         "no image may install \"%s\": the host itself depends on what is there",
                         shown);

  for (guint i = 0; policy->prefixes[i] != NULL; i++)
    if (classify_prefix (path, policy->prefixes[i], SC_HOST_PATH_REFUSED)
        >= (is_directory ? SC_HOST_PATH_SHARED : SC_HOST_PATH_ALLOWED))
      return TRUE;
  return is_extra (policy, path)
         || sc_error_set (error, SYSCONT_ERROR_HOST_PATH_REFUSED,
                          "the image installs \"%s\", which is in none of the directories of "
                          "AllowedPrefixes= in [HostFiles]; allow it for this container with "
                          "--allow-host-path=%s",
                          shown, shown);
}

gboolean
sc_host_path_check_link (const ScHostPathPolicy *policy,
                         const char *path,
                         const char *target,
                         GError **error)
{
  g_autofree char *shown = sc_text_escape (target);
  g_autofree char *directory = g_path_get_dirname (path);

  if (target[0] == '\0' || !g_utf8_validate (target, -1, NULL)
      || sc_text_has_control (target, NULL))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "the symbolic link leads to \"%s\", which is no path", shown);

  g_autofree char *absolute = g_canonicalize_filename (target, directory);
  g_autofree char *clean = sc_host_path_clean (absolute);
  if (clean != NULL
      && classify_critical (policy->paths, clean, SC_HOST_PATH_ALLOWED) != SC_HOST_PATH_REFUSED)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_HOST_PATH_REFUSED,
                       "the symbolic link leads to \"%s\", which the host itself depends on",
                       shown);
}
