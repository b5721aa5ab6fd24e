"""Model calls: the port, the compiled prompt, token bounds, prices, schema projections, keys, the litellm client.

Importing this package imports neither litellm nor an HTTP library: `LitellmClient` loads litellm
at its first call.
"""

from stratum_core.llm._claude_cli import ClaudeCliClient
from stratum_core.llm._client import LitellmClient
from stratum_core.llm._key_store import (
    EnvironWithKeys,
    KeyStore,
    SystemKeys,
    snapshot,
    system_keys,
    with_system_keys,
)
from stratum_core.llm._keys import (
    KEY_VARIABLES,
    Missing,
    claude_program,
    default_model,
    endpoint_of,
    endpoint_variables,
    find_key,
    missing_for,
    provider_of,
    required_key,
    ways_to_a_model,
)
from stratum_core.llm._port import (
    FinishReason,
    Message,
    ModelClient,
    ModelReply,
    ModelRequest,
    SchemaEnforcement,
    TokenUsage,
)
from stratum_core.llm._prefix import keeps_prefix, kept_tokens
from stratum_core.llm._prices import CLAUDE_CLI_PREFIX, OFFLINE_MODEL, Price, PriceTable, Rates
from stratum_core.llm._projection import Dialect, Projection, dialect_of, holds_to_schema, project
from stratum_core.llm._prompt import (
    RETRY_BLOCK_BYTES,
    Prompt,
    compile_prompt,
    feedback_block,
    has_opaque,
    is_wrapped,
    max_answer_tokens,
    max_attempts,
    output_schema,
    prefix_bytes,
    prompt_bytes,
    retry_block,
    template_hash,
)
from stratum_core.llm._recall import answer_key, still_holds
from stratum_core.llm._request import request_bytes, request_hash
from stratum_core.llm._tokens import (
    ANSWER_ALLOWANCE_TOKENS,
    ANSWER_BYTES_PER_TOKEN,
    REQUEST_OVERHEAD_TOKENS,
    TRANSPORT_RETRIES,
    default_max_tokens,
    likely_tokens,
    prompt_tokens_bound,
)

__all__ = [
    "ANSWER_ALLOWANCE_TOKENS",
    "ANSWER_BYTES_PER_TOKEN",
    "CLAUDE_CLI_PREFIX",
    "KEY_VARIABLES",
    "OFFLINE_MODEL",
    "REQUEST_OVERHEAD_TOKENS",
    "RETRY_BLOCK_BYTES",
    "TRANSPORT_RETRIES",
    "ClaudeCliClient",
    "Dialect",
    "EnvironWithKeys",
    "FinishReason",
    "KeyStore",
    "LitellmClient",
    "Message",
    "Missing",
    "ModelClient",
    "ModelReply",
    "ModelRequest",
    "Price",
    "PriceTable",
    "Projection",
    "Prompt",
    "Rates",
    "SchemaEnforcement",
    "SystemKeys",
    "TokenUsage",
    "answer_key",
    "claude_program",
    "compile_prompt",
    "default_max_tokens",
    "default_model",
    "dialect_of",
    "endpoint_of",
    "endpoint_variables",
    "feedback_block",
    "find_key",
    "has_opaque",
    "holds_to_schema",
    "is_wrapped",
    "keeps_prefix",
    "kept_tokens",
    "likely_tokens",
    "max_answer_tokens",
    "max_attempts",
    "missing_for",
    "output_schema",
    "prefix_bytes",
    "project",
    "prompt_bytes",
    "prompt_tokens_bound",
    "provider_of",
    "request_bytes",
    "request_hash",
    "required_key",
    "retry_block",
    "snapshot",
    "still_holds",
    "system_keys",
    "template_hash",
    "ways_to_a_model",
    "with_system_keys",
]
