/* baltables.c - SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "desi/baltables.h"
#include "fits/system.h"

/* The search below a folder. */
struct search {
    const char *root;
    struct fb_path_list *found, *failures;
    struct fb_error *err;
};

/* The parents of the current folder, to which a link may lead back. */
struct above {
    dev_t device;
    ino_t inode;
    const struct above *next;
};

void fb_path_list_release(struct fb_path_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct fb_path_list){ 0 };
}

int fb_path_list_add(struct fb_path_list *list, const char *path)
{
    char **grown = fb_grow(list->paths, &list->room, list->n + 1, sizeof *grown);
    if (!grown)
        return -1;
    list->paths = grown;
    list->paths[list->n] = strdup(path);
    return list->paths[list->n] ? (list->n++, 0) : -1;
}

static int ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Is this a BAL table? Unfinished files have a temporary name (fits/temporary.h). */
static int is_baltable(const char *name)
{
    return strncmp(name, "baltable-", 9) == 0 && !strstr(name, "_tmp") &&
           (ends_in(name, ".fits") || ends_in(name, ".fits.gz"));
}

static int out_of_memory(struct search *s)
{
    return fb_fail(s->err, "%s: out of memory", s->root);
}

static int look_into(struct search *s, const char *folder, const struct above *above);

/* folder is relative to the root; it is empty for the root itself */
static int look_at(struct search *s, const char *folder, const char *name, const struct above *above)
{
    char *path = fb_format("%s%s%s", folder, *folder ? "/" : "", name);
    int status = path ? 0 : out_of_memory(s);
    if (status == 0 && is_baltable(name))
        status = fb_path_list_add(s->found, path) == 0 ? 0 : out_of_memory(s);
    else if (status == 0)
        status = look_into(s, path, above);
    free(path);
    return status;
}

/* Record a folder that can't be read; the search continues. */
static int note_failure(struct search *s, const struct fb_error *why)
{
    return fb_path_list_add(s->failures, why->text) == 0 ? 0 : out_of_memory(s);
}

static int read_folder(struct search *s, const char *path, const char *folder, const struct above *above)
{
    struct fb_error why;
    DIR *directory = fb_open_folder(path, &why);
    struct dirent *entry;
    int status = 0;

    if (!directory)
        return note_failure(s, &why);
    for (errno = 0; status == 0 && (entry = readdir(directory)) != NULL; errno = 0) {
        const char *name = entry->d_name;
        int plain_file = 0;
#ifdef DT_REG
        plain_file = entry->d_type == DT_REG; /* if the system tells the type, other files need no stat() */
#endif
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && (!plain_file || is_baltable(name)))
            status = look_at(s, folder, name, above);
    }
    if (status == 0 && errno != 0) {
        fb_fail(&why, "%s: %s", path, strerror(errno));
        status = note_failure(s, &why);
    }
    closedir(directory);
    return status;
}

static int look_into(struct search *s, const char *folder, const struct above *above)
{
    char *path = fb_format("%s%s%s", s->root, *folder ? "/" : "", folder);
    struct stat info;
    struct fb_error why;
    int status = path ? 0 : out_of_memory(s), leads_back = 0,
        there = path ? fb_look_at(path, &info, &why) : 0;

    if (there < 0)
        status = note_failure(s, &why);
    else if (there && S_ISDIR(info.st_mode)) {
        struct above here = { info.st_dev, info.st_ino, above };
        for (; above && !leads_back; above = above->next)
            leads_back = above->device == info.st_dev && above->inode == info.st_ino;
        if (!leads_back)
            status = read_folder(s, path, folder, &here);
    }
    free(path);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int fb_baltables_find(const char *root, struct fb_path_list *found, struct fb_path_list *failures,
                      struct fb_error *err)
{
    struct search s = { root, found, failures, err };
    DIR *directory = fb_open_folder(root, err);
    if (!directory)
        return -1;
    closedir(directory);
    if (look_into(&s, "", NULL) != 0)
        return -1;
    if (found->n > 0)
        qsort(found->paths, found->n, sizeof *found->paths, compare_paths);
    return 0;
}
