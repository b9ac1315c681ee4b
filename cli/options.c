/* options.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli/command.h"
#include "cli/help.h"
#include "cli/options.h"
#include "run/launcher.h"
#include "run/message.h"

/* The command line being parsed. */
struct parser {
    const char *command;
    struct fb_option *table;
    int argc;
    char **argv;
    int next; /* index of the next argument */
};

void fb_text_list_release(struct fb_text_list *list)
{
    free(list->texts);
    *list = (struct fb_text_list){ 0 };
}

int fb_in_words(const char *words, const char *name, size_t length, int prefix)
{
    for (const char *p = words; p && *p; p = fb_next_word(p)) {
        size_t word = strcspn(p, " ");
        if (word >= length && strncmp(p, name, length) == 0 && (prefix || word == length))
            return 1;
    }
    return 0;
}

/* The reference's option with this prefix; NULL if there is none, or more than one. */
static struct fb_option *find_old(const struct parser *p, const char *name, size_t length)
{
    struct fb_option *found = NULL;
    for (struct fb_option *o = p->table; !fb_option_is_end(o); o++) {
        if (!o->old || strcspn(o->names, " ") < length || strncmp(o->names, name, length) != 0)
            continue;
        if (found)
            return NULL;
        found = o;
    }
    return found;
}

/* Print the error for an unknown option, with a suggestion. */
static void print_unknown(const struct parser *p, const char *given, size_t length)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (const struct fb_option *o = p->table; !fb_option_is_end(o); o++)
        for (const char *known = o->names; known && *known; known = fb_next_word(known))
            if (fb_is_nearer(given, length, known, strcspn(known, " "), &best))
                nearest = known;
    if (nearest)
        fb_print_error(p->command, "unknown option %.*s: did you mean %.*s? (--help lists all)", (int)length,
                       given, (int)strcspn(nearest, " "), nearest);
    else
        fb_print_error(p->command, "unknown option %.*s (--help lists them)", (int)length, given);
}

/* The option with a long name, or an unambiguous prefix of one; NULL after printing an error. */
static struct fb_option *find_long(const struct parser *p, const char *name, size_t length)
{
    struct fb_option *found = NULL;
    for (struct fb_option *o = p->table; !fb_option_is_end(o); o++)
        if (fb_in_words(o->names, name, length, 0))
            return o;
    found = find_old(p, name, length);
    if (found)
        return found;
    for (struct fb_option *o = p->table; !fb_option_is_end(o); o++) {
        if (!fb_in_words(o->names, name, length, 1))
            continue;
        if (found) {
            fb_print_error(p->command, "option %.*s: could be %s or %s", (int)length, name, found->names,
                           o->names);
            return NULL;
        }
        found = o;
    }
    if (!found)
        print_unknown(p, name, length);
    return found;
}

static struct fb_option *find_short(const struct parser *p, const char *name, size_t length)
{
    for (struct fb_option *o = p->table; !fb_option_is_end(o); o++)
        if (fb_in_words(o->short_names, name, length, 0))
            return o;
    return NULL;
}

static const char *option_name(const struct fb_option *o, char *buffer, size_t size)
{
    const char *names = o->names ? o->names : o->short_names;
    if (!names)
        return o->metavar;
    snprintf(buffer, size, "%.*s", (int)strcspn(names, " "), names);
    return buffer;
}

static int bad_value(const struct parser *p, const struct fb_option *o, const char *expected,
                     const char *value)
{
    char name[64];
    fb_print_error(p->command, "option %s: expected %s, found '%s'", option_name(o, name, sizeof name),
                   expected, value);
    return -1;
}

/* ---- values ---- */

static int in_range(const struct fb_option *o, double value)
{
    return (o->min == 0 && o->max == 0) || (value >= o->min && value <= o->max);
}

