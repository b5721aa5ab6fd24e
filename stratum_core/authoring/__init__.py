"""The Python library: contracts and functions written as Python, on the same specs and runtime as documents."""

__all__: list[str] = []
