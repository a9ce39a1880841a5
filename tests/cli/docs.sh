#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Man pages, completions and Markdown say what is there, all of it and nothing else; then made-up errors are noticed.
# shellcheck disable=SC2016,SC2317 # filters in quotes; checks that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
docs=$here/docs.pl
for name in perl mandoc zsh fish bash; do
    command -v $name >/dev/null || bail_out "$name is missing: sh tools/packages.sh test"
done
common='["vault", "json", "take-over", "trust-clock", "pin-source", "help"]'
# init has a --pin-source of its own
own='def own: .command as $c | .options[] | select((.name | IN($common[]) | not) or ($c == "init" and .name == "pin-source"));
    def shared: .command as $c | .options[] | select((.name | IN($common[], "dry-run")) and ($c != "init" or .name != "pin-source"));'
: >"$work/out"
: >"$work/err"

mkdir "$work/bin"
ln -s "$SEALRING" "$work/bin/sealring"
PATH=$work/bin:$PATH # what completion scripts call

# ---- what the checks read: a tree, and in it the command's own table ----

gather() { # TREE
    mkdir -p "$1/completions"
    cp -R "$top_srcdir/docs" "$top_srcdir/include" "$top_srcdir/src" "$1"
    cp "$top_srcdir"/*.md "$1"
    chmod -R u+w "$1"
    for entry in "$top_srcdir"/*; do # what Markdown links to
        [ -e "$1/${entry##*/}" ] || ln -s "$entry" "$1"
    done
    for shell in bash fish zsh; do
        "$SEALRING" help --completion $shell >"$1/completions/$shell" || bail_out "no completion for $shell"
    done
    "$SEALRING" help --json >"$1/table" || bail_out "no table"
}

# Two lists must be the same; < stands before what is missing in the second, > before what should not be there.
same() { # WANTED FOUND
    sort "$1" >"$work/wanted"
    sort "$2" >"$work/found"
    [ -s "$work/wanted" ] || echo "nothing to compare with"
    diff "$work/wanted" "$work/found"
}

mkdir "$work/answers"
table() { # FILTER: of the command's table; jq takes long, and is asked the same of the same table once
    answer=$work/answers/$({ printf '%s' "$1"; cat "$tree/table"; } | cksum | tr ' ' -)
    [ -e "$answer" ] || jq -r --argjson common "$common" "$own .commands[] | $1" "$tree/table" >"$answer"
    cat "$answer"
}

# What each command prints for --help, after its name and a colon: the program is the same for all trees.
"$SEALRING" help --json | jq -r '.commands[].command' | while IFS= read -r command; do
    # shellcheck disable=SC2086 # one word or two
    "$SEALRING" $command --help </dev/null | sed "s/^/$command:/"
done >"$work/helps"

# ---- the checks: each prints what is wrong in $tree ----

# Every command has a page of its name, or of its first word; and no page names another.
pages_of_commands() {
    { echo sealring; table '"sealring-" + (.command | split(" ")[0])'; } | sort -u | sed 's/$/.1/' >"$work/a"
    perl "$docs" names "$tree"/docs/man/*.1 | cut -d ' ' -f 1 | grep -v '^sealring-version.1$' >"$work/b"
    same "$work/a" "$work/b"
}

usage_of_commands() {
    table '.command as $c
        | (own | "\($c)|--\(.name)|\(.value // "")"),
          (.arguments[] | if .optional then "\($c)|[\(.name)]" else "\($c)|\(.name)" end),
          "\($c)|common options"' >"$work/a"
    perl "$docs" synopsis "$tree"/docs/man/*.1 >"$work/b"
    same "$work/a" "$work/b"
}

options_of_commands() {
    table '.command as $c | own | select(.name != "dry-run")
        | "\($c)|--\(.name)|\(.value // "")"' >"$work/a"
    perl "$docs" descriptions "$tree"/docs/man/*.1 >"$work/b"
    same "$work/a" "$work/b"
}

# Those that every command has, on each page and together in sealring(1).
common_options() {
    perl "$docs" names "$tree"/docs/man/*.1 | sed 's/^sealring-//; s/\.1 / /' >"$work/names"
    table '(.command | split(" ")[0]) as $c | shared
        | "\($c) |--\(.name)|\(.value // "")"' | awk '
        NR == FNR { pages[$1] = pages[$1] " " $2; next }
        {
            option = substr($0, index($0, " ") + 1)
            count = split("sealring.1" pages[$1], page, " ")
            for (i = 1; i <= count; i++)
                print page[i] option
        }
        END { print "sealring.1|--version|" }' "$work/names" - | sort -u >"$work/a"
    perl "$docs" common "$tree"/docs/man/*.1 | sort -u >"$work/b"
    same "$work/a" "$work/b"
}

# A value is taken or not, whatever the command: the completions rely on it.
consistent_options() {
    table '.options[] | "\(.name) \(.kind == "flag")"' | sort -u | cut -d ' ' -f 1 | uniq -d
}

# What --help shows is what the table says.
help_texts() {
    table '.command as $c | .options[] | "\($c):  --\(.name)" + if .value then " \(.value)" else "" end' >"$work/a"
    sed -n 's/^\([^:]*:  --[a-z0-9-]*\( [^ ]\{1,\}\)\{0,1\}\).*/\1/p' "$work/helps" >"$work/b"
    same "$work/a" "$work/b"
}

