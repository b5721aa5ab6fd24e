"""Stratum: typed LLM programs, planned, approved and run under a budget."""

__all__: list[str] = []
