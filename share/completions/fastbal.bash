# Completion of fastbal for bash: commands, options, and files. The program itself says which there are.
#
# SPDX-License-Identifier: BSD-3-Clause
_fastbal() {
    local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} words
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$("$program" --help=words 2>/dev/null | cut -f 1)
    elif [[ $word == -* ]]; then
        words=$("$program" "${COMP_WORDS[1]}" --help=words 2>/dev/null | cut -f 1)
    fi
    COMPREPLY=()
    [ -z "${words:-}" ] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _fastbal fastbal