pages_of_functions() {
    sed -n 's/^\t\(sealring_[a-z_0-9]*\);$/\1.3/p' "$tree/src/libsealring.map" "$tree/src/libsealring-manage.map" \
        "$tree/client/libsealring-client/libsealring-client.map" >"$work/a"
    perl "$docs" names "$tree"/docs/man/*.3 | cut -d ' ' -f 1 | grep -v '^libsealring.3$' >"$work/b"
    same "$work/a" "$work/b"
}

prototypes() {
    perl "$docs" prototypes "$tree"/include/sealring/*.h >"$work/a"
    perl "$docs" prototypes "$tree"/docs/man/*.3 >"$work/b"
    same "$work/a" "$work/b"
}

# Each function's SYNOPSIS stands in the page that names it, under its header.
right_pages() {
    perl "$docs" names "$tree"/docs/man/sealring_*.3 | sed 's/\.3 / /' >"$work/a"
    # a page begins with no header; NAME PAGE HEADER
    awk 'FNR == 1 { file = ""; page = FILENAME; sub(/.*\//, "", page) } $1 == ".In" { file = $2 } $1 == ".Fo" { print $2, page, file }' \
        "$tree"/docs/man/sealring_*.3 >"$work/shown"
    cut -d ' ' -f 1-2 "$work/shown" >"$work/b"
    same "$work/a" "$work/b"
    (cd "$tree/include" && grep -o '\bsealring_[a-z_0-9]*(' sealring/*.h) | awk -F '[:( ]' '
        NR == FNR { declared[$1, $2]; next }
        !(($3, $1) in declared) { print $1 " is not in " $3 }' - "$work/shown"
}

structures() {
    perl "$docs" structures "$tree"/include/sealring/*.h >"$work/a"
    perl "$docs" structures "$tree"/docs/man/*.3 | sort -u >"$work/b"
    same "$work/a" "$work/b"
}

constants() {
    perl "$docs" constants "$tree"/include/sealring/*.h | sort -u >"$work/a"
    perl "$docs" constants "$tree"/docs/man/*.3 | sort -u >"$work/b"
    same "$work/a" "$work/b"
}

configuration_keys() {
    sed -n '/^const struct config_key config_keys\[CONFIG_KEYS\] = {/,/^};/s/^    {"\([a-z-]*\)", VALUE_.*/\1/p' "$tree/src/config/config.c" >"$work/a"
    perl "$docs" keys "$tree/docs/man/sealring.conf.5" >"$work/b"
    same "$work/a" "$work/b"
}

