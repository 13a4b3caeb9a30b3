#!/bin/sh
# Prints the manual page of a program: what it is for, and its own --help, which is never out of date.
#
#   deploy/package/man_page.sh PROGRAM SECTION 'what it is'
set -eu
name=$(basename "$1")
version=$("$1" --version | cut -d ' ' -f 2)

# In roff a backslash begins a command, and so do a point and an apostrophe that begin a line.
escaped() { sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\&&/" -e 's/-/\\-/g'; }

cat <<PAGE
.TH $(echo "$name" | tr '[:lower:]' '[:upper:]') $2 "" "Tako Channels $version"
.SH NAME
$(echo "$name" | escaped) \\- $3
.SH SYNOPSIS AND OPTIONS
.nf
$("$1" --help | fold -s -w 76 | escaped)
.fi
.SH FILES
.TP
.I /etc/tako/tako.toml
what the units give as \\-\\-config
.TP
.I /run/tako/app.sock
the app API, for members of the group tako\\-apps
.TP
.I /var/lib/tako
the log
.SH SEE ALSO
.I /usr/share/doc/tako\\-channels
has the documents: start with operations.md.
PAGE
