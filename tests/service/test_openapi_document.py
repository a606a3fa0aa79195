"""The OpenAPI document says what the service does, in words that its readers know."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient


@pytest.fixture
def document(client: TestClient) -> Any:
    return client.get("/openapi.json").json()


def test_bounds_have_the_names_of_json_schema(document: Any) -> None:
    said = json.dumps(document)
    assert not any(f'"{name}":' in said for name in ("ge", "le", "gt", "lt", "min_length"))
    top_k = document["components"]["schemas"]["AskRequest"]["properties"]["top_k"]["anyOf"][0]
    assert (top_k["minimum"], top_k["maximum"]) == (1, 50)


def test_an_upload_can_satisfy_its_schema(document: Any) -> None:
    form = document["paths"]["/documents"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert "allOf" not in form and form["required"] == ["file"] and {"file", "id", "url"} <= form["properties"].keys()


def test_keys_and_refusals_are_described(document: Any) -> None:
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in ("/livez", "/readyz"):
                assert operation["security"] == [{}]
            else:
                assert {"401", "403", "421"} <= operation["responses"].keys() and {"key": []} in operation["security"]
            assert ("400" in operation["responses"]) == ("{" in path)
    assert json.dumps(document).count("#/components/schemas/Failed") >= 3


def test_a_whole_number_may_be_written_as_a_float(client: TestClient) -> None:
    assert client.post("/search", json={"query": "大桥", "top_k": 5.0}).status_code == 200
    assert client.post("/search", json={"query": "大桥", "top_k": 51}).status_code == 422
