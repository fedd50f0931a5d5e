"""A real mail server that keeps what it receives."""

import socket
from email import message_from_bytes
from email.message import Message

from aiosmtpd.handlers import Message as MessageHandler


class Sink(MessageHandler):
    """Keeps what it receives."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []

    def prepare_message(self, session: object, envelope: object) -> Message:
        return message_from_bytes(envelope.content)

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
