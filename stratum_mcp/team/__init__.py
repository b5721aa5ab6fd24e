"""The team's server: people with tokens, each with plans, runs and a folder of their own; others answer for them.

Nothing here imports the server itself: the command line uses the rest, and `python -m stratum_mcp.team` serves.
"""

from stratum_mcp.team._client import Approvals
from stratum_mcp.team._people import looking_at, people_with_state
from stratum_mcp.team._team import Person, Team, load_team
from stratum_mcp.team._tokens import Token, TokenStore, token_store

__all__ = [
    "Approvals",
    "Person",
    "Team",
    "Token",
    "TokenStore",
    "load_team",
    "looking_at",
    "people_with_state",
    "token_store",
]
