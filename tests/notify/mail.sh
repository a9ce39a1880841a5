#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mail: what a server gets, what each of its replies causes, and what is not sent.
# shellcheck disable=SC2154 # what lib.sh sets
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/notify/lib.sh
. "$(dirname "$0")/lib.sh"
python3 -c 'import aiosmtpd' 2>/dev/null || bail_out "aiosmtpd is missing (Debian: python3-aiosmtpd): sh tools/packages.sh test"
make_certificate mail localhost
make_certificate other example.org
(umask 077 && echo "s3cret pass" >"$work/password")

decoded() { # NUMBER: subject and text of a message, as a mail program reads them
    python3 -I -c 'import email, email.policy, sys
message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
print(message["Subject"])
print(message.get_content(), end="")' "$served/$1.eml"
}

# ---- STARTTLS and AUTH ----

server_start mail_server.py mail user "s3cret pass"
secure=smtp://$address
CA=$served/mail.pem MAIL_USER=user PASSWORD_FILE=$work/password
export CA MAIL_USER PASSWORD_FILE
SUBJECT='Ein Nachfolger für »acme« ist da' TEXT="Zeile 1
.
From here: ä = ü
$(printf '%0200d' 0)
" send mail "$secure" ops@example.com n_1
sent "done 0 " "a mail is taken"
is "$(cut -d ' ' -f 1-4 "$served/sessions")" "1 TLS sealring@example.org ops@example.com" "over TLS, from and to the right addresses"
is "$(decoded 1)" "Ein Nachfolger für »acme« ist da
Zeile 1
.
From here: ä = ü
$(printf '%0200d' 0)" "subject and text are read as they were meant"
is "$(sed 's/\r$//' "$served/1.eml" | sed -n 's/^\(Message-ID\|Auto-Submitted\|To\|From\): //p')" "sealring@example.org
ops@example.com
<n_1@example.org>
auto-generated" "with the headers of an automatic message"
is "$(grep -c "$(printf '\r')\$" "$served/1.eml")" "$(wc -l <"$served/1.eml")" "each line ends with CR LF"
send mail "$secure" ops@example.com a b c
is "$(sort -u "$work/out")" "done 0 " "several mails in one turn"
is "$(tail -n 3 "$served/sessions" | cut -d ' ' -f 5 | sort -u | wc -l)" 1 "need one connection"
before=$(wc -l <"$served/sessions")

# ---- Replies ----

mail_to() { # RECIPIENT TEXT
    send mail "$secure" "$1@example.com" n
    sent "$2" "$1"
}
mail_to 550 "refused 0 the mail server refused the recipient: 550 5.1.1 ?[31mno such mailbox"
mail_to 450 "retry 0 the mail server refused the recipient: 450 5.1.1 ?[31mno such mailbox"
mail_to later550 "refused 0 the mail server refused the message: 550 5.6.0 not this text"
mail_to later452 "retry 0 the mail server refused the message: 452 5.6.0 not this text"
FROM=denied@example.org send mail "$secure" ops@example.com n
sent "retry 0 the mail server refused the sender: 550 5.7.1 this sender is not known" "a sender that is refused can be corrected in sealring.conf"
send mail "$secure" 550@example.com a b
is "$(sort -u "$work/out")" "refused 0 the mail server refused the recipient: 550 5.1.1 ?[31mno such mailbox" "a refusal does not harm the next one"
is "$(wc -l <"$served/sessions")" "$before" "none of these was taken"
for fault in close lost; do
    send mail "$secure" $fault@example.com n
    ok "$fault: to be sent again" grep -q '^retry 0 the mail server did not take the message: ' "$work/out"
done
ok "with the same Message-ID, so that what was taken already is noticed" grep -q '^Message-ID: <n@example.org>' "$served/$((before + 1)).eml"
LIMIT=1500 send mail "$secure" hang@example.com n
ok "hang: to be sent again" grep -q '^retry 0 the mail server did not take the message: .*timed out' "$work/out"

# ---- What is not sent without TLS, or to another server ----

