/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The well-known strings that daemon and client share, each said once.
 */
#pragma once

#define SYSCONT_BUS_NAME            "org.syscont.Manager"
#define SYSCONT_ROOT_PATH           "/org/syscont"
#define SYSCONT_MANAGER_PATH        SYSCONT_ROOT_PATH "/Manager"
#define SYSCONT_CONTAINERS_PATH     SYSCONT_ROOT_PATH "/containers"
#define SYSCONT_IMAGES_PATH         SYSCONT_ROOT_PATH "/images"
#define SYSCONT_JOBS_PATH           SYSCONT_ROOT_PATH "/jobs"
#define SYSCONT_MANAGER_INTERFACE   "org.syscont.Manager"
#define SYSCONT_CONTAINER_INTERFACE "org.syscont.Container"
#define SYSCONT_IMAGE_INTERFACE     "org.syscont.Image"
#define SYSCONT_JOB_INTERFACE       "org.syscont.Job"

#define SYSCONT_API_VERSION 3
