# SPDX-License-Identifier: Apache-2.0
# Reads documentation for docs.sh: `perl docs.pl WHAT [ARGUMENT] FILE...` prints what it found, one thing a line.
#
# Man pages (mdoc):
#   names          NAME.SECTION FILE            of the NAME section
#   references     FILE NAME.SECTION            of .Xr
#   synopsis       COMMAND|--OPTION|VALUE, COMMAND|ARGUMENT, COMMAND|common options
#   descriptions   COMMAND|--OPTION|VALUE       of .It in the part about the command
#   common         FILE|--OPTION|VALUE          of the section COMMON OPTIONS
#   keys           KEY                          of .It Ic in the section KEYS
#   prototypes     TYPE NAME(ARGUMENTS)         of .Fo; of a header its declarations
#   structures     a typedef                    of literal displays; of a header with its comments taken out
#   constants      SEALRING_NAME
# Markdown:
#   links          FILE: what is wrong with a relative link
# Either, or plain text:
#   commands TABLE    FILE: what is wrong with a shown command line; TABLE has lines COMMAND|--OPTION
use strict;
use warnings;

my $what = shift @ARGV;

sub slurp {
    my ($file) = @_;
    open(my $handle, '<', $file) or die "$file: $!\n";
    local $/;
    my $text = <$handle>;
    return $text;
}

# The last part of a path.
sub base { my ($file) = @_; $file =~ s{.*/}{}; return $file }

# A macro's words; quoted ones are one.
sub words {
    my ($line) = @_;
    my @words;
    push @words, defined $1 ? $1 : $2 while $line =~ /"([^"]*)"|(\S+)/g;
    return @words;
}

sub tidy {
    my ($text) = @_;
    $text =~ s/\s+/ /g;
    $text =~ s/ ?([*(),;{}]) ?/$1/g;
    $text =~ s/^ | $//g;
    return $text;
}

# Calls $each with (section, line) for every line of a page.
sub sections {
    my ($file, $each) = @_;
    my $section = '';
    for my $line (split /\n/, slurp($file)) {
        if ($line =~ /^\.Sh (.*)/) { $section = $1; next }
        $each->($section, $line);
    }
}

sub names {
    my ($file) = @_;
    my ($number) = $file =~ /\.(\d)$/;
    sections($file, sub { print "$1.$number ", base($file), "\n" if $_[0] eq 'NAME' && $_[1] =~ /^\.Nm (\S+)/ });
}

sub references {
    my ($file) = @_;
    for my $line (split /\n/, slurp($file)) {
        print base($file), " $1.$2\n" while $line =~ /\bXr (\S+) (\d)/g;
    }
}

sub commands_of {
    my ($file) = @_;
    my @commands;
    sections($file, sub { push @commands, $1 if $_[0] eq 'SYNOPSIS' && $_[1] =~ /^\.Nm sealring (.*)/ });
    return @commands;
}

