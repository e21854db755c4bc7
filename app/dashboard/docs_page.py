"""The documentation page of the API, made from its OpenAPI document; no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.dashboard.markup import Html, document, page_header, table, tag, text

OpenApi = Mapping[str, Any]


def docs(openapi: OpenApi) -> bytes:
    """The page."""
    return document("API", Html(""), page_header("API"), tag("main", *_sections(openapi)))


def _sections(openapi: OpenApi) -> Iterator[Html]:
    info = openapi["info"]
    heading = tag("h1", f"{info['title']} {info['version']}")
    link = tag("a", "OpenAPI document", href="/openapi.json")
    yield tag("div", heading, link, class_="head")
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            yield _operation(method, path, operation)
    yield tag("h2", "Codes of errors")
    yield _codes(openapi["components"]["schemas"]["Problem"]["x-codes"])
    yield tag("h2", "Schemas")
    for name, schema in openapi["components"]["schemas"].items():
        shown = {key: value for key, value in schema.items() if not key.startswith("x-")}
        source = tag("pre", json.dumps(shown, indent=2, ensure_ascii=False), tabindex="0")
        yield tag("details", tag("summary", name), source, class_="panel", id=f"schema-{name}")


def _operation(method: str, path: str, operation: OpenApi) -> Html:
    parts = [tag("h2", tag("code", f"{method.upper()} {path}")), tag("p", operation.get("summary", ""))]
    if parameters := operation.get("parameters"):
        rows = [
            (
                tag("code", item["name"]),
                item["in"],
                tag("code", json.dumps(item["schema"])),
                item.get("description", ""),
            )
            for item in parameters
        ]
        columns = (("Parameter", False), ("In", False), ("Schema", False), ("Meaning", False))
        parts.append(table(text("Parameters"), columns, rows, ""))
    if body := operation.get("requestBody"):
        parts.append(tag("p", "Body: ", _schema_link(body)))
    answers = [
        (status, answer["description"], _schema_link(answer)) for status, answer in operation["responses"].items()
    ]
    parts.append(table(text("Answers"), (("Status", False), ("Meaning", False), ("Body", False)), answers, ""))
    return tag("article", *parts, class_="panel operation")


def _schema_link(holder: OpenApi) -> Html:
    links = []
    for media_type, content in holder.get("content", {}).items():
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        links.append(tag("a", name, href=f"#schema-{name}") if name else text(media_type))
    return Html(", ".join(links))


def _codes(codes: Mapping[str, OpenApi]) -> Html:
    columns = (("Code", False), ("Status", True), ("Meaning", False), ("Same request again", False))
    rows = [
        (
            tag("code", name, id=name),
            code["status"],
            code["title"],
            "may succeed later" if code["retriable"] else "fails again",
        )
        for name, code in codes.items()
    ]
    return table(text("Codes"), columns, rows, "")
