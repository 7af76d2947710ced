/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-platform.h"

#include "base/sc-error-util.h"

#include <string.h>
#include <sys/utsname.h>

/* uname(2)'s machine in Go's names. */
static const struct
{
  const char *machine;
  const char *architecture;
  const char *variant;
} machines[] = {
  { "x86_64", "amd64", NULL },    { "aarch64", "arm64", "v8" },
  { "armv7l", "arm", "v7" },      { "armv6l", "arm", "v6" },
  { "armv8l", "arm", "v8" },      { "i686", "386", NULL },
  { "i586", "386", NULL },        { "i386", "386", NULL },
  { "ppc64le", "ppc64le", NULL }, { "s390x", "s390x", NULL },
  { "riscv64", "riscv64", NULL }, { "loongarch64", "loong64", NULL },
  { "mips64", "mips64le", NULL },
};

ScPlatform *
sc_platform_new (const char *os, const char *architecture, const char *variant)
{
  ScPlatform *self = g_new0 (ScPlatform, 1);

  self->os = g_strdup (os);
  self->architecture = g_strdup (architecture);
  self->variant = variant != NULL && variant[0] != '\0' ? g_strdup (variant) : NULL;
  return self;
}

void
sc_platform_free (ScPlatform *self)
{
  g_free (self->os);
  g_free (self->architecture);
  g_free (self->variant);
  g_free (self);
}

static gboolean
is_word (const char *text)
{
  return text[0] != '\0' && strlen (text) <= 64
         && strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen (text);
}

ScPlatform *
sc_platform_parse (const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", 4);
  guint n = g_strv_length (parts);
  gboolean valid = n == 2 || n == 3;

  for (guint i = 0; valid && i < n; i++)
    valid = is_word (parts[i]);
  if (valid)
    return sc_platform_new (parts[0], parts[1], n == 3 ? parts[2] : NULL);

  g_autofree char *escaped = sc_text_escape (text);
  sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                "\"%s\" is no platform: write OS/ARCH or OS/ARCH/VARIANT, e.g. linux/arm64",
                escaped);
  return NULL;
}

ScPlatform *
sc_platform_host (void)
{
  struct utsname host;

  uname (&host);
  for (gsize i = 0; i < G_N_ELEMENTS (machines); i++)
    if (strcmp (machines[i].machine, host.machine) == 0)
      return sc_platform_new ("linux", machines[i].architecture, machines[i].variant);
  return sc_platform_new ("linux", host.machine, NULL);
}

char *
sc_platform_to_text (const ScPlatform *self)
{
  return g_strjoin ("/", self->os, self->architecture, self->variant, NULL);
}

/* "v7" is 7; what is no such variant is 0. */
static guint
variant_level (const char *variant)
{
  return variant != NULL && variant[0] == 'v' && g_ascii_isdigit (variant[1]) && variant[2] == '\0'
             ? (guint)(variant[1] - '0')
             : 0;
}

/* image-index.md, "Platform Variants": arm without a variant is v7, arm64 is v8. */
static const char *
implied_variant (const ScPlatform *self)
{
  if (self->variant != NULL)
    return self->variant;
  if (strcmp (self->architecture, "arm64") == 0)
    return "v8";
  return strcmp (self->architecture, "arm") == 0 ? "v7" : NULL;
}

guint
sc_platform_rank (const ScPlatform *want, const ScPlatform *have)
{
  if (strcmp (want->os, have->os) != 0 || strcmp (want->architecture, have->architecture) != 0)
    return 0;

  const char *want_variant = implied_variant (want);
  const char *have_variant = implied_variant (have);
  if (g_strcmp0 (want_variant, have_variant) == 0)
    return have->variant != NULL || want->variant == NULL ? 100 : 99;
  if (have->variant == NULL)
    return 1;

  /* A higher level runs what was built for a lower one. Without a wanted variant the most basic one
   * is safe. */
  guint want_level = variant_level (want_variant);
  guint have_level = variant_level (have_variant);
  if (want_level == 0)
    return have_level == 1 ? 50 : 0;
  return have_level > 0 && have_level < want_level ? 10 + have_level : 0;
}
