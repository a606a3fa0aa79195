"""The HTTP service: routes, settings and pages around ``rag.engine.Engine``."""
