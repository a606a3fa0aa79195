"""Answers that a language model writes: what it is given, and what is made of what it writes."""
