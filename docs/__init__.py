"""Pages of documentation, and the tools that measure and write what they say.

Each tool runs from the project's folder as a module: `python -m docs.pages`.
"""
