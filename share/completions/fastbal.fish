# Completion of fastbal for fish: commands, options, and files. The program itself says which there are.
#
# SPDX-License-Identifier: BSD-3-Clause
complete -c fastbal -n __fish_use_subcommand -f -a '(fastbal --help=words 2>/dev/null)'
complete -c fastbal -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' \
    -a '(fastbal (commandline -opc)[2] --help=words 2>/dev/null)'
