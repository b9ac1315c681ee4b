/* yardstick.h - SPDX-License-Identifier: BSD-3-Clause */
#ifndef YARDSTICK_H
#define YARDSTICK_H

struct yardstick *yardstick_create(void); /* NULL if out of memory; free() it */
void yardstick_run(struct yardstick *y);  /* sum the equations once */

#endif
