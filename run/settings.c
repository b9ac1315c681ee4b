/* settings.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "run/settings.h"
#include "fastbal.h"

void fb_settings_add(struct fb_settings *settings, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t name_size = strlen(name) + 1, size = settings->size + name_size + (size_t)length + 1;
    char *text = length >= 0 ? realloc(settings->text, size) : NULL;
    if (!text) {
        settings->failed = 1;
        return;
    }
    memcpy(text + settings->size, name, name_size);
    va_start(arguments, format);
    vsnprintf(text + settings->size + name_size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    settings->text = text;
    settings->size = size;
}

void fb_settings_add_path(struct fb_settings *settings, const char *name, const char *path)
{
    char here[4096] = "";
    if (path && path[0] != '/' && !getcwd(here, sizeof here))
        here[0] = '\0';
    fb_settings_add(settings, name, "%s%s%s", here, here[0] ? "/" : "", path ? path : "not given");
}

void fb_settings_start(struct fb_settings *settings, const char *command)
{
    const uint16_t one = 1;

    fb_settings_add(settings, "the program's version", "%s", fastbal_version());
    fb_settings_add(settings, "the command", "%s", command);
    fb_settings_add(settings, "the byte order", "%s",
                    *(const unsigned char *)&one ? "little-endian" : "big-endian");
}

void fb_settings_release(struct fb_settings *settings)
{
    free(settings->text);
    *settings = (struct fb_settings){ 0 };
}

/* Find the name and value at an offset; both are NULL at the end of the list. Returns the offset after
 * them. */
static size_t next(const struct fb_settings *settings, size_t offset, const char **name, const char **value)
{
    *name = *value = NULL;
    if (offset >= settings->size)
        return offset;
    *name = settings->text + offset;
    *value = *name + strlen(*name) + 1;
    return offset + (size_t)(*value - *name) + strlen(*value) + 1;
}

int fb_settings_compare(const struct fb_settings *mine, const struct fb_settings *of_rank_0,
                        struct fb_error *err)
{
    const char *name, *value, *name_0, *value_0;
    size_t offset = 0, offset_0 = 0;
    do {
        offset = next(mine, offset, &name, &value);
        offset_0 = next(of_rank_0, offset_0, &name_0, &value_0);
        if (name && name_0 && strcmp(name, name_0) == 0 && strcmp(value, value_0) == 0)
            continue;
        if (name && (!name_0 || strcmp(name, name_0) != 0))
            return fb_fail(err, "%s is %.400s, on rank 0 there is no such setting", name, value);
        if (name_0)
            return fb_fail(err, "%s is %.400s, on rank 0 %.400s", name_0, value ? value : "unknown", value_0);
    } while (name);
    return 0;
}
