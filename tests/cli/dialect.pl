#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Finds the phrases of a list in what people read of each FILE: dialect.pl LIST FILE... prints one line for each place.
use strict;
use warnings;

my $list = shift @ARGV or die "usage: dialect.pl LIST FILE...\n";

sub slurp {
    my ($file) = @_;
    open(my $handle, '<', $file) or die "$file: $!\n";
    local $/;
    return scalar <$handle>;
}

# The same text with everything blanked that nobody reads as a sentence. Line ends stay, so that a place keeps its line.
sub blank {
    my ($text) = @_;
    $text =~ s/[^\n]/ /g;
    return $text;
}

sub of_markdown {
    my ($text) = @_;
    $text =~ s/(`[^`\n]*`)/"X" . " " x (length($1) - 1)/ge;
    return $text;
}

# Only what is behind "Unreleased" or "not released yet", up to the next heading of its kind.
sub of_changelog {
    my ($text) = @_;
    $text =~ /^(.*?)(^## [^\n]*[Rr]eleased[^\n]*\n.*?)(^## .*)?\z/ms or die "CHANGELOG.md: no part that is not released yet\n";
    return blank($1) . of_markdown($2) . blank(defined $3 ? $3 : '');
}

sub of_man {
    my ($text) = @_;
    $text =~ s/^\.\\".*$//mg;
    $text =~ s/^(\.Bd -literal.*?^\.Ed)/blank($1)/mgse; # code
    $text =~ s/^(\.(?:Nd|Sh|Ss)) /blank($1) . ' '/mge;
    $text =~ s/^\..*$/X/mg;
    return $text;
}

# Comments and string literals; adjacent literals are one text.
sub of_c {
    my ($text) = @_;
    $text =~ s/^(\s*#\s*include.*)$/blank($1)/mge;
    my $out = '';
    while ($text =~ m{\G(?:(/\*.*?\*/)|(//[^\n]*)|"((?:[^"\\\n]|\\.)*)"|('(?:[^'\\\n]|\\.)*')|(\s+)|([^\s"'/]+|.))}gs) {
        my ($block, $line, $literal, $space, $code) = ($1, $2, $3, $5, $6);
        if (defined $block) {
            $block =~ s{^/\*|\*/$}{. }g;
            $block =~ s/^(\s*)\*/$1 /mg;
            $out .= $block;
        }
        elsif (defined $line) { $out .= '  ' . substr($line, 2) }
        elsif (defined $literal) { $literal =~ s/\\[nt]/ /g; $out .= $literal }
        elsif (defined $space) { $out .= $space }
        elsif (defined $code) { $out .= '; ' } # no phrase goes across code
    }
    return $out;
}

my @phrases;
for my $line (split /\n/, slurp($list)) {
    next if $line =~ /^(#|$)/;
    my ($pattern, $instead, $sample) = split /\t/, $line;
    die "$list: not pattern, instead, sample: $line\n" if !defined $sample;
    (my $across = $pattern) =~ s/ /\\s+/g;
    push @phrases, [qr/$across/i, $instead];
}

for my $file (@ARGV) {
    my $text = slurp($file);
    $text = $file =~ /CHANGELOG\.md$/ ? of_changelog($text) : $file =~ /\.md$/ ? of_markdown($text)
        : $file =~ /\.[1-9]$/ ? of_man($text) : $file =~ /\.[ch]$/ ? of_c($text) : $text;
    $text =~ s/\n( *(?:#|\.\\")) /"\n" . " " x length($1) . " "/ge; # the signs that begin a comment's next line
    for my $phrase (@phrases) {
        while ($text =~ /$phrase->[0]/g) {
            my ($found, $line) = ($&, 1 + (substr($text, 0, $-[0]) =~ tr/\n//));
            $found =~ s/\s+/ /g;
            print "$file:$line: \"$found\": $phrase->[1]\n";
        }
    }
}
