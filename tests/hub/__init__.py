"""The Hub for tests: a loopback server that answers as the Hugging Face Hub does, and can be told to misbehave.

`server.HubServer` is what tests use; `answers` is what the Hub says, `wire` is HTTP, `faults` is what goes wrong,
`contents` is what it holds, `shapes` makes repositories. Nothing of `desktop` is known here.
"""

from tests.hub.contents import Repository
from tests.hub.faults import HTML, Fault
from tests.hub.server import HubServer

__all__ = ["HTML", "Fault", "HubServer", "Repository"]
