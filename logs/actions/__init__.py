"""Deeds on logs: recording what sources deliver, and managing the sources themselves."""

from logs.actions.record import CHANNEL, Envelope, KeyReusedError, answer_of, record_events

__all__ = ["CHANNEL", "Envelope", "KeyReusedError", "answer_of", "record_events"]