echo "s3cret" >"$work/password"
send mail "$secure" ops@example.com n
ok "a wrong password" grep -q '^retry 0 the mail server did not take the message: ' "$work/out"
nowhere s3cret "is not shown"
echo "s3cret pass" >"$work/password"
before=$(wc -l <"$served/sessions")
CA='' send mail "smtp://127.0.0.1:${address#*:}" ops@example.com n
ok "a server on this host that asks for STARTTLS, without mail-ca" grep -q '^retry 0 ' "$work/out"
CA=$served/other.pem send mail "$secure" ops@example.com n
ok "a certificate that mail-ca has not signed" grep -q '^retry 0 .*certificate' "$work/out"
server_start mail_server.py other user "s3cret pass"
CA=$served/other.pem send mail "smtp://$address" ops@example.com n
ok "a certificate of another host" grep -q '^retry 0 .*localhost' "$work/out"
server_start mail_server.py plain user "s3cret pass"
send mail "smtp://$address" ops@example.com n
ok "a server without STARTTLS, with mail-ca" grep -q '^retry 0 .*STARTTLS' "$work/out"
is "$(wc -l <"$served/sessions")" "$before" "gets neither the password nor the mail"
CA='' send mail "smtp://$address" ops@example.com n
sent "done 0 " "on this host, without mail-ca, it gets both"
is "$(tail -n 1 "$served/sessions" | cut -d ' ' -f 2)" plain "in plain text"
CA='' MAIL_USER='' PASSWORD_FILE='' send mail "smtp://$address" ops@example.com n
ok "AUTH is required, and there is no user" grep -q '^retry 0 the mail server refused the sender: 530 ' "$work/out"

# ---- What is refused before anything is sent ----

before=$(wc -l <"$served/sessions")
refuses() { # TEXT NAME
    is "$(cat "$work/out")" "refused 0 the mail $1" "$2"
}
secure=smtp://$address
CA=
for to in 'a b@example.com' 'a@b>
RCPT TO:<c@d' 'a@b
' 'ä@example.com' 'a@[127.0.0.1]' '"a"@b' 'a,b@c'; do
    send mail "$secure" "$to" n
    refuses "has a recipient's address that is not valid" "to $(printf %s "$to" | tr '\n' '|')"
done
SUBJECT='a
Bcc: x@example.com' send mail "$secure" ops@example.com n
refuses "has a subject that is too long, or has control characters" "a line end in the subject"
TEXT="$(printf 'a\rb')" send mail "$secure" ops@example.com n
refuses "has a text that is too long, or has control characters" "a carriage return in the text"
send mail "$secure" ops@example.com 'n>'
refuses "has an ID that is not valid" "an ID that would end the Message-ID"
is "$(wc -l <"$served/sessions")" "$before" "none of these was sent"

for server in '' localhost smtps://localhost smtp://localhost/path smtp://user@localhost 'smtp://localhost?a' 'smtp://local host' http://localhost smtp://; do
    send mail "$server" ops@example.com n
    ok "mail-server $server" grep -q '^error [0-9]* mail-server in sealring.conf ' "$work/out"
done
FROM='a@b
c' send mail "$secure" ops@example.com n
ok "mail-from with a line end" grep -q '^error [0-9]* mail-from in sealring.conf ' "$work/out"
MAIL_USER='' send mail "$secure" ops@example.com n
ok "a password without a user" grep -q '^error [0-9]* sealring.conf has only one of ' "$work/out"
chmod 640 "$work/password"
send mail "$secure" ops@example.com n
ok "a password that others can read" grep -q '^error [0-9]* .*/password can be used by its group or by others: chmod 600 it' "$work/out"
chmod 600 "$work/password"
: >"$work/password"
send mail "$secure" ops@example.com n
ok "an empty password" grep -q '^error [0-9]* the first line of .*/password is empty' "$work/out"
PASSWORD_FILE=$work send mail "$secure" ops@example.com n
ok "a directory as password" grep -q '^error [0-9]* ' "$work/out"
PASSWORD_FILE=$work/none send mail "$secure" ops@example.com n
ok "no such password" grep -q '^error [0-9]* .*/none, cannot be opened' "$work/out"
done_testing
