# SPDX-License-Identifier: Apache-2.0
# What people get to see: UTF-8 in lines, without controls, invisible or direction-changing characters. Prints each offence.
# usage: perl clean.pl [colour] [ascii] FILE...   colour: sequences of colour and \r before \n are the terminal's; ascii: nothing else
use strict;
use warnings;
use Encode qw(decode FB_CROAK);

my %may;
$may{shift @ARGV} = 1 while @ARGV && $ARGV[0] =~ /^(colour|ascii)$/;
for my $file (@ARGV) {
    open my $in, '<:raw', $file or die "$file: $!\n";
    local $/;
    my $bytes = <$in>;
    my $text = eval { decode('UTF-8', $bytes, FB_CROAK) };
    if (!defined $text) {
        print "$file: not UTF-8\n";
        next;
    }
    if ($may{colour}) {
        $text =~ s/\e\[[0-9;]*m//g;
        $text =~ s/\r\n/\n/g;
    }
    while ($text =~ /([^\n\x20-\x7e\x{a0}-\x{10ffff}]|\p{Zl}|\p{Zp}|\p{Bidi_Control}|\p{Default_Ignorable_Code_Point})/g) {
        printf "%s: U+%04X at %d\n", $file, ord $1, pos $text;
    }
    print "$file: not ASCII\n" if $may{ascii} && $text =~ /[^\x00-\x7f]/;
}
