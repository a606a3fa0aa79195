"""The tools for agents (Model Context Protocol), over HTTP and over standard input and output.

Importing the protocol's package takes longer than everything else that starts, so nothing here does before it is used.
"""
