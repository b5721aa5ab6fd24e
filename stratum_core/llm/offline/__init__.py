"""The offline model: a rule-based stand-in that answers any request without a key, a network or a bill.

Its answers are a demonstration, not a judgement: they come from general rules over the request (schema, instruction
text, attached data) and a sentiment lexicon. Only whoever runs calls imports this package.
"""

from stratum_core.llm.offline._model import OfflineClient

__all__ = ["OfflineClient"]
