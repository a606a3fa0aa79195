"use strict";
// Draws openapi.json as a page, without anything from elsewhere.

const byId = (id) => document.getElementById(id);

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function typeName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return `[${typeName(schema.items)}]`;
  const limits = ["minimum", "maximum", "minLength", "maxLength", "maxItems", "format"]
    .filter((key) => key in schema).map((key) => `${key} ${schema[key]}`);
  return [schema.type || "any", ...limits].join(", ");
}

function operation(path, method, found) {
  const box = element("details");
  box.id = `operation-${found.operationId}`; // no id that the styles of a page mean
  box.append(element("summary", `${method.toUpperCase()} ${path}`, ` · ${found.summary || ""}`));
  if (found.description) box.append(element("p", found.description));
  for (const each of found.parameters || []) {
    box.append(element("p", `${each.in} ${each.name}: ${typeName(each.schema)} ${each.description || ""}`));
  }
  for (const [media, body] of Object.entries(found.requestBody?.content || {})) {
    box.append(element("p", `takes ${media}: ${typeName(body.schema)}`));
    if (body.example) box.append(element("pre", body.example));
  }
  for (const [status, each] of Object.entries(found.responses)) {
    const media = Object.entries(each.content || {}).map(([name, body]) => `${name}: ${typeName(body.schema)}`);
    box.append(element("p", `${status} ${each.description}; ${media.join("; ")}`));
  }
  return box;
}

function shape(name, schema) {
  const box = element("details");
  box.id = `shape-${name}`;
  box.append(element("summary", name));
  if (schema.description) box.append(element("p", schema.description));
  const required = new Set(schema.required || []);
  for (const [field, found] of Object.entries(schema.properties || {})) {
    const note = `${field}${required.has(field) ? "" : "?"}: ${typeName(found)}`;
    box.append(element("p", found.description ? `${note} · ${found.description}` : note));
  }
  for (const example of schema.examples || []) box.append(element("pre", JSON.stringify(example, null, 2)));
  return box;
}

async function load() {
  const found = await (await fetch("openapi.json")).json();
  byId("description").textContent = found.info.description;
  for (const [path, methods] of Object.entries(found.paths)) {
    for (const [method, each] of Object.entries(methods)) byId("operations").append(operation(path, method, each));
  }
  for (const [name, schema] of Object.entries(found.components.schemas)) byId("shapes").append(shape(name, schema));
}

load().catch(() => byId("operations").append(element("p", "The description could not be read; see openapi.json.")));