sub synopsis {
    my ($file) = @_;
    my $command = '';
    sections($file, sub {
        my ($section, $line) = @_;
        return if $section ne 'SYNOPSIS';
        if    ($line =~ /^\.Nm sealring (.*)/)                { $command = $1 }
        elsif ($command eq '')                                { }
        elsif ($line =~ /^\.Op Fl -(\S+)(?: Ar (\S+))?$/)     { print "$command|--$1|", $2 // '', "\n" }
        elsif ($line =~ /^\.Ar (\S+)$/)                       { print "$command|$1\n" }
        elsif ($line =~ /^\.Op Ar (\S+)$/)                    { print "$command|[$1]\n" }
        elsif ($line eq '.Op common options')                 { print "$command|common options\n" }
        else                                                  { print "$command|what is this: $line\n" }
    });
}

sub descriptions {
    my ($file) = @_;
    my @commands = commands_of($file);
    my $command = @commands == 1 ? $commands[0] : '';
    sections($file, sub {
        my ($section, $line) = @_;
        return if $section ne 'DESCRIPTION' || !@commands;
        if ($line =~ /^\.Ss sealring (.*)/) {
            my $heading = $1;
            ($command) = grep { $heading =~ /^\Q$_\E( [^a-z]|$)/ } @commands;
            $command //= "no command: $heading";
        } elsif ($line =~ /^\.Ss /) {
            $command = 'other' if @commands > 1;
        } elsif ($line =~ /^\.It Fl -(\S+)(?: Ar (\S+))?/) {
            print "$command|--$1|", $2 // '', "\n";
        }
    });
}

sub common {
    my ($file) = @_;
    my $wanted = base($file) eq 'sealring.1' ? 'OPTIONS OF EVERY COMMAND' : 'COMMON OPTIONS';
    sections($file, sub {
        return if $_[0] ne $wanted;
        print base($file), "|--$1|", $2 // '', "\n" if $_[1] =~ /^\.(?:It )?Fl -([a-z0-9-]+)(?: Ar (\S+))?/;
    });
}

sub keys_of {
    my ($file) = @_;
    sections($file, sub { print "$1\n" if $_[0] eq 'KEYS' && $_[1] =~ /^\.It Ic (\S+)/ });
}

sub header {
    my ($file) = @_;
    my $text = slurp($file);
    $text =~ s{/\*.*?\*/}{}gs;
    $text =~ s/^#.*$//mg;
    $text =~ s/extern "C" \{//;
    return $text;
}

sub prototypes {
    my ($file) = @_;
    if ($file =~ /\.h$/) {
        my $text = header($file);
        $text =~ s/\{[^{}]*\}/{}/g;
        for my $declaration (split /;/, $text) {
            $declaration = tidy($declaration);
            next if $declaration =~ /^typedef/;
            print "$declaration\n" if $declaration =~ /^[^(]*\bsealring_\w+\(/;
        }
        return;
    }
    my ($type, $name, @arguments) = ('', '');
    for my $line (split /\n/, slurp($file)) {
        if    ($line =~ /^\.Ft (.*)/) { ($type) = words($1) }
        elsif ($line =~ /^\.Fo (.*)/) { ($name) = words($1); @arguments = () }
        elsif ($line =~ /^\.Fa (.*)/ && $name ne '') { push @arguments, words($1) }
        elsif ($line =~ /^\.Fc/) { print tidy("$type $name(" . join(', ', @arguments) . ')'), "\n"; $name = '' }
    }
}

sub structures {
    my ($file) = @_;
    my $text = $file =~ /\.h$/ ? header($file) : join("\n", slurp($file) =~ /^\.Bd -literal[^\n]*\n(.*?)^\.Ed/gms);
    # Opaque ones have no members to show, and the constants of enumerations are told one by one.
    while ($text =~ /^(typedef (?:struct \w+ \{.*?^\}[^;]*;|[^{};]*\(\*\w+\)\([^;]*;))/gms) {
        print tidy($1), "\n";
    }
}

sub constants {
    my ($file) = @_;
    my $text = $file =~ /\.h$/ ? slurp($file) : join("\n", slurp($file) =~ /^\.(?:Dv|It Dv|Pq Dv) ([^\n]*)/gm);
    $text =~ s{/\*.*?\*/}{}gs;
    print "$1\n" while $text =~ /\b(SEALRING_[A-Z0-9_]+)\b(?<!_H)/g;
}

sub links {
    my ($file) = @_;
    my $text = slurp($file);
    $text =~ s/^```.*?^```//gms;
    $text =~ s/`[^`\n]*`//g;
    (my $directory = $file) =~ s{[^/]*$}{};
    while ($text =~ /\]\(([^)\s]+)\)/g) {
        my $target = $1;
        next if $target =~ /^[a-z]+:/;
        my ($path, $anchor) = $target =~ /^([^#]*)(?:#(.*))?$/;
        my $place = $path eq '' ? $file : $directory . $path;
        if (!-e $place) { print base($file), ": $target leads nowhere\n"; next }
        next if !defined $anchor || $place !~ /\.md$/;
        my @anchors = map { my $h = lc; $h =~ s/[^\w\- ]//g; $h =~ s/ /-/g; $h } slurp($place) =~ /^#+ +(.*?)\s*$/gm;
        print base($file), ": there is no heading $target\n" if !grep { $_ eq $anchor } @anchors;
    }
}

my %table;    # command => { option => 1 }

sub check_command {
    my ($file, $line) = @_;
    my @tokens;
    return if $line =~ /;(\s+#.*)?$/; # a directive of nginx
    for my $token (words($line)) {
        last if $token =~ /^(?:[|<>&#]|\d?>)/;
        my $ends = $token =~ s/[;)&]+$//;
        push @tokens, $token;
        last if $ends;
    }
    my ($command, $noun) = ('', '');
    for my $token (@tokens) {
        if ($token =~ /^--([a-z][a-z0-9-]*)/) {
            my $known = $command eq '' ? $table{''}{"--$1"} : $table{$command}{"--$1"};
            print base($file), ": no option --$1: sealring $line\n" if !$known;
        } elsif ($command eq '' && $token =~ /^[a-z]/) {
            $command = $noun eq '' ? $token : "$noun $token";
            next if $table{$command};
            if ($noun eq '' && grep { /^\Q$token\E / } keys %table) { ($noun, $command) = ($token, '') }
            else { print base($file), ": no such command: sealring $line\n"; return }
        }
    }
}

sub commands {
    my ($file) = @_;
    my $text = slurp($file);
    my @lines;
    if ($file =~ /\.\d$/) {
        @lines = map { s/\\e/\\/g; $_ } slurp($file) =~ /^\.(?:Bd -literal|Dl)[^\n]*\n(.*?)^\.Ed/gms;
    } elsif ($file =~ /\.md$/) {
        @lines = ($text =~ /^```\w*\n(.*?)^```/gms);
        $text =~ s/^```.*?^```//gms;
        push @lines, $1 while $text =~ /`(sealring [^`]+)`/g;
        push @lines, $1 while $text =~ /^    (\S.*)$/gm;
    } else {
        @lines = ($text);
    }
    for my $block (@lines) {
        $block =~ s/\\\n\s*//g;
        for my $line (split /\n/, $block) {
            while ($line =~ /(?:^\s*(?:\$ )?|[|;&(]\s*)sealring (?=[a-z-])([^`]*)/g) {
                my $shown = $1; # `sealring check v1` is a label of the key derivation
                check_command($file, $shown) if $shown !~ /^\S*[=:]|^\w+ v\d+$/;
            }
        }
    }
}

if ($what eq 'commands') {
    for my $line (split /\n/, slurp(shift @ARGV)) {
        my ($command, $option) = split /\|/, $line;
        $table{$command}{$option} = 1;
    }
}
my %reader = (
    names => \&names, references => \&references, synopsis => \&synopsis, descriptions => \&descriptions,
    common => \&common, keys => \&keys_of, prototypes => \&prototypes, structures => \&structures,
    constants => \&constants, links => \&links, commands => \&commands,
);
my $reader = $reader{$what} or die "docs.pl: nothing called $what\n";
$reader->($_) for @ARGV;
