#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Words and phrases that sealring does not use (tests/dialect.txt), in documents, comments and messages; then that each is found.
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
list=$top_srcdir/tests/dialect.txt
program=$top_srcdir/tests/cli/dialect.pl

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
number=0

# result STATUS WORDS: one TAP line; on failure the file `found` follows as diagnosis.
result()
{
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        head -n 40 "$work/found" | sed "s|$top_srcdir/||; s/^/# /"
    fi
}

# Places, and how many phrases each may contain at most. A number may only go down: 0 is the aim, and what is at 0 stays there.
bounds()
{
    cat <<'END'
0 ARCHITECTURE docs/ARCHITECTURE.md
0 CONTRIBUTING CONTRIBUTING.md
0 GLOSSARY docs/GLOSSARY.md
0 decisions docs/decisions.md
0 formats docs/formats.md
0 functions docs/man/*.3
0 README README.md
0 CHANGELOG CHANGELOG.md
0 SECURITY SECURITY.md
0 benchmarks docs/benchmarks.md
0 containers docs/containers.md
0 threats docs/threat-model.md
0 tokens docs/tokens.md
0 playbooks docs/playbooks/*
0 examples docs/examples
0 commands docs/man/*.1 docs/man/*.5 docs/man/*.8
0 include include
5 src src
1 tools tools
0 gateway gateway
0 client client
1106 tests tests
END
}

# texts ROOT PLACE...: the files of these places that people read; the list itself and its proof are not among them.
texts()
{
    (
        cd "$1" || exit
        shift
        # shellcheck disable=SC2068 # patterns of files
        find $@ -type f \( -name '*.[ch1-9]' -o -name '*.sh' -o -name '*.pl' -o -name '*.md' -o -name '*.txt' -o -name '*.tsv' \
            -o -name '*.py' -o -name '*.go' -o -name '*.rs' \) | grep -v '^tests/dialect\.txt$\|^tests/cli/dialect\.' | sort
    )
}

# phrases ROOT PLACE...: one line in `found` for each phrase in these places.
phrases()
{
    root=$1
    texts "$@" >"$work/texts"
    (cd "$root" && xargs perl "$program" "$list" <"$work/texts") >"$work/found" 2>&1
}

# ---- The tree ----

bounds >"$work/bounds"
while read -r bound name places; do
    # shellcheck disable=SC2086 # several places
    phrases "$top_srcdir" $places
    status=$?
    count=$(grep -c . "$work/found")
    [ -s "$work/texts" ] && [ "$status" -eq 0 ] && [ "$count" -le "$bound" ]
    result $? "$name: $count phrases that are to be written otherwise, at most $bound"
done <"$work/bounds"

# A document that has no bound of its own has 0.
texts "$top_srcdir" '*.md' docs >"$work/all"
while read -r bound name places; do
    # shellcheck disable=SC2086 # several places
    texts "$top_srcdir" $places
done <"$work/bounds" | sort >"$work/bounded"
grep -vxF -f "$work/bounded" "$work/all" >"$work/others"
: >"$work/found"
if [ -s "$work/others" ]; then
    # shellcheck disable=SC2046 # the tree has no blanks in names; style.sh checks that
    phrases "$top_srcdir" $(cat "$work/others")
fi
[ -s "$work/all" ] && [ ! -s "$work/found" ]
result $? "the other documents have none"

terms=$(grep -c '^| \*\*' "$top_srcdir/docs/GLOSSARY.md")
[ "$terms" -ge 1 ] && [ "$terms" -le 25 ]
result $? "the glossary has at most 25 terms of sealring's own ($terms)"

# ---- A made-up text, in each form that a text has ----

# made_up FILE: each line of FILE as a text of each form, with a line end in the place of each blank but the first; each in a folder of its own,
# NUMBER/FORM.
forms='md changelog man comment string shell'
made_up()
{
    rm -rf "$work/tree"
    awk -v tree="$work/tree" -v forms="$forms" '
    { count = split(forms, form, " "); for (i = 1; i <= count; i++) print tree "/" NR "/" form[i] }' "$1" | xargs mkdir -p
    awk -v tree="$work/tree" '
    function put(file, before, after,    path) {
        path = tree "/" NR "/" file
        printf "%s", before >path
        for (i = 1; i <= count; i++)
            printf "%s%s%s", (i > 1 ? first : ""), lines[i], (i < count ? last "\n" : after) >path
        close(path)
    }
    {
        count = split($0, words, " ")
        lines[1] = count > 1 ? words[1] " " words[2] : words[1]
        for (i = 3; i <= count; i++)
            lines[i - 1] = words[i]
        count = count > 1 ? count - 1 : 1
        first = last = ""
        put("md/page.md", "# Made up\n\n", "\n")
        put("changelog/CHANGELOG.md", "# Changes\n\n## 2.0 (not released yet)\n\n- ", "\n\n## 1.0\n\n- Nothing.\n")
        put("man/page.3", ".Dt MADE-UP 3\n.Sh DESCRIPTION\n", "\n")
        first = " * "
        put("comment/comment.c", "int made_up(void);\n/* ", " */\n")
        first = "    \""; last = " \""
        put("string/string.c", "const char *text = \"", "\";\n")
        first = "# "; last = ""
        put("shell/script.sh", "# ", "\n")
    }' "$1"
}

