"""The pages for people, and the description of the interface."""

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.routes.pages import WEB

PAGES = ["/", "/docs", "/documents/seed-1/view"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    used = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert used and not [link for link in used if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", link)]  # all relative
    for link in used:
        if link.startswith("/"):
            assert client.get(link).status_code == 200
    assert "<script>" not in response.text and " onclick" not in response.text and "<style" not in response.text


@pytest.mark.parametrize("script", sorted(WEB.glob("*.js")), ids=lambda path: path.name)
def test_scripts_never_make_html_of_data(script: Path) -> None:
    code = script.read_text(encoding="utf-8")
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser"):
        assert forbidden not in code


def test_the_page_of_an_unknown_document_is_not_found(client: TestClient) -> None:
    response = client.get("/documents/unknown/view")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


def test_assets_are_asked_for_anew_and_seldom_sent_again(client: TestClient) -> None:
    first = client.get("/assets/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/assets/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_assets_are_only_those_of_the_pages(client: TestClient) -> None:
    for path in (
        "/assets/",
        "/assets/..%2fapp.py",
        "/assets/%2e%2e/app.py",
        "/assets/nothing.js",
        "/assets/index.html",
    ):
        assert client.get(path).status_code == 404


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, each) for path, found in schema["paths"].items() for method, each in found.items()]


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


def test_the_description_names_every_operation(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    found = {each["operationId"]: (method, path) for path, method, each in operations(schema)}
    assert found == {
        "livez": ("get", "/livez"),
        "readyz": ("get", "/readyz"),
        "ask": ("post", "/ask"),
        "search": ("post", "/search"),
        "suggestions": ("get", "/suggestions"),
        "index": ("get", "/index"),
        "add_documents": ("post", "/documents:batch"),
        "list_documents": ("get", "/documents"),
        "add_document": ("post", "/documents"),
        "get_document": ("get", "/documents/{id}"),
        "replace_document": ("put", "/documents/{id}"),
        "correct_document": ("patch", "/documents/{id}"),
        "delete_document": ("delete", "/documents/{id}"),
        "rebuild": ("post", "/index/rebuild"),
        "list_jobs": ("get", "/jobs"),
        "get_job": ("get", "/jobs/{id}"),
        "cancel_job": ("delete", "/jobs/{id}"),
        "job_events": ("get", "/jobs/{id}/events"),
        "list_models": ("get", "/v1/models"),
        "get_model": ("get", "/v1/models/{id}"),
        "chat": ("post", "/v1/chat/completions"),
        "metrics": ("get", "/metrics"),
    }


def test_every_shape_referred_to_is_described(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    shapes = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert references(schema) <= shapes
    assert "#/components/schemas/HTTPValidationError" not in shapes


def test_errors_are_described_as_problems(client: TestClient) -> None:
    for path, _, each in operations(client.get("/openapi.json").json()):
        for status, response in each["responses"].items():
            if status.startswith(("4", "5")):
                media = "application/json" if path.startswith("/v1/") else "application/problem+json"
                assert set(response["content"]) == {media}, (path, status)


def test_the_examples_are_valid(client: TestClient) -> None:
    shapes = client.get("/openapi.json").json()["components"]["schemas"]
    for path, shape in (("/ask", "AskRequest"), ("/search", "SearchRequest"), ("/documents", "DocumentIn")):
        for example in shapes[shape]["examples"]:
            assert client.post(path, json=example).status_code in (200, 201)
