"""The surfaces: the MCP server and the command line, both thin over `stratum_core.engine`."""

__all__: list[str] = []
