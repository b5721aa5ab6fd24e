"""Arguments of a tool call that do not fit, told as every other refusal: which, what it is, and what is allowed.

The SDK drops unknown arguments silently and answers the others with pydantic's own text and a link. An agent repairs a
call in one round when it reads the names it may use, so tools of this server refuse in our words.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError

from stratum_core.errors import InputError
from stratum_mcp.plain import plain_line
from stratum_mcp.replies import tool_error

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context
    from mcp.types import CallToolResult, ToolAnnotations
    from pydantic_core import ErrorDetails

    from stratum_core.contracts import JsonValue

__all__ = ["strict_tool"]

_MAX_SHOWN = 60
_MAX_FAULTS = 8
_WANTED = {
    "string": "text",
    "object": "a record of names and values",
    "integer": "a whole number",
    "boolean": "true or false",
}
"""What a type of the schema is called."""
_PADDING = frozenset({"title", "$defs", "additionalProperties"})


def strict_tool(
    call: Callable[..., Awaitable[CallToolResult]], *, title: str, annotations: ToolAnnotations
) -> Tool:
    """Return a tool that refuses unknown arguments and says so in a schema without padding."""
    tool = _StrictTool.from_function(call, title=title, annotations=annotations)
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    schema = cast("dict[str, JsonValue]", _trimmed(tool.parameters))
    tool.parameters = {**schema, "additionalProperties": False}
    return tool


class _StrictTool(Tool):
    """Says what is wrong with its arguments in our words."""

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: FBT001, FBT002 - the SDK's own signature
    ) -> Any:  # noqa: ANN401 - the SDK's own signature
        """Run the tool.

        Raises:
            ToolError: An argument is unknown, missing or of the wrong type, or the tool refused.
        """
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=True)
            raise _refused(self, faults) from error
        return await super().run(arguments, context, convert_result)


def _refused(tool: Tool, faults: Iterable[ErrorDetails]) -> ToolError:
    """Return every fault of a call as one refusal."""
    schema = cast("Mapping[str, Mapping[str, JsonValue]]", tool.parameters["properties"])
    names = list(schema)
    listed = list(dict.fromkeys(_told(tool.name, fault, schema) for fault in faults))
    more = f"; and {len(listed) - _MAX_FAULTS} more" if len(listed) > _MAX_FAULTS else ""
    error = tool_error(
        InputError(
            "; ".join(listed[:_MAX_FAULTS]) + more,
            remedy=f"call {tool.name} again; its arguments are {', '.join(names)}",
        )
    )
    return ToolError(f"Error executing tool {tool.name}: {error}")


def _told(tool: str, fault: ErrorDetails, schema: Mapping[str, Mapping[str, JsonValue]]) -> str:
    """Return one fault in words; `schema` is that of each argument by name."""
    name = plain_line(str(fault["loc"][0]), _MAX_SHOWN)
    actual = _shown(fault["input"])
    match fault["type"]:
        case "extra_forbidden":
            return f"{tool} has no argument `{name}`{_advice(name, list(schema))}"
        case "missing":
            return f"`{name}` is missing"
        case "string_too_long":
            most = fault.get("ctx", {}).get("max_length")
            return f"`{name}` must have at most {most} characters; it has {len(str(fault['input']))}"
        case _:
            wanted, least = _WANTED[str(schema[name]["type"])], schema[name].get("minimum")
            return (
                f"`{name}` must be {wanted}{'' if least is None else f' of at least {least}'}; it is {actual}"
            )


def _advice(name: str, names: list[str]) -> str:
    """Return what was probably meant by an unknown name: an option of the plan, or another argument."""
    if "options" in names:
        # Imported only here, because the engine costs as much as half the server.
        from stratum_core.engine import OPTION_NAMES  # noqa: PLC0415

        meant = difflib.get_close_matches(name, [*names, *OPTION_NAMES], n=1)
        if meant and meant[0] not in names:
            return f' (did you mean the option, options: {{"{meant[0]}": ...}}?)'
    else:
        meant = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean `{meant[0]}`?)" if meant else ""


def _shown(value: object) -> str:
    """Return a value as short JSON."""
    return plain_line(json.dumps(value, ensure_ascii=False, default=str), _MAX_SHOWN)


def _trimmed(schema: JsonValue) -> JsonValue:
    """Return an input schema without titles and null alternatives; null stays accepted for what may be left out."""
    if isinstance(schema, list):
        return [_trimmed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    trimmed: dict[str, JsonValue] = {}
    for name, part in schema.items():
        if name == "properties" and isinstance(part, dict):
            trimmed[name] = {field: _trimmed(inner) for field, inner in part.items()}
        elif name == "anyOf" and isinstance(part, list):
            (only,) = (_trimmed(choice) for choice in part if choice != {"type": "null"})
            trimmed.update(cast("dict[str, JsonValue]", only))
        elif name not in _PADDING and not (name == "default" and part is None):
            trimmed[name] = _trimmed(part)
    return trimmed
