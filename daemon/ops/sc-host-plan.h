/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What has to change on the host so that it has the files of an image, and what must not: decided
 * from what the image wants, what the records of containers say and what was found, without looking
 * at anything itself. An installation, an update, a removal and a plan differ only in what they put
 * in.
 */
#pragma once

#include "deploy/sc-host-files.h"
#include "deploy/sc-host-record.h"

/** ScHostOwner: another container and what it has on the host */
typedef struct
{
  char *name;           /* (owned) */
  ScHostRecord *record; /* (owned) */
} ScHostOwner;

/** ScHostFacts: everything is lent */
typedef struct
{
  const ScHostFiles *wanted; /* (nullable) nothing, for a removal */
  const ScHostRecord *own;   /* (nullable) of the container's current deployment */
  GPtrArray *others;         /* of ScHostOwner */
  /* path to ScHostEntry: of every path that is wanted, and of all directories above it, and of every
   * path in the own record */
  GHashTable *found;
  GHashTable *obstacles; /* path to char*: what is no directory above a path */
} ScHostFacts;

/** ScHostChange: one path; removals come first, deeper ones before what they are in */
typedef struct
{
  ScHostEntry *old; /* (owned) (nullable) what is there; NULL for nothing */
  ScHostEntry *new; /* (owned) (nullable) what shall be there; NULL for nothing */
  GBytes *text;     /* (owned) (nullable) content of a new file, or */
  char *object;     /* (owned) (nullable) where it is stored */
} ScHostChange;

/** ScHostConflict: why an image cannot have what it wants */
typedef struct
{
  char *path;      /* (owned) */
  char *obstacle;  /* (owned) (nullable) what is no directory above it */
  char *container; /* (owned) (nullable) that has something there */
} ScHostConflict;

typedef struct
{
  GPtrArray *changes;   /* (owned) of ScHostChange, in the order in which to make them */
  ScHostRecord *record; /* (owned) what the deployment answers for from then on */
  GPtrArray *conflicts; /* (owned) of ScHostConflict */
  GPtrArray *notes;     /* (owned) of char*: what stays as it is, and why */
} ScHostPlan;

/** sc_host_plan_new: never fails; with conflicts it must not be carried out */
ScHostPlan *sc_host_plan_new (const ScHostFacts *facts);
void sc_host_plan_free (ScHostPlan *self);

/** sc_host_plan_answers_same: whether both have the same record */
gboolean sc_host_plan_answers_same (const ScHostPlan *a, const ScHostPlan *b);

ScHostChange *sc_host_change_new (const ScHostEntry *old, const ScHostEntry *new);
void sc_host_change_free (ScHostChange *self);
void sc_host_owner_free (ScHostOwner *self);

/** sc_host_change_path: (transfer none) */
const char *sc_host_change_path (const ScHostChange *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHostPlan, sc_host_plan_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHostChange, sc_host_change_free)
