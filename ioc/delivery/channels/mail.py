"""Mail by SMTP.

Where apprise sends mail it makes up each message's id itself and says of a refusal only that there was one. Its way to
write down a mail server is kept (``mailtos://user:password@host?from=...&to={address}``), sending is done here.
"""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final, Literal

from ioc.delivery import fitting
from ioc.delivery.channels import http
from ioc.delivery.channels.bounded import Bounded
from ioc.delivery.channels.interface import Outgoing, PermanentError, Receipt, TemporaryError

_MOST_BODY: Final = 100_000
_TRY_LATER: Final = "The mail server asks to come back later"


@dataclass(frozen=True)
class Server:
    """A mail server and how to log in to it.

    :param mode: ``insecure``, ``starttls`` or ``ssl``.
    """

    host: str
    port: int
    mode: Literal["insecure", "starttls", "ssl"]
    sender: str
    sender_name: str = "IOC"
    user: str | None = None
    password: str | None = None
    verify: bool = True

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, {self.mode})"


class Mail:
    """Sends each message as one mail to one person.

    :param to: for whom a message is, as addresses.
    """

    def __init__(
        self, server: Server, to: Callable[[Outgoing], tuple[str, ...]], timeout_s: float, name: str
    ) -> None:
        self._server, self._to = server, to
        self._bounded = Bounded(timeout_s, name=name)

    def send(self, outgoing: Outgoing) -> Receipt:
        """See :class:`ioc.delivery.channels.interface.Driver`. The receipt's id is the mail's Message-ID."""
        to = self._to(outgoing)
        message = compose(outgoing, self._server, to)
        return self._bounded.run(lambda: self._hand_over(message, to))

    def close(self) -> None:
        """Nothing is kept open."""

    def _hand_over(self, message: EmailMessage, to: tuple[str, ...]) -> Receipt:
        try:
            with self._connected() as session:
                refused = session.send_message(message, self._server.sender, list(to))
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused([code for code, _ in error.recipients.values()]) from None
        except smtplib.SMTPAuthenticationError as error:
            raise _by_code(error.smtp_code, "The mail server refuses the login") from None
        except smtplib.SMTPNotSupportedError:
            raise PermanentError(
                "The mail server does not offer what the channel asks of it (TLS, login, or addresses with letters).",
                remedy="See which of mailto:// and mailtos:// it takes, and its port.",
            ) from None
        except smtplib.SMTPResponseException as error:
            raise _by_code(error.smtp_code, "The mail server refuses the mail") from None
        except smtplib.SMTPServerDisconnected:
            raise TemporaryError(
                "The mail server ended the connection.", remedy="See whether it takes mail from this machine."
            ) from None
        except smtplib.SMTPException as error:
            raise TemporaryError(f"The mail could not be handed over: {type(error).__name__}.") from None
        except UnicodeError:
            raise PermanentError(
                "The mail server's name or an address can't be written in its protocol.",
                remedy="Write names of servers and addresses in plain letters.",
            ) from None
        except OSError as error:
            raise _away(error) from None
        if refused:
            raise _refused([code for code, _ in refused.values()])
        return Receipt(str(message["Message-ID"]), {"recipients": len(to)})

    def _connected(self) -> smtplib.SMTP:
        server, timeout_s = self._server, self._bounded.timeout_s
        trust = ssl.create_default_context()
        if not server.verify:
            trust.check_hostname = False
            trust.verify_mode = ssl.CERT_NONE
        session: smtplib.SMTP = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_s, context=trust)
            if server.mode == "ssl"
            else smtplib.SMTP(server.host, server.port, timeout=timeout_s)
        )
        try:
            if server.mode == "starttls":
                session.starttls(context=trust)
            if server.user and server.password:
                session.login(server.user, server.password)
        except BaseException:
            session.close()
            raise
        return session


def compose(outgoing: Outgoing, server: Server, to: tuple[str, ...]) -> EmailMessage:
    """A message as a mail. Its Message-ID is made of the key: whoever gets it twice can tell.

    :raises PermanentError: an address can't stand in a mail.
    """
    message = EmailMessage(policy=SMTP.clone(max_line_length=900))
    try:
        message["From"] = Address(fitting.one_line(server.sender_name, 60), addr_spec=server.sender)
        message["To"] = tuple(Address(addr_spec=one) for one in to)
    except (ValueError, IndexError, HeaderParseError):
        raise PermanentError(
            "The person's mail address is none.", remedy="Correct it in people.csv and apply the pack."
        ) from None
    message["Subject"] = fitting.one_line(outgoing.subject, 200)
    domain = server.sender.rpartition("@")[2]
    digest = hashlib.sha256("\x00".join((outgoing.key, *to)).encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{domain}>"
    message[http.KEY_HEADER] = http.key_value(outgoing.key)
    message["Auto-Submitted"] = "auto-generated"
    if outgoing.severity.word in ("critical", "major"):
        message["Importance"] = "high"
    message.set_content(fitting.long_text(outgoing, _MOST_BODY), cte="base64")
    return message


def _refused(codes: list[int]) -> TemporaryError | PermanentError:
    if any(400 <= code < 500 for code in codes):
        return TemporaryError(f"{_TRY_LATER} ({min(codes)}).", remedy="It is tried again.")
    return PermanentError(
        f"The mail server does not know the person's address, or takes no mail for it ({max(codes)}).",
        remedy="Correct the address in people.csv and apply the pack.",
    )


def _by_code(code: int, what: str) -> TemporaryError | PermanentError:
    if 400 <= code < 500 or code < 0:
        return TemporaryError(f"{_TRY_LATER} ({code}).", remedy="It is tried again.")
    return PermanentError(f"{what} ({code}).", remedy="See whether the channel's secret is right.")


def _away(error: OSError) -> TemporaryError:
    if isinstance(error, ssl.SSLError | ConnectionRefusedError):
        return http.no_answer(error)
    if isinstance(error, TimeoutError):
        return TemporaryError(
            "The mail server did not answer in time.", remedy="See whether it is slow or away."
        )
    if isinstance(error, socket.gaierror):
        return TemporaryError(
            "The mail server's name is not known.",
            remedy="See whether the name is right and the network is up.",
        )
    return TemporaryError(
        "The mail server can't be reached.", remedy="See whether its name is right and the network is up."
    )