static int bad_number(const struct parser *p, const struct fb_option *o, const char *what, const char *value)
{
    char expected[100];
    if (o->min == 0 && o->max == 0)
        snprintf(expected, sizeof expected, "%s", what);
    else
        snprintf(expected, sizeof expected, "%s from %.16g to %.16g", what, o->min, o->max);
    return bad_value(p, o, expected, value);
}

static int parse_whole(const char *text, size_t length, int64_t *value)
{
    char buffer[32], *end;
    if (length == 0 || length >= sizeof buffer || isspace((unsigned char)text[0]))
        return 0;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    errno = 0;
    *value = strtoll(buffer, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Bytes, as in 4096, 500M or 4G. */
static int parse_size(const char *text, int64_t *value)
{
    static const char units[] = "kKmMgGtT";
    size_t length = strlen(text);
    const char *unit = length > 0 ? strchr(units, text[length - 1]) : NULL;
    if (!unit)
        return parse_whole(text, length, value);
    int64_t factor = (int64_t)1024 << 10 * ((unit - units) / 2);
    return parse_whole(text, length - 1, value) && !__builtin_mul_overflow(*value, factor, value);
}

/* Parse numbers separated by commas or blanks, in one argument. */
static int parse_list(const struct parser *p, const struct fb_option *o, const char *text)
{
    static const char separators[] = ", \t";
    for (const char *q = text; *q;) {
        size_t length = strcspn(q, separators);
        int64_t value;
        if (length > 0) {
            if (!parse_whole(q, length, &value) || !in_range(o, (double)value))
                return bad_number(p, o, "whole numbers", text);
            if (fb_id_list_add(o->value, value) != 0)
                return bad_value(p, o, "fewer numbers (out of memory)", text);
        }
        q += length;
        q += strspn(q, separators);
    }
    return 0;
}

/* Read numbers from a text file of any number of lines. */
static int parse_list_file(const struct parser *p, const struct fb_option *o, const char *path)
{
    char *line = NULL, name[64];
    size_t room = 0;
    int status = 0;
    FILE *file = fopen(path, "r");
    while (file && status == 0 && getline(&line, &room, file) >= 0) {
        line[strcspn(line, "#\r\n")] = '\0';
        status = parse_list(p, o, line);
    }
    if (!file || (status == 0 && ferror(file))) {
        fb_print_error(p->command, "option %s: %s: %s", option_name(o, name, sizeof name), path,
                       strerror(errno));
        status = -1;
    }
    free(line);
    if (file)
        fclose(file);
    return status;
}

static int parse_list_argument(const struct parser *p, const struct fb_option *o, const char *text)
{
    return text[0] == '@' ? parse_list_file(p, o, text + 1) : parse_list(p, o, text);
}

static int add_text(const struct parser *p, const struct fb_option *o, const char *text)
{
    struct fb_text_list *list = o->value;
    const char **grown = realloc(list->texts, (list->n + 1) * sizeof *grown);
    if (!grown)
        return bad_value(p, o, "fewer texts (out of memory)", text);
    list->texts = grown;
    list->texts[list->n++] = text;
    return 0;
}

static int set_value(const struct parser *p, struct fb_option *o, const char *text)
{
    int64_t whole;
    char *end;
    switch (o->kind) {
    case FB_OPT_INT:
    case FB_OPT_THREADS:
        if (!parse_whole(text, strlen(text), &whole) || !in_range(o, (double)whole))
            return bad_number(p, o, "a whole number", text);
        *(long *)o->value = o->kind == FB_OPT_THREADS && whole == 0 ? 1 : (long)whole;
        return 0;
    case FB_OPT_SIZE:
        if (!parse_size(text, &whole) || !in_range(o, (double)whole))
            return bad_number(p, o, "a number of bytes, as in 500M or 4G,", text);
        *(int64_t *)o->value = whole;
        return 0;
    case FB_OPT_FLOAT:
        *(double *)o->value = strtod(text, &end);
        if (end == text || *end != '\0' || !isfinite(*(double *)o->value) ||
            !in_range(o, *(double *)o->value))
            return bad_number(p, o, "a number", text);
        return 0;
    default:
        if (!*text)
            return bad_value(p, o, "a value", text);
        if (o->kind == FB_OPT_TEXTS)
            return add_text(p, o, text);
        *(const char **)o->value = text;
        return 0;
    }
}

/* Returns 1 or 0 for True or False in the spellings of scripts, -1 for anything else.
 * DEVIATION false-is-false: the reference takes any value for true. */
static int truth_of(const char *text)
{
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcmp(text, "1") == 0)
        return 1;
    if (strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0 || strcmp(text, "0") == 0)
        return 0;
    return -1;
}

static int set_flag(struct parser *p, struct fb_option *o, const char *attached)
{
    int truth = 1;
    if (attached) {
        truth = truth_of(attached);
        if (truth < 0)
            return bad_value(p, o, "True or False", attached);
    } else if (p->next < p->argc && truth_of(p->argv[p->next]) >= 0) {
        truth = truth_of(p->argv[p->next++]);
    }
    *(int *)o->value = truth;
    return 0;
}

/* Does an argument look like an option rather than a value? Numbers may be negative. */
static int is_option(const char *text)
{
    return text[0] == '-' && text[1] != '\0' && !isdigit((unsigned char)text[1]) && text[1] != '.';
}

enum { NOTHING_TO_DO = 1 }; /* in addition to 0 and -1 */

/* The values of a list option are the arguments that follow, up to the next option. */
static int take_list(struct parser *p, struct fb_option *o, const char *attached)
{
    struct fb_id_list *list = o->value;
    fb_id_list_release(list);
    if (attached && parse_list_argument(p, o, attached) != 0)
        return -1;
    while (p->next < p->argc && !is_option(p->argv[p->next]))
        if (parse_list_argument(p, o, p->argv[p->next++]) != 0)
            return -1;
    if (o->seen) {
        *o->seen = 1;
        return 0;
    }
    if (list->n == 0 && o->old && fb_is_old_name(p->argv[0])) { /* as in the reference */
        char name[64];
        fb_print_error(p->command, "option %s: the list is empty: there is nothing to do",
                       option_name(o, name, sizeof name));
        return NOTHING_TO_DO;
    }
    return list->n > 0 ? 0 : bad_value(p, o, "whole numbers", attached ? attached : "nothing");
}

static int take_value(struct parser *p, struct fb_option *o, const char *attached)
{
    o->given = 1;
    if (o->kind == FB_OPT_FLAG)
        return set_flag(p, o, attached);
    if (o->kind == FB_OPT_LIST)
        return take_list(p, o, attached);
    if (attached)
        return set_value(p, o, attached);
    if (p->next >= p->argc || is_option(p->argv[p->next]))
        return bad_value(p, o, "a value", p->next < p->argc ? p->argv[p->next] : "nothing");
    return set_value(p, o, p->argv[p->next++]);
}

/* ---- arguments ---- */

static int take_long(struct parser *p, const char *argument)
{
    const char *equals = strchr(argument, '=');
    size_t length = equals ? (size_t)(equals - argument) : strlen(argument);
    struct fb_option *o = find_long(p, argument, length);
    return o ? take_value(p, o, equals ? equals + 1 : NULL) : -1;
}

/* "-q", "-hp", "-qFILE", or combined single-letter flags, "-cv". */
static int take_short(struct parser *p, const char *argument)
{
    struct fb_option *o = find_short(p, argument, strcspn(argument, "="));
    if (o)
        return take_value(p, o, strchr(argument, '=') ? strchr(argument, '=') + 1 : NULL);
    for (const char *letter = argument + 1; *letter; letter++) {
        char name[3] = { '-', *letter, '\0' };
        o = find_short(p, name, 2);
        if (!o) {
            fb_print_error(p->command, "unknown option %s (--help lists them)", argument);
            return -1;
        }
        if (o->kind != FB_OPT_FLAG)
            return take_value(p, o, letter[1] ? letter + 1 : NULL);
        o->given = 1;
        *(int *)o->value = 1;
    }
    return 0;
}

static int take_positional(struct parser *p, const char *argument)
{
    for (struct fb_option *o = p->table; !fb_option_is_end(o); o++) {
        if (o->kind == FB_OPT_POSITIONAL && !o->given) {
            o->given = 1;
            return set_value(p, o, argument);
        }
    }
    fb_print_error(p->command, "unexpected argument '%s'", argument);
    return -1;
}

/* Check which options are given together. */
static int check_given(const struct parser *p)
{
    for (const struct fb_option *o = p->table; !fb_option_is_end(o); o++) {
        char name[64];
        if (o->required && !o->given) {
            fb_print_error(p->command, "option %s is required (--help explains it)",
                           option_name(o, name, sizeof name));
            return -1;
        }
        if (fb_quiet && o->given && o->names && /* it would leave out what these ask for */
            fb_in_words("--verbose --dry-run", o->names, strlen(o->names), 0)) {
            fb_print_error(p->command, "options --quiet and %s: expected only one of them", o->names);
            return -1;
        }
    }
    return 0;
}

/* ---- the command line ---- */

/* "--hel" is a prefix of --help, unless it is one of an option. */
static enum fb_help_format asks_for_help(const struct parser *p, const char *argument)
{
    size_t length = strlen(argument);
    if (fb_help_format(argument) != FB_HELP_NONE)
        return fb_help_format(argument);
    if (length < 3 || strncmp("--help", argument, length) != 0)
        return FB_HELP_NONE;
    for (const struct fb_option *o = p->table; !fb_option_is_end(o); o++)
        if (fb_in_words(o->names, argument, length, 1))
            return FB_HELP_NONE;
    return FB_HELP_TEXT;
}

static enum fb_options_outcome parse_arguments(struct parser p, const struct fb_command_help *help)
{
    while (p.next < p.argc) {
        const char *argument = p.argv[p.next++];
        int status;
        enum fb_help_format format = asks_for_help(&p, argument);
        if (format != FB_HELP_NONE) {
            fb_help_print(help, p.table, format);
            return FB_OPTIONS_STOP;
        }
        if (strcmp(argument, "--version") == 0) {
            fb_print_version();
            return FB_OPTIONS_STOP;
        }
        if (strncmp(argument, "--", 2) == 0 && argument[2])
            status = take_long(&p, argument);
        else if (is_option(argument))
            status = take_short(&p, argument);
        else
            status = take_positional(&p, argument);
        if (status != 0)
            return status == NOTHING_TO_DO ? FB_OPTIONS_STOP : FB_OPTIONS_BAD;
    }
    return check_given(&p) == 0 ? FB_OPTIONS_RUN : FB_OPTIONS_BAD;
}

/* The caller owns the lists only if the command runs. */
static enum fb_options_outcome release_unless_run(struct fb_option *table, enum fb_options_outcome outcome)
{
    for (struct fb_option *o = table; outcome != FB_OPTIONS_RUN && !fb_option_is_end(o); o++) {
        if (o->kind == FB_OPT_LIST)
            fb_id_list_release(o->value);
        else if (o->kind == FB_OPT_TEXTS)
            fb_text_list_release(o->value);
    }
    return outcome;
}

enum fb_options_outcome fb_options_parse(const struct fb_command_help *help, struct fb_option *table,
                                         int argc, char **argv)
{
    return release_unless_run(table,
                              parse_arguments((struct parser){ help->command, table, argc, argv, 1 }, help));
}

/* ---- several processes ---- */

enum fb_options_outcome fb_options_parse_writer(const struct fb_command_help *help, struct fb_option *table,
                                                int argc, char **argv)
{
    enum fb_options_outcome outcome = fb_options_parse(help, table, argc, argv);
    struct fb_launched launched = fb_launched();
    int mpi = 0;

    if (outcome != FB_OPTIONS_RUN || launched.size == 1)
        return outcome;
    for (const struct fb_option *o = table; !fb_option_is_end(o); o++) {
        if (o->several && o->given && (o->kind != FB_OPT_FLAG || *(const int *)o->value))
            return outcome;
        mpi |= o->several && o->kind == FB_OPT_FLAG;
    }
    if (launched.rank == 0)
        fb_print_error(
            help->command,
            "one of %ld processes started together (%s=%ld), which would all do the same: %sstart one",
            launched.size, launched.variable, launched.size, mpi ? "add --mpi, or " : "");
    fb_launched_wait_for_first(launched.rank);
    return release_unless_run(table, FB_OPTIONS_BAD);
}

int fb_check_sink(const char *output, const char *suffix, int clobber, const char *input, const char *other,
                  struct fb_error *err)
{
    return (input && fb_check_apart(output, input, err) != 0) ||
                   (other && fb_check_apart(output, other, err) != 0)
               ? -1
               : fb_check_output_or(output, suffix, fb_replacing(clobber), err);
}

/* ---- what ranks compare ---- */

/* A list: the numbers if they are few, else a hash (FNV-1a). */
static void describe_list(const char *name, const struct fb_id_list *list, struct fb_settings *settings)
{
    enum { FEW = 5 };
    char text[FEW * 24] = "";
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < list->n; i++) {
        size_t used = strlen(text);
        if (i < FEW)
            snprintf(text + used, sizeof text - used, "%s%" PRId64, i > 0 ? " " : "", list->ids[i]);
        for (int shift = 0; shift < 64; shift += 8)
            sum = (sum ^ ((uint64_t)list->ids[i] >> shift & 0xff)) * UINT64_C(0x100000001b3);
    }
    if (list->n > FEW)
        fb_settings_add(settings, name, "%zu numbers with the checksum %016" PRIx64, list->n, sum);
    else
        fb_settings_add(settings, name, "%s", list->n > 0 ? text : "not given");
}

