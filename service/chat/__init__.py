"""The OpenAI-compatible interface: what a front end's messages ask, and the reply in the form that front ends keep."""