grep -v '^#' "$list" >"$work/patterns"
tab=$(printf '\t')
cut -f 3 "$work/patterns" >"$work/samples"
made_up "$work/samples"
phrases "$work/tree" .
# the number of each sample, and the forms in which its advice is missing
awk -F '\t' -v forms="$forms" '
NR == FNR { instead[FNR] = $2; count = FNR; next }
{ split($0, place, "/"); if (index($0, "\": " instead[place[2]])) found[place[2] " " place[3]] }
END {
    form_count = split(forms, form, " ")
    for (n = 1; n <= count; n++) {
        missed = ""
        for (i = 1; i <= form_count; i++)
            if (!(n " " form[i] in found)) missed = missed " " form[i]
        print missed
    }
}' "$work/patterns" "$work/found" >"$work/missed"
while IFS=$tab read -r pattern _ sample && IFS= read -r missed <&3; do
    echo "$pattern: missed in$missed" >"$work/found"
    [ -n "$sample" ] && [ -z "$missed" ]
    result $? "found in six forms: $pattern"
done <"$work/patterns" 3<"$work/missed"

# passes FORM: true if nothing is found in the plain text of that form.
passes()
{
    phrases "$work/tree" "1/$1" && [ -s "$work/texts" ] && [ ! -s "$work/found" ]
}

echo "A verifier polls the registry and reports what it has applied." >"$work/plain"
made_up "$work/plain"
for form in $forms; do
    passes "$form"
    result $? "a plain text has nothing, as $form"
done
# shellcheck disable=SC2016 # Markdown
echo 'The function `says` and the file `told` are names.' >"$work/plain"
made_up "$work/plain"
passes md
result $? "a name between backquotes is no word"
rm -rf "$work"/tree/*
printf 'int says(int told)\n{\n    return told->tells == 1; /* One. */\n}\n' >"$work/tree/names.c"
phrases "$work/tree" . && [ ! -s "$work/found" ]
result $? "a name in code is no word"
rm -rf "$work"/tree/*
printf '# Changes\n\n## 2.0 (not released yet)\n\n- Nothing.\n\n## 1.0\n\n- It says so.\n' >"$work/tree/CHANGELOG.md"
phrases "$work/tree" . && [ ! -s "$work/found" ]
result $? "what a released version's changes contain stays"
rm -rf "$work"/tree/*
printf '# Changes\n\n- It says so.\n' >"$work/tree/CHANGELOG.md"
! phrases "$work/tree" .
result $? "a changelog without its unreleased part is noticed"
echo "1..$number"