static void describe_option(const struct fb_option *o, const char *name, struct fb_settings *settings)
{
    const char *text;
    switch (o->kind) {
    case FB_OPT_FLAG:
        fb_settings_add(settings, name, "%s", *(const int *)o->value ? "given" : "not given");
        break;
    case FB_OPT_STRING:
    case FB_OPT_POSITIONAL:
        text = *(const char *const *)o->value;
        fb_settings_add(settings, name, "%s", text ? text : "not given");
        break;
    case FB_OPT_INT:
    case FB_OPT_THREADS:
        if (*(const long *)o->value != 0)
            fb_settings_add(settings, name, "%ld", *(const long *)o->value);
        else
            fb_settings_add(settings, name, "not given");
        break;
    case FB_OPT_SIZE:
        fb_settings_add(settings, name, "%" PRId64 " bytes", *(const int64_t *)o->value);
        break;
    case FB_OPT_FLOAT:
        fb_settings_add(settings, name, "%.17g", *(const double *)o->value);
        break;
    case FB_OPT_TEXTS:
        for (size_t i = 0; i < ((const struct fb_text_list *)o->value)->n; i++)
            fb_settings_add(settings, name, "%s", ((const struct fb_text_list *)o->value)->texts[i]);
        break;
    case FB_OPT_LIST:
        if (o->seen)
            fb_settings_add(settings, name, "%s", *o->seen ? "given" : "not given");
        describe_list(name, o->value, settings);
        break;
    }
}

void fb_options_describe(const struct fb_option *table, struct fb_settings *settings)
{
    for (const struct fb_option *o = table; !fb_option_is_end(o); o++) {
        char name[64], text[80];
        snprintf(text, sizeof text, "option %s", option_name(o, name, sizeof name));
        if (!o->own)
            describe_option(o, text, settings);
    }
}
