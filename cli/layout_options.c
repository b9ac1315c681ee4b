/* layout_options.c - SPDX-License-Identifier: BSD-3-Clause */
#include "cli/command.h"
#include "cli/layout_options.h"
#include "run/message.h"

void fb_layout_old_default(const char *command, const char *called, const char *release,
                           struct fb_layout_options *o)
{
    if (!fb_is_old_name(called) || o->release || o->tree || o->mock)
        return;
    o->release = release;
    fb_print_error(command, "option --release was not given: %s, the default of the program of this name",
                   release);
}

void fb_layout_describe(const struct fb_layout *layout, struct fb_settings *settings)
{
    fb_settings_add_path(settings, "the tree of spectra", layout->root);
    fb_settings_add(settings, "the scheme of the tree", "%s", fb_scheme_name(layout->tree.scheme));
    fb_settings_add(settings, "the nside of the tree", "%ld", layout->tree.nside);
}
