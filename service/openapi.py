"""What the OpenAPI document says beyond what the routes declare: keys, refusals before any route, the upload form."""

import copy
from typing import Any

from service.access.gate import OPEN
from service.problems import MEDIA_TYPE

_METHODS = ("get", "put", "post", "delete", "patch")
_EVERYWHERE = {
    "401": "A key is needed, or the one shown is unknown or revoked",
    "403": "The key may not do this, or a page of another origin asks",
    "421": "This host name is not served here",
}
_MALFORMED = "The path is not percent-encoded UTF-8"


def complete_schema(schema: dict[str, Any]) -> None:
    """Add security schemes, the replies that come before a route is reached, and the form of an upload, in place."""
    components = schema["components"]
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of `rag key add NAME`, or of RAG_API_KEYS. Without any key the service is open to "
            "programs of its own machine.",
        }
    }
    form = _make_form(components["schemas"]["UploadFields"])
    for path, operations in schema["paths"].items():
        for method in _METHODS:
            operation = operations.get(method)
            if operation is None:
                continue
            operation["security"] = [{}] if path in OPEN else [{}, {"key": []}]
            _add_responses(path, operation)
            content = operation.get("requestBody", {}).get("content", {})
            if "multipart/form-data" in content:
                content["multipart/form-data"]["schema"] = form


def _add_responses(path: str, operation: dict[str, Any]) -> None:
    known = operation["responses"]
    media = {"application/json": {"schema": {"$ref": "#/components/schemas/Failed"}}}
    if not path.startswith("/v1"):
        media = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    said = dict(_EVERYWHERE) if path not in OPEN else {}
    if "{" in path:
        said["400"] = _MALFORMED
    for status, description in said.items():
        known.setdefault(status, {"description": description, "content": media})


def _make_form(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a file with its fields; two schemas that each forbid the other's fields fit nothing."""
    form = copy.deepcopy(fields)
    form["properties"]["file"] = {"type": "string", "format": "binary"}
    form["required"] = ["file"]
    form["title"] = "Upload"
    return form