# A page is found under its own name, no name twice, and every reference leads to a page (of ours, if it looks like ours).
names_and_references() {
    perl "$docs" names "$tree"/docs/man/*.[1358] >"$work/a"
    cut -d ' ' -f 1 "$work/a" | sort | uniq -d | sed 's/$/: two pages/'
    for page in "$tree"/docs/man/*.[1358]; do
        echo "${page##*/}"
    done | awk 'NR == FNR { names[$1, $2]; next } !(($1, $1) in names) { print $1 " does not name itself" }' "$work/a" -
    perl "$docs" references "$tree"/docs/man/*.[1358] |
        awk 'NR == FNR { named[$1]; next } $2 ~ /sealring/ && !($2 in named) { print $1 ": there is no " $2 }' "$work/a" -
}

# A C file that Markdown names, by its path or by its name alone, is in the tree: a table of files outlives no renaming.
named_files() {
    (cd "$tree" && find -L src tools gateway client include tests docs -name '*.[ch]' -printf '%p\n%f\n') >"$work/a"
    grep -o '`[a-z0-9_/]*\.[ch]`' "$tree/CONTRIBUTING.md" "$tree"/docs/*.md | sed 's|.*/\([^/:]*\.md\):|\1 |; s/`//g' |
        awk 'NR == FNR { there[$0]; next } !($2 in there) { print $1 ": there is no file " $2 }' "$work/a" -
}

# Without the system's pages, which mandoc would look through for each that it does not find: names_and_references does that.
man_syntax() {
    MANPATH=$work mandoc -T lint -W style "$tree"/docs/man/*.[1358] 2>&1 |
        grep -v 'referenced manual not found\|outdated mandoc.db\|missing mandoc.db'
}

relative_links() {
    perl "$docs" links "$tree"/*.md "$tree"/docs/*.md "$tree"/docs/playbooks/*.md "$tree"/docs/gateways/*.md "$tree"/docs/clients/*.md "$tree"/docs/hooks/*.md
}

# Each promise of the README has a section of its own in docs/promises.md, and each row of that page names a test.
promises() {
    sed -n '/^## Promises$/,/^## [^P]/s/^- \*\*\[\([^]]*\)\](docs\/promises.md#[a-z-]*)\.\*\*.*/\1/p' "$tree/README.md" >"$work/a"
    sed -n 's/^## //p' "$tree/docs/promises.md" >"$work/b"
    same "$work/a" "$work/b"
    grep '^| \*\*' "$tree/docs/promises.md" | grep -v '](\.\./tests/' | sed 's/^/no test: /'
}

# Every `sealring ...` in Markdown, in the man pages' displays and in the examples of --help.
shown_commands() {
    {
        echo '|--version'
        table '.command as $c | .options[] | "\($c)|--\(.name)"'
        table '.options[] | select(.name | IN($common[])) | "|--\(.name)"'
    } >"$work/a"
    perl "$docs" commands "$work/a" "$tree"/*.md "$tree"/docs/*.md "$tree"/docs/playbooks/*.md "$tree"/docs/gateways/*.md "$tree"/docs/clients/*.md "$tree"/docs/hooks/*.md "$tree"/docs/man/*.[1358]
    sed -n 's/^[^:]*://; /^Examples$/,/^$/p' "$work/helps" >"$work/b"
    perl "$docs" commands "$work/a" "$work/b"
}

# What each shell should offer: words that begin a command, second words, options.
offered() {
    table '.command | split(" ")[0] | "words|\(.)"' | sort -u
    table 'select(.command | contains(" ")) | .command | split(" ") | "words \(.[0])|\(.[1])"'
    table '.command as $c | .options[] | "\($c)|--\(.name)"'
    { table '.options[] | select(.name | IN($common[], "dry-run")) | "|--\(.name)"'; echo '|--version'; } | sort -u
}

# Prints "bash|CASE|WORDS..." lines as questions: what was typed before the cursor, for each line of `offered`.
questions() {
    echo 'words| '
    echo '| --'
    table '.command | split(" ") | select(length == 2) | "words \(.[0])| \(.[0]) "' | sort -u
    table '"\(.command)| \(.command) --"'
}

completion_bash() {
    offered >"$work/a"
    questions >"$work/questions"
    # shellcheck disable=SC2016 # for bash
    bash -n "$tree/completions/bash" && bash --norc -c '
        . "$1" || exit
        while IFS="|" read -r case line; do
            read -r -a COMP_WORDS <<<"sealring$line"
            [[ $line == *" " ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
            _sealring
            for word in "${COMPREPLY[@]}"; do echo "$case|$word"; done
        done <"$2"' bash "$tree/completions/bash" "$work/questions" >"$work/b" 2>&1
    same "$work/a" "$work/b"
}

completion_fish() {
    offered >"$work/a"
    questions >"$work/questions"
    # shellcheck disable=SC2016 # for fish
    fish --no-execute "$tree/completions/fish" && fish --no-config -c '
        source $argv[1]
        while read -d "|" -l case line
            for word in (complete -C"sealring$line" | string replace -r "\t.*" "")
                echo "$case|$word"
            end
        end <$argv[2]' "$tree/completions/fish" "$work/questions" >"$work/b" 2>&1
    same "$work/a" "$work/b"
}

# zsh's own completion needs a terminal; here the functions that the script calls print what it hands to them.
zsh_offers() { # FILE of lines CASE|LINE
    # shellcheck disable=SC2016 # for zsh
    zsh -f -c '
        compset() { PREFIX=${PREFIX#*=} }
        _describe() { for word in ${(P)@[-1]}; do print -r -- "$case|${word%%:*}"; done }
        _files() { print -r -- "$case|files $*" }
        _message() { print -r -- "$case|message $*" }
        while IFS="|" read -r case line; do
            words=(sealring ${=line}) CURRENT=$#words
            [[ $line == *" " ]] && words+=("") && ((CURRENT++))
            PREFIX=$words[CURRENT]
            source $1
        done <$2' zsh "$tree/completions/zsh" "$1" 2>&1
}

completion_zsh() {
    offered >"$work/a"
    questions >"$work/questions"
    zsh -n "$tree/completions/zsh" && zsh_offers "$work/questions" >"$work/b"
    same "$work/a" "$work/b"
}

# ---- everything is right ----

tree=$work/tree
gather "$tree"
holds() { # NAME CHECK
    "$2" >"$work/out" 2>&1
    status=$?
    [ ! -s "$work/out" ]
    report $? "$1"
}
holds "every command has a page, and every page a command" pages_of_commands
holds "each SYNOPSIS has the options and arguments of --help" usage_of_commands
holds "each option of --help is described, and nothing else is" options_of_commands
holds "each page names the common options that apply" common_options
holds "no option takes a value here and none there" consistent_options
holds "--help shows the options of the table" help_texts
holds "every exported function has a page, and every page an exported function" pages_of_functions
holds "prototypes are those of the headers" prototypes
holds "each page shows the functions that it names, with their header" right_pages
holds "structures and callbacks are those of the headers" structures
holds "every constant of the headers is in a page, and no other" constants
holds "every key of sealring.conf is in its page, and no other" configuration_keys
holds "files that Markdown names exist" named_files
holds "every reference leads to a page" names_and_references
holds "mandoc has nothing to say" man_syntax
holds "relative links in Markdown lead somewhere" relative_links
holds "each promise has a section that names its tests" promises
holds "commands that are shown exist, with their options" shown_commands
holds "bash completion offers every command and option, and nothing else" completion_bash
holds "fish completion offers every command and option, and nothing else" completion_fish
holds "zsh completion offers every command and option, and nothing else" completion_zsh

# ---- names of rings and clients are completed from the vault ----

must init
must ring create payments
must ring create orders
must client add corner-shop
bash_offers() { # WORD...
    # shellcheck disable=SC2016 # for bash
    bash --norc -c '. "$1"; shift; COMP_WORDS=(sealring "$@") COMP_CWORD=$#; _sealring; echo "${COMPREPLY[*]}"' \
        bash "$tree/completions/bash" "$@" 2>&1
}
fish_offers() { # LINE
    # shellcheck disable=SC2016 # for fish
    fish --no-config -c 'source $argv[1]; complete -C"sealring $argv[2]"' "$tree/completions/fish" "$1" 2>&1 |
        sed 's/\t.*//' | tr '\n' ' '
}
is "$(bash_offers rotate '')" "orders payments" "bash completes rings"
is "$(bash_offers issue payments --client '')" "corner-shop" "bash completes clients"
is "$(bash_offers issue payments --client = '')" "corner-shop" "also after ="
is "$(fish_offers 'rotate ')" "orders payments " "fish completes rings"
is "$(fish_offers 'issue payments --client ')" "corner-shop " "fish completes clients"
zsh_offers_at() { # LINE
    echo "|$1" >"$work/questions"
    zsh_offers "$work/questions" | cut -d '|' -f 2 | tr '\n' ' '
}
SEALRING_VAULT=$work/nowhere
is "$(bash_offers rotate '')" "" "without a vault there is nothing to complete"
is "$(bash_offers --vault "$work/vault" rotate '')" "orders payments" "bash: --vault says which vault"
is "$(fish_offers "--vault $work/vault rotate ")" "orders payments " "fish: --vault says which vault"
is "$(fish_offers "--vault=$work/vault rotate ")" "orders payments " "also with ="
is "$(zsh_offers_at " --vault $work/vault rotate ")" "orders payments " "zsh: --vault names the vault"
is "$(zsh_offers_at " --vault=$work/vault rotate ")" "orders payments " "also with ="
SEALRING_VAULT=$work/vault
is "$(zsh_offers_at ' issue payments --client ')" "corner-shop " "zsh completes clients"
is "$(zsh_offers_at ' issue payments --client=c')" "corner-shop " "also after ="
is "$(fish_offers 'issue payments --client=c')" "--client=corner-shop " "fish, too"

# ---- files, what is given already, what is unknown ----

mkdir "$work/place" "$work/place/folder"
: >"$work/place/file"
is "$(cd "$work/place" && bash_offers backup '')" "file folder" "bash completes files"
is "$(cd "$work/place" && bash_offers status --vault '')" "folder" "and directories"
is "$(cd "$work/place" && fish_offers 'backup ')" "file folder/ " "fish completes files"
is "$(cd "$work/place" && fish_offers 'status --vault=')" "--vault=folder/ " "and directories"
is "$(zsh_offers_at ' backup ')" "files  " "zsh completes files"
is "$(zsh_offers_at ' status --vault=')" "files -/ " "and directories"
is "$(zsh_offers_at ' issue payments --expires ')" "message TIME " "and names a value that nothing is known about"
is "$(bash_offers issue payments --expires '')" "" "for which bash has nothing to offer"
is "$(bash_offers ring list --json --jso)" "" "an option that is given is not offered again"
is "$(bash_offers issue payments --scope a --scop)" "--scope" "unless it may be repeated"
is "$(bash_offers help ring s)" "show set" "help has commands as arguments"
is "$(bash_offers nosuch '')" "" "nothing follows an unknown command"
is "$(bash_offers rotate payments '')" "" "nor the last argument"
SEALRING_VAULT=$work/nowhere
run help --completion tcsh
status_is 2 "there is no completion for other shells"

# ---- errors are noticed ----

tree=$work/broken
gather "$tree"
notices() { # NAME CHECK FILE SED-EXPRESSION
    cp "$tree/$3" "$work/kept"
    sed -i "$4" "$tree/$3"
    "$2" >"$work/out" 2>&1
    status=$?
    ! cmp -s "$tree/$3" "$work/kept" && [ -s "$work/out" ]
    report $? "noticed: $1"
    cp "$work/kept" "$tree/$3"
}
man=docs/man
notices "a command without a page" pages_of_commands $man/sealring-key.1 '/^\.Nm sealring-revoke$/d'
notices "a page without a command" pages_of_commands $man/sealring-key.1 's/^\.Nm sealring-revoke$/&\n.Nm sealring-bury/'
notices "an option that the SYNOPSIS lacks" usage_of_commands $man/sealring-ring.1 '/^\.Op Fl -keep/d'
notices "an argument of another name" usage_of_commands $man/sealring-ring.1 's/^\.Ar NAME/.Ar RING/'
notices "a dry run where there is none" usage_of_commands $man/sealring-ring.1 's/^\.Nm sealring ring list/&\n.Op Fl -dry-run/'
notices "an option that is not described" options_of_commands $man/sealring-issue.1 '/^\.It Fl -label/d'
notices "a described option that does not exist" options_of_commands $man/sealring-issue.1 's/^\.It Fl -label/.It Fl -tag/'
notices "an option described for another command" options_of_commands $man/sealring-version.1 's/^\.Ss sealring destroy.*/.Ss Destroy/'
notices "an option's value of another name" options_of_commands $man/sealring-issue.1 's/^\.It Fl -out Ar PATH/.It Fl -out Ar FILE/'
notices "a new option of the command" options_of_commands table 's/"purge-delay"/"purge-time"/'
notices "a common option that is missing" common_options $man/sealring-ring.1 '/^\.Fl -dry-run ,/d'
notices "a common option that is missing in sealring(1)" common_options $man/sealring.1 's/^\.It Fl -json/.It Fl -yaml/'
notices "an option that is a flag here and not there" consistent_options table '0,/"name": "all"/s//"name": "scope"/'
notices "a help text that lacks an option" help_texts table 's/"name": "no-scopes"/"name": "nothing"/'
notices "a function without a page" pages_of_functions $man/sealring_issue.3 '/^\.Nm sealring_issue$/d'
notices "a page about a function that is not exported" pages_of_functions src/libsealring-manage.map '/sealring_rekey;/d'
notices "an argument of another type" prototypes $man/sealring_verify.3 's/^\.Fa "size_t length"/.Fa "int length"/'
notices "a missing argument" prototypes $man/sealring_open.3 '0,/^\.Fa "sealring_error \*error"/{//d}'
notices "another result" prototypes include/sealring/verify.h 's/^sealring_verdict sealring_verify(/int sealring_verify(/'
notices "a function under another header" right_pages $man/sealring_open.3 's/^\.In .*/.In sealring\/manage.h/'
notices "a member of another type" structures $man/sealring_verify.3 's/^    uint32_t serial;/    uint64_t serial;/'
notices "a new member" structures include/sealring/ring_policy.h 's/^    uint32_t keep;/&\n    bool cautious;/'
notices "a constant that is not told" constants $man/sealring_verify.3 's/^\.It Dv SEALRING_REJECTED_EXPIRED/.It Expired/'
notices "a constant that does not exist" constants $man/sealring_verify.3 's/_REJECTED_EXPIRED/_REJECTED_OLD/'
notices "a key that is not told" configuration_keys $man/sealring.conf.5 '/^\.It Ic pin-source/d'
notices "a key that does not exist" configuration_keys src/config/config.c '/^    {"audit-token"/d'
notices "a reference to no page" names_and_references $man/sealring-verify.1 's/^\.Xr sealring-key 1/.Xr sealring-keys 1/'
notices "a page that does not name itself" names_and_references $man/sealring-ring.1 's/^\.Nm sealring-ring$/.Nm sealring-rings/'
notices "a file that was renamed" named_files docs/ARCHITECTURE.md 's/`judge\.c`/`judgment.c`/'
notices "a file in another folder" named_files docs/decisions.md '$aSee `src/verifier/guard.c`.'
notices "a macro that does not exist" man_syntax $man/sealring-ring.1 's/^\.El$/.Le/'
notices "a line that is too long" man_syntax $man/sealring-ring.1 's/^It cannot be changed later\.$/& & & & & & & &/'
notices "a link that leads nowhere" relative_links README.md 's/](LICENSE)/](LICENCE)/'
notices "a promise without a section" promises docs/promises.md 's/^## No gap$/## No gaps/'
notices "a section that no promise has" promises README.md '/^- \*\*\[No gap\]/d'
notices "a promise without a test" promises docs/promises.md 's/^\(| \*\*No gap.*|\).*|$/\1 none |/'
notices "a test that does not exist" relative_links docs/promises.md 's/story\.sh)/stories.sh)/'
notices "a command that does not exist" shown_commands $man/sealring.1 's/^sealring rotate/sealring turn/'
notices "a command that has not this option" shown_commands $man/sealring.1 's/^sealring rotate payments/& --all/'
notices "a wrong command in Markdown" shown_commands README.md '$a\\n```sh\nsealring ring make payments\n```'
notices "a wrong option in a sentence" shown_commands README.md '$aUse `sealring issue payments --customer x`.'
for shell in bash fish zsh; do
    notices "$shell: an option that the table lacks" completion_$shell table 's/"purge-delay"/"purge-time"/'
    notices "$shell: a script that asks for something else" completion_$shell completions/$shell 's/--completion candidates/--completion bash/'
    notices "$shell: another command" completion_$shell table 's/"ring list"/"ring enumerate"/'
    notices "$shell: a syntax error" completion_$shell completions/$shell '$a\if ( {'
done
done_testing
