/* folder_names.c - SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desi/folder_names.h"
#include "fits/system.h"

enum { MOST_NAMES = 10, COUNT_ROOM = 32 }; /* COUNT_ROOM: bytes for " and N more" */

static void add(struct fb_names *names, const char *prefix, const char *name)
{
    size_t used = strlen(names->text), room = sizeof names->text - COUNT_ROOM - used;
    size_t length = strlen(prefix) + strlen(name) + sizeof ", /";
    int complete = names->shown == names->n++;
    if (!complete || names->shown == MOST_NAMES || length > room)
        return;
    snprintf(names->text + used, room, "%s%s%s%s", used ? ", " : "", prefix, *prefix ? "/" : "", name);
    names->shown++;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

void fb_names_in(struct fb_names *names, const char *folder, const char *prefix)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_visible, alphasort);
    for (int i = 0; i < n; i++) {
        add(names, prefix, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

void fb_names_below(struct fb_names *names, const char *folder, const char *prefix)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_visible, alphasort);
    for (int i = 0; i < n; i++) {
        char *inner = fb_format("%s/%s", folder, entries[i]->d_name);
        char *inner_prefix = fb_format("%s/%s", prefix, entries[i]->d_name);
        if (inner && inner_prefix)
            fb_names_in(names, inner, inner_prefix);
        free(inner);
        free(inner_prefix);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

const char *fb_names_text(struct fb_names *names)
{
    size_t used = strlen(names->text);
    if (names->n == 0)
        return "nothing";
    if (names->shown < names->n)
        snprintf(names->text + used, sizeof names->text - used, "%s%zu more", used ? " and " : "",
                 names->n - names->shown);
    return names->text;
}
