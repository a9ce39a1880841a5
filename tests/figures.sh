# SPDX-License-Identifier: Apache-2.0
# Sourced: the figures that tests measure. A test prints a line `# figure: NAME WORDS`.
# shellcheck shell=sh

# figures_of FILE...: their lines in these files, NAME WORDS, each once. A file that is not there has none.
figures_of()
{
    sed -n 's/^# figure: \([^ ]\)/\1/p' "$@" 2>/dev/null | sort -u
}

# Makes a table of such lines on standard input; nothing of nothing.
figures_table()
{
    awk '
        { name = $1; sub(/^[^ ]+ */, ""); names[NR] = name; words[NR] = $0; if (length(name) > width) width = length(name) }
        END {
            if (NR > 0)
                print "Figures:"
            for (i = 1; i <= NR; i++)
                printf "    %-" width "s  %s\n", names[i], words[i]
        }'
}
