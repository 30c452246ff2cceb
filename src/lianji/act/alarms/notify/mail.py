"""By mail (SMTP, RFC 5321), encrypted with STARTTLS (RFC 3207) or TLS from the start (RFC 8314).

Where encryption is asked for there is none without it, and the server's certificate is checked.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from lianji.act.alarms.notify.failure import not_sent
from lianji.act.alarms.notify.message import Message
from lianji.act.alarms.notify.settings import NotifySettings, told


def send_mail(settings: NotifySettings, message: Message) -> None:
    """Raises NotSent, or InputError for a secret that is not there."""
    mail = composed(settings, message)
    password = told(settings.password)
    try:
        with _connected(settings) as server:
            if settings.user:
                server.login(settings.user, password)
            server.send_message(mail)
    except (smtplib.SMTPException, OSError) as error:
        raise not_sent(settings.goes_to, _said(error)) from error


def composed(settings: NotifySettings, message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.recipients)
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="lianji")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text())
    return mail


def _connected(settings: NotifySettings) -> smtplib.SMTP:
    where = settings.host, settings.port
    if settings.security == "none":
        return smtplib.SMTP(*where, timeout=settings.timeout_s)
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.security == "tls":
        return smtplib.SMTP_SSL(*where, timeout=settings.timeout_s, context=context)
    server = smtplib.SMTP(*where, timeout=settings.timeout_s)
    try:
        server.starttls(context=context)
    except (smtplib.SMTPException, OSError):
        server.close()
        raise
    return server


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {words}"
    return f"{type(error).__name__}: {error}"
