/* SPDX-License-Identifier: Apache-2.0 */
/* The completion scripts of the shells: each hands the words to the command, and its candidates to the shell. */
#include <stdio.h>
#include <string.h>

#include "tools/sealring/completion/completion.h"

static const char bash_script[] =
    "# Completion of sealring(1) for bash, printed by `sealring help --completion bash`.\n"
    "# shellcheck shell=bash\n"
    "_sealring() {\n"
    "    local IFS=$'\\n' current=${COMP_WORDS[COMP_CWORD]} candidates word\n"
    "    candidates=$(printf '%s\\n' \"${COMP_WORDS[@]:1:COMP_CWORD}\" | sealring help --completion candidates 2>/dev/null)\n"
    "    [[ $current == '=' ]] && current='' # of --option=, which bash makes two words of\n"
    "    case $candidates in\n"
    "    :directory) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
    "    :file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
    "    :*) COMPREPLY=() ;;\n"
    "    *) COMPREPLY=() # not by compgen -W, which expands the words\n"
    "        while IFS=$'\\t' read -r word _; do\n"
    "            [[ -z $word || $word != \"$current\"* ]] || COMPREPLY+=(\"$word\")\n"
    "        done <<<\"$candidates\" ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _sealring sealring\n";

static const char fish_script[] =
    "# Completion of sealring(1) for fish, printed by `sealring help --completion fish`.\n"
    "function __sealring_candidates\n"
    "    set -l words (commandline -opc)[2..-1]\n"
    "    set -l current (commandline -ct)\n"
    "    set -l option ''\n"
    "    if string match -q -- '--*=*' \"$current\"\n"
    "        set option (string replace -r '=.*' = -- $current)\n"
    "        set -a words (string trim -r -c = -- $option)\n"
    "        set current (string replace -r '^[^=]*=' '' -- $current)\n"
    "    end\n"
    "    set -l candidates (printf '%s\\n' $words \"$current\" | sealring help --completion candidates 2>/dev/null)\n"
    "    switch \"$candidates[1]\"\n"
    "        case :directory\n"
    "            printf '%s\\n' $option(__fish_complete_directories \"$current\")\n"
    "        case :file\n"
    "            printf '%s\\n' $option(__fish_complete_path \"$current\")\n"
    "        case ':*' ''\n"
    "        case '*'\n"
    "            printf '%s\\n' $option$candidates\n"
    "    end\n"
    "end\n"
    "complete -c sealring -f -a '(__sealring_candidates)'\n";

static const char zsh_script[] =
    "#compdef sealring\n"
    "# Completion of sealring(1) for zsh, printed by `sealring help --completion zsh`.\n"
    "_sealring() {\n"
    "    local -a before=(\"${(@Q)words[2,CURRENT-1]}\") candidates\n"
    "    [[ $PREFIX == --*=* ]] && before+=(${PREFIX%%=*}) && compset -P 1 '*='\n"
    "    candidates=(${(f)\"$(print -rl -- $before \"$PREFIX\" | sealring help --completion candidates 2>/dev/null)\"})\n"
    "    case $candidates[1] in\n"
    "    :directory) _files -/ ;;\n"
    "    :file) _files ;;\n"
    "    :*) _message \"${candidates[1]#:}\" ;;\n"
    "    *)\n"
    "        candidates=(\"${(@)${(@)${(@)candidates//\\\\/\\\\\\\\}//:/\\\\:}/$'\\t'/:}\")\n"
    "        [[ $PREFIX == -* ]] && _describe -o option candidates || _describe word candidates ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_sealring \"$@\"\n";

bool completion_print(const char *shell)
{
    static const struct {
        const char *shell;
        const char *script;
    } scripts[] = {{"bash", bash_script}, {"fish", fish_script}, {"zsh", zsh_script}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (strcmp(scripts[i].shell, shell) == 0)
            return fputs(scripts[i].script, stdout) != EOF;
    return false;
}
