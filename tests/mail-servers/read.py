"""Reads the messages of a folder that `aiosmtpd.handlers.Mailbox` has written, with the parser of Python's library.

Argument: the folder. Prints a JSON list of them, with everything that the parser found wrong.
"""

import json
import mailbox
import sys
from email import message_from_binary_file
from email.policy import SMTP

messages = []
folder = mailbox.Maildir(sys.argv[1], factory=None, create=False)
for key in sorted(folder.keys()):
    with folder.get_file(key) as file:
        message = message_from_binary_file(file, policy=SMTP)
    defects = [repr(defect) for part in message.walk() for defect in part.defects]
    defects += [repr(defect) for value in message.values() for defect in value.defects]
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    messages.append({
        "mail_from": message["X-MailFrom"],
        "recipients": message["X-RcptTo"],
        "from": message["From"],
        "to": message["To"],
        "subject": message["Subject"],
        "has_date": message["Date"].datetime is not None,
        "parts": parts,
        "defects": defects,
    })
print(json.dumps(messages))
