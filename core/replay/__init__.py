"""The project's sample upstream, served on loopback in the formats that FastF1 reads."""

from core.replay.facts import EventFacts, SessionFacts
from core.replay.server import serve
from core.replay.upstream import Fault, Request, Upstream

__all__ = ["EventFacts", "Fault", "Request", "SessionFacts", "Upstream", "serve"]
