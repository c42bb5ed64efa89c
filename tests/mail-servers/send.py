"""Sends messages to a mail server with the client of Python's library, in the ways that applications do.

Arguments: host, port. Prints a JSON list of what the server must have: {"to": [...], "subject", "text"}.
"""

import json
import smtplib
import socket
import sys
from email.message import EmailMessage
from email.mime.text import MIMEText
from email.policy import SMTP

host, port = sys.argv[1], int(sys.argv[2])
sent = []


def expect(to, subject, text):
    sent.append({"to": to, "subject": subject, "text": text})


def message(to, subject, text, cte=None):
    made = EmailMessage(policy=SMTP)
    made["From"] = "Shop <shop@example.test>"
    made["To"] = ", ".join(to)
    made["Subject"] = subject
    made.set_content(text, cte=cte)
    return made


def send(client, to, subject, text, cte=None):
    client.send_message(message(to, subject, text, cte))
    expect(to, subject, text)


# Several messages of one connection, with a login as applications are often configured.
with smtplib.SMTP(host, port, timeout=20) as client:
    client.ehlo("shop.example.test")
    for feature in ["size", "8bitmime", "pipelining", "smtputf8", "auth"]:
        assert client.has_extn(feature), feature
    client.login("any", "password")
    send(client, ["plain@example.test"], "plain", "Hello\n")
    send(client, ["one@example.test", "two@example.test"], "two recipients", "Hello\n")
    send(client, ["dots@example.test"], "dots", ".\n..\n...\n.a\n\n.\n", "7bit")
    send(client, ["words@example.test"], "Grüße, 日本 and an emoji 🎉 " + "ä" * 100, "Grüße 日本 🎉\n")
    send(client, ["base64@example.test"], "base64", "Grüße\n" * 50, "base64")
    send(client, ["quoted@example.test"], "quoted", "é = " * 100 + "\n", "quoted-printable")
    send(client, ["8bit@example.test"], "8bit", "Grüße\n", "8bit")

    # A line that is longer than RFC 5321 allows, as is: the library would encode it.
    long = "x" * 100_000
    raw = f"From: shop@example.test\r\nTo: long@example.test\r\nSubject: long\r\n\r\n{long}\r\n"
    client.sendmail("shop@example.test", ["long@example.test"], raw)
    expect(["long@example.test"], "long", long + "\n")

    # Addresses that are not ASCII.
    unicode = message(["jörg@example.test"], "smtputf8", "Hello\n")
    client.send_message(unicode, "shop@example.test", ["jörg@example.test"])
    expect(["jörg@example.test"], "smtputf8", "Hello\n")

    # A message that is given up, and a rejected command, do not affect the next message.
    client.mail("shop@example.test")
    client.rcpt("never@example.test")
    client.rset()
    assert client.docmd("XYZ")[0] == 502
    assert client.verify("jane@example.test")[0] == 252
    assert client.noop()[0] == 250
    send(client, ["after@example.test"], "after", "Hello\n")

    # Larger than the server accepts: an error for the client, and the connection can be used further.
    large = MIMEText("x" * 60 + "\n" + ("y" * 70 + "\n") * 40_000)
    large["To"], large["Subject"] = "large@example.test", "large"
    try:
        client.sendmail("shop@example.test", ["large@example.test"], large.as_string())
        raise SystemExit("a message that is too large was accepted")
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 552, error
    send(client, ["later@example.test"], "later", "Hello\n")

# Without EHLO.
with smtplib.SMTP(host, port, timeout=20) as client:
    client.helo("old.example.test")
    send(client, ["helo@example.test"], "helo", "Hello\n")

# All commands at once (RFC 2920), two messages, in pieces that end anywhere.
commands = "EHLO pipelining\r\n"
for number in [1, 2]:
    commands += f"MAIL FROM:<shop@example.test> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<pipelined@example.test>\r\nDATA\r\n"
    commands += f"To: pipelined@example.test\r\nSubject: pipelined {number}\r\n\r\n..stuffed\r\n.\r\n"
    expect(["pipelined@example.test"], f"pipelined {number}", ".stuffed\n")
commands = (commands + "QUIT\r\n").encode()
with socket.create_connection((host, port), timeout=20) as stream:
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(0, len(commands), 7):
        stream.sendall(commands[at : at + 7])
    responses = b""
    while more := stream.recv(4096):
        responses += more
codes = [line[:3] for line in responses.decode().splitlines() if line[3:4] == " "]
assert codes == ["220", "250"] + ["250", "250", "354", "250"] * 2 + ["221"], responses

print(json.dumps(sent))
